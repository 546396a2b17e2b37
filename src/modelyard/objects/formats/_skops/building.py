"""From an audited schema to the object. Names are resolved through the allow-list again, so nothing else can be imported.

Compiled classes that would take raw memory from the file are made anew instead: a search index from its data, a spline and
a distance by their constructors.
"""

from __future__ import annotations

import functools
import importlib
import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from modelyard.base.errors import Corrupted
from modelyard.objects.formats._skops import allowed, checks, trees
from modelyard.objects.formats._skops.archive import Archive
from modelyard.objects.formats._skops.arrays import is_array, read_array, read_sparse, whole_number
from modelyard.objects.formats._skops.audit import dotted

State = Mapping[str, Any]


def build(schema: State, archive: Archive) -> Any:
    """The object of a schema that `audit` found nothing to refuse in."""
    return _Builder(archive).node(schema)


def resolve(loader: str, name: str) -> Any:
    """The class or function of an allowed name. `Corrupted` when this version of the library has none."""
    if not allowed.is_allowed(loader, name):
        raise Corrupted(f"{name} is not on the allow-list")
    if loader == "FunctionNode" and (found := allowed.ufunc(name)) is not None:
        return found
    module, _, short = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module), short)
    except (ImportError, AttributeError) as error:
        raise Corrupted(
            f"{name} is not in the installed version of {module.partition('.')[0]}",
            hint="install the versions that the card names",
        ) from error


class _Builder:
    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._done: dict[int, Any] = {}
        self._open: set[int] = set()
        self._files: dict[str, Any] = {}

    def node(self, state: State) -> Any:
        number = state.get("__id__")
        if number in self._done:
            return self._done[number]
        if number in self._open:
            raise Corrupted("an object refers to itself")
        build = _BUILDERS[state["__loader__"]]
        if not isinstance(number, int):
            return build(self, state)
        self._open.add(number)
        value = self._done[number] = build(self, state)
        self._open.remove(number)
        return value

    def nodes(self, states: list[State]) -> list[Any]:
        return [self.node(state) for state in states]

    def array(self, file: str) -> Any:
        """The array of a member; one member is one array, however often it is named."""
        if file not in self._files:
            self._files[file] = read_array(self._archive.read(file))
        return self._files[file]

    def bytes(self, file: str) -> bytes:
        return self._archive.read(file)

    def sparse(self, file: str, cls: type) -> Any:
        if file not in self._files:
            self._files[file] = read_sparse(self._archive.read(file), cls)
        return self._files[file]


def _json(builder: _Builder, state: State) -> Any:
    return json.loads(state["content"])


def _cached(builder: _Builder, state: State) -> Any:
    raise Corrupted("a reference to an object that is not there")


def _dict(builder: _Builder, state: State) -> Any:
    value = resolve("DictNode", dotted(state))()
    types, content = builder.node(state["key_types"]), state["content"]
    if len(types) != len(content):
        raise Corrupted("a dict has not one type for each key")
    for cls, (key, item) in zip(types, content.items(), strict=True):
        value[key if cls is str else _key(cls, key)] = builder.node(item)
    return value


def _key(cls: Any, text: str) -> Any:
    if cls is bool:
        return text in ("true", "True")
    if not isinstance(cls, type) or not issubclass(cls, int | float | np.generic):
        raise Corrupted(f"a dict has a key of type {cls}")
    return cls(text)


def _default_dict(builder: _Builder, state: State) -> Any:
    content = state["content"]
    factory = builder.node(content["default_factory"])
    if factory is not None and not isinstance(factory, type):
        raise Corrupted("a defaultdict makes its values by something that is no type")
    return defaultdict(factory, builder.node(content["main"]))


def _list(builder: _Builder, state: State) -> Any:
    return builder.nodes(state["content"])


def _set(builder: _Builder, state: State) -> Any:
    return set(builder.nodes(state["content"]))


def _tuple(builder: _Builder, state: State) -> Any:
    items = builder.nodes(state["content"])
    cls = resolve("TupleNode", dotted(state))
    return tuple(items) if cls is tuple else cls(*items)


def _bytes(builder: _Builder, state: State) -> Any:
    return builder.bytes(state["file"])


def _bytearray(builder: _Builder, state: State) -> Any:
    return bytearray(builder.bytes(state["file"]))


def _slice(builder: _Builder, state: State) -> Any:
    parts = [state["content"][part] for part in ("start", "stop", "step")]
    if not all(part is None or isinstance(part, int | str) for part in parts):
        raise Corrupted("a slice has bounds that are no numbers or labels")
    return slice(*parts)


def _named(builder: _Builder, state: State) -> Any:
    return resolve(state["__loader__"], dotted(state))


def _partial(builder: _Builder, state: State) -> Any:
    content = state["content"]
    name = dotted(content["func"])
    return partial(name, builder.node(content["args"]), builder.node(content["kwds"]))


def partial(name: str, arguments: Any, keywords: Any) -> Any:
    """One of the partials on the allow-list."""
    if name not in allowed.PARTIALS or not keywords.keys() <= allowed.PARTIALS[name]:
        raise Corrupted(f"a partial of {name} is not on the allow-list")
    if arguments != ():
        raise Corrupted(f"a partial of {name} has arguments without names")
    return functools.partial(resolve("FunctionNode", name), **keywords)


def _constructed(builder: _Builder, state: State) -> Any:
    cls = resolve("ConstructorFromReduceNode", dotted(state))
    return cls(*builder.node(state["content"]))


def _array(builder: _Builder, state: State) -> Any:
    name = dotted(state)
    if state["type"] == "json":
        return _object_array(builder, state)
    value = builder.array(state["file"])
    if name == "numpy.ndarray":
        return value
    cls = resolve("NdArrayNode", name)
    if value.ndim:
        raise Corrupted(f"a {name} is an array of {value.ndim} dimensions")
    scalar = value[()]
    return scalar if isinstance(scalar, cls) else cls(scalar)


def _object_array(builder: _Builder, state: State) -> Any:
    """An array of objects: nested lists of nodes, as deep as its shape is long."""
    shape = builder.node(state["shape"])
    if not isinstance(shape, tuple) or not shape or not all(whole_number(n) for n in shape):
        raise Corrupted(f"an array of objects says shape {shape!r}")
    items = builder.nodes(state["content"])
    for _ in shape[1:]:
        items = [item for row in items for item in row]
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array.reshape(shape)


def _masked_array(builder: _Builder, state: State) -> Any:
    content = state["content"]
    return np.ma.MaskedArray(builder.node(content["data"]), builder.node(content["mask"]))


def _dtype(builder: _Builder, state: State) -> Any:
    return builder.node(state["content"]).dtype


def _random_state(builder: _Builder, state: State) -> Any:
    return random_state(builder.node(state["content"]))


def random_state(content: Any) -> Any:
    """numpy's older random state, from what its ``get_state`` gives."""
    inner = content["state"]
    if content["bit_generator"] != "MT19937" or not (
        whole_number(inner["pos"]) and inner["pos"] <= 624 and inner["key"].shape == (624,)
    ):
        raise Corrupted("a random state is none of a Mersenne twister")
    value = np.random.RandomState()
    value.set_state(content)
    return value


def _generator(builder: _Builder, state: State) -> Any:
    content = state["content"]
    return generator(builder.node(content["bit_generator"]), builder.node(content["seed_seq"]))


def generator(content: Any, seed: Any) -> Any:
    """A random generator, from the state of its bits and the parts of its seed."""
    if content["bit_generator"] != "PCG64" or seed.get("pool_size", 4) != 4:
        raise Corrupted("a random generator is none of PCG64")
    bits = np.random.PCG64(np.random.SeedSequence(**seed))
    bits.state = content
    return np.random.Generator(bits)


def _sparse(builder: _Builder, state: State) -> Any:
    return builder.sparse(state["file"], resolve("SparseMatrixNode", dotted(state)))


def _tree(builder: _Builder, state: State) -> Any:
    cls = resolve("TreeNode", dotted(state))
    return tree(cls, builder.node(state["__reduce__"]["args"]), builder.node(state["content"]))


def tree(cls: Any, arguments: Any, content: Any) -> Any:
    """A compiled tree whose nodes were looked at before."""
    trees.check_tree(arguments, content)
    made = cls(*arguments)
    made.__setstate__(content)
    return made


def _loss(builder: _Builder, state: State) -> Any:
    return loss(dotted(state), builder.node(state["__reduce__"]["args"]))


def loss(name: str, arguments: Any) -> Any:
    """A compiled loss of an allowed name."""
    if not all(isinstance(a, int | float | np.number) for a in arguments):
        raise Corrupted("a loss has parameters that are no numbers")
    return resolve("LossNode", name)(*arguments)


def _object(builder: _Builder, state: State) -> Any:
    name = dotted(state)
    if name in allowed.FROZEN:
        return _distribution(builder, state)
    cls = resolve("ObjectNode", name)
    content: Any = builder.node(state["content"]) if "content" in state else None
    if name in allowed.INDEXES:
        return search_index(cls, content)
    if name in allowed.DISTANCES:
        return distance(cls, content)
    if name == allowed.SPLINE:
        return spline(cls, content)
    if allowed.is_distribution(name):
        raise Corrupted(f"{name} stands alone")
    return instance(name, cls, content)


def spline(cls: Any, content: Any) -> Any:
    """A spline, by its constructor."""
    parts = {key.lstrip("_"): part for key, part in content.items()}  # _t and _c since scipy 1.16
    return cls(*(parts[part] for part in ("t", "c", "k", "extrapolate", "axis")))


def instance(name: str, cls: Any, content: Any) -> Any:
    """An object with its state set, and checked as a whole."""
    instance = cls.__new__(cls)
    if content is not None:
        checks.check_attributes(cls, content)
        if hasattr(cls, "__setstate__"):
            instance.__setstate__(dict(content))
        else:
            instance.__dict__.update(content)
    checks.check(name, instance)
    return instance


def search_index(cls: Any, content: Any) -> Any:
    """A KD or ball tree, built again over its data: the stored nodes are indices that nobody checked."""
    data, leaf_size, metric, weight = content[0], content[4], content[11], content[12]
    if (
        dotted_type(metric) not in allowed.DISTANCES
        or not whole_number(leaf_size, 1)
        or not is_array(data, 2)
    ):
        raise Corrupted(f"a {cls.__name__} has no data, distance or leaf size")
    if weight is not None and weight.shape != data.shape[:1]:
        raise Corrupted(f"a {cls.__name__} has not one weight for each row")
    return cls(data, leaf_size=leaf_size, metric=metric, sample_weight=weight)


def distance(cls: Any, content: Any) -> Any:
    """A measure of distance, by its constructor."""
    p, vector, matrix = content
    match cls.__name__.rstrip("0123456789"):
        case "MinkowskiDistance":
            return cls(p, vector if len(vector) else None)
        case "SEuclideanDistance":
            return cls(vector)
        case "MahalanobisDistance":
            return cls(VI=matrix)
    return cls()


def _distribution(builder: _Builder, state: State) -> Any:
    """A frozen scipy distribution, by its public name: its own state holds code as text."""
    import scipy.stats

    parts = state["content"]["content"]
    family = dotted(parts["dist"])
    known = {dotted_type(value): value for value in vars(scipy.stats).values()}
    if not allowed.is_distribution(family) or family not in known:
        raise Corrupted(f"{family} is no distribution that scipy has")
    builder.node(state["content"]["key_types"])  # later nodes may refer to these two
    builder.node(parts["dist"]["content"])
    return known[family](*builder.node(parts["args"]), **builder.node(parts["kwds"]))


def dotted_type(value: Any) -> str:
    """``module.Class`` of an object."""
    return f"{type(value).__module__}.{type(value).__name__}"


_BUILDERS: Mapping[str, Callable[[_Builder, State], Any]] = {
    "JsonNode": _json,
    "CachedNode": _cached,
    "DictNode": _dict,
    "DefaultDictNode": _default_dict,
    "ListNode": _list,
    "SetNode": _set,
    "TupleNode": _tuple,
    "BytesNode": _bytes,
    "BytearrayNode": _bytearray,
    "SliceNode": _slice,
    "FunctionNode": _named,
    "TypeNode": _named,
    "PartialNode": _partial,
    "ConstructorFromReduceNode": _constructed,
    "NdArrayNode": _array,
    "MaskedArrayNode": _masked_array,
    "DTypeNode": _dtype,
    "RandomStateNode": _random_state,
    "RandomGeneratorNode": _generator,
    "SparseMatrixNode": _sparse,
    "TreeNode": _tree,
    "LossNode": _loss,
    "ObjectNode": _object,
}
