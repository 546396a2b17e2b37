"""Promotion rules: what must hold before a version enters a stage, and who may move it there. Pure.

A rule is a requirement that is asked one question (this version, into this stage, by this actor, now) and answers with a
finding, passed or not and why. What it cannot see in the state (metrics, schemas, an audit) it asks for by a `Need`;
who runs a decision finds that out and asks again (`promoting.py`). `rule_settings.py` makes rules of a project's settings.

How to add one: write a frozen dataclass with `ask` here, and the key that makes it in `rule_settings.py`; when it needs a
new kind of fact, tell `yard/promotion.py` where that comes from.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal, Protocol

from modelyard.base.errors import CheckFailed, NotAllowed, did_you_mean
from modelyard.registry import queries
from modelyard.registry.interface import ModelState, Version


@dataclass(frozen=True, slots=True)
class Need:
    """A fact about a version that no state holds: its ``metrics``, its ``schema`` against another's, its ``audit``."""

    kind: str
    version: str
    """The version's label."""
    against: str = ""
    """Another version's label, or what else it is to be seen against."""


class FactNeeded(Exception):
    """A rule cannot answer before somebody finds this out."""

    def __init__(self, need: Need) -> None:
        super().__init__(f"{need.kind} of version {need.version}")
        self.need = need


@dataclass(frozen=True, slots=True)
class Unknown:
    """A fact that cannot be found out; the rule that needs it says no."""

    why: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """How a version's schema differs from another's: ``same``, ``compatible`` or ``breaking``, and what breaks."""

    verdict: str
    breaking: Sequence[str] = ()


@dataclass(frozen=True)
class Question:
    """May this version enter this stage, now, by this actor?"""

    state: ModelState
    version: Version
    stage: str
    actor: str
    facts: Mapping[Need, Any] = field(default_factory=dict[Need, Any])

    @property
    def holder(self) -> Version | None:
        """What the stage holds now."""
        return queries.holder(self.state, self.stage)

    def fact(self, kind: str, version: Version, against: str = "") -> Any:
        """A fact that is known, or `FactNeeded`."""
        need = Need(kind, version.label, against)
        if need not in self.facts:
            raise FactNeeded(need)
        return self.facts[need]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says."""

    rule: str
    passed: bool
    said: str
    hint: str | None = None
    about: Literal["check", "permission"] = "check"


class Requirement(Protocol):
    """A rule."""

    def ask(self, question: Question) -> Finding:
        """Whether it holds, and why; `FactNeeded` when that cannot be said yet."""
        ...


@dataclass(frozen=True, slots=True)
class From:
    """The version is in one of these stages now."""

    stages: Sequence[str]

    def ask(self, question: Question) -> Finding:
        there = queries.stages_of(question.state, question.version.label)
        words = " or ".join(self.stages)
        if any(stage in self.stages for stage in there):
            return Finding("from", True, f"it is in {words}")
        now = ", ".join(there) or "no stage"
        hint = f"promote it to {self.stages[0]} first"
        return Finding("from", False, f"it comes from {words}, and is in {now}", hint)


@dataclass(frozen=True, slots=True)
class Who:
    """The actor has one of these names or e-mail addresses; ``*`` stands for anything, case makes no difference."""

    patterns: Sequence[str]

    def ask(self, question: Question) -> Finding:
        words = ", ".join(self.patterns)
        for name in names_of(question.actor):
            if any(fnmatchcase(name.casefold(), p.casefold()) for p in self.patterns):
                return Finding("who", True, f"{question.actor} may", about="permission")
        said = f"{question.actor or 'nobody'} may not: {words} may"
        return Finding("who", False, said, f"ask one of: {words}", "permission")


def names_of(actor: str) -> list[str]:
    """What an actor goes by: as it stands, and of ``Ana Ng <ana@example.org>`` the name and the address.

    >>> names_of("Ana Ng <ana@example.org>")
    ['Ana Ng <ana@example.org>', 'Ana Ng', 'ana@example.org']
    """
    name, bracket, rest = actor.partition("<")
    parts = [name.strip(), rest.removesuffix(">").strip()] if bracket else []
    return [word for word in (actor, *parts) if word]


@dataclass(frozen=True, slots=True)
class SchemaFits:
    """Who calls what the stage holds now can call the version: its schema is compatible, or the same."""

    exactly: bool = False

    def ask(self, question: Question) -> Finding:
        holder = question.holder
        if holder is None:
            return Finding("schema", True, f"nothing is in {question.stage} yet")
        found = question.fact("schema", question.version, holder.label)
        if isinstance(found, Unknown):
            return _unknown("schema", found)
        ok = found.verdict == "same" or (found.verdict == "compatible" and not self.exactly)
        wanted = "the same as" if self.exactly else "compatible with"
        said = f"its schema is {found.verdict} to that of version {holder.label}"
        if ok:
            return Finding("schema", True, said)
        what = "".join(f"; {line}" for line in list(found.breaking)[:3])
        said = f"its schema is to be {wanted} that of version {holder.label}, and is {found.verdict}{what}"
        return Finding("schema", False, said, "modelyard diff shows what changed")


@dataclass(frozen=True, slots=True)
class AuditClean:
    """An audit of the version found nothing."""

    def ask(self, question: Question) -> Finding:
        found = question.fact("audit", question.version)
        if isinstance(found, Unknown):
            return _unknown("audit", found)
        if not found:
            return Finding("audit", True, "nothing was found")
        return Finding("audit", False, "; ".join(found), "modelyard audit tells more")


Comparison = Literal[">=", "<=", ">", "<", "=="]

_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    "==": lambda a, b: a == b,
}


@dataclass(frozen=True, slots=True)
class MetricBound:
    """A metric against a number, or against the metric of what the stage holds: times ``factor``, plus ``offset``."""

    metric: str
    comparison: Comparison
    offset: float
    factor: float | None = None
    """None: ``offset`` is the bound itself."""

    def ask(self, question: Question) -> Finding:
        rule = f"metric {self.metric}"
        mine = _metric(question, question.version, self.metric)
        if isinstance(mine, Unknown):
            return _unknown(rule, mine)
        if self.factor is None:
            return self._compared(rule, mine, self.offset, f"{self.offset:g}")
        holder = question.holder
        if holder is None:
            return Finding(rule, True, f"{mine:g}, and nothing is in {question.stage} yet")
        theirs = _metric(question, holder, self.metric)
        if isinstance(theirs, Unknown):
            return _unknown(rule, theirs)
        bound = theirs * self.factor + self.offset
        return self._compared(
            rule, mine, bound, f"{bound:g} (version {holder.label} has {theirs:g})"
        )

    def _compared(self, rule: str, mine: float, bound: float, shown: str) -> Finding:
        if _COMPARE[self.comparison](mine, bound):
            return Finding(rule, True, f"{mine:g} {self.comparison} {shown}")
        return Finding(rule, False, f"{self.metric} is {mine:g}, to be {self.comparison} {shown}")


def _metric(question: Question, version: Version, name: str) -> float | Unknown:
    found = question.fact("metrics", version)
    if isinstance(found, Unknown):
        return found
    if name not in found:
        near = did_you_mean(name, found) or f"it has: {', '.join(sorted(found)) or 'none'}"
        return Unknown(f"version {version.label} has no metric {name!r}", near)
    value = float(found[name])
    if math.isnan(value):
        return Unknown(f"{name} of version {version.label} is not a number")
    return value


def _unknown(rule: str, fact: Unknown) -> Finding:
    return Finding(rule, False, f"it cannot be checked: {fact.why}", fact.hint)


@dataclass(frozen=True, slots=True)
class StageRules:
    """What is asked of versions of some models on their way into some stages; both are patterns with ``*``."""

    stage: str
    models: Sequence[str] = ("*",)
    requirements: Sequence[Requirement] = ()
    exclusive: bool = False

    def concerns(self, model: str, stage: str) -> bool:
        """Whether a promotion is one of those."""
        named = any(fnmatchcase(model, pattern) for pattern in self.models)
        return named and fnmatchcase(stage, self.stage)


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules of a project. ``path`` are stages, each but the first entered from the one before, where nothing else is
    said about where to come from."""

    stages: Sequence[StageRules] = ()
    path: Sequence[str] = ()

    def asked(self, model: str, stage: str) -> list[Requirement]:
        """Every requirement of a promotion."""
        concerned = [rules for rules in self.stages if rules.concerns(model, stage)]
        asked = [r for rules in concerned for r in rules.requirements]
        if stage in self.path[1:] and not any(isinstance(r, From) for r in asked):
            asked.insert(0, From((self.path[self.path.index(stage) - 1],)))
        return asked

    def exclusive(self, model: str, stage: str) -> bool:
        """Whether the stage holds one version alone."""
        return any(rules.exclusive for rules in self.stages if rules.concerns(model, stage))

    def permissions(self, model: str, stage: str) -> list[Requirement]:
        """Those that ask who acts: they hold for taking versions out of a stage, too."""
        return [r for r in self.asked(model, stage) if isinstance(r, Who)]


def findings(rules: Sequence[Requirement], question: Question) -> list[Finding]:
    """What each rule says, passed or not."""
    return [rule.ask(question) for rule in rules]


def refuse(found: Sequence[Finding], what: str) -> None:
    """`NotAllowed` when a rule says that this actor may not, `CheckFailed` when another says no; with all that do."""
    failed = [finding for finding in found if not finding.passed]
    if not failed:
        return
    permission = any(finding.about == "permission" for finding in failed)
    hints = list(dict.fromkeys(f.hint for f in failed if f.hint))
    raised = NotAllowed if permission else CheckFailed
    raise raised(
        f"{what}: " + "; ".join(finding.said for finding in failed),
        hint="; ".join(hints) or "modelyard promote --dry-run says what each rule says",
        failed=[asdict(finding) for finding in failed],
    )
