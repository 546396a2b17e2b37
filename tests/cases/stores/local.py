"""A folder: damage is a byte of a file that an administrator's rights can reach."""

from __future__ import annotations

from pathlib import Path

from modelyard.stores.local import LocalStore
from modelyard.testing.stores import Bench


def bench(root: Path) -> Bench:
    def damage(digest: str, place: int) -> None:
        file = root / "files" / digest[:2] / digest[2:]
        file.chmod(0o644)
        with file.open("r+b") as stream:
            stream.seek(place)
            (byte,) = stream.read(1)
            stream.seek(place)
            stream.write(bytes([byte ^ 1]))

    def leftovers() -> int:
        return len(list((root / "uploads").glob("*")))

    return Bench(LocalStore(root), lambda: LocalStore(root), damage, leftovers)
