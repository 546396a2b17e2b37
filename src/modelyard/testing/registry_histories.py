"""Random histories of a registry: after every step the state is what the events say, and what the memory twin says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from modelyard.base.errors import ModelyardError
from modelyard.registry import verbs
from modelyard.registry.fold import fold
from modelyard.registry.interface import ModelState, Registry
from modelyard.registry.memory import MemoryRegistry
from modelyard.testing.registries import digest, history_is_unbroken

Step = tuple[str, tuple[Any, ...], dict[str, Any]]

_NAMES = st.sampled_from(["a", "A", "b"])
_VERSIONS = st.sampled_from([None, 1, 2, 3, "latest", "x", "v1.0.0"])
_STAGES = st.sampled_from(["prod", "dev"])
_ALIASES = st.sampled_from(["x", "y"])


def _step(verb: str, *arguments: st.SearchStrategy[Any], **options: Any) -> st.SearchStrategy[Step]:
    return st.tuples(st.just(verb), st.tuples(_NAMES, *arguments), st.fixed_dictionaries(options))


STEPS: st.SearchStrategy[Step] = st.one_of(
    *[
        _step(
            "register",
            digest=st.integers(1, 4).map(digest),
            semver=st.sampled_from([None, None, "v1.0.0", "v1.0.1"]),
            reuse=st.sampled_from([True, True, False]),
            facts=st.dictionaries(st.sampled_from("pq"), st.integers(0, 3)),
        )
    ]
    * 3,
    _step("promote", _STAGES, _VERSIONS),
    _step("promote", _STAGES, _VERSIONS),
    _step("demote", _STAGES, _VERSIONS),
    _step("transition", _VERSIONS, st.sampled_from(["prod", "dev", None]), archive_to=_STAGES),
    _step("set_alias", _ALIASES, _VERSIONS),
    _step("remove_alias", _ALIASES),
    _step("deregister", _VERSIONS),
    _step("delete_version", _VERSIONS),
    _step("delete_model"),
    _step("deprecate"),
    _step("rename", _NAMES),
    _step("create", description=st.text(max_size=3)),
    _step("describe", description=st.sampled_from(["", "é"])),
    _step(
        "describe_version", _VERSIONS, facts=st.dictionaries(st.just("p"), st.none() | st.just(1))
    ),
)

HISTORIES = st.lists(STEPS, min_size=3, max_size=14)


def check_history(
    registry: Registry, again: Callable[[], Registry], prefix: str, steps: list[Step]
) -> None:
    """Do the same on a registry and on the memory twin, and compare after every step.

    ``prefix`` keeps the names apart from those of other histories in the same registry.
    """
    twin = MemoryRegistry()
    for step in steps:
        ours = _outcome(registry, step, prefix)
        assert ours == _outcome(twin, step, prefix), step
        for name in ("a", "A", "b"):
            state = again().state(prefix + name)
            assert state == fold(again().events(prefix + name), prefix + name)
            assert list(state.versions) == list(twin.state(prefix + name).versions)
            assert _timeless(state) == _timeless(twin.state(prefix + name))
    for name in ("a", "A", "b"):
        if registry.state(prefix + name).exists:
            history_is_unbroken(registry, prefix + name)


def _outcome(registry: Registry, step: Step, prefix: str) -> tuple[type, str] | None:
    verb, (name, *arguments), options = step
    if verb == "rename":
        arguments = [prefix + arguments[0]]
    try:
        getattr(verbs, verb)(registry, prefix + name, *arguments, **options)
    except ModelyardError as error:
        return type(error), error.message
    return None


def _timeless(state: ModelState) -> ModelState:
    """Without what two registries cannot have alike: numbers of events and times."""
    return replace(
        state,
        seq=0,
        created_ms=0,
        updated_ms=0,
        versions={
            label: replace(v, seq=0, at_ms=0, updated_ms=0) for label, v in state.versions.items()
        },
        assignments=tuple(replace(a, seq=0, at_ms=0) for a in state.assignments),
    )
