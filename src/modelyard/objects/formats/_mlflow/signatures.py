"""Signatures: MLflow's JSON as the types of a card, and a card's types as MLflow's JSON.

MLflow knows two kinds of input. Columns: ``[{"name": "age", "type": "long", "required": true}, …]``, a table, whose
cells may be nested (``array``, ``object``, ``map``, ``any``); a column without a name is a bare list of values. Tensors:
``[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 3]}}]``. Further arguments of a call are
``params``, each with a default. Both directions are plain data, in the form a card spells types in.

>>> read_input([{"name": "age", "type": "long"}])
{'type': 'dataframe', 'columns': {'age': 'int64'}}
>>> write_input({"type": "array", "dtype": "float32", "shape": [None, 3]})
[{'type': 'tensor', 'tensor-spec': {'dtype': 'float32', 'shape': [-1, 3]}}]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelyard.base.errors import InvalidInput
from modelyard.types.dtypes import DType, parse_dtype

Spelled = Mapping[str, Any] | str
"""A type as cards spell it."""
Spec = Mapping[str, Any]
"""One item of MLflow's JSON."""

_COLUMNS: Mapping[str, str] = {
    "boolean": "bool",
    "integer": "int32",
    "long": "int64",
    "float": "float32",
    "double": "float64",
    "string": "str",
    "datetime": "datetime64[ns]",
}
_VALUES: Mapping[str, str] = {
    "boolean": "boolean",
    "integer": "integer",
    "long": "integer",
    "float": "number",
    "double": "number",
    "string": "string",
    "binary": "bytes",
    "datetime": "datetime",
    "any": "any",
}
_MAX_DEPTH = 40
_TENSOR_FAMILIES = ("float", "integer", "boolean", "complex", "string")


# -- from MLflow


def read_input(specs: Sequence[Spec], *, bare: bool = False) -> Spelled:
    """The type of what a model takes. ``bare``: a single column without a name is a list of values, not a table."""
    if not specs or not all(isinstance(spec, Mapping) for spec in specs):
        raise InvalidInput("a signature is a list of columns or tensors")
    if any(spec.get("type") == "tensor" for spec in specs):
        return _tensors(specs)
    named = all(isinstance(spec.get("name"), str) for spec in specs)
    if not named and len(specs) == 1 and (bare or not _is_flat(specs[0])):
        return {"type": "list", "items": read_value(specs[0])}
    if not all(map(_is_flat, specs)):
        return {"type": "list", "items": _record(specs, named)}
    columns = {_name_of(spec, i, named): _column(spec) for i, spec in enumerate(specs)}
    if len(columns) < len(specs):
        raise InvalidInput("a signature names a column twice")
    return {"type": "dataframe", "columns": columns, **({} if named else {"names": "integer"})}


def read_output(specs: Sequence[Spec]) -> Spelled | None:
    """The type of an answer; a single column without a name may be an array, a list, a series or one value: an array
    stands for all that are alike in JSON."""
    if len(specs) == 1 and not specs[0].get("name") and specs[0].get("type") in _COLUMNS:
        return {"type": "array", "dtype": _COLUMNS[specs[0]["type"]], "shape": [None]}
    return read_input(specs) if specs else None


def read_value(spec: Spec, depth: int = 0) -> Spelled:
    """The type of one value or cell."""
    if not isinstance(spec, Mapping) or depth > _MAX_DEPTH:
        raise InvalidInput("a type of the signature is not a mapping, or nested too deeply")
    kind = spec.get("type")
    if kind == "array":
        return {"type": "list", "items": read_value(spec.get("items", {"type": "any"}), depth + 1)}
    if kind == "object":
        fields = spec.get("properties", {})
        return {"type": "dict", "fields": {str(n): _field(f, depth) for n, f in fields.items()}}
    if kind == "map":
        values = read_value(spec.get("values", {"type": "any"}), depth + 1)
        return {"type": "dict", "keys": "string", "values": values}
    if kind == "sparkml_vector":
        return {"type": "list", "items": "number"}
    if isinstance(kind, str) and kind in _VALUES:
        return _VALUES[kind]
    raise InvalidInput(
        f"the signature has a type {kind!r} that is not known here",
        hint=f"known: {', '.join([*_VALUES, 'array', 'object', 'map', 'tensor'])}",
    )


def read_params(specs: Sequence[Spec]) -> dict[str, dict[str, Any]]:
    """Further arguments with their defaults, spelled as in a card."""
    found: dict[str, dict[str, Any]] = {}
    for spec in specs:
        kind: Any = read_value({**spec, "type": spec.get("type", spec.get("dtype"))})
        if spec.get("shape") is not None:
            kind = {"type": "list", "items": kind}
        default = spec.get("default")
        if default is None:
            kind = {"type": "optional", "of": kind}
        found[str(spec["name"])] = {**_whole(kind), "default": default}
    return found


def _field(spec: Spec, depth: int) -> Spelled:
    value = read_value(spec, depth + 1)
    return {"type": "optional", "of": value} if _is_optional(spec) else value


def _record(specs: Sequence[Spec], named: bool) -> Spelled:
    fields = {_name_of(spec, i, named): _field(spec, 0) for i, spec in enumerate(specs)}
    return {"type": "dict", "fields": fields}


def _tensors(specs: Sequence[Spec]) -> Spelled:
    if len(specs) == 1 and not specs[0].get("name"):
        return _tensor(specs[0])
    return {"type": "dict", "fields": {str(s.get("name", i)): _tensor(s) for i, s in enumerate(specs)}}  # fmt: skip


def _tensor(spec: Spec) -> Spelled:
    inner = spec.get("tensor-spec")
    if not isinstance(inner, Mapping) or not isinstance(inner.get("shape"), list):
        raise InvalidInput("a tensor of the signature needs 'tensor-spec' with dtype and shape")
    sizes = [None if size == -1 else size for size in inner["shape"]]
    dtype = str(inner.get("dtype"))
    if dtype == "object":
        return {"type": "array", "dtype": "object", "items": "mixed", "shape": sizes}
    return {"type": "array", "dtype": dtype, "shape": sizes}


def _column(spec: Spec) -> Spelled:
    if spec["type"] == "any":
        return {"dtype": "object", "items": "mixed"}
    dtype = _COLUMNS[spec["type"]]
    optional = _is_optional(spec) and not parse_dtype(dtype).holds_missing
    return {"dtype": dtype, "nullable": True} if optional else dtype


def _is_flat(spec: Spec) -> bool:
    return spec.get("type") in _COLUMNS or spec.get("type") == "any"


def _is_optional(spec: Spec) -> bool:
    """Version 2 wrote ``optional: true``, later ones ``required: false``."""
    return spec.get("required") is False or spec.get("optional") is True


def _name_of(spec: Spec, position: int, named: bool) -> str:
    return str(spec["name"]) if named else str(position)


def _whole(spelled: Spelled) -> dict[str, Any]:
    return {"type": spelled} if isinstance(spelled, str) else dict(spelled)


# -- to MLflow


def write_input(spelled: Spelled) -> list[dict[str, Any]] | None:
    """MLflow's JSON for a table, an array or a list; None for a type that is no batch of records."""
    given = _whole(spelled)
    kind = given["type"]
    if "columns" in given:
        return [{**_written_column(c), "name": str(n)} for n, c in given["columns"].items()]
    if kind == "array" and isinstance(given["dtype"], Mapping):
        return [{**_written_column(c), "name": str(n)} for n, c in given["dtype"].items()]
    if kind in ("array", "sparse") and parse_dtype(given["dtype"]).family in _TENSOR_FAMILIES:
        shape = [-1 if size is None else size for size in given["shape"]]
        return [{"type": "tensor", "tensor-spec": {"dtype": given["dtype"], "shape": shape}}]
    if kind == "array" and len(given["shape"]) == 1:
        return [_written_column({k: v for k, v in given.items() if k not in ("type", "shape")})]
    if kind in ("series", "polars_series"):
        column = {k: v for k, v in given.items() if k not in ("type", "name", "index")}
        named = {"name": given["name"]} if isinstance(given.get("name"), str) else {}
        return [{**_written_column(column), **named}]
    return (
        [{**write_value(given.get("items", "any")), "required": True}] if kind == "list" else None
    )


def write_value(spelled: Spelled) -> dict[str, Any]:
    """MLflow's JSON for one value; ``any`` for what it has no word for (it travels in its JSON form)."""
    given = _whole(spelled)
    kind = given["type"]
    if kind == "optional":
        return write_value(given.get("of", "any"))
    if kind == "list":
        return {"type": "array", "items": write_value(given.get("items", "any"))}
    if kind in ("dict", "record") and given.get("fields"):
        return {"type": "object", "properties": _written_fields(given["fields"])}
    if kind == "dict":
        if _whole(given.get("keys", "string"))["type"] != "string":
            return {"type": "any"}
        return {"type": "map", "values": write_value(given.get("values", "any"))}
    if kind == "scalar":
        return {"type": _written_dtype(parse_dtype(given["dtype"]))}
    words = {"boolean": "boolean", "integer": "long", "number": "double", "string": "string", "bytes": "binary"}  # fmt: skip
    words |= {"uuid": "string", "choice": "any"}
    return {"type": words.get(kind, "any")}


def write_params(arguments: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """MLflow's JSON for optional arguments, spelled as in a card; those it cannot hold are left out.

    A parameter is one value, a list of such, or an object, and its default is of its type, or null.
    """
    found: list[dict[str, Any]] = []
    for name, spelled in arguments.items():
        default = spelled["default"]
        written = write_value({k: v for k, v in spelled.items() if k != "default"})
        shape = None
        if written["type"] == "array":
            written, shape = written["items"], [-1]
        plain = written["type"] in ("boolean", "long", "double", "string")
        if plain or (written["type"] == "object" and shape is None):
            found.append({"name": name, "default": default, "shape": shape, **written})
    return found


def _written_fields(fields: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        str(name): {**write_value(spelled), "required": _whole(spelled)["type"] != "optional"}
        for name, spelled in fields.items()
    }


def _written_column(spelled: Spelled) -> dict[str, Any]:
    column = {"dtype": spelled} if isinstance(spelled, str) else spelled
    parsed = parse_dtype(column["dtype"])
    word = _written_dtype(parsed)
    if parsed.family == "category":
        word = _written_categories(column["categories"])
    if parsed.family == "object" and column.get("items") == "string":
        word = "string"
    if parsed.extension and parsed.family == "integer":
        word = "double"  # a missing value makes floats of integers on MLflow's way
    return {"type": word, "required": not (column.get("nullable") or parsed.extension)}


def _written_dtype(parsed: DType) -> str:
    if parsed.family == "integer":
        small = parsed.bits < 32 or (parsed.bits == 32 and not parsed.unsigned)
        return "integer" if small else "long"
    if parsed.family == "float":
        return "double" if parsed.bits == 64 else "float"
    if parsed.family == "datetime":
        return "datetime" if parsed.unit != "D" and not parsed.zone else "any"
    if parsed.family == "boolean" and parsed.extension:
        return "any"
    return {"boolean": "boolean", "string": "string", "bytes": "binary"}.get(parsed.family, "any")


def _written_categories(categories: Sequence[Any]) -> str:
    kinds = {type(category) for category in categories}
    words = {str: "string", int: "long", float: "double", bool: "boolean"}
    return words[kinds.pop()] if len(kinds) == 1 else "any"
