"""Several processes on one yard: numbers are given once, names are made once, nothing is lost."""

from __future__ import annotations

from collections import Counter

from modelyard import Yard
from unit.yard.workers import (
    add_data,
    all_at_once,
    open_first,
    predict_and_log,
    register_many,
    register_same,
)

PROCESSES = 6


def test_registering_one_name(database_uri: str) -> None:
    """P2."""
    Yard(database_uri).close()
    work = [(database_uri, worker, 10) for worker in range(8)]
    given = [pair for pairs in all_at_once(register_many, work) for pair in pairs]
    assert sorted(number for number, _ in given) == list(range(1, 81))
    with Yard(database_uri) as yard:
        kept = yard.models.versions("scorer", records=True)
        assert {(r["version"], r["digest"]) for r in kept} == set(given)
        assert yard.check() == []


def test_registering_the_same_model(database_uri: str) -> None:
    Yard(database_uri).close()
    found = all_at_once(register_same, [(database_uri,)] * PROCESSES)
    assert len(set(found)) == 1
    with Yard(database_uri) as yard:
        assert len(yard.models.list(records=True)) == 1
        assert yard.check() == []


def test_adding_data_under_a_new_name(database_uri: str) -> None:
    Yard(database_uri).close()
    work = [(database_uri, "numbers", worker) for worker in range(PROCESSES)]
    found = all_at_once(add_data, work)
    assert {name for name, _, _ in found} == {"numbers"}, "somebody was refused"
    assert sorted(version for _, version, _ in found) == list(range(1, PROCESSES + 1))
    same = all_at_once(add_data, [(database_uri, "others", 7)] * PROCESSES)
    assert len(set(same)) == 1
    with Yard(database_uri) as yard:
        assert len(yard.datasets.list(records=True)) == PROCESSES + 1
        assert sorted(yard.datasets.get(f"numbers@{n + 1}").data[0] for n in range(PROCESSES)) == [*range(PROCESSES)]  # fmt: skip
        assert yard.check() == []


def test_one_of_two_spellings_wins(database_uri: str) -> None:
    Yard(database_uri).close()
    work = [(database_uri, ("Iris", "iris")[n % 2], n) for n in range(PROCESSES)]
    outcomes = Counter(name for name, _, _ in all_at_once(add_data, work))
    assert outcomes["InvalidName"] == PROCESSES // 2
    assert len(outcomes) == 2


def test_a_new_yard_has_one_identity(database_uri: str) -> None:
    found = all_at_once(open_first, [(database_uri, None)] * PROCESSES)
    assert len(set(found)) == 1
    with Yard(database_uri) as yard:
        assert found[0] == (yard.id, "")


def test_a_new_yard_has_one_folder(database_uri: str, tmp_path) -> None:
    folders = [str(tmp_path / f"files{n % 2}") for n in range(4)]
    found = all_at_once(open_first, [(database_uri, folder) for folder in folders])
    assert Counter(error for _, error in found) == {"": 2, "InvalidInput": 2}


def test_logging_predictions(database_uri: str) -> None:
    with Yard(database_uri) as yard:
        yard.models.add(_line, "scorer", sample_data=1.0)
    work = [(database_uri, worker, 5) for worker in range(4)]
    assert sum(all_at_once(predict_and_log, work)) == 20
    with Yard(database_uri) as yard:
        logged = yard.predictions.list(records=True)
        assert len({p["reference_id"] for p in logged}) == len(logged) == 20
        assert {p["outputs"] for p in logged} == {float(n) * 2 for n in range(5)}


def _line(x: float) -> float:
    return x * 2
