"""What a cache lets go when it is full: what was not used for longest."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")


def keep_within(
    found: Iterable[tuple[float, int, Item]], most: int, remove: Callable[[Item], bool]
) -> int:
    """Remove items, the least recently used first, until at most ``most`` bytes are left. Returns how many went.

    ``found``: when each was used, its bytes, and what ``remove`` gets; that says whether it is gone. One that is held
    (on Windows, while somebody reads it) stays.
    """
    known, gone = sorted(found, key=lambda item: item[:2]), 0
    total = sum(size for _, size, _ in known)
    for _, size, item in known:
        if total <= most:
            break
        with contextlib.suppress(PermissionError):
            if remove(item):
                total, gone = total - size, gone + 1
    return gone
