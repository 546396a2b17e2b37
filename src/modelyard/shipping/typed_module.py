"""The module a user of a built package imports: one function a method, typed from the card's schema."""

from __future__ import annotations

import ast
import json
import keyword
from collections.abc import Mapping
from typing import Any

from modelyard.objects.card import Card
from modelyard.types.interface import DataType
from modelyard.types.schema import Argument, Signature

_HINTS: Mapping[str, str] = {
    "dataframe": "pandas.DataFrame",
    "series": "pandas.Series",
    "array": "numpy.ndarray",
    "tensor": "torch.Tensor",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "string": "str",
    "bytes": "bytes",
    "null": "None",
    "list": "list[Any]",
    "tuple": "tuple[Any, ...]",
    "dict": "dict[Any, Any]",
    "record": "dict[str, Any]",
    "set": "set[Any]",
    "file": "Path",
    "image": "PIL.Image.Image",
}
"""Kind of a type -> how a type checker calls it; others are Any."""


def module_text(card: Card, name: str) -> str:
    """The source of ``__init__.py``."""
    functions = [function_text(m, s) for m, s in card.methods.items() if usable(m)]
    names = [m for m in card.methods if usable(m)]
    torch = "\n    import torch" if any("torch.Tensor" in text for text in functions) else ""
    head = f'''"""{docstring(card, name)}"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy
    import pandas
    import PIL.Image{torch}

__all__ = {json.dumps([*names, "model"])}

_OWN: Any = object()
"""Stands for a default that only the model has."""


@cache
def _opened() -> Any:
    from ._runtime.objects.embedded import open_embedded

    return open_embedded(Path(__file__).parent / "_model")


def _call(method: str, **arguments: Any) -> Any:
    from ._runtime.objects.embedded import call

    given = {{name: value for name, value in arguments.items() if value is not _OWN}}
    return call(_opened(), method, given)


def model() -> Any:
    """The model itself, with the methods it had when it was saved."""
    return _opened().object
'''
    return head + "".join(functions)


def usable(method: str) -> bool:
    """Whether a method's name can be a function's."""
    return (
        method.isidentifier()
        and not keyword.iskeyword(method)
        and method not in ("model", "_opened", "_call", "_OWN", "cache", "Path", "Any")
    )


def docstring(card: Card, name: str) -> str:
    """What the package is, with nothing in it that could end the docstring."""
    said = f"The model {name}. {card.description}".strip()
    text = "".join(c if c.isprintable() or c == "\n" else " " for c in said)
    return text.replace("\\", "\\\\").replace('"""', "'''").rstrip('"')


def function_text(method: str, signature: Signature) -> str:
    """One function."""
    arguments = {
        n: a for n, a in signature.args.items() if n.isidentifier() and not keyword.iskeyword(n)
    }
    parameters = ", ".join(parameter_list(arguments))
    passed = "".join(f", {n}={n}" for n in arguments)
    returns = hint(signature.returns) if signature.returns else "Any"
    return f'''

def {method}({parameters}) -> {returns}:
    """Call ``{method}`` of the model; arguments are checked against its schema."""
    return _call({method!r}{passed})
'''


def parameter_list(arguments: Mapping[str, Argument]) -> list[str]:
    """The parameters in order; what is required after an optional one is given by name."""
    found: list[str] = []
    for name, argument in arguments.items():
        if argument.required and "*" not in found and any(" = " in text for text in found):
            found.append("*")
        found.append(parameter(name, argument))
    return found


def parameter(name: str, argument: Argument) -> str:
    """One parameter, with its default when it has one: as Python writes it, else the model's own."""
    text = f"{name}: {hint(argument.type)}"
    if argument.required:
        return text
    return f"{text} = {argument.default!r}" if is_literal(argument.default) else f"{text} = _OWN"


def is_literal(value: Any) -> bool:
    """Whether the text of a value is the value again; not so for NaN, arrays and moments."""
    try:
        return bool(ast.literal_eval(repr(value)) == value)
    except (ValueError, SyntaxError, TypeError):
        return False


def hint(kind: DataType) -> str:
    """A type as Python spells it."""
    return _HINTS.get(kind.kind, "Any")
