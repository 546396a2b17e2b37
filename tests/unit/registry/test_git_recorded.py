"""Registries that GTO and we wrote in turns, and what GTO said of them: we say the same."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cases.registries.git_answers import assert_same, names_of, we_say
from modelyard.registry._git.reading import Tags, parse_records

FILE = Path(__file__).parents[2] / "fixtures" / "gto" / "histories.json"
RECORDED: list[dict[str, Any]] = json.loads(FILE.read_text("utf-8"))


def read(recorded: dict[str, Any]) -> Tags:
    return parse_records(recorded["tags"].encode(), lambda refs: {})


@pytest.mark.parametrize("number", range(len(RECORDED)))
def test_a_registry_reads_as_by_gto(number: int) -> None:
    there = read(RECORDED[number])
    assert there.skipped == []
    assert_same(we_say(there, names_of(there)), RECORDED[number]["gto"], str(number))


def test_everything_happens_in_them() -> None:
    said = Counter(str(tag.said.action) for recorded in RECORDED for tag in read(recorded).tags)
    for action in ("registration", "deregistration", "assignment", "unassignment", "deprecation"):
        assert said[action] >= 20, action
    shown = [recorded["gto"]["show"] for recorded in RECORDED]
    assert sum(any(row["stage"].values()) for show in shown for row in show.values()) >= 10
    assert any(recorded["gto"]["show"] != recorded["gto"]["deprecated"] for recorded in RECORDED)
