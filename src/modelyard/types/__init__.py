"""What data looks like: a description of any value, readable in a card, that checks values and carries them through JSON.

>>> infer([1, 2, 3]).to_dict()
{'type': 'list', 'items': 'integer'}
>>> parse({"type": "list", "items": "integer"}).decode([1.0, 2])
[1, 2]

A value's class ancestry names the file that describes it (``numpy``, ``pandas`` …); nothing else is imported.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from modelyard.base import plugins
from modelyard.base.errors import InvalidInput, UnsupportedType, did_you_mean
from modelyard.types.interface import DataType

__all__ = ["KIND_FILES", "DataType", "from_hint", "infer", "parse"]

_FILES = {
    "scalar": "any boolean bytes choice complex decimal integer null number string uuid",
    "moment": "date datetime time timedelta",
    "container": "dict list set tuple",
    "record": "record",
    "union": "optional union",
    "stream": "stream",
    "numpy": "array scalar",
    "pandas": "dataframe series",
    "polars": "polars_dataframe polars_series",
    "pyarrow": "arrow_table",
    "scipy": "sparse",
    "torch": "tensor",
    "tensorflow": "tf_tensor",
    "xgboost": "dmatrix",
    "lightgbm": "lightgbm_dataset",
    "catboost": "catboost_pool",
    "PIL": "image",
    "file": "file",
}
KIND_FILES: Mapping[str, str] = {k: file for file, kinds in _FILES.items() for k in kinds.split()}
"""Kind, as cards spell it -> the file that reads it."""


def infer(value: Any) -> DataType:
    """The type of a native value.

    Raises `UnsupportedType` for an object that no file claims, and for values that a description would lie about
    (duplicate column names, arrays of arbitrary objects).
    """
    try:
        return _file_of(value).infer(value)
    except RecursionError:
        raise UnsupportedType(
            "a value nested too deeply, or inside itself, has no data type"
        ) from None


def _file_of(value: Any) -> Any:
    for cls in type(value).__mro__:
        plugin = _plugin(cls.__module__.partition(".")[0])
        if plugin is not None and plugin.claims(value):
            return plugin
    for name in ("scalar", "moment", "file", "record", "container", "stream"):
        plugin = plugins.load("types", name)
        if plugin.claims(value):
            return plugin
    cls = type(value)
    raise UnsupportedType(
        f"no data type describes a {cls.__module__}.{cls.__qualname__}",
        hint="plain Python values, numpy, pandas, polars, pyarrow and scipy objects have one",
    )


def _plugin(root: str) -> Any | None:
    """The file of a library, if there is one; Python's own modules have none (and a quick answer)."""
    if root in sys.stdlib_module_names or not root.isidentifier():
        return None
    plugin = plugins.find("types", root)
    # A library may be called like one of our own parts (there is a 'schema' on PyPI).
    return plugin if hasattr(plugin, "claims") else None


def from_hint(annotation: Any) -> DataType | None:
    """The type that an annotation states, or None when it says too little (``np.ndarray``, a class of one's own).

    >>> from_hint(list[float]).to_dict()
    {'type': 'list', 'items': 'number'}
    """
    from modelyard.types.hints import read_hint

    return read_hint(annotation)


def parse(spelled: Mapping[str, Any] | str) -> DataType:
    """The type a card spells; the bare kind stands for one without parameters. `InvalidInput` says what is wrong."""
    if isinstance(spelled, str):
        spelled = {"type": spelled}
    if not isinstance(spelled, Mapping) or not isinstance(spelled.get("type"), str):
        raise InvalidInput(
            f"expected a type such as 'integer' or a mapping with 'type:', got {spelled!r}"
        )
    return _class_of(spelled["type"]).from_dict(spelled)


def _class_of(kind: str) -> type[DataType]:
    if kind in KIND_FILES:
        return plugins.load("types", KIND_FILES[kind]).KINDS[kind]
    # Somebody else's kind: only now is it worth to look into every installed type plugin.
    for name in set(plugins.names("types")) - set(_FILES):
        kinds = getattr(plugins.find("types", name), "KINDS", {})
        if kind in kinds:
            return kinds[kind]
    raise InvalidInput(
        f"unknown type {kind!r}",
        hint=did_you_mean(kind, KIND_FILES) or f"known: {', '.join(sorted(KIND_FILES))}",
    )


def spell(type_: DataType) -> dict[str, Any] | str:
    """The shortest spelling, as used inside other types: the bare kind where there are no parameters."""
    spelled = type_.to_dict()
    return spelled["type"] if len(spelled) == 1 else spelled
