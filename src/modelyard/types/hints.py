"""Type hints read as data types: what an annotation promises, or None where it promises nothing to check by."""

from __future__ import annotations

import collections.abc as abc
import dataclasses
import types as builtin_types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from modelyard.types import file, moment, scalar
from modelyard.types.container import DictType, ListType, SetType, TupleType
from modelyard.types.interface import DataType
from modelyard.types.merging import optional
from modelyard.types.record import of_class
from modelyard.types.scalar import AnyType, ChoiceType, NullType
from modelyard.types.stream import StreamType
from modelyard.types.union import UnionType

_LISTS = (list, abc.Sequence, abc.MutableSequence, abc.Iterable, abc.Collection)
_SETS = (set, frozenset, abc.Set, abc.MutableSet)
_DICTS = (dict, abc.Mapping, abc.MutableMapping)
_STREAMS = (abc.Iterator, abc.Generator, abc.AsyncIterator, abc.AsyncIterable, abc.AsyncGenerator)


def read_hint(hint: Any) -> DataType | None:
    """The type of a hint. ``Any``, an unbound type variable and classes without a description give None.

    >>> read_hint(int | None).to_dict()
    {'type': 'optional', 'of': 'integer'}
    """
    if isinstance(hint, DataType):
        return hint
    if hint is None:
        return NullType()
    origin = typing.get_origin(hint)
    if origin is typing.Annotated:
        return read_hint(typing.get_args(hint)[0])
    if origin is typing.Literal:
        return _choice(typing.get_args(hint))
    if origin in (typing.Union, builtin_types.UnionType):
        return _union(typing.get_args(hint))
    if isinstance(hint, typing.NewType):
        return read_hint(hint.__supertype__)
    if isinstance(hint, typing.TypeVar):
        return read_hint(hint.__bound__) if hint.__bound__ is not None else None
    return _generic(origin or hint, typing.get_args(hint)) or _plain_class(hint)


def read_result_hint(hint: Any) -> DataType | None:
    """The type of a hint of what a function returns: there an iterator is a stream.

    >>> read_result_hint(abc.Iterator[str]).to_dict()
    {'type': 'stream', 'items': 'string'}
    """
    origin = typing.get_origin(hint) or hint
    if origin in _STREAMS:
        return StreamType(_inner(typing.get_args(hint)))
    return read_hint(hint)


def _choice(values: tuple[Any, ...]) -> DataType | None:
    given = tuple(v for v in values if v is not None)
    if not given or not all(isinstance(v, (str, int, bool)) for v in given):
        return None
    return ChoiceType(given) if len(given) == len(values) else optional(ChoiceType(given))


def _union(members: tuple[Any, ...]) -> DataType | None:
    read = [read_hint(m) for m in members if m is not type(None)]
    known = [t for t in read if t is not None]
    if not known or len(known) < len(read):
        return None
    inner = known[0] if len(known) == 1 else UnionType(tuple(known))
    return optional(inner) if type(None) in members else inner


def _generic(origin: Any, args: tuple[Any, ...]) -> DataType | None:
    if origin in _LISTS:
        return ListType(_inner(args))
    if origin in _SETS:
        return SetType(_inner(args))
    if origin in _DICTS:
        keys, values = args if len(args) == 2 else (str, Any)
        return DictType(keys=_inner((keys,)), values=_inner((values,)))
    if origin is tuple and len(args) == 2 and args[1] is Ellipsis:
        return ListType(_inner(args[:1]))
    if origin is tuple and args:
        return TupleType(tuple(_inner((a,)) for a in args))
    return None


def _inner(args: tuple[Any, ...]) -> DataType:
    return (read_hint(args[0]) if args else None) or AnyType()


def _plain_class(hint: Any) -> DataType | None:
    if not isinstance(hint, type):
        return None
    if typing.is_typeddict(hint):
        return DictType(fields=_fields(hint))
    if dataclasses.is_dataclass(hint) or hasattr(hint, "_fields"):
        return of_class(hint, _fields(hint))
    known = scalar.from_hint(hint) or moment.from_hint(hint) or file.from_hint(hint)
    return known or _of_library(hint)


def _fields(cls: type) -> dict[str, DataType]:
    hints = hints_of(cls)
    names = (
        [f.name for f in dataclasses.fields(cls) if f.init]
        if dataclasses.is_dataclass(cls)
        else list(hints)
    )
    return {name: read_hint(hints.get(name, Any)) or AnyType() for name in names}


def _of_library(cls: type) -> DataType | None:
    from modelyard.types import _plugin

    for base in cls.__mro__:
        plugin = _plugin(base.__module__.partition(".")[0])
        if plugin is not None and hasattr(plugin, "from_hint"):
            return plugin.from_hint(cls)
    return None


def hints_of(obj: Callable[..., Any] | type) -> Mapping[str, Any]:
    """The annotations of a function or class with names looked up; one that cannot be looked up is left out."""
    try:
        return typing.get_type_hints(obj)
    except (NameError, TypeError, AttributeError, SyntaxError):
        pass
    found: dict[str, Any] = {}
    names = {**vars(typing), **getattr(obj, "__globals__", {})}
    for name, annotation in getattr(obj, "__annotations__", {}).items():
        if not isinstance(annotation, str):
            found[name] = annotation
        elif annotation in names:
            found[name] = names[annotation]
    return found
