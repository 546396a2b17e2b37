"""Arrays, dtypes, sparse matrices and random states of pickles, made by public constructors from what their states say.

numpy's own ``__setstate__`` believes a file: a dtype with fields beyond its items reads foreign memory.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np

from modelyard.base.errors import Corrupted
from modelyard.objects.formats._pickles.machine import Made, Named
from modelyard.objects.formats._skops import building as skops_building
from modelyard.objects.formats._skops.arrays import sparse_of, whole_number

Build = Callable[[Any], Any]
_CODE = re.compile(r"[biufcSUVOMm]\d{1,9}")
_UNITS = frozenset(["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"])
_ARRAYS = frozenset(["numpy.ndarray", "numpy.memmap"])

CLASSES = _ARRAYS | frozenset(
    [
        "numpy.ma.MaskedArray",
        "numpy.ma.core.MaskedArray",
        "numpy.random._mt19937.MT19937",
        "numpy.random._pcg64.PCG64",
        "numpy.random.bit_generator.SeedSequence",
    ]
)
"""Classes that recipes are told by name."""


def dtype(build: Build, node: Made) -> Any:
    """A plain dtype, or a record of plain ones."""
    code = node.args[0] if node.args else None
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise Corrupted("a dtype that is none of numbers, texts, times or records")
    if node.state is None:
        return np.dtype(code)
    _, order, part, names, fields, size, *_ = node.state
    if part is not None or order not in ("<", ">", "|", "="):
        raise Corrupted("a dtype of arrays, or of no byte order")
    if names:
        return _record(build, names, fields, size)
    return np.dtype(code + _unit(node.state) if code[0] in "Mm" else code).newbyteorder(order)


def _record(build: Build, names: Any, fields: Any, size: Any) -> Any:
    formats = [build(fields[name][0]) for name in names]
    if any(not isinstance(f, np.dtype) or f.hasobject for f in formats):
        raise Corrupted("a record of other things than numbers, texts and times")
    offsets = [int(fields[name][1]) for name in names]
    return np.dtype(
        {"names": list(names), "formats": formats, "offsets": offsets, "itemsize": int(size)}
    )


def _unit(state: Any) -> str:
    unit, count, *_ = state[8][1]
    word = unit.decode("ascii") if isinstance(unit, bytes) else unit
    if word == "generic":
        return ""
    if word not in _UNITS or not whole_number(count, 1):
        raise Corrupted(f"a time in units of {unit!r}")
    return f"[{count}{word}]"


def array(build: Build, shape: Any, kind: Any, by_columns: Any, data: Any) -> Any:
    """An array of exactly the bytes, or objects, that its shape needs."""
    sizes = tuple(build(shape))
    if not all(whole_number(n) for n in sizes) or not isinstance(kind, np.dtype):
        raise Corrupted(f"an array says shape {sizes}")
    if kind.hasobject:
        return _objects(build, sizes, kind, data)
    content = build(data)
    if not isinstance(content, bytes | bytearray):
        raise Corrupted("an array has no bytes")
    if prod(sizes) * kind.itemsize != len(content) or (not content and prod(sizes) > 1):
        raise Corrupted(f"an array says shape {sizes}, which does not fit its {len(content)} bytes")
    if not content:
        return np.zeros(sizes, kind)
    flat = np.empty(prod(sizes), kind)
    # Byte by byte: a copy of records leaves whatever was in memory between their fields.
    flat.view(np.uint8)[:] = np.frombuffer(content, np.uint8)
    return flat.reshape(sizes, order="F" if by_columns else "C")


def _objects(build: Build, sizes: tuple[int, ...], kind: Any, data: Any) -> Any:
    if kind != np.dtype("O") or not isinstance(data, list) or len(data) != prod(sizes):
        raise Corrupted(f"an array of objects says shape {sizes}")
    flat = np.empty(len(data), object)
    for number, item in enumerate(data):  # at once, lists of equal length would become rows
        flat[number] = build(item)
    return flat.reshape(sizes)


def _reconstructed(build: Build, node: Made) -> Any:
    if node.args[:1] != (Named("numpy.ndarray"),) or not isinstance(node.state, tuple):
        raise Corrupted("an array of a class of its own, or without content")
    _, shape, kind, by_columns, data = node.state
    return array(build, shape, build(kind), by_columns, data)


def _from_buffer(build: Build, node: Made) -> Any:
    data, kind, shape, order, *axes = node.args
    made = array(build, shape, build(kind), order == "F", data)
    return made if order != "K" or not axes or axes[0] is None else made.transpose(build(axes[0]))


def _scalar(build: Build, node: Made) -> Any:
    kind, data = build(node.args[0]), build(node.args[1]) if len(node.args) > 1 else b""
    return array(build, (), kind, False, data)[()]


def _masked(build: Build, node: Made) -> Any:
    _, shape, kind, by_columns, data, mask, fill = node.state
    made = build(kind)
    values = array(build, shape, made, by_columns, data)
    hidden = array(build, shape, np.dtype(bool), by_columns, mask)
    return np.ma.MaskedArray(values, hidden, fill_value=build(fill))


def _from_joblib(build: Build, node: Made) -> Any:
    """An array that follows its description in the file."""
    state = node.state
    subclass = state["subclass"]
    if not isinstance(subclass, Named) or subclass.dotted not in _ARRAYS:
        raise Corrupted("an array of a class of its own")
    kind = build(state["dtype"])
    if kind.hasobject:
        value = build(node.raw)
        if not isinstance(value, np.ndarray) or value.dtype != kind:
            raise Corrupted("an array of objects that is none")
        return value
    found = array(build, state["shape"], kind, state["order"] == "F", node.raw)
    return found if found.dtype.isnative else found.astype(found.dtype.newbyteorder("="))


def sparse(build: Build, node: Made) -> Any:
    """A sparse matrix with every index in bounds."""
    state = build(node.state)
    if "coords" in state:
        state["row"], state["col"] = state["coords"]
    shape = state["_shape"]
    parts = {k: v for k, v in state.items() if isinstance(v, np.ndarray)}
    cls = skops_building.resolve("SparseMatrixNode", node.name)
    return sparse_of(cls, {**parts, "shape": np.array(shape)})


def _random_state(build: Build, node: Made) -> Any:
    return skops_building.random_state(build(node.state))


def _bits(build: Build, node: Made) -> Any:
    """A bit generator as its state and its seed; `_generator` makes both real."""
    state, seed = node.state
    return build(state), build(seed)


def _seed(build: Build, node: Made) -> Any:
    entropy, spawned, _, size, key = build(node.state)
    return {
        "entropy": entropy,
        "n_children_spawned": spawned,
        "pool_size": size,
        "spawn_key": key,
    }


def _generator(build: Build, node: Made) -> Any:
    if node.state is not None:  # before numpy 2, which kept the seed too
        return skops_building.generator(build(node.state), {})
    content, seed = build(node.args[0])
    return skops_building.generator(content, seed)


RECIPES: Mapping[str, Callable[[Build, Made], Any]] = {
    "numpy.dtype": dtype,
    **{
        f"{module}.{name}": recipe
        for module in ("numpy._core", "numpy.core")
        for name, recipe in (
            ("multiarray._reconstruct", _reconstructed),
            ("multiarray.scalar", _scalar),
            ("numeric._frombuffer", _from_buffer),
        )
    },
    "numpy.ma.core._mareconstruct": _masked,
    "joblib.numpy_pickle.NumpyArrayWrapper": _from_joblib,
    "numpy.random._pickle.__randomstate_ctor": _random_state,
    "numpy.random._pickle.__bit_generator_ctor": _bits,
    "numpy.random._pickle.__generator_ctor": _generator,
    "numpy.random.bit_generator.__pyx_unpickle_SeedSequence": _seed,
}
"""What a pickle calls -> how it is made."""
