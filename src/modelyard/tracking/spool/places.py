"""Where spools are, and what says whose they are. Addresses stand there without passwords."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

from modelyard.base.digests import sha256_bytes
from modelyard.base.errors import InvalidInput, NotAllowed

VARIABLE = "MODELYARD_SPOOL"
SENDER_LOCK, WRITER_LOCK = "sender.lock", "writer.lock"
BOARD, HEAD, SENT, PROBLEMS, FILES = "board", "head.json", "sent.json", "problems.jsonl", "files"
DESTINATION = "destination.json"
SUFFIX = ".seg"
FORMAT = 1


def spool_root(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of this user's spools; ``MODELYARD_SPOOL`` names another. Whoever has no home (a container's user
    without a name) has one among the temporary files."""
    if own := environ.get(VARIABLE):
        return Path(own).absolute()
    base = environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_STATE_HOME", "")
    if os.name == "nt":
        state = Path(base) if base else Path.home() / "AppData" / "Local"
    elif base.startswith("/"):
        state = Path(base)
    else:
        try:
            state = Path.home() / ".local" / "state"
        except RuntimeError:
            return Path(tempfile.gettempdir()) / f"modelyard-{os.geteuid()}" / "spool"
    return state / "modelyard" / "spool"


def settled(destination: str) -> str:
    """A destination as it is whatever folder one is in later. `InvalidInput` for one that no other process can open."""
    if destination.startswith(("http://", "https://")):
        return destination
    scheme, found, rest = destination.partition("://")
    if not found:
        return f"sqlite:///{Path(destination).absolute()}"
    if not scheme.startswith("sqlite"):
        return destination
    path, asked, query = rest.partition("?")
    if path in ("", "/", "/:memory:"):
        raise InvalidInput(
            "a database in memory cannot be told from a process of its own", hint="name a file"
        )
    return f"{scheme}:///{Path(path.removeprefix('/')).absolute()}{asked}{query}"


def shown(destination: str) -> str:
    """An address without what is secret in it.

    >>> shown("postgresql://me:secret@db/yard?password=x&host=/run")
    'postgresql://me@db/yard?host=/run'
    >>> shown("sqlite:////home/me/yard.db")
    'sqlite:////home/me/yard.db'
    """
    scheme, found, rest = destination.partition("://")
    place, asked, query = rest.partition("?")
    host, slash, path = place.partition("/")
    if "@" in place and not destination.startswith("sqlite"):
        # a password may hold a slash: all up to the last @ is the account
        account, _, place = place.rpartition("@")
        host, slash, path = place.partition("/")
        host = f"{account.partition(':')[0]}@{host}"
    words = [w for w in query.split("&") if w and not _is_secret(w.partition("=")[0])]
    return f"{scheme}{found}{host}{slash}{path}" + (asked + "&".join(words) if words else "")


def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in ("pass", "pwd", "secret", "token", "key"))


@dataclass(frozen=True, slots=True)
class Destination:
    """Where spools of a folder go. ``address`` shows no secret; ``named_by_reader`` is false for one that a file named
    which came with a folder: it gets no token from the environment."""

    address: str
    named_by_reader: bool = True

    def folder(self, root: Path, token: str | None) -> Path:
        """Its folder: another one where a token was given, which another process need not have."""
        words = [self.address, str(self.named_by_reader)]
        if token:
            words.append(f"{crc32(token.encode()):08x}")  # tells tokens apart, and nothing of them
        return root / sha256_bytes("\n".join(words).encode())[:16]


@dataclass(frozen=True, slots=True)
class Head:
    """Who wrote a spool. In a forked child, ``after`` is the spool of its parent, which told of its runs first, and
    ``after_number`` how far that was."""

    spool_id: str
    made_ms: int
    process: int
    host: str
    user: str
    after: str = ""
    after_number: int = 0
    format: int = FORMAT


def write_json(path: Path, facts: Any) -> None:
    """A small file, whole or as it was before."""
    text = json.dumps(asdict(facts) if hasattr(facts, "__dataclass_fields__") else facts)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)  # a new file, never one that a link leads to
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "w") as stream:
        stream.write(text)
    temporary.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """What `write_json` wrote; nothing where it is missing or damaged."""
    try:
        found: Any = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def head_of(folder: Path) -> Head | None:
    """Who wrote the spool in a folder; None where there is none, or one of a newer kind."""
    facts = read_json(folder / HEAD)
    if facts.get("format") != FORMAT:
        return None
    names = Head.__dataclass_fields__
    try:
        return Head(**{name: value for name, value in facts.items() if name in names})
    except TypeError:
        return None


def spools(folder: Path) -> list[tuple[Head, Path]]:
    """The spools of a destination, in the order in which they were begun."""
    try:
        found = list(folder.iterdir())
    except FileNotFoundError:
        return []
    heads = [(head_of(path), path) for path in found if is_mine(path)]
    known = [(head, path) for head, path in heads if head is not None]
    return sorted(known, key=lambda one: (one[0].made_ms, one[0].spool_id))


def segments(folder: Path) -> list[tuple[int, Path]]:
    """The segments of a spool in order, each with the number it begins with."""
    found: list[tuple[int, Path]] = []
    for path in folder.glob(f"*{SUFFIX}"):
        try:
            found.append((int(path.stem, 16), path))
        except ValueError:
            continue
    return sorted(found)


def is_mine(folder: Path) -> bool:
    """Whether a folder is one, and this user's own: others may write into a shared place."""
    try:
        facts = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(facts.st_mode) and (os.name == "nt" or facts.st_uid == os.geteuid())


def check_own(folder: Path) -> None:
    """`NotAllowed` for a spool that is another's, or leads to other files: one that came from elsewhere may hold links, and
    what would be read or written there is not what was logged."""
    if not os.path.lexists(folder):
        return  # all of it was sent
    if not is_mine(folder):
        raise NotAllowed(f"{folder} is no folder of yours", hint="copy it first: cp -r")
    for place in (folder, folder / FILES):
        for entry in _entries(place):
            if entry.is_symlink() or not (entry.is_file() or entry.name == FILES):
                raise NotAllowed(f"{entry.path} is no plain file: nothing of this spool is sent")


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except FileNotFoundError:
        return []
