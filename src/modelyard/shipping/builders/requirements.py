"""``build requirements``: the model's pinned packages as a requirements.txt."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelyard import environments
from modelyard.objects.source import Source
from modelyard.shipping.interface import Built, Plan

NAME = "requirements"
OPTIONS: Mapping[str, str] = {}


def plan(source: Source, output: Path | None, options: Mapping[str, Any]) -> Plan:
    """One file: ``requirements.txt`` here unless another is named."""
    target = output or Path("requirements.txt")
    lines = list(source.card.requirements.packages)
    return Plan(NAME, target, [f"write {len(lines)} packages to {target}"], {"packages": lines})


def run(plan: Plan, source: Source) -> Built:
    """Write the file."""
    environments.write(source.card.requirements, plan.target, kind="requirements")
    return Built(NAME, plan.target, source.card.digest, plan.facts)
