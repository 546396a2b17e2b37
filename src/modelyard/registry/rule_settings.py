"""Promotion rules as a project's settings spell them, below ``registry.rules``.

.. code-block:: toml

    [tool.modelyard.registry.rules]
    path = ["dev", "staging", "prod"]        # into each but the first from the one before
    exclusive = ["prod"]                     # one version alone

    [tool.modelyard.registry.rules.stage.prod]      # or [[…stage.prod]] several times
    models = ["churn*"]                      # all, when left out
    from = ["staging", "canary"]             # in place of the path
    who = ["ana", "*@ops.example.org"]
    schema = "compatible"                    # or "same", with what the stage holds now
    audit = "clean"
    metrics = {accuracy = ">= 0.9", loss = ["< 1", "<= holder * 1.05"]}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

from modelyard.base.config import Settings
from modelyard.base.errors import InvalidName, InvalidSetting, did_you_mean
from modelyard.base.names import check_stage
from modelyard.registry.rules import (
    AuditClean,
    Comparison,
    From,
    MetricBound,
    Requirement,
    Rules,
    SchemaFits,
    StageRules,
    Who,
)

KEY = "registry.rules"

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_BOUND = re.compile(rf"\s*(>=|<=|==|>|<)\s*(?:({_NUMBER})|holder\s*(?:([*+-])\s*({_NUMBER}))?)\s*")
_OPTIONS = ("path", "exclusive", "stage")


def rules_of(config: Settings) -> Rules:
    """The rules of a project; `InvalidSetting` names the file and the key of one that cannot be read."""
    table = config.get(KEY) or {}
    for option in table:
        if option not in _OPTIONS:
            near = did_you_mean(option, _OPTIONS) or f"known: {', '.join(_OPTIONS)}"
            raise _wrong(config, option, "is not known", near)
    read = _Reader(config)
    path = read.stages("path", table.get("path", []))
    stages = [read.of_stage(stage, place, t) for stage, place, t in _tables(config, table)]
    alone = read.exclusive("exclusive", table.get("exclusive", []))
    return Rules((*stages, *(StageRules(stage, exclusive=True) for stage in alone)), path)


def _tables(
    config: Settings, table: Mapping[str, Any]
) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Stage, the key it stands at, and what is asked there."""
    stages = table.get("stage", {})
    if not isinstance(stages, dict):
        raise _wrong(config, "stage", f"is {stages!r}", "a table a stage: [….rules.stage.prod]")
    for stage, found in cast("dict[str, Any]", stages).items():
        several = cast("list[Any]", found) if isinstance(found, list) else [found]
        for number, one in enumerate(several):
            place = f"stage.{stage}" + (f"[{number}]" if isinstance(found, list) else "")
            if not isinstance(one, dict):
                raise _wrong(config, place, f"is {one!r}", "a table of what is asked")
            yield stage, place, cast("dict[str, Any]", one)


class _Reader:
    """Values of settings, with errors that say where they stand."""

    def __init__(self, config: Settings) -> None:
        self._config = config

    def of_stage(self, stage: str, place: str, table: Mapping[str, Any]) -> StageRules:
        makers: Mapping[str, Callable[[str, Any], Sequence[Requirement]]] = {
            "from": lambda key, value: (From(self.some_stages(key, value)),),
            "who": lambda key, value: (Who(self.texts(key, value)),),
            "schema": self.schema,
            "audit": self.audit,
            "metrics": self.metrics,
        }
        for option in table:
            if option not in (*makers, "models", "exclusive"):
                known = [*makers, "models", "exclusive"]
                hint = did_you_mean(option, known) or f"known: {', '.join(known)}"
                raise self._wrong(f"{place}.{option}", "is not known", hint)
        exclusive = table.get("exclusive", False)
        if not isinstance(exclusive, bool):
            raise self._wrong(f"{place}.exclusive", f"is {exclusive!r}", "true or false")
        return StageRules(
            stage,
            models=tuple(self.texts(f"{place}.models", table.get("models", ["*"]))),
            requirements=tuple(
                made
                for option, make in makers.items()
                if option in table
                for made in make(f"{place}.{option}", table[option])
            ),
            exclusive=exclusive,
        )

    def texts(self, key: str, value: Any) -> list[str]:
        values = cast("list[Any]", [value] if isinstance(value, str) else value)
        if not isinstance(values, list) or not all(isinstance(v, str) and v for v in values):
            raise self._wrong(key, f"is {value!r}", 'a list of texts, as ["ana", "*@example.org"]')
        if not values:
            raise self._wrong(key, "is empty", "leave it out where nothing is asked")
        return values

    def stages(self, key: str, value: Any) -> list[str]:
        names = self.texts(key, value) if value != [] else []
        for name in names:
            try:
                check_stage(name)
            except InvalidName as error:
                raise self._wrong(key, f"has {name!r}: {error.message}", error.hint) from None
        if len(set(names)) != len(names):
            raise self._wrong(key, f"is {value!r}", "each stage once")
        return names

    def some_stages(self, key: str, value: Any) -> list[str]:
        return self.stages(key, self.texts(key, value))

    def exclusive(self, key: str, value: Any) -> list[str]:
        if isinstance(value, bool):
            return ["*"] if value else []
        return self.stages(key, value)

    def schema(self, key: str, value: Any) -> Sequence[Requirement]:
        if value not in ("compatible", "same"):
            raise self._wrong(key, f"is {value!r}", '"compatible" or "same"')
        return (SchemaFits(exactly=value == "same"),)

    def audit(self, key: str, value: Any) -> Sequence[Requirement]:
        if value != "clean":
            raise self._wrong(key, f"is {value!r}", '"clean"')
        return (AuditClean(),)

    def metrics(self, key: str, value: Any) -> Sequence[Requirement]:
        if not isinstance(value, dict):
            raise self._wrong(key, f"is {value!r}", 'a table, as {accuracy = ">= 0.9"}')
        return [
            self.bound(f"{key}.{metric}", metric, text)
            for metric, texts in cast("dict[str, Any]", value).items()
            for text in (cast("list[Any]", texts) if isinstance(texts, list) else [texts])
        ]

    def bound(self, key: str, metric: str, text: Any) -> MetricBound:
        found = _BOUND.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            raise self._wrong(key, f"is {text!r}", 'as ">= 0.9", "<= holder", ">= holder - 0.01"')
        sign, number, operator, by = found.groups()
        comparison = cast(Comparison, sign)
        if number is not None:
            return MetricBound(metric, comparison, float(number))
        if operator == "*":
            return MetricBound(metric, comparison, 0.0, float(by))
        offset = float(by or 0) * (-1 if operator == "-" else 1)
        return MetricBound(metric, comparison, offset, 1.0)

    def _wrong(self, key: str, what: str, hint: str | None) -> InvalidSetting:
        return _wrong(self._config, key, what, hint)


def _wrong(config: Settings, key: str, what: str, hint: str | None) -> InvalidSetting:
    option = key.split(".")[0].split("[")[0]
    setting = config.values.get(f"{KEY}.{option}") or config.values.get(KEY)
    source = f"{setting.source}: " if setting else ""
    return InvalidSetting(f"{source}{KEY}.{key} {what}", hint=hint)
