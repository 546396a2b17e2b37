"""What MLflow's own client wrote, migrated and read again through the same client: from a database, a folder and a server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from frameworks.mlflow.test_stock_client import free_port, started
from frameworks.mlflow_process import client_environment
from modelyard.compat._mlflow.migrating import migrate
from modelyard.yard.yard import Yard

pytestmark = pytest.mark.timeout(900)

HISTORY = Path(__file__).parents[1] / "mlflow_history.py"
HUB = Path(__file__).with_name("hub_process.py")


def client(verb: str, uri: str, folder: Path) -> Any:
    """What the stock client does or tells, in a process of its own."""
    done = subprocess.run(
        [sys.executable, str(HISTORY), verb, uri],
        env={**client_environment(), "MLFLOW_ALLOW_FILE_STORE": "true"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    lines = [line for line in done.stdout.splitlines() if line.startswith("TOLD ")]
    return json.loads(lines[-1][5:]) if lines else None


@pytest.fixture(params=["database", "folder", "server"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a store that is still empty."""
    place = tmp_path / "theirs"
    place.mkdir()
    if request.param == "database":
        yield f"sqlite:///{place}/mlflow.db"
        return
    if request.param == "folder":
        yield f"file://{place}/mlruns"
        return
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    words = ["-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    words += ["--backend-store-uri", f"sqlite:///{place}/mlflow.db", "--artifacts-destination", str(place / "files")]  # fmt: skip
    process = started([sys.executable, *words], client_environment(), f"{url}/health", place / "log")  # fmt: skip
    try:
        yield url
    finally:
        process.terminate()
        process.wait(30)


def same(told: Any, *, folder: bool, server: bool) -> Any:
    """What both stores can tell alike."""
    for stage_tags_time in told["experiments"].values():
        stage_tags_time[1] = _unmarked(stage_tags_time[1])
        stage_tags_time[2] = 0  # of the migration
    for run in told["runs"].values():
        run["tags"] = _unmarked(run["tags"])
        text = json.dumps(run)
        # Databases have the largest number for infinity.
        run.update(json.loads(text.replace("1.7976931348623157e+308", "inf")))
        if folder:  # the folder's reader loses the step of a point that has a data set
            run["latest"].pop("auc", None)
            run["curves"].pop("auc", None)
    for model in told["models"].values():
        model["tags"] = _unmarked(model["tags"])
    for about, versions in ((m["about"], m["versions"]) for m in told["registry"].values()):
        about[1] = _unmarked(about[1])
        for version in versions.values():
            version[2] = _unmarked(version[2])
            version[4] = ""  # databases do not keep the logged model of a version
    return told


def _unmarked(tags: dict[str, str]) -> dict[str, str]:
    ours = ("migrated.", "mlflow.modelVersions")
    return {key: value for key, value in tags.items() if not key.startswith(ours)}


def test_the_stock_client_reads_here_what_it_read_there(source: str, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    how = {"folder": source.startswith("file:"), "server": source.startswith("http")}
    client("write", source, theirs)
    with Yard(tmp_path / "yard.db") as yard:
        first = migrate(source, yard, verify=True)
        assert (first.failures, first.differences) == ({}, [])
        client("more", source, theirs)
        second = migrate(source, yard, verify=True)
        assert (second.failures, second.differences) == ({}, [])
        assert (second.counts["runs"].new, second.counts["runs"].changed) == (1, 1)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    words = [sys.executable, str(HUB), str(tmp_path / "yard.db"), str(port)]
    process = started(words, _ours(), f"{url}/health", tmp_path / "hub.log")
    try:
        here = client("tell", url, tmp_path)
    finally:
        process.terminate()
        process.wait(30)
    there = client("tell", source, theirs)
    mine, yours = same(here, **how), same(there, **how)
    for kind in yours:
        assert mine[kind].keys() == yours[kind].keys()
        for name in yours[kind]:
            assert mine[kind][name] == yours[kind][name], (kind, name)


def _ours() -> dict[str, str]:
    import os

    return dict(os.environ)
