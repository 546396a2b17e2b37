"""API keys: a name for each, and a reference to where the key itself stands.

::

    auth.keys.ci = "env:CI_KEY"                                       # one key, named ci
    auth.keys.shop = {key = "file:/run/secrets/shop", models = ["churn*"]}   # for some models only
    auth.keys = "file:/run/secrets/keys"                              # a folder: each file in it is a key, named like it

In memory stand hashes, made with a secret of this process: who reads the memory does not read the keys. What is given is
compared with each of them in constant time. Files are read again when they change, so that a key can be exchanged or
withdrawn without a restart.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelyard.base.errors import InvalidSetting
from modelyard.base.secrets import file_of, read_file, read_secret
from modelyard.serving.asking import Caller
from modelyard.serving.entry.files_watched import Watched

logger = logging.getLogger("modelyard.serving")

SHORTEST = 16
"""Characters of a key: fewer could be guessed."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    reference: str
    models: Sequence[str] = ()


class Keys:
    """The keys of a server. Raises `InvalidSetting` for what cannot be read; no message holds a key."""

    def __init__(self, setting: Any) -> None:
        self._entries = list(_entries(setting))
        self._salt = os.urandom(32)
        paths = [p for e in self._entries if (p := file_of(e.reference, e.name)) is not None]
        self._known = Watched(paths, self._read, _keep_the_old)

    def find(self, secret: bytes) -> Caller | None:
        """Whose key this is."""
        given = self._hash(secret)
        found = None
        for kept, caller in self._known.value:
            if hmac.compare_digest(kept, given):
                found = caller
        return found

    def __len__(self) -> int:
        return len(self._known.value)

    def _hash(self, secret: bytes) -> bytes:
        return hashlib.blake2b(secret, key=self._salt, digest_size=32).digest()

    def _read(self) -> list[tuple[bytes, Caller]]:
        read = [pair for entry in self._entries for pair in self._of(entry)]
        if len({digest for digest, _ in read}) != len(read):
            raise InvalidSetting("auth.keys: two names have the same key")
        return read

    def _of(self, entry: _Entry) -> Iterator[tuple[bytes, Caller]]:
        what = f"auth.keys.{entry.name}" if entry.name else "auth.keys"
        path = file_of(entry.reference, what)
        if path is not None and path.is_dir():
            # As Kubernetes mounts a secret; what begins with a dot is its own.
            for file in sorted(path.iterdir()):
                if file.is_file() and not file.name.startswith("."):
                    name = _checked_name(file.name)
                    secret = read_file(file, f"{what}: {name}")
                    yield self._pair(secret, Caller(name, entry.models), f"{what}: {name}")
            return
        name = entry.name or (path.stem if path is not None else entry.reference.partition(":")[2])
        yield self._pair(read_secret(entry.reference, what), Caller(_checked_name(name), entry.models), what)  # fmt: skip

    def _pair(self, secret: str, caller: Caller, what: str) -> tuple[bytes, Caller]:
        if len(secret) < SHORTEST or any(c.isspace() for c in secret) or not secret.isascii():
            raise InvalidSetting(
                f"{what}: a key has at least {SHORTEST} characters, of ASCII and without spaces",
                hint="python -c 'import secrets; print(secrets.token_urlsafe(32))' makes one",
            )
        return self._hash(secret.encode()), caller


def _entries(setting: Any) -> Iterator[_Entry]:
    if isinstance(setting, str):
        setting = [part.strip() for part in setting.split(",")]
    if isinstance(setting, Mapping):
        for name, value in setting.items():
            yield _entry(str(name), value)
    elif isinstance(setting, list | tuple) and setting:
        for value in setting:
            yield _entry("", value)
    else:
        raise InvalidSetting(
            "auth.keys is neither references nor a table of them", hint="as in ci = 'env:CI_KEY'"
        )


def _entry(name: str, value: Any) -> _Entry:
    what = f"auth.keys.{name}" if name else "auth.keys"
    models: Any = ()
    if isinstance(value, Mapping):
        unknown = set(value) - {"key", "models"}
        if unknown or "key" not in value:
            raise InvalidSetting(f"{what} is a table of 'key' and 'models'")
        value, models = value["key"], value.get("models", ())
        if isinstance(models, str):
            models = [part.strip() for part in models.split(",")]
        if not all(isinstance(m, str) and m for m in models):
            raise InvalidSetting(f"{what}.models is a list of patterns of names")
    file_of(value, what)  # refused now when it is no reference, and not shown
    return _Entry(_checked_name(name) if name else "", str(value), tuple(models))


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise InvalidSetting(
            f"auth.keys: {name!r} is no name of a key", hint="letters, digits and . _ @ -"
        )
    return name


def _keep_the_old(error: Exception) -> None:
    logger.warning("the keys cannot be read again, those known before hold on: %s", error)
