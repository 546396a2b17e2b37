"""Reading objects of a repository that are here, whatever brought them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from modelyard.stores.git.command import git
from modelyard.stores.git.trees import Tree

MOST_LISTED = 128 << 20
"""Bytes of a commit's list of files: of about a million."""

READING = {"GIT_NO_REPLACE_OBJECTS": "1"}
"""What a commit holds is what its id says."""


def tree_of(git_dir: Path, commit: str) -> Tree:
    """All entries of a commit. `TooLarge` for one whose folders hold each other many times over: a few kB can be more
    files than there are atoms."""
    words = ("ls-tree", "-r", "-t", "-z", "--full-tree", commit)
    return Tree(git(git_dir, *words, environment=READING, most=MOST_LISTED))


class Sizes(dict[str, int]):
    """Bytes of contents that are here, by their ids; asked once each."""

    def of(self, git_dir: Path, oids: Sequence[str]) -> dict[str, int]:
        """Of those among them that are here."""
        if unknown := [oid for oid in oids if oid not in self]:
            check = "--batch-check=%(objectname) %(objectsize)"
            wanted = "\n".join([*unknown, ""]).encode()
            listed = git(git_dir, "cat-file", check, input=wanted, environment=READING)
            pairs = (line.split() for line in listed.decode().splitlines())
            self.update((oid, int(size)) for oid, size in pairs if size != "missing")
        return {oid: self[oid] for oid in oids if oid in self}


def read_all(git_dir: Path, oids: Sequence[str]) -> dict[str, bytes]:
    """Contents of those that are here, in one go."""
    if not oids:
        return {}
    wanted = "\n".join([*oids, ""]).encode()
    found: dict[str, bytes] = {}
    rest = memoryview(git(git_dir, "cat-file", "--batch", input=wanted, environment=READING))
    while rest:
        end = bytes(rest[:200]).index(b"\n")
        oid, *facts = bytes(rest[:end]).decode().split()
        rest = rest[end + 1 :]
        if facts != ["missing"]:
            size = int(facts[1])
            found[oid] = bytes(rest[:size])
            rest = rest[size + 1 :]
    return found


def opened(git_dir: Path, oid: str) -> IO[bytes]:
    """A content as a file of its own, gone when it is closed: Git writes it, nothing goes through our memory."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  whoever reads it closes it
    try:
        git(git_dir, "cat-file", "blob", oid, output=file, environment=READING)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file
