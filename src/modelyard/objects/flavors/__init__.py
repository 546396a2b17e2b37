"""What kind of model an object is: one file for each library, found by the object's class ancestry.

>>> find(len).NAME
'callable'
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, cast

from modelyard.base import plugins
from modelyard.base.errors import UnsupportedType
from modelyard.objects.flavors import callable as callables
from modelyard.objects.interface import Flavor


def find(obj: Any) -> Flavor:
    """The flavor of a model: a library's own, else ``callable`` for whatever can be called.

    `UnsupportedType` says what is missing.
    """
    found = claiming(obj)
    if found is not None:
        return found
    if callables.claims(obj) or callables.has_public_methods(obj):
        return cast(Flavor, callables)
    name = f"{type(obj).__module__}.{type(obj).__qualname__}".removeprefix("builtins.")
    if isinstance(obj, type):
        raise UnsupportedType(
            f"{obj.__name__} is a class, not a model",
            hint=f"save an instance of it: {obj.__name__}(…)",
        )
    raise UnsupportedType(
        f"no flavor takes an object of type {name} as a model",
        hint="a model is a fitted estimator, a function, or an object with __call__, predict or transform",
    )


def claiming(obj: Any) -> Flavor | None:
    """The flavor of the first library in the object's class ancestry that claims it, of a dict of models `several`, or
    None."""
    if isinstance(obj, type):
        return None
    names = ("several",) if type(obj) is dict else roots(type(obj))
    for name in names:
        found = plugins.find("flavors", name)
        if found is not None and found.claims(obj):
            return cast(Flavor, found)
    return None


@lru_cache(maxsize=2048)
def may_be_model(cls: type) -> bool:
    """Whether a library in a class's ancestry has a flavor: a quick no for nearly everything."""
    return any(plugins.find("flavors", root) is not None for root in roots(cls))


@lru_cache(maxsize=2048)
def reducer_of(cls: type) -> Callable[[Any], Any] | None:
    """What a library's flavor says of how objects of a class are pickled (`Flavor`), where the library's own way fails."""
    found = (getattr(plugins.find("flavors", root), "reduced", None) for root in roots(cls))
    return next(filter(None, found), None)


def has_prediction_methods(obj: Any) -> bool:
    """Whether an object that is no data of a known library has ``predict``, ``transform`` or the like."""
    # Python's own values are data, though a str has a method named encode.
    if isinstance(obj, type) or type(obj).__module__ == "builtins":
        return False
    if not callables.prediction_methods(obj):
        return False
    found = (plugins.find("types", root) for root in roots(type(obj)))
    return not any(
        kind is not None and hasattr(kind, "claims") and kind.claims(obj) for kind in found
    )


def roots(cls: type) -> Iterator[str]:
    """The root packages of a class and its bases, nearest first, each once. Classes of our own that stand for another
    library's objects say whose in ``FLAVOR``."""
    names = dict.fromkeys(_root(base) for base in cls.__mro__)
    return (name for name in names if name != "builtins" and not name.startswith("_"))


def _root(cls: type) -> str:
    root = cls.__module__.partition(".")[0]
    return str(vars(cls).get("FLAVOR", root)) if root == "modelyard" else root
