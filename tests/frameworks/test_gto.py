"""GTO itself beside our registry of Git tags: on random repositories that both write, both say the same."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import gto.api
import pytest

from frameworks.gto_histories import ACTIONS, OURS, Repository, gto_says, we_say
from modelyard.registry._git.tags import parse

REPOSITORIES = int(os.environ.get("MODELYARD_GTO_REPOSITORIES", "300"))
SEED = int(os.environ.get("MODELYARD_GTO_SEED") or random.SystemRandom().randrange(1 << 32))
EVERY = 30
"""Of each so many repositories, one is asked through GTO's own command too."""

pytestmark = pytest.mark.timeout(3000)


def by_time(history: list[dict[str, Any]]) -> list[str]:
    """Of events of one second and kind, GTO's order is by chance."""
    order = [(e["at"], e["priority"]) for e in history]
    assert order == sorted(order, reverse=True)
    return sorted(json.dumps(event, sort_keys=True) for event in history)


def test_random_registries_read_alike(tmp_path: Path) -> None:
    print(f"MODELYARD_GTO_SEED={SEED}")
    made: Counter[tuple[str, str]] = Counter()
    for number in range(REPOSITORIES):
        folder = tmp_path / str(number)
        folder.mkdir()
        repository = Repository(folder, random.Random(f"{SEED} {number}"))
        repository.begin()
        for _ in range(repository.chance.randint(10, 40)):
            repository.step()
        made += repository.made
        compare(repository, f"seed {SEED}, repository {number}", command=number % EVERY == 0)
    print(*sorted(f"{count:6} {who} {what}" for (who, what), count in made.items()), sep="\n")
    ours = sum(count for (who, _), count in made.items() if who == OURS)
    assert ours >= 0.4 * made.total()
    if REPOSITORIES >= 100:
        for action in ACTIONS:
            assert sum(made[who, action] for who in {w for w, _ in made}) >= 50, action
            assert made[OURS, action] >= 50, action


def compare(repository: Repository, where: str, *, command: bool) -> None:
    registry = repository.registry
    names = sorted({tag.said.name for tag in registry.tags().tags if not str(tag.said.action).startswith("alias")})  # fmt: skip
    theirs, ours = gto_says(repository.folder, names), we_say(registry, names)
    assert registry.skipped() == [], where
    for key in ("show", "deprecated", "versions"):
        assert ours[key] == theirs[key], (where, key)
    assert by_time(ours["history"]) == by_time(theirs["history"]), where
    for ref in repository.chance.sample(sorted(repository.refs), min(2, len(repository.refs))):
        same_meaning(repository, ref)
    if command:
        said = run_gto("show", "--json", "-r", str(repository.folder))
        assert json.loads(said.stdout or "{}") == ours["show"], where


def same_meaning(repository: Repository, ref: str) -> None:
    said = parse(ref)
    if said is None or str(said.action).startswith("alias"):
        return
    (event,) = gto.api.check_ref(str(repository.folder), ref)
    theirs = event.dict_state(exclude={"priority", "addition"})
    theirs["created_at"] = theirs["created_at"].isoformat()
    assert repository.registry.check_ref(f"refs/tags/{ref}") == theirs


def run_gto(*words: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("gto")
    return subprocess.run([str(program), *words], capture_output=True, text=True, check=False)
