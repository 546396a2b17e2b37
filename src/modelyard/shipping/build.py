"""Build: a saved or registered model as a package, an environment's requirements, an image …"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from modelyard.base import plugins
from modelyard.base.errors import InvalidInput, did_you_mean
from modelyard.objects.source import Source
from modelyard.shipping.interface import Builder, Built, Plan
from modelyard.yard.resolving import resolve
from modelyard.yard.versions import ModelVersion


def build(
    model: str | Path | ModelVersion | Source,
    builder: str,
    *,
    output: str | Path | None = None,
    project: str | None = None,
    rev: str | None = None,
    **options: Any,
) -> Built:
    """Build a model with a builder (``wheel``, ``mlflow``, ``requirements``); ``options`` are the builder's own.

    ``output`` is the folder or file to write; every builder has a sensible default in the current folder.
    """
    source = source_of(model, project, rev)
    chosen = find_builder(builder)
    return chosen.run(checked_plan(chosen, source, output, options), source)


def plan_build(
    model: str | Path | ModelVersion | Source,
    builder: str,
    *,
    output: str | Path | None = None,
    project: str | None = None,
    rev: str | None = None,
    **options: Any,
) -> Plan:
    """What `build` would do, without doing it."""
    return checked_plan(find_builder(builder), source_of(model, project, rev), output, options)


def source_of(
    model: str | Path | ModelVersion | Source, project: str | None = None, rev: str | None = None
) -> Source:
    """The saved model that is meant."""
    if isinstance(model, ModelVersion):
        return model.source
    source = model if isinstance(model, Source) else resolve(model, project=project, rev=rev)
    if source.card.kind != "model":
        raise InvalidInput(f"{source.ref or source.name} is {source.card.kind}, not a model")
    return source


def find_builder(name: str) -> Builder:
    """The builder of that name; unknown ones list the known."""
    return cast(Builder, plugins.load("builders", name.replace("-", "_")))


def checked_plan(
    builder: Builder, source: Source, output: str | Path | None, options: Mapping[str, Any]
) -> Plan:
    """A plan, after refusing options that the builder does not have."""
    for name in options:
        if name not in builder.OPTIONS:
            known = ", ".join(builder.OPTIONS) or "none"
            raise InvalidInput(
                f"the builder {builder.NAME} has no option {name!r}",
                hint=did_you_mean(name, builder.OPTIONS) or f"it has: {known}",
            )
    return builder.plan(source, Path(output) if output is not None else None, options)
