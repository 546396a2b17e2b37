"""One type for many values: what the items of a list, the values of a dict, or a sample and a default have in common.

Values are looked at together, level by level, and not type by type: of an empty list or a None among others nothing has to be
guessed, for the others say what belongs there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from modelyard import types
from modelyard.types.container import DictType, ListType, SetType, TupleType
from modelyard.types.interface import DataType
from modelyard.types.moment import DatetimeType
from modelyard.types.scalar import (
    AnyType,
    IntegerType,
    NullType,
    NumberType,
    StringType,
    unboxed,
)
from modelyard.types.union import OptionalType, UnionType

_MOST = 4
"""Alternatives after which a union says no more than 'any'."""
_FEW = 64
"""Keys of different types up to which dicts are read as named fields; weights by name always are."""
_SAME_TYPE = frozenset([bool, int, float, str, bytes, complex])
"""Classes whose values all have one type, so that a million of them are looked at once."""


def common_type(values: Iterable[Any]) -> DataType:
    """The type of all the values; ``any`` when there are none, ``null`` when all are None.

    >>> common_type([1, 2.5, None]).to_dict()
    {'type': 'optional', 'of': 'number'}
    """
    values = list(values)
    present = [v for v in values if v is not None]
    if not present:
        return NullType() if values else AnyType()
    groups: dict[Any, list[Any]] = {}
    for value in present:
        groups.setdefault(_shape(value), []).append(value)
    found = _union([t for shape, group in groups.items() for t in _types(shape, group)])
    return found if len(present) == len(values) else optional(found)


def item_type(values: Iterable[Any]) -> DataType:
    """`common_type` of what a container holds: a sample of nothing but None says nothing of what else may come."""
    found = common_type(values)
    return AnyType() if isinstance(found, NullType) else found


def optional(inner: DataType) -> DataType:
    """Null allowed as well; a type that takes it anyway stays as it is."""
    return inner if isinstance(inner, (OptionalType, AnyType, NullType)) else OptionalType(inner)


def _shape(value: Any) -> Any:
    """Values of one shape are described together."""
    if isinstance(value, list):
        return list
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return tuple, len(value)
    if isinstance(value, (set, frozenset)):
        return set
    return dict if isinstance(value, Mapping) else None


def _types(shape: Any, group: Sequence[Any]) -> list[DataType]:
    if shape is list:
        return [ListType(item_type(chain.from_iterable(group)))]
    if shape is set:
        return [SetType(item_type(chain.from_iterable(group)))]
    if shape is dict:
        return [_dict_type(group)]
    if shape is not None:
        return [TupleType(tuple(map(item_type, zip(*group, strict=True))))]
    return _leaves(group)


def _leaves(group: Sequence[Any]) -> list[DataType]:
    """The different types of values that hold no others."""
    found: list[DataType] = []
    seen: set[type] = set()
    for value in group:
        if type(value) in seen:
            continue
        if type(value) in _SAME_TYPE:
            seen.add(type(value))
        kind = types.infer(value)
        if kind not in found:
            found.append(kind)
    if NumberType() in found:
        found = [t for t in found if not isinstance(t, IntegerType)]
    if sum(isinstance(t, DatetimeType) for t in found) > 1:
        found = [t for t in found if not isinstance(t, DatetimeType)] + [DatetimeType()]
    return found


def _union(members: Sequence[DataType]) -> DataType:
    if len(members) == 1:
        return members[0]
    return UnionType(tuple(members)) if len(members) <= _MOST else AnyType()


def _dict_type(dicts: Sequence[Mapping[Any, Any]]) -> DictType:
    """Values of one type under many names are a mapping; values of several types are fields with a meaning each."""
    if not any(dicts):
        return DictType()
    keys = common_type(unboxed(k) for d in dicts for k in d)
    values = common_type(v for d in dicts for v in d.values())
    alike = all(d.keys() == dicts[0].keys() for d in dicts)
    few = len(dicts[0]) <= _FEW or all(hasattr(v, "dtype") for v in dicts[0].values())
    named = isinstance(keys, StringType) and alike and few
    if named and isinstance(values, (UnionType, OptionalType, AnyType, NullType)):
        return DictType(fields={k: item_type(d[k] for d in dicts) for k in dicts[0]})
    return DictType(keys=keys, values=AnyType() if isinstance(values, NullType) else values)
