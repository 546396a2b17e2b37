"""Whom the reader trusts: digests of objects that run code when loaded, kept per user like ``known_hosts``.

The store is a text file in the user's own configuration folder, one digest a line::

    sha256:5f0c… 2026-11-20T23:17:00Z saved /home/ana/churn/models/churn

Nothing that comes with a model, a folder or a repository is asked. Whoever starts a process may add digests with
``MODELYARD_TRUST``; builders and runners pass on the one digest they were given.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelyard.base.clock import now_ms, to_rfc3339
from modelyard.base.config import user_settings
from modelyard.base.errors import InvalidInput, Untrusted
from modelyard.base.notes import note
from modelyard.base.paths import replacing
from modelyard.base.project import config_dir

FILE = "trusted_digests"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_SHOWN = 8
"""How many reasons an error lists."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the store."""

    digest: str
    at: str
    how: str
    """``saved``, ``trusted``."""
    ref: str = ""


def decide(
    digest: str,
    tier: int,
    *,
    trust: str | None = None,
    reasons: Sequence[str] = (),
    ref: str = "",
) -> None:
    """Let an object of this card digest be loaded, or raise `Untrusted` saying what would run and how to trust it.

    Tiers 0 and 1 run no code and pass. A digest that the caller gives must be this one, whatever the tier.
    """
    name = ref or "this object"
    if trust is not None:
        _check_given(trust, digest, name)
        return
    if tier < 2 or is_trusted(digest):
        return
    shown = ", ".join(reasons[:_SHOWN]) + (
        f" and {len(reasons) - _SHOWN} more" if len(reasons) > _SHOWN else ""
    )
    raise Untrusted(
        f"loading {name} runs code that you have not trusted ({digest}); "
        f"{f'it is there because of: {shown}' if shown else 'its card does not say which'}",
        hint=f"if you trust where it comes from: modelyard trust {ref or 'REF'}, or load it with trust={digest!r}",
        digest=digest,
        reasons=list(reasons),
    )


def _check_given(trust: object, digest: str, name: str) -> None:
    if not isinstance(trust, str):
        raise InvalidInput(
            f"trust={trust!r} does not say what is trusted",
            hint="name the digest you looked at, as in trust='sha256:…': it stays wrong for anything else",
        )
    if not _DIGEST.fullmatch(trust):
        raise InvalidInput(
            f"trust={trust!r} is not a digest",
            hint="all of it, 'sha256:' and 64 hex digits, as `modelyard show` prints it",
        )
    if trust != digest:
        raise Untrusted(
            f"you trust {trust}, but {name} is {digest}",
            hint="it is another object, or it was changed: look at it before you trust it",
            digest=digest,
        )


def is_trusted(digest: str) -> bool:
    """Whether the user's store, the user's configuration or ``MODELYARD_TRUST`` names this digest."""
    return digest in _configured() or any(entry.digest == digest for entry in entries())


def _configured() -> list[str]:
    said = user_settings().get("trust", ())
    words = said.split(",") if isinstance(said, str) else said
    return [str(word).strip() for word in words]


def remember(digest: str, how: str, ref: str = "") -> bool:
    """Add a digest to the user's store; False, with a one-line note, when the store cannot be written."""
    if not _DIGEST.fullmatch(digest):
        raise InvalidInput(f"{digest!r} is not a digest")
    line = " ".join([digest, to_rfc3339(now_ms()), _one_word(how), _one_line(ref)]).rstrip() + "\n"
    file = store_file()
    try:
        with _locked(file):
            if all(entry.digest != digest for entry in entries()):
                _append(file, line)
    except OSError as error:
        note(
            f"{digest[:19]}… could not be remembered as trusted: {file}: {error.strerror or error}"
        )
        return False
    return True


def forget(digest: str) -> bool:
    """Take a digest out of the user's store; whether it was there. Lines that say something else stay."""
    file = store_file()
    if not file.exists():
        return False
    with _locked(file):
        lines = file.read_text("utf-8", "replace").splitlines()
        kept = [line for line in lines if line.split(" ")[0] != digest]
        with replacing(file) as temporary:
            temporary.touch(mode=0o600)
            temporary.write_text("".join(f"{line}\n" for line in kept), "utf-8")
    return len(kept) < len(lines)


def entries() -> list[Entry]:
    """What the store holds. A line that is none is left out, and a store that others may write is not read: both are noted."""
    file = store_file()
    try:
        if others_may_write(file):
            note(f"{file} is not read: other users may write it (chmod 600 mends that)")
            return []
        text = file.read_text("utf-8", "replace")
    except FileNotFoundError:
        return []
    except OSError as error:
        note(f"trusted digests cannot be read: {file}: {error.strerror or error}")
        return []
    found = [_entry(line) for line in text.splitlines() if line.strip()]
    if None in found:
        note(f"{file}: {found.count(None)} lines are no trusted digests and count for nothing")
    return [entry for entry in found if entry is not None]


def store_file() -> Path:
    """Where this user's trusted digests are."""
    return config_dir() / FILE


def others_may_write(file: Path) -> bool:
    """Whether anybody but this user (or root) could have written the file."""
    if os.name == "nt":
        return False  # its folder belongs to the user's profile
    status = file.stat()
    return bool(status.st_mode & 0o022) or status.st_uid not in (os.geteuid(), 0)


def _entry(line: str) -> Entry | None:
    parts = line.split(" ", 3)
    if not _DIGEST.fullmatch(parts[0]) or len(parts) < 3:
        return None
    return Entry(*parts)


def _append(file: Path, line: str) -> None:
    """One write at the end; a line that a crash cut off before is ended first."""
    descriptor = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        cut_off = (
            size > 0
            and (os.lseek(descriptor, size - 1, os.SEEK_SET), os.read(descriptor, 1))[1] != b"\n"
        )
        os.write(descriptor, f"{chr(10) if cut_off else ''}{line}".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _locked(file: Path) -> Iterator[None]:
    """One writer at a time, also among processes."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(file.with_name(f"{FILE}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)  # type: ignore[attr-defined]  # only there
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _one_word(text: str) -> str:
    return "-".join(_one_line(text).split()) or "-"


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else "�" for c in text)
