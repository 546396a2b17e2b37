"""Files that Git LFS keeps elsewhere: the repository holds a small text that points to them."""

from __future__ import annotations

import hashlib
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from modelyard.base.errors import Corrupted, ModelyardError, NotFound, NotSupported
from modelyard.stores.git.address import address_of
from modelyard.stores.git.command import GitFailed, git

_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:ext-[^\n]+\n)*oid sha256:([0-9a-f]{64})\nsize ([0-9]{1,18})\n"
)
_MOST = 1024


@dataclass(frozen=True, slots=True)
class Pointer:
    """What such a text says."""

    text: bytes
    sha256: str
    size: int


def pointer_in(stream: IO[bytes]) -> Pointer | None:
    """What a file points to, when it is such a text; the stream is at its beginning again."""
    start = stream.read(_MOST)
    stream.seek(0)
    found = _POINTER.fullmatch(start)
    return Pointer(start, found[1].decode(), int(found[2])) if found else None


def is_pointer(data: bytes) -> bool:
    """Whether a content is such a text."""
    return _POINTER.fullmatch(data) is not None


def pointed(git_dir: Path, url: str, pointer: Pointer, what: str) -> IO[bytes]:
    """The file itself, brought by Git LFS where that is installed, and verified."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  whoever reads it closes it
    try:
        around = {**_around(url), "GIT_LFS_SKIP_SMUDGE": "0"}
        git(git_dir, "lfs", "smudge", input=pointer.text, environment=around, output=file)
        file.seek(0)
        if hashlib.file_digest(file, "sha256").hexdigest() != pointer.sha256:  # type: ignore[arg-type]
            raise Corrupted(f"{what}: Git LFS gave other bytes than sha256:{pointer.sha256}")
        file.seek(0)
    except GitFailed as error:
        file.close()
        raise _not_brought(error, pointer, what) from None
    except BaseException:
        file.close()
        raise
    return file


def _around(url: str) -> dict[str, str]:
    address = address_of(url)
    if address.path is not None:
        return {}
    from modelyard.stores.git.calling import environment

    return dict(environment(address, [("remote.origin.url", url)]))


def _not_brought(error: GitFailed, pointer: Pointer, what: str) -> ModelyardError:
    kept = f"{what} ({pointer.size} bytes) is kept in Git LFS"
    if "is not a git command" in error.stderr:
        return NotSupported(f"{kept}, which is not installed", hint="install git-lfs")
    said = [line for line in error.stderr.splitlines() if line.strip()]
    return NotFound(f"{kept}, which cannot bring it: {(said or ['no reason given'])[0][:300]}")
