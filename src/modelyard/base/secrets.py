"""Secrets are named, never written down: settings hold ``env:NAME`` or ``file:PATH``, and what stands there is read on use.

No error and no text of ours shows what was found, or what somebody wrote where a reference should be.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from modelyard.base.errors import InvalidSetting

HINT = "env:NAME or file:PATH; a secret itself stands in no setting"


def read_secret(reference: object, what: str, environ: Mapping[str, str] = os.environ) -> str:
    """What a reference leads to, without white space around it. ``what`` names the setting in errors.

    >>> read_secret("env:KEY", "auth.keys.ci", {"KEY": "s3cret"})
    's3cret'
    """
    path = file_of(reference, what)
    if path is not None:
        found = read_file(path, what)
    else:
        name = str(reference).partition(":")[2]
        if name not in environ:
            raise InvalidSetting(f"{what}: there is no variable {name} in the environment")
        found = environ[name].strip()
    if not found:
        raise InvalidSetting(f"{what}: {reference} is empty")
    return found


def file_of(reference: object, what: str) -> Path | None:
    """The path of a ``file:`` reference; None for one to the environment. `InvalidSetting` for what is no reference."""
    kind, colon, place = reference.partition(":") if isinstance(reference, str) else ("", "", "")
    if kind not in ("env", "file") or not colon or not place:
        raise InvalidSetting(f"{what} is no reference to a secret", hint=HINT)
    return Path(place).expanduser() if kind == "file" else None


def read_file(path: Path, what: str) -> str:
    """A text file's content, without white space around it."""
    try:
        return path.read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InvalidSetting(f"{what}: {path} cannot be read: {why}") from None
