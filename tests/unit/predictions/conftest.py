"""A disk that is soon full."""

from unit.stores.conftest import filler, small_disk

__all__ = ["filler", "small_disk"]
