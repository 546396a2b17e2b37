"""What hangs on an object: the values a walk over a live model goes on with.

Arrays, frames, strings and numbers hold nothing of interest and cost nothing. A long list is looked at in places only,
spread evenly: a forest's trees are all of one kind.
"""

from __future__ import annotations

import functools
import sys
import types
from collections import defaultdict, deque
from collections.abc import Iterator
from itertools import islice
from typing import Any

LONG = 128
"""A list, tuple or set up to this length is looked at in full, a dict too."""
SAMPLED = 64
"""Items that are looked at in a longer one."""

_PLAIN = (bool, int, float, complex, str, bytes, bytearray, memoryview, range, slice, type(None))
_INNER = (types.EllipsisType, types.NotImplementedType, types.CodeType, types.FrameType)
ATOMS = frozenset([*_PLAIN, *_INNER])
"""Exact types that lead nowhere."""

_SEQUENCES: tuple[Any, ...] = (list, tuple, set, frozenset, deque)
_TRANSPARENT = frozenset(["collections", "functools", "types", "typing", "dataclasses", "operator"])
"""Modules of Python's own whose instances hold what users put in; others (a logger, a lock, a pool) lead all over the
process and are never part of a model."""


def contents(value: Any) -> Iterator[Any]:
    """The values that an object refers to, apart from its class. Functions, classes and modules are not for this.

    Containers are read by the methods of their built-in base, so that no code of a user's subclass runs.
    """
    yield from _items(value)
    yield from _special(value)
    cls = type(value)
    if cls.__module__ in _TRANSPARENT or not _is_standard(cls):
        yield from _attributes(value)


def _is_standard(cls: type) -> bool:
    return cls.__module__.partition(".")[0] in sys.stdlib_module_names


def _items(value: Any) -> Iterator[Any]:
    if not issubclass(type(value), dict) and isinstance(value, dict):
        yield getattr(value, "__wrapped__", None)  # a proxy that passes for what it holds
        return
    if isinstance(value, dict):
        length = dict.__len__(value)
        if length > LONG and all(type(v) in ATOMS for v in islice(dict.values(value), SAMPLED)):
            return  # a vocabulary
        yield from _spread(dict.values(value), length)
        yield from _spread(dict.keys(value), length)
        if isinstance(value, defaultdict):
            yield value.default_factory
        return
    for base in _SEQUENCES:
        if isinstance(value, base):
            yield from _spread(base.__iter__(value), base.__len__(value))
            return
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray) and value.dtype.hasobject:
        yield from (value.flat[i] for i in _places(value.size))


def _spread(values: Any, length: int) -> Iterator[Any]:
    if length <= LONG:
        yield from list(values)
    else:
        yield from islice(values, 0, None, max(1, length // SAMPLED))


def _places(length: int) -> range:
    return range(length) if length <= LONG else range(0, length, length // SAMPLED)


def _special(value: Any) -> Iterator[Any]:
    """What some of Python's own objects hold elsewhere than in attributes."""
    if isinstance(value, types.MethodType):
        yield from (value.__self__, value.__func__)
    elif isinstance(value, types.BuiltinFunctionType):
        yield value.__self__
    elif isinstance(value, functools.partial):
        yield from (value.func, value.args, value.keywords)
    elif isinstance(value, property):
        yield from (value.fget, value.fset, value.fdel)
    elif isinstance(value, (staticmethod, classmethod)):
        yield value.__func__
    elif isinstance(value, (types.GenericAlias, types.UnionType)):
        yield from (getattr(value, "__origin__", None), value.__args__)


def _attributes(value: Any) -> Iterator[Any]:
    """Attributes in ``__dict__`` and slots, without running the object's own code."""
    try:
        own = object.__getattribute__(value, "__dict__")
    except AttributeError:
        own = None
    if isinstance(own, dict):
        yield from list(own.values())
    for cls in type(value).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            member = cls.__dict__.get(name)
            if isinstance(member, types.MemberDescriptorType):
                try:
                    yield member.__get__(value)
                except AttributeError:
                    continue  # a slot that was never filled
