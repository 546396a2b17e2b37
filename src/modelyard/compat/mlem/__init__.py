"""MLEM's Python interface over ours: its users change the import and go on.

>>> from modelyard.compat import mlem
>>> mlem.api.save({"answer": 42}, "answer")  # doctest: +SKIP

``from modelyard.compat.mlem.api import save, load`` works as well. What is saved is an object of ours; what MLEM itself
saved is read as it stands. Two things differ on purpose: `load` gives a model back with its pre- and post-processors, and
a model that runs code when loaded needs the reader's trust.
"""

from __future__ import annotations

from typing import Any

__all__ = ["api", "objects"]  # type: ignore[reportUnsupportedDunderAll]  # modules, imported on use


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'modelyard.compat.mlem' has no attribute {name!r}")
    from importlib import import_module

    return import_module(f"modelyard.compat.mlem.{name}")
