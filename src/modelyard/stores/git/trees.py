"""What a commit holds: paths with their kind and the id of their content, as ``git ls-tree`` tells them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """A file, link, folder or submodule of a commit."""

    mode: str
    """As Git writes it: ``100644``, ``100755``, ``120000``, ``040000``, ``160000``."""
    oid: str

    @property
    def is_file(self) -> bool:
        return self.mode.startswith("100")

    @property
    def is_folder(self) -> bool:
        return self.mode == "040000"

    @property
    def is_link(self) -> bool:
        return self.mode == "120000"

    @property
    def is_submodule(self) -> bool:
        return self.mode == "160000"


class Tree(Mapping[str, TreeEntry]):
    """All entries of a commit by path; folders have entries too, the root has none."""

    def __init__(self, listed: bytes) -> None:
        """``listed`` is what ``git ls-tree -r -t -z`` printed."""
        self._entries: dict[str, TreeEntry] = {}
        for line in listed.split(b"\0")[:-1]:
            facts, _, path = line.partition(b"\t")
            mode, _, oid = facts.decode().split(" ")
            self._entries[path.decode(errors="surrogateescape")] = TreeEntry(mode, oid)
        self._children: dict[str, list[str]] | None = None

    def __getitem__(self, path: str) -> TreeEntry:
        return self._entries[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def children(self, folder: str = "") -> Sequence[str]:
        """Paths of what is directly in a folder."""
        if self._children is None:
            self._children = {}
            for path in self._entries:
                self._children.setdefault(path.rpartition("/")[0], []).append(path)
        return self._children.get(folder, [])
