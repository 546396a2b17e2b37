"""Several processes on one registry: nothing is given twice, nothing is lost, nothing is seen half done."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from modelyard.registry import verbs
from modelyard.registry.fold import fold
from modelyard.registry.sql import SqlRegistry
from modelyard.stores.rows import connect
from modelyard.testing.registries import digest, history_is_unbroken
from unit.registry.workers import (
    all_at_once,
    move_about,
    register_many,
    register_one,
    register_until_killed,
    rename_one,
    started,
    watch,
)


@pytest.mark.slow
def test_numbers_are_distinct_and_gapless(database_uri: str) -> None:
    """P2."""
    connect(database_uri).close()
    work = [(database_uri, "churn", 50, 1000 * process) for process in range(8)]
    given = [number for numbers in all_at_once(register_many, work) for number in numbers]
    assert sorted(given) == list(range(1, 401))
    with connect(database_uri) as database:
        registry = SqlRegistry(database)
        state = registry.state("churn")
        assert state.counter == len(state.versions) == 400
        assert state == fold(registry.events("churn"))


def test_the_first_of_many_makes_the_model(database_uri: str) -> None:
    """P3."""
    connect(database_uri).close()
    found = all_at_once(register_one, [(database_uri, "churn")] * 16)
    assert len(set(found)) == 1
    with connect(database_uri) as database:
        registry = SqlRegistry(database)
        kinds = Counter(str(event.kind) for event in registry.events())
        assert kinds == {"model.created": 1, "version.registered": 1}


def test_one_of_many_takes_a_name(database_uri: str) -> None:
    with connect(database_uri) as database:
        registry = SqlRegistry(database)
        for number in range(4):
            verbs.register(registry, f"m{number}", digest=digest(number))
        work = [(database_uri, f"m{n}", ("Best", "best")[n % 2]) for n in range(4)]
        outcomes = Counter(all_at_once(rename_one, work))
        assert outcomes["renamed"] == 1
        assert set(outcomes) <= {"renamed", "AlreadyExists", "InvalidName"}
        assert len(list(registry.names())) == 4


def test_moves_of_a_stage_and_an_alias_follow_one_another(database_uri: str) -> None:
    """P15: each event begins where the one before it ended, and nobody sees a state between."""
    with connect(database_uri) as database:
        registry = SqlRegistry(database)
        for number in range(4):
            verbs.register(registry, "churn", digest=digest(number))
        moved = all_at_once(_part, [(n, database_uri) for n in range(5)])
        assert sum(moved[:4]) > 10
        history_is_unbroken(registry, "churn")
        assert registry.state("churn") == fold(registry.events("churn"))


def _part(number: int, uri: str) -> int:
    return watch(uri, "churn", 10) if number == 4 else move_about(uri, "churn", number)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_what_was_acknowledged_survives_a_kill(tmp_path: Path, seed: int) -> None:
    """P1: writers are killed at random points, round after round, on the same file."""
    uri, acks, chance = f"sqlite:///{tmp_path / 'yard.db'}", tmp_path / "acks", random.Random(seed)
    connect(uri).close()
    acks.touch()
    for round_ in range(3):
        before = len(acked(acks))
        writers = [
            started(register_until_killed, uri, "churn", 10 * round_ + n, str(acks))
            for n in range(4)
        ]
        for writer in writers:
            target = len(acked(acks)) + chance.randint(1, 12)
            wait_until_acked(acks, target)
            writer.kill()
            writer.join(30)
        assert len(acked(acks)) > before
    with connect(uri) as database:
        assert database.integrity() == []
        registry = SqlRegistry(database)
        state = registry.state("churn")
        assert state == fold(registry.events("churn"))
        stored = {label: version.digest for label, version in state.versions.items()}
        assert acked(acks).items() <= stored.items()
        assert sorted(map(int, stored)) == list(range(1, state.counter + 1))


def acked(path: Path) -> dict[str, str]:
    """Label -> digest of what was acknowledged."""
    return dict(line.split() for line in path.read_text().splitlines())


def wait_until_acked(path: Path, count: int) -> None:
    end = time.monotonic() + 120
    while len(acked(path)) < count:
        assert time.monotonic() < end, "the writers are stuck"
        time.sleep(0.002)
