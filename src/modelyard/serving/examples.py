"""A request that a method answers, made from the card's sample: for docs, for the curl line, for warming up."""

from __future__ import annotations

from typing import Any

from modelyard.objects.model import Model
from modelyard.objects.sampling import is_bare, required_arguments, sample_arguments
from modelyard.serving.rows import holds_records


def example_arguments(model: Model, method: str, rows: int | None = None) -> dict[str, Any] | None:
    """JSON values by argument name, or None when the sample does not say enough. ``rows`` shortens tables."""
    signature = model.signature(method)
    if not signature.args:
        return {}
    sample = sample_arguments(model.card.sample, model.signature())
    known = {name: value for name, value in sample.items() if name in signature.args}
    if not set(required_arguments(signature)) <= set(known):
        return None
    for name, value in known.items():
        if rows and isinstance(value, list) and holds_records(signature.args[name].type):
            known[name] = value[:rows]
    return known


def example_body(model: Model, method: str, rows: int | None = None) -> Any:
    """The shortest JSON body: the bare value where one argument is enough; None when there is no sample."""
    arguments = example_arguments(model, method, rows)
    if arguments and len(arguments) == 1 and is_bare(model.signature(method)):
        return next(iter(arguments.values()))
    return arguments
