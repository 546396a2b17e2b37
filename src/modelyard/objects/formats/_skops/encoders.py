"""How each type of object is spelled as a node: one function a type, found by class or by the name of a base class.

The spelling is the format's own (protocol 2), so that other readers of it read these files.
"""

from __future__ import annotations

import json
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from modelyard.objects.formats._skops import allowed
from modelyard.objects.formats._skops.arrays import Array, write_array, write_sparse

if TYPE_CHECKING:
    from modelyard.objects.formats._skops.writing import Writer

State = dict[str, Any]
Encoder = Callable[["Writer", Any], State]

COMPACT = 32
"""A list or dict of more plain values than this is written as one JSON text, not as a node a value."""

WRITE: Mapping[str, Callable[[IO[bytes], Any], Any]] = {
    "npy": write_array,
    "npz": write_sparse,
    "bin": lambda stream, data: stream.write(data),
}
"""Suffix of a member -> what writes it."""


def state(cls: type, loader: str, **fields: Any) -> State:
    """A node of a class."""
    return {"__class__": cls.__name__, "__module__": cls.__module__, "__loader__": loader, **fields}


def unnumbered(value: Any) -> Encoder | None:
    """The encoder of a value whose identity means nothing: plain values, types, dtypes, functions."""
    if (found := _UNNUMBERED.get(type(value))) is not None:
        return found
    if isinstance(value, np.dtype):
        return _dtype
    if isinstance(value, type) or (callable(value) and hasattr(value, "__name__")):
        return _named
    return None


def numbered(value: Any) -> Encoder:
    """The encoder of any other object."""
    if (found := _ENCODERS.get(type(value))) is not None:
        return found
    for base in type(value).__mro__:
        if (found := _BY_BASE.get(f"{base.__module__}.{base.__name__}")) is not None:
            return found
    return _object


def plain(writer: Writer, value: Any) -> State:
    """A value that JSON can say."""
    return state(str, "JsonNode", content=json.dumps(value), is_json=True)


def _dtype(writer: Writer, value: np.dtype[Any]) -> State:
    return state(np.dtype, "DTypeNode", content=_array(writer, np.empty(0, value)))


def _named(writer: Writer, value: Any) -> State:
    """A type or function: found again by its name."""
    loader, name = "TypeNode" if isinstance(value, type) else "FunctionNode", allowed.name_of(value)
    if not allowed.is_allowed(loader, name):
        return writer.refuse(value)
    module, _, short = name.rpartition(".")
    return {"__class__": short, "__module__": module, "__loader__": loader}


def _dict(writer: Writer, value: Mapping[Any, Any]) -> State:
    cls = type(value)
    if not allowed.is_allowed("DictNode", f"{cls.__module__}.{cls.__name__}"):
        return writer.refuse(value)
    if cls is dict and _compact(value.values()) and all(type(k) is str for k in value):
        return plain(writer, value)
    keys = {_key(writer, key): item for key, item in value.items()}
    if len(keys) < len(value):
        return writer.refuse(value, " whose keys are equal as text")
    types = writer.key_types(value)  # first, as it is read: later dicts refer to it
    return state(cls, "DictNode", key_types=types, content=writer.nodes(keys))


def _key(writer: Writer, key: Any) -> str:
    """The key as text from which its type makes it again: ``int("3")``; only the empty text is a false bool."""
    value = key.item() if isinstance(key, np.generic) else key
    if type(value) is bool:
        return "true" if value else ""
    if type(value) not in (str, int, float):
        writer.refuse(key, " as a key")
    return value if type(value) is str else repr(value)


def _compact(values: Any) -> bool:
    return len(values) > COMPACT and all(_UNNUMBERED.get(type(v)) is plain for v in values)


def _default_dict(writer: Writer, value: defaultdict[Any, Any]) -> State:
    parts = {"main": dict(value), "default_factory": value.default_factory}
    return state(defaultdict, "DefaultDictNode", content=writer.nodes(parts))


def _list(writer: Writer, value: list[Any]) -> State:
    if _compact(value):
        return plain(writer, value)
    return state(list, "ListNode", content=[writer.node(item) for item in value])


def _tuple(writer: Writer, value: tuple[Any, ...]) -> State:
    cls = type(value)
    if not allowed.is_allowed("TupleNode", f"{cls.__module__}.{cls.__name__}"):
        return writer.refuse(value)
    return state(cls, "TupleNode", content=[writer.node(item) for item in value])


def _in_order(value: Any) -> list[Any]:
    """Elements of a set in an order that hash randomisation does not change."""
    return sorted(value, key=lambda item: (type(item).__name__, repr(item)))


def _set(writer: Writer, value: set[Any]) -> State:
    return state(set, "SetNode", content=[writer.node(item) for item in _in_order(value)])


def _constructed(writer: Writer, cls: type, arguments: tuple[Any, ...]) -> State:
    return state(cls, "ConstructorFromReduceNode", content=writer.node(arguments))


def _frozenset(writer: Writer, value: frozenset[Any]) -> State:
    return _constructed(writer, frozenset, (_in_order(value),))


def _complex(writer: Writer, value: complex) -> State:
    return _constructed(writer, complex, (value.real, value.imag))


def _reduced(writer: Writer, value: Any) -> State:
    return _constructed(writer, type(value), value.__reduce__()[1])


def _bytes(writer: Writer, value: bytes | bytearray) -> State:
    loader = "BytesNode" if type(value) is bytes else "BytearrayNode"
    return state(type(value), loader, file=writer.member("bin", bytes(value)))


def _slice(writer: Writer, value: slice) -> State:
    parts = {"start": value.start, "stop": value.stop, "step": value.step}
    if any(_UNNUMBERED.get(type(part)) is not plain for part in parts.values()):
        return writer.refuse(value, " of something else than plain values")
    return state(slice, "SliceNode", content=parts)


def _array(writer: Writer, value: Array) -> State:
    if value.dtype != object:
        if value.dtype.hasobject:
            return writer.refuse(value, f" of {value.dtype}")
        # a memory map becomes a plain array
        return state(
            np.ndarray, "NdArrayNode", type="numpy", file=writer.member("npy", np.asarray(value))
        )
    if value.ndim == 0:
        return writer.refuse(value, " of no dimension that holds an object")
    items = [writer.node(item) for item in value.tolist()]
    shape = writer.node(value.shape)
    return state(np.ndarray, "NdArrayNode", type="json", content=items, shape=shape)


def _scalar(writer: Writer, value: np.generic) -> State:
    if not allowed.is_allowed("NdArrayNode", allowed.name_of(value)):
        return writer.refuse(value)
    file = writer.member("npy", np.asarray(value))
    return state(type(value), "NdArrayNode", type="numpy", file=file)


def _masked(writer: Writer, value: Any) -> State:
    parts = {"data": value.data, "mask": np.asarray(value.mask)}
    return state(np.ma.MaskedArray, "MaskedArrayNode", content=writer.nodes(parts))


def _random_state(writer: Writer, value: np.random.RandomState) -> State:
    inner = value.get_state(legacy=False)
    if inner["bit_generator"] != "MT19937":
        return writer.refuse(value, f" of {inner['bit_generator']}")
    return state(type(value), "RandomStateNode", content=writer.node(inner))


def _generator(writer: Writer, value: np.random.Generator) -> State:
    bits = value.bit_generator
    seed: Any = bits.seed_seq
    if type(bits) is not np.random.PCG64 or type(seed) is not np.random.SeedSequence:
        return writer.refuse(value, f" of {type(bits).__name__}")
    parts = {"bit_generator": bits.state, "seed_seq": seed.state}
    return state(type(value), "RandomGeneratorNode", content=writer.nodes(parts))


def _partial(writer: Writer, value: partial[Any]) -> State:
    known = allowed.PARTIALS.get(allowed.name_of(value.func))
    if known is None or value.args or not value.keywords.keys() <= known:
        return writer.refuse(value, f" of {allowed.name_of(value.func)}")
    parts = {"func": value.func, "args": (), "kwds": value.keywords, "namespace": None}
    return state(partial, "PartialNode", content=writer.nodes(parts))


def _sparse(writer: Writer, value: Any) -> State:
    if value.format not in allowed.SPARSE_FORMATS:
        return writer.refuse(value)
    return state(type(value), "SparseMatrixNode", type="scipy", file=writer.member("npz", value))


def _tree(writer: Writer, value: Any) -> State:
    _, arguments, attributes = value.__reduce__()
    reduced = {"args": writer.node(arguments)}
    return state(type(value), "TreeNode", __reduce__=reduced, content=writer.node(attributes))


def _loss(writer: Writer, value: Any) -> State:
    """A compiled loss: what its constructor takes. Cython spells the call in two ways."""
    constructor, arguments, *_ = value.__reduce__()
    if constructor is not type(value):
        arguments = arguments[2] or ()
    reduced = {"args": writer.node(tuple(arguments))}
    return state(type(value), "LossNode", __reduce__=reduced, content=writer.node({}))


def _search_index(writer: Writer, value: Any) -> State:
    """Its counters of queries are left out: a model that was used is still the same."""
    inner = value.__getstate__()
    content = writer.node((*inner[:7], 0, 0, 0, 0, *inner[11:]))
    return state(type(value), "ObjectNode", content=content)


def _spline(writer: Writer, value: Any) -> State:
    arguments = (value.t, value.c, value.k, value.extrapolate, value.axis)
    return _constructed(writer, type(value), arguments)


def _distribution(writer: Writer, value: Any) -> State:
    """A scipy distribution with its arguments. Its generator is the process's own random state: left out."""
    family = value.dist
    described = {k: v for k, v in family.__getstate__().items() if type(v) in _UNNUMBERED}
    types = writer.key_types({"dist": None, "args": None, "kwds": None})
    dist = state(type(family), "ObjectNode", content=writer.node(described))
    parts = {"dist": dist, **writer.nodes({"args": value.args, "kwds": value.kwds})}
    return state(
        type(value), "ObjectNode", content=state(dict, "DictNode", key_types=types, content=parts)
    )


def _index(writer: Writer, value: Any) -> State:
    """A pandas index of plain values, as the call that makes it again."""
    held = allowed.is_allowed("ConstructorFromReduceNode", allowed.name_of(value))
    if not held or str(value.dtype) not in allowed.INDEX_DTYPES:
        return writer.refuse(value, f" of {value.dtype}")
    items = np.asarray(value.to_numpy(), dtype=object).tolist()
    return _constructed(writer, type(value), (items, str(value.dtype), False, value.name))


def _object(writer: Writer, value: Any) -> State:
    cls = type(value)
    if not allowed.is_allowed("ObjectNode", f"{cls.__module__}.{cls.__qualname__}"):
        return writer.refuse(value)
    inner = value.__getstate__()
    if isinstance(inner, dict) and "vocabulary_" in inner:
        inner = {**inner, "vocabulary_": _plain_columns(inner["vocabulary_"])}
    return state(cls, "ObjectNode", **({"content": writer.node(inner)} if inner else {}))


def _plain_columns(terms: Mapping[Any, Any]) -> dict[Any, int]:
    """Columns of terms as plain numbers: with ``max_features`` each is a numpy scalar, which costs a member."""
    return {term: int(column) for term, column in terms.items()}


_UNNUMBERED: Mapping[type, Encoder] = {
    **dict.fromkeys((type(None), bool, int, float, str), plain),
    slice: _slice,
    bytes: _bytes,
}

_ENCODERS: Mapping[type, Encoder] = {
    dict: _dict,
    OrderedDict: _dict,
    defaultdict: _default_dict,
    list: _list,
    tuple: _tuple,
    set: _set,
    frozenset: _frozenset,
    bytearray: _bytes,
    complex: _complex,
    np.ndarray: _array,
    np.memmap: _array,
    np.ma.MaskedArray: _masked,
    np.random.RandomState: _random_state,
    np.random.Generator: _generator,
    partial: _partial,
    **dict.fromkeys(
        (range, date, datetime, time, timedelta, timezone, Decimal, Fraction), _reduced
    ),
}

_BY_BASE: Mapping[str, Encoder] = {
    "builtins.tuple": _tuple,
    "builtins.dict": _dict,
    "numpy.generic": _scalar,
    "pandas.Index": _index,
    "pandas.core.indexes.base.Index": _index,
    "scipy.interpolate._bsplines.BSpline": _spline,
    "scipy.sparse._base._spbase": _sparse,
    "scipy.stats._distn_infrastructure.rv_frozen": _distribution,
    "sklearn._loss._loss.CyHalfMultinomialLoss": _loss,
    "sklearn._loss._loss.CyLossFunction": _loss,
    "sklearn.linear_model._sgd_fast.Classification": _loss,
    "sklearn.linear_model._sgd_fast.Regression": _loss,
    "sklearn.linear_model._sgd_fast.LossFunction": _loss,
    "sklearn.neighbors._ball_tree.BallTree": _search_index,
    "sklearn.neighbors._ball_tree.BinaryTree64": _search_index,
    "sklearn.neighbors._ball_tree.BinaryTree32": _search_index,
    "sklearn.neighbors._kd_tree.BinaryTree64": _search_index,
    "sklearn.neighbors._kd_tree.BinaryTree32": _search_index,
    "sklearn.tree._tree.Tree": _tree,
}
"""Base class by its full name -> encoder; nothing is imported to look."""
