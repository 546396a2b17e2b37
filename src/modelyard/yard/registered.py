"""Registered models behind one face: what a yard, a hub and a Git repository answer alike.

`Registered` says every verb that needs nothing but the registry's events, once. A place adds how a version is opened
(`_version`) and how one comes to be registered; a hub, which decides by itself, sends what changes something.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from modelyard.base.clock import from_rfc3339, to_rfc3339
from modelyard.base.errors import NotFound, did_you_mean
from modelyard.base.events import caller
from modelyard.base.refs import NameRef
from modelyard.registry import queries, verbs
from modelyard.registry.interface import ModelState, Registry, Version
from modelyard.yard.naming import label_of, named_ref, parse_stage
from modelyard.yard.summary import entry, shown

if TYPE_CHECKING:
    import pandas

    from modelyard.objects.card import Card
    from modelyard.objects.source import Source
    from modelyard.registry.promoting import Plan, Promoter
    from modelyard.registry.rules import Rules
    from modelyard.yard.versions import RegisteredVersion

V = TypeVar("V", bound="RegisteredVersion")

HISTORY = ("at", "event", "name", "version", "stage", "alias", "by", "comment")
"""The columns of a history."""


class Registered(Generic[V]):
    """The verbs of a registry, on the names it has. ``V`` is what one of its versions is to callers."""

    registry: Registry

    @property
    def label(self) -> str:
        """What people call the place."""
        raise NotImplementedError

    def _version(self, state: ModelState, version: Version) -> V:
        raise NotImplementedError

    # Finding

    def names(self) -> list[str]:
        """All registered names."""
        return list(self.registry.names())

    def state(self, name: str) -> ModelState:
        """All that a name means now. `NotFound` with the nearest names when there is no such model."""
        state = self.registry.state(name)
        if state.exists:
            return state
        names = self.names()
        raise NotFound(
            f"no model named {state.name!r} in {self.label}",
            hint=did_you_mean(state.name, names)
            or (f"there are: {', '.join(names[:10])}" if names else "there are none yet"),
        )

    def get(self, ref: str | NameRef) -> V:
        """By ``churn``, ``churn@3``, ``churn@v1.2.0``, ``churn@champion``, ``churn#prod``."""
        named = named_ref(ref)
        state = self.state(named.name)
        return self._version(state, queries.resolve(state, named.selector))

    def source(self, ref: str | NameRef) -> Source:
        """A version as something that can be loaded."""
        return self.get(ref).source

    def list(self, *, records: bool = False) -> pandas.DataFrame | list[dict[str, Any]]:
        """All active versions of all models, in order of registration."""
        raise NotImplementedError

    def versions(
        self, name: str, *, records: bool = False
    ) -> pandas.DataFrame | list[dict[str, Any]]:
        """The versions of one model, oldest first; deregistered ones say so."""
        raise NotImplementedError

    def get_aliases(self, name: str) -> dict[str, int | str]:
        """Alias -> version of one model."""
        state = self.state(name)
        return {a: shown(v) for a, v in sorted(state.aliases.items())}

    def get_stages(self, name: str) -> dict[str, int | str]:
        """Stage -> the version that holds it, of one model."""
        state = self.state(name)
        return {s: shown(a.version) for s, a in sorted(queries.held(state).items())}

    def summary(self, *, deprecated: bool = False) -> dict[str, dict[str, Any]]:
        """``{name: {"latest": version or None, "stages": {stage: version}, "aliases": {alias: version}}}``; with deprecated
        models when asked to."""
        states = self.registry.states()
        return {state.name: entry(state) for state in states if deprecated or not state.deprecated}

    # Changing

    def promote(
        self, name: str, stage: str, version: int | str | None = None, comment: str = ""
    ) -> V:
        """Assign a version (by default the newest) to a stage, if the project's promotion rules let it in."""
        found = self._promoter().promote(name, stage, label_of(version), comment=comment)
        return self._version(self.registry.state(name), found)

    def plan(self, name: str, stage: str, version: int | str | None = None) -> Plan:
        """What `promote` would do, and what each promotion rule says of it."""
        return self._promoter().plan(name, stage, label_of(version))

    def demote(
        self, name: str, stage: str, version: int | str | None = None, comment: str = ""
    ) -> None:
        """Empty a stage, or take one version out of it: then the one assigned before holds it again."""
        self._promoter().demote(name, stage, label_of(version), comment=comment)

    def rollback(self, name: str, stage: str, comment: str = "") -> V:
        """The version that held a stage before into it again; `Conflict` when there was none."""
        done = self._promoter().rollback(name, stage, comment=comment)
        assert done.holder is not None
        return self._version(self.registry.state(name), done.holder)

    def transition(
        self, name: str, version: str, stage: str | None, *, archive_to: str | None = None
    ) -> ModelState:
        """A version into one stage alone, out of all others it is in; with ``archive_to`` the others in it go there."""
        return self._promoter().transition(name, version, stage, archive_to=archive_to)

    # By which rules

    @property
    def rules(self) -> Rules:
        """The promotion rules of the project that it belongs to."""
        from modelyard.registry.rules import Rules

        return Rules()

    @property
    def actor(self) -> str:
        """Who acts here, as its events remember it."""
        return caller().actor

    def card_of(self, version: Version) -> Card:
        """The card of a version."""
        return self._version(self.registry.state(version.name), version).card

    def metrics_of(self, version: Version) -> Mapping[str, float]:
        """The metrics of a version, for rules: of its card, and of the files that its commit has beside it."""
        from modelyard.yard.measures import metrics_of

        return metrics_of(self._version(self.registry.state(version.name), version))

    def _promoter(self) -> Promoter:
        from modelyard.yard.promotion import promoter

        return promoter(self)

    # Changing names

    def rename(self, name: str, new_name: str) -> None:
        """Give a model another name; its versions, stages and history go with it."""
        verbs.rename(self.registry, name, new_name)

    def delete(self, name: str, version: int | str | None = None, comment: str = "") -> None:
        """Delete one version for good, or the whole model. In a yard its number is never used again."""
        if version is None:
            verbs.delete_model(self.registry, name, comment=comment)
        else:
            verbs.delete_version(self.registry, name, label_of(version) or "", comment=comment)

    def set_alias(self, name: str, alias: str, version: int | str | None = None) -> None:
        """Point an alias at a version (by default the newest)."""
        verbs.set_alias(self.registry, name, alias, label_of(version))

    def remove_alias(self, name: str, alias: str) -> None:
        """Remove an alias."""
        verbs.remove_alias(self.registry, name, alias)

    def deregister(self, name: str, version: int | str | None = None, comment: str = "") -> V:
        """Take a version (by default the newest) out of use, with its record kept; registering it again brings it back."""
        found = verbs.deregister(self.registry, name, label_of(version), comment=comment)
        return self._version(self.registry.state(name), found)

    def deprecate(self, name: str, comment: str = "") -> None:
        """Mark a model as not to be used any more; whatever is done to it afterwards takes that back."""
        verbs.deprecate(self.registry, name, comment=comment)

    # History

    def history(
        self, name: str | None = None, *, records: bool = False
    ) -> pandas.DataFrame | list[dict[str, Any]]:
        """What happened to a name (or to all), newest first."""
        from modelyard.yard.frames import listing
        from modelyard.yard.rows import event_row

        events = [e for e in self.registry.events(name) if e.subject.startswith("model:")]
        return listing([event_row(e) for e in reversed(events)], HISTORY, records=records)

    def which(self, name: str, stage: str, *, at: str | int | None = None) -> dict[str, Any]:
        """Which version a stage holds, or held at a moment (RFC 3339, or milliseconds): with since when and by whom."""
        state = self.state(name)
        if at is not None:
            at_ms = at if isinstance(at, int) else from_rfc3339(at)
            state = queries.state_at(self.registry.events(name), at_ms, name)
            if not state.exists:
                raise NotFound(f"there was no model named {name!r} at {to_rfc3339(at_ms)}")
        version = queries.resolve(state, parse_stage(name, stage))
        assignment = queries.held(state)[stage]
        return {
            "name": name,
            "version": shown(version.label),
            "stage": stage,
            "since": to_rfc3339(assignment.at_ms),
            "by": assignment.actor,
            "commit": version.commit or None,
            "digest": self._digest(state, version),
        }

    def _digest(self, state: ModelState, version: Version) -> str | None:
        return f"sha256:{version.digest}" if version.digest else None
