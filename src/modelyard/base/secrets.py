"""Secrets are named, never written down: settings hold ``env:NAME`` or ``file:PATH``, and what stands there is read on use.

No error and no text of ours shows what was found, or what somebody wrote where a reference should be.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
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


# Left out of what is recorded

HIDDEN = "…"
_NAMES = (
    r"[\w.-]*(?:passw(?:or)?d|passphrase|secret|token|(?:api|access|private)[_-]?key|credentials?)"
    r"(?![A-Za-z])[\w.-]*"
)
_OPTION = re.compile(rf"-{{1,2}}{_NAMES}", re.IGNORECASE)
_ASSIGNED = re.compile(rf"({_NAMES}[\"']?\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|[^\s,;&]+)", re.IGNORECASE)
_IN_ADDRESS = re.compile(r"(://)[^/\s@]+@")
_BEARER = re.compile(r"\b((?:bearer|basic)\s+)[\w.~+/=-]{8,}", re.IGNORECASE)
_TOKENS = re.compile(
    r"\b(?:gh[a-z]_\w{20,}|github_pat_\w{20,}|gl[a-z]+-[\w-]{16,}|hf_\w{16,}|sk-[\w-]{16,}|(?:AKIA|ASIA)[A-Z0-9]{16}"
    r"|xox[a-z]-[\w-]{10,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+)"
)


def text_without_secrets(text: str) -> str:
    """A text with what looks like a secret replaced: passwords in addresses, values of what is called so, known tokens.

    >>> text_without_secrets("cannot reach postgresql://ana:pw@db/x: token=abc refused")
    'cannot reach postgresql://…@db/x: token=… refused'
    """
    text = _IN_ADDRESS.sub(rf"\1{HIDDEN}@", text)
    text = _ASSIGNED.sub(rf"\1{HIDDEN}", text)
    text = _BEARER.sub(rf"\1{HIDDEN}", text)
    return _TOKENS.sub(HIDDEN, text)


def without_secrets(words: Sequence[str]) -> list[str]:
    """The words of a command line, secrets replaced.

    >>> without_secrets(["train.py", "--api-key", "abc", "--depth", "3", "--db-password=x"])
    ['train.py', '--api-key', '…', '--depth', '3', '--db-password=…']
    """
    shown: list[str] = []
    for word in words:
        before = shown[-1] if shown else ""
        follows = bool(_OPTION.fullmatch(before)) and not word.startswith("-")
        shown.append(HIDDEN if follows else text_without_secrets(word))
    return shown
