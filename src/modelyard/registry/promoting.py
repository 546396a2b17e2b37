"""Versions into stages and out of them by the rules of a project, on any registry.

What a rule must know and no state says is found out between two attempts, so that nothing is read while a registry is
locked; when somebody moved the stage meanwhile, what is known of the new holder is found out too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

from modelyard.base.errors import Conflict, Overloaded
from modelyard.base.events import Draft, Event, Kind, caller
from modelyard.base.names import check_stage
from modelyard.base.refs import Stage
from modelyard.registry import decisions, queries, verbs
from modelyard.registry.decisions import Which
from modelyard.registry.fold import apply
from modelyard.registry.interface import ModelState, Registry, Version
from modelyard.registry.rules import FactNeeded, Finding, Need, Question, Rules, findings, refuse

Learn = Callable[[ModelState, Need], Any]
"""Finds out a fact about a version of this model; `Unknown` when that cannot be done."""

_NOBODY = Version("", None)
"""Before a version is chosen, and where none is asked about."""
_MOST_FACTS = 100
_BEFORE = "holder before"

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a promotion would do, and what each rule says."""

    name: str
    version: str
    stage: str
    holder: str | None
    """Who holds the stage now."""
    leaving: Sequence[str]
    """Versions that an exclusive stage would let go."""
    findings: Sequence[Finding]
    changes: bool
    """Whether it is not there already."""

    @property
    def allowed(self) -> bool:
        """Whether every rule passed."""
        return all(finding.passed for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "allowed": self.allowed}

    def refuse(self) -> None:
        """`NotAllowed` or `CheckFailed` when a rule says no."""
        refuse(self.findings, f"{self.name}@{self.version} may not go to stage {self.stage!r}")


def planned(rules: Rules, question: Question) -> Plan:
    """The plan of a promotion, by the state that the question has."""
    state, stage, version = question.state, question.stage, question.version
    holder = question.holder
    alone = rules.exclusive(state.name, stage)
    return Plan(
        state.name,
        version.label,
        stage,
        holder.label if holder else None,
        [a.version for a in _others(state, stage, version.label)] if alone else [],
        findings(rules.asked(state.name, stage), question),
        holder is None or holder.label != version.label,
    )


def _others(state: ModelState, stage: str, label: str) -> list[Any]:
    return [a for a in state.assignments if a.stage == stage and a.version != label]


def promotion(rules: Rules, question: Question, comment: str = "") -> list[Draft]:
    """What a promotion makes happen; refused by the rules that say no. Nothing when the version holds the stage alone."""
    state, stage, version = question.state, question.stage, question.version
    drafts = decisions.promote(state, stage, queries.exactly(version), comment)
    if drafts:
        planned(rules, question).refuse()
    return drafts + _let_go(rules, state, stage, version.label, drafts)


def _let_go(
    rules: Rules, state: ModelState, stage: str, label: str, drafts: Sequence[Draft]
) -> list[Draft]:
    """The others out of an exclusive stage, but for those that leave it anyhow. Only together with a change."""
    if not drafts or not rules.exclusive(state.name, stage):
        return []
    gone = {
        d.before["version"]
        for d in drafts
        if d.kind is Kind.STAGE_UNASSIGNED and d.before["stage"] == stage
    }
    return [
        decisions.unassigned(state, assignment, f"version {label} is in {stage} alone")
        for assignment in _others(state, stage, label)
        if assignment.version not in gone
    ]


def holders_before(events: Iterable[Event], stage: str, name: str = "") -> list[str]:
    """The versions that held a stage one after another, the current one last; going back to one forgets those between."""
    state, held = ModelState(name), list[str]()
    for event in events:
        state = apply(state, event)
        holder = queries.holder(state, stage)
        if holder is None or (held and held[-1] == holder.label):
            continue
        if holder.label in held:
            del held[held.index(holder.label) :]
        held.append(holder.label)
    return held


class Promoter:
    """The verbs of stages on a registry, by rules. ``actor`` says who acts."""

    def __init__(
        self,
        registry: Registry,
        rules: Rules,
        learn: Learn,
        actor: Callable[[], str] = lambda: caller().actor,
    ) -> None:
        self._registry, self._rules, self._learn, self._actor = registry, rules, learn, actor

    def promote(
        self, name: str, stage: str, version: Which = None, *, comment: str = ""
    ) -> Version:
        """A version (by default the newest) into a stage, which it then holds."""
        check_stage(stage)
        done = self._carried_out(
            name, lambda ask: promotion(self._rules, self._chosen(ask, stage, version), comment)
        )
        return done.found(version)

    def plan(self, name: str, stage: str, version: Which = None) -> Plan:
        """What `promote` would do now, and what each rule says."""
        check_stage(stage)
        self._near(name)

        def decide(ask: Question) -> Plan:
            return planned(self._rules, self._chosen(ask, stage, version))

        return self._learning(name, lambda ask: decide(ask(self._registry.state(name))))

    def demote(
        self, name: str, stage: str, version: Which = None, *, comment: str = ""
    ) -> verbs.Demoted:
        """Empty a stage, or take one version out of it. Only the rules about who may are asked."""

        def decide(ask: Question) -> Sequence[Draft]:
            drafts = decisions.demote(ask.state, stage, version, comment)
            self._permitted(ask, stage)
            return drafts

        return self._carried_out(name, decide).demoted(stage)

    def rollback(self, name: str, stage: str, *, comment: str = "") -> verbs.Demoted:
        """The version that held a stage before holds it again; `Conflict` when there was none.

        It was let in before: only the rules about who may are asked."""
        if not self._rules.exclusive(name, stage):
            self._learning(
                name, lambda ask: self._permitted(ask(self._registry.state(name)), stage)
            )
            return verbs.rollback(self._registry, name, stage, comment=comment)

        def decide(ask: Question) -> Sequence[Draft]:
            current = queries.resolve(ask.state, Stage(stage))
            self._permitted(ask, stage)
            before = ask.fact(_BEFORE, current, stage)
            if before is None:
                raise Conflict(
                    f"no version was in stage {stage!r} of {name!r} before {current.label}",
                    hint="demote empties a stage",
                )
            back = decisions.promote(ask.state, stage, queries.exactly(before), comment)
            return back + _let_go(self._rules, ask.state, stage, before.label, back)

        return self._carried_out(name, decide).demoted(stage)

    def transition(
        self,
        name: str,
        version: Which,
        stage: str | None,
        *,
        archive_to: str | None = None,
        comment: str = "",
    ) -> ModelState:
        """A version into one stage alone, out of all others it is in; with ``archive_to`` the others in it go there."""

        def decide(ask: Question) -> Sequence[Draft]:
            drafts = decisions.transition(
                ask.state, version, stage, archive_to=archive_to, comment=comment
            )
            if not drafts:
                return drafts
            if stage is None:
                for draft in drafts:
                    self._permitted(ask, draft.before["stage"])
                return drafts
            question = self._chosen(ask, stage, version)
            planned(self._rules, question).refuse()
            label = question.version.label
            return drafts + _let_go(self._rules, ask.state, stage, label, drafts)

        return self._carried_out(name, decide).after

    def _chosen(self, ask: Question, stage: str, version: Which) -> Question:
        chosen = queries.resolve(ask.state, queries.selector(version))
        return replace(ask, version=chosen, stage=stage)

    def _permitted(self, ask: Question, stage: str) -> None:
        asked = self._rules.permissions(ask.state.name, stage)
        found = findings(asked, replace(ask, stage=stage))
        refuse(found, f"stage {stage!r} of {ask.state.name!r} may not be changed")

    def _carried_out(self, name: str, decide: Callable[[Question], Sequence[Draft]]) -> verbs.Done:
        return self._learning(
            name, lambda ask: verbs.carry_out(self._registry, name, lambda s: decide(ask(s)))
        )

    def _learning(
        self, name: str, attempt: Callable[[Callable[[ModelState], Question]], Result]
    ) -> Result:
        """Try again with each fact that was asked for. A fact holds for the version as it was: one that was described
        anew meanwhile is asked about again."""
        facts: dict[Need, Any] = {}
        seen: ModelState = ModelState(name)

        def ask(state: ModelState) -> Question:
            nonlocal seen
            known = {n: v for n, v in facts.items() if _as_it_was(state, seen, n)}
            seen = state
            facts.clear()
            facts.update(known)
            return Question(state, _NOBODY, "", self._actor(), facts)

        for _ in range(_MOST_FACTS):
            try:
                return attempt(ask)
            except FactNeeded as missing:
                facts[missing.need] = self._find_out(seen, missing.need)
        raise Overloaded(f"others are changing {name!r}", transient=True)

    def _find_out(self, state: ModelState, need: Need) -> Any:
        if need.kind != _BEFORE:
            return self._learn(state, need)
        held = holders_before(self._registry.events(state.name), need.against, state.name)
        before = held[: held.index(need.version)] if need.version in held else []
        usable = [label for label in before if _active(state, label)]
        return state.versions[usable[-1]] if usable else None

    def _near(self, name: str) -> None:
        """`NotFound` with the nearest names where there is no such model."""
        if not self._registry.state(name).exists:
            verbs.find(self._registry, name)


def _active(state: ModelState, label: str) -> bool:
    return label in state.versions and state.versions[label].active


def _as_it_was(now: ModelState, then: ModelState, need: Need) -> bool:
    if need.kind == _BEFORE:
        return now.seq == then.seq
    labels = (need.version, need.against)
    return all(now.versions.get(label) == then.versions.get(label) for label in labels)
