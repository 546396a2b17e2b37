"""Pre- and post-processors in MLEM's forms: a function, a model with one method, or one of these for each method."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from modelyard.base.errors import InvalidInput
from modelyard.objects import flavors
from modelyard.objects.steps import composed

Step = Callable[..., Any]


def as_step(obj: Any) -> Step | None:
    """What a processor does: a transformer transforms, a model predicts, anything else is called."""
    if obj is None or (callable(obj) and flavors.claiming(obj) is None):
        return obj
    methods = flavors.find(obj).methods(obj)
    name = next((n for n in ("transform", "predict") if n in methods), None)
    if name is None:
        raise InvalidInput(f"a {type(obj).__name__} is no step: it neither transforms nor predicts")
    return getattr(obj, name, None) or methods[name]


class SteppedByMethod:
    """A model whose methods have steps of their own around them."""

    def __init__(self, model: Any, before: Mapping[str, Step], after: Mapping[str, Step]) -> None:
        self.model, self.before, self.after = model, dict(before), dict(after)

    def __getattr__(self, name: str) -> Any:
        own: Mapping[str, Any] = self.__dict__
        if name.startswith("_") or "after" not in own:
            raise AttributeError(name)
        method = getattr(own["model"], name)
        return composed(method, own["before"].get(name), own["after"].get(name))


class Steps(NamedTuple):
    """What to save, and the steps that `modelyard.save` takes beside it."""

    obj: Any
    preprocess: Step | None = None
    postprocess: Step | None = None


def with_steps(obj: Any, before: Any, after: Any) -> Steps:
    """Steps of all methods stay beside the model; those of single methods go around it."""
    if not isinstance(before, Mapping) and not isinstance(after, Mapping):
        return Steps(obj, as_step(before), as_step(after))
    methods = list(flavors.find(obj).methods(obj))
    return Steps(SteppedByMethod(obj, _by_method(before, methods), _by_method(after, methods)))


def _by_method(given: Any, methods: list[str]) -> dict[str, Step]:
    if given is None:
        return {}
    each = given if isinstance(given, Mapping) else dict.fromkeys(methods, given)
    unknown = [name for name in each if name not in methods]
    if unknown:
        raise InvalidInput(
            f"there is no method {unknown[0]!r} to have a step",
            hint=f"there is: {', '.join(methods)}",
        )
    return {name: step for name, obj in each.items() if (step := as_step(obj)) is not None}
