"""The plan of a promotion, as ``promote --dry-run`` prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelyard.cli.output import emit
from modelyard.yard.summary import shown

if TYPE_CHECKING:
    from modelyard.registry.promoting import Plan


def show_plan(plan: Plan, as_json: bool) -> None:
    """Print what each rule says; then fail as the promotion itself would."""
    facts = {**plan.to_dict(), "version": shown(plan.version)}
    emit(facts, as_json, lambda: plan_text(plan))
    if plan.changes:
        plan.refuse()


def plan_text(plan: Plan) -> str:
    """A line of what would happen, and a line a rule."""
    version, stage = f"{plan.name}@{plan.version}", plan.stage
    if not plan.changes:
        return f"{version} is in {stage} already"
    would = "would be" if plan.allowed else "may not be"
    after = f", after version {plan.holder}" if plan.holder else ""
    lines = [f"{version} {would} in {stage}{after}"]
    lines += [f"  {'ok' if f.passed else 'NO'}  {f.rule}: {f.said}" for f in plan.findings]
    lines += [f"  version {label} would leave {stage}" for label in plan.leaving]
    return "\n".join(lines)
