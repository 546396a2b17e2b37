"""Memory: damage is another value in the dictionary."""

from __future__ import annotations

from modelyard.stores.memory import MemoryStore
from modelyard.testing.stores import Bench


def bench(_: object) -> Bench:
    store = MemoryStore()

    def damage(digest: str, place: int) -> None:
        data = bytearray(store._blobs[digest])
        data[place] ^= 1
        store._blobs[digest] = bytes(data)

    return Bench(store, lambda: store, damage, lambda: 0)
