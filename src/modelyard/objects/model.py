"""A loaded model: the object itself, its card, and its methods as they are to be called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from modelyard.base.errors import UnknownMethod, did_you_mean
from modelyard.objects.card import Card
from modelyard.types.schema import Signature


@dataclass(eq=False)
class Model:
    """What serving, apply, evaluate and the yard work with. ``object`` is what `load` gives to users."""

    card: Card
    object: Any
    functions: Mapping[str, Callable[..., Any]]
    """Method name -> what to call with native values, pre- and post-processing included."""
    name: str = "model"
    """For people and URLs: the last segment of a path, or the registered name."""
    version: str = ""
    """Version label in a registry, or empty."""
    provenance: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Row ids and the like of where it came from."""

    @property
    def methods(self) -> Sequence[str]:
        """Methods that can be called, in the card's order."""
        return [m for m in self.card.methods if m in self.functions]

    @cached_property
    def default_method(self) -> str:
        """``predict``, else ``transform``, else the only (or first) one."""
        return default_method(self.methods)

    def method(self, name: str | None = None) -> str:
        """The name of a method that exists; None means the default. `UnknownMethod` lists the choices."""
        if name is None:
            return self.default_method
        if name not in self.functions or name not in self.card.methods:
            raise UnknownMethod(
                f"model '{self.name}' has no method {name!r}",
                hint=did_you_mean(name, self.methods) or f"it has: {', '.join(self.methods)}",
                choices=list(self.methods),
            )
        return name

    def signature(self, method: str | None = None) -> Signature:
        return self.card.methods[self.method(method)]

    def call(self, method: str | None = None, /, **arguments: Any) -> Any:
        """Call a method with native values, as the original object would be called."""
        return self.functions[self.method(method)](**arguments)

    @property
    def identity(self) -> str:
        """``name@version``, or ``name@sha256:…`` when it is not registered: what answers and logs carry."""
        return f"{self.name}@{self.version or self.card.digest}"


def default_method(methods: Sequence[str]) -> str:
    """The method meant when none is named."""
    for wanted in ("predict", "transform"):
        if wanted in methods:
            return wanted
    if not methods:
        raise UnknownMethod(
            "this model has no method that can be called",
            hint="save it with sample_data=, so that its methods are recorded",
        )
    return methods[0]
