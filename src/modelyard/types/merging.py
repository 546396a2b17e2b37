"""One type for many values: what the items of a list, or several samples, have in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from modelyard import types
from modelyard.types.container import DictType, ListType, TupleType
from modelyard.types.interface import DataType
from modelyard.types.moment import DatetimeType
from modelyard.types.scalar import AnyType, IntegerType, NullType, NumberType, StringType
from modelyard.types.union import OptionalType, UnionType

_MOST = 4
"""Alternatives after which a union says no more than 'any'."""


def common_type(values: Iterable[Any]) -> DataType:
    """The type of all the values; ``any`` when there are none.

    >>> common_type([1, 2.5, None]).to_dict()
    {'type': 'optional', 'of': 'number'}
    """
    found: DataType | None = None
    seen: set[type] = set()
    for value in values:
        if type(value) in seen:
            continue
        kind = types.infer(value)
        if type(value) in _SAME_TYPE:
            seen.add(type(value))
        found = kind if found is None else merge(found, kind)
    return AnyType() if found is None else found


_SAME_TYPE = frozenset([type(None), bool, int, float, str, bytes, complex])
"""Classes whose values all have one type, so that a million of them are looked at once."""


def merge(a: DataType, b: DataType) -> DataType:
    """The narrowest type we can say that takes the values of both."""
    if a == b:
        return a
    if isinstance(a, OptionalType) or isinstance(b, OptionalType):
        return optional(merge(_bare(a), _bare(b)))
    if isinstance(a, NullType):
        return optional(b)
    if isinstance(b, NullType):
        return optional(a)
    return _merge_alike(a, b) or _union(a, b)


def optional(inner: DataType) -> DataType:
    """Null allowed as well; a type that takes it anyway stays as it is."""
    return inner if isinstance(inner, (OptionalType, AnyType, NullType)) else OptionalType(inner)


def _bare(type_: DataType) -> DataType:
    return type_.of if isinstance(type_, OptionalType) else type_


def _merge_alike(a: DataType, b: DataType) -> DataType | None:
    if {type(a), type(b)} == {IntegerType, NumberType}:
        return NumberType()
    if isinstance(a, DatetimeType) and isinstance(b, DatetimeType):
        return DatetimeType()
    if isinstance(a, ListType) and isinstance(b, ListType):
        # An empty list says nothing of its items.
        known = [t.items for t in (a, b) if not isinstance(t.items, AnyType)]
        return ListType(merge(known[0], known[-1]) if known else AnyType())
    if isinstance(a, TupleType) and isinstance(b, TupleType) and len(a.items) == len(b.items):
        return TupleType(tuple(merge(x, y) for x, y in zip(a.items, b.items, strict=True)))
    if isinstance(a, DictType) and isinstance(b, DictType):
        return _merge_dicts(a, b)
    return None


def _merge_dicts(a: DictType, b: DictType) -> DictType:
    if a.fields is not None and b.fields is not None and a.fields.keys() == b.fields.keys():
        return DictType(fields={k: merge(t, b.fields[k]) for k, t in a.fields.items()})
    (a_keys, a_values), (b_keys, b_values) = _as_mapping(a), _as_mapping(b)
    return DictType(keys=_known(a_keys, b_keys), values=_known(a_values, b_values))


def _as_mapping(type_: DictType) -> tuple[DataType, DataType]:
    """Key and value type of a dict, whether or not its fields are named."""
    if type_.fields is None:
        return type_.keys, type_.values
    values: DataType = AnyType()
    for i, field in enumerate(type_.fields.values()):
        values = field if i == 0 else merge(values, field)
    return StringType(), values


def _known(a: DataType, b: DataType) -> DataType:
    if isinstance(a, AnyType):
        return b
    return a if isinstance(b, AnyType) else merge(a, b)


def _union(a: DataType, b: DataType) -> DataType:
    if isinstance(a, AnyType) or isinstance(b, AnyType):
        return AnyType()
    members: list[DataType] = []
    for part in (a, b):
        for member in part.of if isinstance(part, UnionType) else (part,):
            _join(members, member)
    if len(members) == 1:
        return members[0]
    return UnionType(tuple(members)) if len(members) <= _MOST else AnyType()


def _join(members: list[DataType], new: DataType) -> None:
    """Put a type among others, into one that is like it where there is one."""
    for i, member in enumerate(members):
        joined = member if member == new else _merge_alike(member, new)
        if joined is not None:
            members[i] = joined
            return
    members.append(new)
