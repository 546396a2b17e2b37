"""Searches of models and versions: MLflow's filters and more, any order, pages that do not shift under writes."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import total_ordering
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from modelyard.base.filters import And, Comparison, Field, Filter, comparisons, matches, parse
from modelyard.compat.mlflow_rest.errors import Refusal
from modelyard.compat.mlflow_rest.registry_answers import PROMPT, stages_of
from modelyard.compat.mlflow_rest.wire import Call
from modelyard.registry import queries
from modelyard.registry.interface import ModelState, Version

if TYPE_CHECKING:
    from modelyard.yard.yard import Yard

T = TypeVar("T")
Pair = tuple[ModelState, Version]

MOST_MODELS, MOST_VERSIONS = 1000, 200_000
_DOUBLE_QUOTED = re.compile(
    r"""'[^']*'|`[^`]*`|(?P<before>(?:[=,(]|LIKE)\s*)"(?P<text>[^"]*)\"""", re.I
)
_ORDER = re.compile(r"""\s*[`"]?(?P<name>[\w.]+)[`"]?(?:\s+(?P<way>asc|desc))?\s*""", re.I)
_OF = {"tag": "tags", "attr": "", "attribute": "", "attributes": ""}

_MODEL_NAMES = {"name", "creation_timestamp", "last_updated_timestamp"}
_VERSION_NAMES = {*_MODEL_NAMES, "version_number", "run_id", "source_path", "stage", "alias", "status"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """One page."""

    items: Sequence[T]
    next: str | None


@total_ordering
class _Down:
    """Sorts the other way round."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Down) and self.value == other.value

    def __lt__(self, other: _Down) -> bool:
        return other.value < self.value


def models(yard: Yard, call: Call) -> Found[ModelState]:
    """Models that a request asks for."""
    wanted = filter_of(call.text("filter"), _MODEL_NAMES)
    limit = call.integer("max_results", 100, low=0, high=MOST_MODELS)

    def value(state: ModelState, field: Field) -> Any:
        if field.of == "tags":
            return _tag(state.facts, field.name)
        return {
            "name": state.name,
            "creation_timestamp": state.created_ms,
            "last_updated_timestamp": state.updated_ms,
        }[field.name]

    found = [s for s in _states(yard, wanted) if _matches(wanted, lambda f, s=s: value(s, f))]
    order = orders_of(call.texts("order_by"), _MODEL_NAMES, ["name"])
    return page_of(found, order, value, limit, call.text("page_token"))


def versions(yard: Yard, call: Call) -> Found[Pair]:
    """Versions that a request asks for."""
    wanted = filter_of(call.text("filter"), _VERSION_NAMES)
    limit = call.integer("max_results", 10_000, low=0, high=MOST_VERSIONS)
    stages = stages_of(yard)

    def value(pair: Pair, field: Field) -> Any:
        state, version = pair
        if field.of == "tags":
            return _tag(version.facts, field.name)
        return {
            "name": lambda: state.name,
            "version_number": lambda: version.number,
            "run_id": lambda: version.facts.get("run"),
            "source_path": lambda: version.facts.get("source"),
            "creation_timestamp": lambda: version.at_ms,
            "last_updated_timestamp": lambda: max(version.updated_ms, version.at_ms),
            "stage": lambda: stages.shown(state, version),
            "alias": lambda: queries.aliases_of(state, version.label),
            "status": lambda: "READY",
        }[field.name]()

    pairs = ((s, v) for s in _states(yard, wanted) for v in queries.active(s))
    found = [pair for pair in pairs if _matches(wanted, lambda f, p=pair: value(p, f))]
    usual = ["last_updated_timestamp DESC", "name", "version_number DESC"]
    order = orders_of(call.texts("order_by"), _VERSION_NAMES, usual)
    return page_of(found, order, value, limit, call.text("page_token"))


def _tag(facts: Mapping[str, Any], key: str) -> Any:
    """A tag; a name that is not marked as one of prompts is none."""
    return facts.get("tags", {}).get(key, "false" if key == PROMPT else None)


def _states(yard: Yard, wanted: Filter | None) -> Iterator[ModelState]:
    """All models, or the one that the filter names."""
    parts = wanted.parts if isinstance(wanted, And) else (wanted,)
    for part in parts:
        if (
            isinstance(part, Comparison)
            and part.field == Field("name", "")
            and part.operator == "="
        ):
            state = yard.models.registry.state(str(part.value))
            return iter([state] if state.exists else [])
    return yard.models.registry.states()


def filter_of(text: str, names: set[str]) -> Filter | None:
    """The filter of a request, its fields checked and called by one name each; None without one."""
    if not text.strip():
        return None
    found = parse(_DOUBLE_QUOTED.sub(_single_quoted, text))
    for comparison in comparisons(found):
        field_of(comparison.field, names)
    return found


def _single_quoted(match: re.Match[str]) -> str:
    """MLflow takes values in double quotes too."""
    if match["text"] is None:
        return match[0]
    return match["before"] + "'" + match["text"].replace("'", "''") + "'"


def field_of(field: Field, names: set[str]) -> Field:
    """A field by its usual name."""
    of = _OF.get(field.of, field.of)
    if of == "tags" or (of == "" and field.name in names):
        return Field(field.name, of)
    known = ", ".join([*sorted(names), "tags.<key>"])
    raise Refusal(f"Invalid attribute key '{field}' specified. Valid keys are: {known}")


def _matches(wanted: Filter | None, value: Callable[[Field], Any]) -> bool:
    if wanted is None:
        return True
    return matches(wanted, lambda field: value(Field(field.name, _OF.get(field.of, field.of))))


def orders_of(
    given: Sequence[str], names: set[str], usual: Sequence[str]
) -> list[tuple[str, bool]]:
    """What to sort by, and whether downwards; the usual order decides between equals."""
    found: dict[str, bool] = {}
    for text in [*given, *usual]:
        match = _ORDER.fullmatch(text)
        name = match["name"].removeprefix("attribute.") if match else ""
        name = "last_updated_timestamp" if name == "timestamp" else name
        if match is None or name not in names:
            raise Refusal(f"Invalid order_by clause '{text}'. Valid keys are: {sorted(names)}")
        if name in found and text in given:
            raise Refusal(f"`order_by` contains duplicate fields: {list(given)}")
        found.setdefault(name, (match["way"] or "").lower() == "desc")
    return list(found.items())


def page_of(
    items: Sequence[T],
    order: Sequence[tuple[str, bool]],
    value: Callable[[T, Field], Any],
    limit: int,
    token: str,
) -> Found[T]:
    """The page after the item that a token remembers."""

    def key(values: Sequence[Any]) -> tuple[Any, ...]:
        pairs = zip(values, order, strict=True)
        ranks = ((v is None, 0 if v is None else v) for v, _ in pairs)
        return tuple(
            (rank[0], _Down(rank[1]) if down else rank[1])
            for rank, (_, down) in zip(ranks, order, strict=True)
        )

    def values(item: T) -> list[Any]:
        return [value(item, Field(name, "")) for name, _ in order]

    ranked = sorted(items, key=lambda item: key(values(item)))
    if token:
        after = key(_token_values(token, len(order)))
        try:
            ranked = [item for item in ranked if key(values(item)) > after]
        except TypeError:
            raise Refusal("Invalid page token") from None
    page = ranked[:limit]
    more = len(ranked) > len(page) and page
    return Found(page, token_of(values(page[-1])) if more else None)


def token_of(values: Sequence[Any]) -> str:
    """What a client sends back for the next page."""
    return base64.urlsafe_b64encode(json.dumps(list(values)).encode()).decode()


def _token_values(token: str, count: int) -> list[Any]:
    try:
        found = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or len(found) != count:
        raise Refusal("Invalid page token")
    return found
