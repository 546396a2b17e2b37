"""MLEM's descriptions of data as our data types, and its signatures as ours.

What it could not know is left open: a list has any length (it noted that of the sample), an argument whose default is
None takes anything, and a type of a library without a counterpart here is ``any``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modelyard import types
from modelyard.base.errors import InvalidInput
from modelyard.types.container import DictType, ListType, TupleType
from modelyard.types.interface import DataType
from modelyard.types.merging import optional
from modelyard.types.scalar import AnyType, IntegerType, NullType, NumberType, StringType
from modelyard.types.schema import Argument, Signature
from modelyard.types.union import UnionType

_PRIMITIVES = {
    "int": "integer",
    "float": "number",
    "str": "string",
    "bool": "boolean",
    "complex": "complex",
    "NoneType": "null",
    "bytes": "bytes",
}
_ALTERNATIVES = 4


def data_type(spelled: Any) -> DataType:
    """The type that a description means; ``any`` for one that says nothing, or that nothing here can hold.

    >>> data_type({"type": "array", "dtype": {"type": "primitive", "ptype": "int"}, "size": 3}).to_dict()
    {'type': 'list', 'items': 'integer'}
    """
    if isinstance(spelled, str):
        spelled = {"type": spelled}
    if not isinstance(spelled, Mapping):
        return AnyType()
    read = _READERS.get(str(spelled.get("type")))
    if read is None:
        return AnyType()
    try:
        return read(spelled)
    except (InvalidInput, TypeError, ValueError, KeyError):
        return AnyType()


def _primitive(spelled: Mapping[str, Any]) -> DataType:
    return types.parse(_PRIMITIVES[str(spelled.get("ptype"))])


def _array(spelled: Mapping[str, Any]) -> DataType:
    return ListType(_item(data_type(spelled.get("dtype"))))


def _list(spelled: Mapping[str, Any]) -> DataType:
    return ListType(_common(_items(spelled)))


def _tuple(spelled: Mapping[str, Any]) -> DataType:
    return TupleType(tuple(_items(spelled)))


def _items(spelled: Mapping[str, Any]) -> list[DataType]:
    items = spelled.get("items") or []
    return [data_type(t) for t in items]


def _common(members: Sequence[DataType]) -> DataType:
    """One type for the items of a list, or the values of a dict."""
    found: list[DataType] = []
    for member in members:
        if member not in found:
            found.append(member)
    empty = any(isinstance(t, NullType) for t in found)
    found = [t for t in found if not isinstance(t, NullType)]
    if any(isinstance(t, NumberType) for t in found):
        found = [t for t in found if not isinstance(t, IntegerType)]
    if not found or len(found) > _ALTERNATIVES or any(isinstance(t, AnyType) for t in found):
        return AnyType()
    one = found[0] if len(found) == 1 else UnionType(tuple(found))
    return optional(one) if empty else one


def _item(kind: DataType) -> DataType:
    return AnyType() if isinstance(kind, NullType) else kind


def _dict(spelled: Mapping[str, Any]) -> DataType:
    fields = {k: _item(data_type(t)) for k, t in spelled.get("item_types", {}).items()}
    if all(isinstance(k, str) for k in fields):
        return DictType(fields=fields)
    whole = all(isinstance(k, int) for k in fields)
    keys = IntegerType() if whole else UnionType((IntegerType(), StringType()))
    return DictType(keys=keys, values=_common(list(fields.values())))


def _dynamic_dict(spelled: Mapping[str, Any]) -> DataType:
    return DictType(
        keys=data_type(spelled["key_type"]), values=_item(data_type(spelled["value_type"]))
    )


def _ndarray(spelled: Mapping[str, Any]) -> DataType:
    shape = spelled.get("shape")
    if not isinstance(shape, list):
        return AnyType()
    return types.parse({"type": "array", "dtype": _dtype(spelled["dtype"]), "shape": shape})


def _number(spelled: Mapping[str, Any]) -> DataType:
    return types.parse({"type": "scalar", "dtype": _dtype(spelled["dtype"])})


def _dtype(name: str) -> str:
    """numpy's name of an element type; a text's width is a property of the sample."""
    for prefix, ours in (("str", "str"), ("bytes", "bytes")):
        if name.startswith(prefix) and name.removeprefix(prefix).isdigit():
            return ours
    return name


def _dataframe(spelled: Mapping[str, Any]) -> DataType:
    columns, index = _columns(spelled)
    whole = bool(columns) and all(isinstance(c, int) for c in columns)
    named = {"names": "integer"} if whole else {}
    return types.parse(
        {
            "type": "dataframe",
            "columns": {str(c): _column(d) for c, d in columns.items()},
            **named,
            **({"index": {str(c): _column(d) for c, d in index.items()}} if index else {}),
        }
    )


def _columns(spelled: Mapping[str, Any]) -> tuple[dict[Any, str], dict[Any, str]]:
    """Columns and named levels of the index; an index without a name is the column ``''``, and no data."""
    dtypes = dict(zip(spelled["columns"], spelled["dtypes"], strict=True))
    levels = spelled.get("index_cols") or []
    index = {c: dtypes[c] for c in levels if c != ""}
    return {c: d for c, d in dtypes.items() if c not in levels}, index


def _column(dtype: str) -> str:
    """A dtype as ours; categories were not written down, and what we have no word for is any object."""
    name = _dtype(dtype)
    try:
        types.parse({"type": "array", "dtype": name, "shape": [None]})
    except InvalidInput:
        return "object"
    return name


def _series(spelled: Mapping[str, Any]) -> DataType:
    [(name, dtype)] = _columns(spelled)[0].items()
    named = {} if name in (0, "0") else {"name": name}
    return types.parse({"type": "series", **named, "dtype": _column(dtype)})


def _sparse(spelled: Mapping[str, Any]) -> DataType:
    shape = [None, *spelled["shape"][1:]]
    return types.parse({"type": "sparse", "dtype": _dtype(spelled["dtype"]), "shape": shape})


def _tensor(kind: str) -> Callable[[Mapping[str, Any]], DataType]:
    def read(spelled: Mapping[str, Any]) -> DataType:
        form = {"dtype": spelled["dtype"], "shape": list(spelled["shape"])}
        return types.parse({"type": kind, **form})

    return read


def _features(spelled: Mapping[str, Any]) -> DataType:
    """A matrix of a boosting library, as the table it is made from."""
    names, dtypes = spelled.get("feature_names"), spelled.get("feature_type_names")
    if not names:
        return AnyType()
    words = {"int": "int64", "float": "float64", "i": "bool", "q": "float64"}
    kinds = dtypes or ["float"] * len(names)
    pairs = zip(names, (words.get(d, "object") for d in kinds), strict=True)
    return types.parse({"type": "dataframe", "columns": dict(pairs)})


def _inner(spelled: Mapping[str, Any]) -> DataType:
    return data_type(spelled.get("inner"))


_READERS: Mapping[str, Callable[[Mapping[str, Any]], DataType]] = {
    "primitive": _primitive,
    "array": _array,
    "list": _list,
    "tuple": _tuple,
    "dict": _dict,
    "d_dict": _dynamic_dict,
    "ndarray": _ndarray,
    "number": _number,
    "dataframe": _dataframe,
    "series": _series,
    "csr_matrix": _sparse,
    "torch": _tensor("tensor"),
    "tf_tensor": _tensor("tf_tensor"),
    "xgboost_dmatrix": _features,
    "lightgbm": _inner,
    "binary": lambda _: types.parse("bytes"),
}


def signature(spelled: Mapping[str, Any]) -> Signature:
    """A method's signature. ``**kwargs`` take anything, ``*args`` come as one list."""
    args: dict[str, Argument] = {}
    for argument in spelled.get("args") or []:
        args[str(argument.get("name"))] = _argument(argument)
    if rest := spelled.get("varargs"):
        if args or not spelled.get("varargs_type"):
            args[str(rest)] = Argument(ListType(data_type(spelled.get("varargs_type"))), [])
        else:  # a module's __call__(*args): what it was called with is its one input
            args["data"] = Argument(data_type(spelled["varargs_type"]))
    extra = data_type(spelled.get("varkw_type")) if spelled.get("varkw") else None
    returns = data_type(spelled.get("returns"))
    return Signature(args, None if isinstance(returns, AnyType) else returns, extra)


def _argument(spelled: Mapping[str, Any]) -> Argument:
    kind = data_type(spelled.get("type_"))
    if spelled.get("required", True):
        return Argument(_item(kind))
    default = spelled.get("default")
    if default is None:
        return Argument(optional(_item(kind)), None)
    return Argument(kind, default)
