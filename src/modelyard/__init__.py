"""Modelyard: from a trained model to production, with the record of it.

>>> import modelyard as my  # doctest: +SKIP
>>> my.save(model, "models/churn", sample_data=X)  # doctest: +SKIP
>>> my.load("models/churn").predict(X)  # doctest: +SKIP

Public names are loaded on first use, so that importing this package costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from modelyard.base.errors import ModelyardError as ModelyardError

_WHERE = {
    "ModelyardError": "modelyard.base.errors",
}
"""Public name -> the module that has it. One table: `__all__`, the imports for type checkers and the docs follow it."""

__all__ = ["ModelyardError", "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        from difflib import get_close_matches

        near = get_close_matches(name, _WHERE, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise AttributeError(f"module 'modelyard' has no attribute {name!r}{hint}")
    from importlib import import_module

    value = getattr(import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_WHERE])
