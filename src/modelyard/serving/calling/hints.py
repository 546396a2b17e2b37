"""A method's signature as Python shows it: hints that say what there is, and a docstring with the rest."""

from __future__ import annotations

import inspect
from typing import Any

from modelyard.types.interface import DataType
from modelyard.types.schema import Signature

_NAMES = {
    "dataframe": "DataFrame", "series": "Series", "array": "ndarray", "tensor": "Tensor", "sparse": "sparse matrix",
    "polars_dataframe": "polars.DataFrame", "polars_series": "polars.Series", "arrow_table": "pyarrow.Table",
    "integer": "int", "number": "float", "string": "str", "boolean": "bool", "null": "None", "any": "Any",
    "image": "Image",
}  # fmt: skip

SHOWN = 12
"""Columns of a table that a docstring lists."""


class Hint:
    """An annotation for people. It is no class: the library that has it need not be installed here."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hint) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


def python_signature(signature: Signature) -> inspect.Signature:
    """The signature as `inspect` has it."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [
        inspect.Parameter(
            n,
            kind,
            default=inspect.Parameter.empty if a.required else a.default,
            annotation=Hint(in_words(a.type)),
        )
        for n, a in signature.args.items()
        if n.isidentifier()
    ]
    parameters.sort(key=lambda p: p.default is not inspect.Parameter.empty)
    if signature.extra is not None:
        parameters.append(inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD))
    returns = inspect.Signature.empty if signature.returns is None else Hint(in_words(signature.returns))  # fmt: skip
    return inspect.Signature(parameters, return_annotation=returns)


def in_words(type: DataType) -> str:
    """The name of a type as Python's annotations would have it."""
    kind, of = type.kind, getattr(type, "of", None)
    if kind == "optional" and isinstance(of, DataType):
        return f"{in_words(of)} | None"
    items = getattr(type, "items", None)
    if kind == "list":
        return f"list[{in_words(items)}]" if isinstance(items, DataType) else "list"
    if kind == "stream":
        return f"Iterator[{in_words(items)}]" if isinstance(items, DataType) else "Iterator"
    return _NAMES.get(kind, kind)


def docstring(signature: Signature, first: str) -> str:
    """What a method takes and gives, line by line."""
    lines = [first]
    taken = [f"    {n}: {_detail(a.type)}" for n, a in signature.args.items()]
    if taken:
        lines += ["", "Takes:", *taken]
    if signature.returns is not None:
        lines += ["", f"Gives: {_detail(signature.returns)}"]
    return "\n".join(lines)


def _detail(type: DataType) -> str:
    spelled = type.to_dict()
    columns = spelled.get("columns")
    if isinstance(columns, dict):
        shown = [f"{n} ({_dtype(c)})" for n, c in list(columns.items())[:SHOWN]]
        more = f" and {len(columns) - SHOWN} more" if len(columns) > SHOWN else ""
        return f"{in_words(type)} with {', '.join(shown)}{more}"
    shape, dtype = spelled.get("shape"), spelled.get("dtype")
    if isinstance(shape, list) and isinstance(dtype, str):
        sides = ", ".join("n" if side is None else str(side) for side in shape)
        return f"{in_words(type)} of {dtype}, shape ({sides})"
    return in_words(type)


def _dtype(column: Any) -> str:
    return column if isinstance(column, str) else str(column.get("dtype", "any"))
