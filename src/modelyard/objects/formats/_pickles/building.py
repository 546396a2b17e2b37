"""From the graph of a pickle to its object: each thing by a recipe of ours, under the allow-list of skops files.

Nothing in a file is called as the file says: arrays, tables and compiled objects are made by public constructors from what
their states say, estimators as for skops, with the same checks. The graph is final before anything is made, so that
what was checked cannot change afterwards.
"""

from __future__ import annotations

import collections
import datetime
import decimal
import fractions
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

from modelyard.base.errors import Corrupted, Untrusted
from modelyard.objects.formats._pickles import arrays, frames
from modelyard.objects.formats._pickles.machine import SPELLING, Graph, Made, Named, Skipped
from modelyard.objects.formats._skops import allowed, building, estimators

Recipe = Callable[["Builder", Made], Any]

MAX_DEEP = 150
MAX_UNFOLDED = 20_000_000
_PLAIN = frozenset([str, int, float, bool, bytes, type(None)])


def strangers(graph: Graph) -> list[str]:
    """What keeps a pickle from being built here: names that are not listed, calls of what is only a value."""
    names = [n for n in graph.names if not (is_listed(n) or n in SPELLING)]
    calls = [
        f"{n} (called)"
        for n in graph.calls
        if n not in names and n not in CLASSES and recipe_of(n) is None
    ]
    return [*names, *calls, *([graph.fault] if graph.fault else ())]


def build(graph: Graph) -> Any:
    """The object of a graph. `Untrusted` for names beyond the allow-list, `Corrupted` for what makes no object."""
    if graph.fault:
        raise Corrupted(graph.fault)
    if found := strangers(graph):
        raise Untrusted(
            f"it names what is not on the allow-list: {', '.join(found[:10])}", types=found
        )
    return Builder()(graph.root)


def is_listed(name: str) -> bool:
    """Whether a pickle may name this."""
    return (
        recipe_of(name) is not None or _is_value(name) or name in CLASSES or name in frames.VALUES
    )


def recipe_of(name: str) -> Recipe | None:
    """How what a pickle calls by this name is made; None when it may not be called."""
    return RECIPES.get(name) or frames.RECIPES.get(name) or arrays.RECIPES.get(name)


def _is_value(name: str) -> bool:
    return any(allowed.is_allowed(kind, name) for kind in ("TypeNode", "FunctionNode"))


class Builder:
    """Called with a part of a graph, gives what it stands for; the same part is the same object each time."""

    def __init__(self) -> None:
        self._done: dict[int, tuple[Any, int]] = {}
        """Part -> its object, and how many parts that unfolds to."""
        self._open: set[int] = set()
        self._unfolded = 0

    def __call__(self, part: Any) -> Any:
        if type(part) in _PLAIN:
            return part
        if id(part) in self._done:
            value, count = self._done[id(part)]
            self._count(count)
            return value
        if id(part) in self._open:
            raise Corrupted("an object refers to itself")
        if len(self._open) > MAX_DEEP:
            raise Corrupted(f"objects nest more than {MAX_DEEP} deep")
        self._open.add(id(part))
        before = self._unfolded
        self._count(1)
        value = self._made(part)
        self._done[id(part)] = value, self._unfolded - before
        self._open.remove(id(part))
        return value

    def _count(self, parts: int) -> None:
        """Ten lists, each of the one before ten times, are small here and too large for whoever walks through them."""
        self._unfolded += parts
        if self._unfolded > MAX_UNFOLDED:
            raise Corrupted(f"it unfolds to more than {MAX_UNFOLDED} parts")

    def _made(self, part: Any) -> Any:
        match part:
            case Made():
                return self._call(part)
            case Named(dotted):
                return _value(dotted)
            case dict():
                return {_key(self(key)): self(item) for key, item in part.items()}
            case bytearray():
                return bytearray(part)
            case list() | tuple():
                return type(part)(map(self, part))
            case set() | frozenset():
                return type(part)(_key(self(item)) for item in part)
            case Skipped():
                raise Corrupted("bytes that were passed over")
        raise Corrupted(f"a {type(part).__name__} in a pickle")

    def _call(self, node: Made) -> Any:
        recipe = recipe_of(node.name)
        if recipe is None:
            raise Corrupted(f"{node.name or 'the result of a call'} is called")
        if node.kwargs:
            raise Corrupted(f"{node.name} is called with arguments by name")
        return recipe(self, node)


def _key(key: Any) -> Any:
    """A key, or item of a set. Tuples in tuples could take for ever to hash."""
    if isinstance(key, tuple | frozenset) and any(isinstance(k, tuple | frozenset) for k in key):
        raise Corrupted("a key that is nested")
    return key


def _items(make: Callable[..., Any]) -> Callable[..., Any]:
    """A set of a list."""
    return lambda *arguments: make(_key(item) for item in chain.from_iterable(arguments))


def _value(name: str) -> Any:
    if name in frames.VALUES:
        return frames.VALUES[name]()
    kind = next((k for k in ("TypeNode", "FunctionNode") if allowed.is_allowed(k, name)), None)
    if kind is None:
        raise Corrupted(f"{name} stands where a value belongs")
    return building.resolve(kind, name)


def _estimator(build: Builder, node: Made) -> Any:
    cls = building.resolve("ObjectNode", node.name)
    if node.args or node.items or node.pairs:
        raise Corrupted(f"{node.name} is made with arguments")
    return building.instance(node.name, cls, build(node.state))


def _tree(build: Builder, node: Made) -> Any:
    cls = building.resolve("TreeNode", node.name)
    return building.tree(cls, build(node.args), build(node.state))


def _loss(build: Builder, node: Made) -> Any:
    return building.loss(node.name, build(node.args))


def _cython_loss(build: Builder, node: Made) -> Any:
    """A loss as Cython pickles it: class, checksum and state."""
    cls, _, state = node.args
    if not isinstance(cls, Named) or cls.dotted not in allowed.COMPILED_LOSSES:
        raise Corrupted("a loss of an unknown class")
    return building.loss(cls.dotted, build(node.state or state or ()))


def _compiled(build: Builder, node: Made) -> Any:
    """A search index or a distance, which Cython makes empty and fills by its state."""
    [cls] = node.args
    name = cls.dotted if isinstance(cls, Named) else ""
    if name in allowed.INDEXES:
        return building.search_index(building.resolve("ObjectNode", name), build(node.state))
    if name in allowed.DISTANCES:
        return building.distance(building.resolve("ObjectNode", name), build(node.state))
    raise Corrupted(f"{name or 'something else'} is no search index and no distance")


def _spline(build: Builder, node: Made) -> Any:
    return building.spline(building.resolve("ObjectNode", node.name), build(node.state))


def _named_tuple(build: Builder, node: Made) -> Any:
    return building.resolve("TupleNode", node.name)(*build(node.args))


def _partial(build: Builder, node: Made) -> Any:
    function, arguments, keywords, _ = node.state
    if not isinstance(function, Named):
        raise Corrupted("a partial of no function")
    return building.partial(function.dotted, build(arguments), build(keywords))


def _dict(make: Callable[..., Any], *kinds: type) -> Recipe:
    """A dict of its own class, with its items; a state of attributes beside them is let go."""

    def recipe(build: Builder, node: Made) -> Any:
        arguments = build(node.args)
        value = make(*_checked(node.name, arguments, kinds))
        for key, item in node.pairs:
            value[_key(build(key))] = build(item)
        return value

    return recipe


def _bunch(*arguments: Any) -> Any:
    return building.resolve("DictNode", "sklearn.utils._bunch.Bunch")(*arguments)


def _constructed(make: Callable[..., Any], *kinds: type) -> Recipe:
    """Called with plain arguments of these types."""

    def recipe(build: Builder, node: Made) -> Any:
        if node.items or node.pairs:
            raise Corrupted(f"{node.name} has items")
        return make(*_checked(node.name, build(node.args), kinds))

    return recipe


def _checked(name: str, arguments: Sequence[Any], kinds: tuple[type, ...]) -> Sequence[Any]:
    wrong = next((a for a in arguments if not isinstance(a, kinds)), None)
    if wrong is not None or (None in arguments and type(None) not in kinds):
        raise Corrupted(f"{name} is made of a {type(wrong).__name__}")
    return arguments


def _bytearray(*arguments: Any) -> bytearray:
    """Of bytes; old protocols give a text and its encoding."""
    match arguments:
        case (str(text), "latin-1"):
            return bytearray(text, "latin-1")
    return bytearray(*arguments)


def _decimal(text: str) -> decimal.Decimal:
    if not re.fullmatch(r"[-+]?[\w.+-]{1,4000}", text):
        raise Corrupted("a decimal number that is none")
    return decimal.Decimal(text)


_NONE = type(None)
RECIPES: Mapping[str, Recipe] = {
    **dict.fromkeys(
        [*allowed.names(estimators.ESTIMATORS), *allowed.names(estimators.PARTS)], _estimator
    ),
    **dict.fromkeys(allowed.names(estimators.NAMED_TUPLES), _named_tuple),
    **dict.fromkeys(allowed.COMPILED_LOSSES, _loss),
    "sklearn._loss._loss.__pyx_unpickle_CyHalfMultinomialLoss": _cython_loss,
    "sklearn.tree._tree.Tree": _tree,
    "sklearn.metrics._dist_metrics.newObj": _compiled,
    "sklearn.neighbors._kd_tree.newObj": _compiled,
    "sklearn.neighbors._ball_tree.newObj": _compiled,
    allowed.SPLINE: _spline,
    **dict.fromkeys(allowed.SPARSE, arrays.sparse),
    "functools.partial": _partial,
    "sklearn.utils._bunch.Bunch": _dict(_bunch, dict),
    "collections.OrderedDict": _dict(collections.OrderedDict),
    "collections.Counter": _dict(collections.Counter, dict),
    "collections.defaultdict": _dict(collections.defaultdict, type),
    "builtins.set": _constructed(_items(set), list),
    "builtins.frozenset": _constructed(_items(frozenset), list),
    "builtins.bytes": _constructed(bytes, bytes),
    "builtins.bytearray": _constructed(_bytearray, bytes, bytearray, str),
    "builtins.slice": _constructed(slice, int, str, _NONE),
    "builtins.range": _constructed(range, int),
    "builtins.complex": _constructed(complex, float, int),
    "datetime.date": _constructed(datetime.date, bytes),
    "datetime.datetime": _constructed(datetime.datetime, bytes, datetime.tzinfo),
    "datetime.time": _constructed(datetime.time, bytes, datetime.tzinfo),
    "datetime.timedelta": _constructed(datetime.timedelta, int),
    "datetime.timezone": _constructed(datetime.timezone, datetime.timedelta, str),
    "decimal.Decimal": _constructed(_decimal, str),
    "fractions.Fraction": _constructed(fractions.Fraction, int, str),
}
"""What a pickle calls -> how it is made, but for arrays and tables."""

CLASSES = allowed.DISTANCES | allowed.INDEXES | frames.CLASSES | arrays.CLASSES
"""Classes that recipes are told by name."""
