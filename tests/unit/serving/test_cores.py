from __future__ import annotations

from pathlib import Path

import pytest

from modelyard.serving import cores as module
from modelyard.serving.cores import THREADS, cores, thread_settings


def machine(root: Path, own: str = "/", **limits: str) -> Path:
    """A file system that says how much a control group grants; ``a__b`` is the group a/b."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(f"0::{own}\n")
    for group, limit in limits.items():
        folder = root / "sys/fs/cgroup" / group.strip("_").replace("__", "/")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cpu.max").write_text(limit + "\n")
    return root


@pytest.fixture(autouse=True)
def sixteen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.os, "sched_getaffinity", lambda pid: set(range(16)))


def test_without_a_limit_they_are_those_of_the_machine(tmp_path: Path) -> None:
    assert cores(tmp_path) == 16
    assert cores(machine(tmp_path, _="max 100000")) == 16


@pytest.mark.parametrize(("limit", "expected"), [("200000 100000", 2), ("150000 100000", 2), ("1000 100000", 1), ("9900000 100000", 16), ("nonsense", 16)])  # fmt: skip
def test_a_control_group_grants_less(tmp_path: Path, limit: str, expected: int) -> None:
    assert cores(machine(tmp_path, _=limit)) == expected


def test_the_least_of_all_groups_above_counts(tmp_path: Path) -> None:
    root = machine(tmp_path, "/pod/app", pod="300000 100000", pod__app="max 100000")
    assert cores(root) == 3


def test_the_older_kind_of_control_groups_is_known(tmp_path: Path) -> None:
    folder = tmp_path / "sys/fs/cgroup/cpu"
    folder.mkdir(parents=True)
    (folder / "cpu.cfs_quota_us").write_text("400000")
    (folder / "cpu.cfs_period_us").write_text("100000")
    assert cores(tmp_path) == 4


def test_each_process_gets_its_share_and_what_somebody_set_stays() -> None:
    settings = thread_settings(4, {"OMP_NUM_THREADS": "9"})
    assert set(settings) == set(THREADS) - {"OMP_NUM_THREADS"}
    assert int(settings["OPENBLAS_NUM_THREADS"]) == max(1, cores() // 4)
    assert set(thread_settings(1000, {}).values()) == {"1"}
