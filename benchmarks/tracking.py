"""A tracking server of our own beside MLflow's, asked the same over HTTP. ``python -m benchmarks.tracking --help``

Both speak MLflow's REST, so both get the very same requests from the same client: one connection, kept open. Databases
are filled directly, as training would take days: runs with 10 params, 10 metrics and 5 tags each.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import peers, tracking_data
from benchmarks.environments import ROOT, Environment, Failed
from benchmarks.harness import Contest, Measurement, Row, arguments, chosen
from benchmarks.peers import mlflow_server
from benchmarks.report import publish
from benchmarks.servers import end, free_port
from modelyard.stores.rows import connect

CONTENDERS = ("modelyard", "mlflow")
PATIENCE = 120.0
START, MEMORY = "from start to first answer", "memory of all its processes, idle"
SINGLE, BATCH = "log-metric, one point a call", "log-batch, 1,000 points of 10 metrics a call"
SEARCH = "search: a metric and a param, by another metric, 100 runs with all columns"
NEWEST = "newest 100 runs with all columns"
CURVE = "a curve of 1,000,000 points for a chart"

FILTER = "metrics.m0 > 0.5 and params.p0 = 'adam'"
UP, DOWN = "one large file up", "the same down"
POINTS = 1_000_000
RAW = "raw HTTP copy"


@dataclass
class Asked:
    """A connection to a server, kept open."""

    port: int

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The answer as JSON; `Failed` for one that is no success."""
        data = None if body is None else json.dumps(body).encode()
        self._connection.request(method, path, data, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise Failed(f"{path}: {answer.status} {text[:200]!r}")
        return json.loads(text) if text[:1] in (b"{", b"[") else text

    def mlflow(self, method: str, name: str, **body: Any) -> Any:
        """A call of MLflow's REST."""
        return self.call(method, f"/api/2.0/mlflow/{name}", body)


@contextlib.contextmanager
def served(name: str, folder: Path) -> Iterator[tuple[int, float, subprocess.Popen[bytes]]]:
    """The contender's server over what is in a folder: port, seconds to the first answer, process."""
    environment, port = peers.environment("modelyard" if name == RAW else name), free_port()
    with (folder / "log").open("wb") as log:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command(name, environment, folder, port),
            cwd=folder,
            env=environment.process_variables() | {"MODELYARD_CONFIG_DIR": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait(port, process)
            yield port, time.perf_counter() - begun, process
        finally:
            end(process)


def command(name: str, environment: Environment, folder: Path, port: int) -> list[str]:
    """How the contender is started."""
    if name == RAW:
        return [
            str(environment.python),
            str(ROOT / "benchmarks" / "raw_copy.py"),
            str(folder),
            str(port),
        ]
    if name == "mlflow":
        return mlflow_server.command(environment, folder, port)
    uri = f"sqlite:///{folder / 'yard.db'}"
    return [
        str(environment.command("modelyard")),
        "hub",
        "--uri",
        uri,
        "--port",
        str(port),
        "--no-access-log",
    ]


def wait(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until it answers that it is well."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, Failed, http.client.HTTPException):
            Asked(port).call("GET", "/health")
            return
        time.sleep(0.02)
    raise Failed("the server did not answer")


def memory(process: subprocess.Popen[bytes]) -> float:
    """Megabytes of all processes of a session, what they share counted once (PSS)."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError):
            session = int(stat.read_text().rpartition(")")[2].split()[3])
            if session == process.pid:
                rollup = (stat.parent / "smaps_rollup").read_text()
                total += int(rollup.partition("\nPss:")[2].split()[0])
    return total / 1024


# What is measured


def starting(name: str, folder: Path) -> Measurement:
    """Start and idle memory."""
    with served(name, folder) as (_, seconds, process):
        time.sleep(3)  # what it loads after the first answer counts too
        return {START: seconds, MEMORY: memory(process)}


def logging(name: str, folder: Path, seconds: float) -> Measurement:
    """Calls and points a second, on a run of its own."""
    with served(name, folder) as (port, _, _):
        asked = Asked(port)
        run = asked.mlflow("POST", "runs/create", experiment_id="0", start_time=1)
        run_id = run["run"]["info"]["run_id"]

        def single(number: int) -> None:
            point = {"key": "loss", "value": number / 7, "timestamp": number, "step": number}
            asked.mlflow("POST", "runs/log-metric", run_id=run_id, **point)

        def batch(number: int) -> None:
            points = [
                {"key": f"m{i % 10}", "value": i / 7, "timestamp": number, "step": number * 100 + i // 10}
                for i in range(1000)
            ]  # fmt: skip
            asked.mlflow("POST", "runs/log-batch", run_id=run_id, metrics=points)

        return {SINGLE: rate(single, seconds), BATCH: 1000 * rate(batch, seconds)}


def rate(work: Callable[[int], None], seconds: float) -> float:
    """How often a second."""
    work(0)
    begun, count = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        count += 1
        work(count)
    return count / (time.perf_counter() - begun)


def searching(name: str, folder: Path, runs: int) -> Measurement:
    """One search of each kind, the second time it is asked: the first finds cold pages."""
    with served(name, folder) as (port, _, _):
        asked = Asked(port)
        search = partial(asked.mlflow, "POST", "runs/search", experiment_ids=["1"], max_results=100)
        kinds = {
            SEARCH: partial(search, filter=FILTER, order_by=["metrics.m1 DESC"]),
            NEWEST: partial(search, order_by=["attributes.start_time DESC"]),
        }
        found: dict[str, float] = {}
        for title, ask in kinds.items():
            ask()
            times = []
            for _ in range(1 if name != "modelyard" and runs > 20_000 else 5):
                begun = time.perf_counter()
                count = len(ask()["runs"])
                times.append(time.perf_counter() - begun)
                if count != 100:
                    raise Failed(f"{title}: {count} runs")
            found[f"{title}, of {runs:,}"] = sorted(times)[len(times) // 2]
        return found


def curve(name: str, folder: Path) -> Measurement:
    """A curve in some hundred points, of a metric with a million."""
    with served(name, folder) as (port, _, _):
        asked = Asked(port)
        run_id = (folder / "curve").read_text()
        if name == "modelyard":
            ask = partial(
                asked.call, "GET", f"/api/v1/runs/{run_id}/metrics/curve?key=loss&buckets=500"
            )
        else:
            query = (
                f"run_ids={run_id}&metric_key=loss&max_results=320&start_step=0&end_step={POINTS}"
            )
            path = f"/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?{query}"
            ask = partial(asked.call, "GET", path)
        ask()
        begun = time.perf_counter()
        ask()
        return {CURVE: time.perf_counter() - begun}


def log_curve(name: str, folder: Path) -> None:
    """A million points into a run, once."""
    with served(name, folder) as (port, _, _):
        asked = Asked(port)
        run = asked.mlflow("POST", "runs/create", experiment_id="0", start_time=1)
        run_id = run["run"]["info"]["run_id"]
        (folder / "curve").write_text(run_id)
        if name == "mlflow":
            mlflow_server.fill_curve(folder, run_id, POINTS)
            return
        for begin in range(0, POINTS, 1000):
            points = [
                {"key": "loss", "value": 1 / (n + 1), "timestamp": n, "step": n}
                for n in range(begin, begin + 1000)
            ]
            asked.mlflow("POST", "runs/log-batch", run_id=run_id, metrics=points)


def transferring(name: str, folder: Path, megabytes: int) -> Measurement:
    """A large file up and down again; its bytes are new each time, so that no store knows them already."""
    piece = os.urandom(1 << 20)
    with served(name, folder) as (port, _, _):
        path = "/x"
        if name != RAW:
            run = Asked(port).mlflow("POST", "runs/create", experiment_id="0", start_time=1)
            run_id = run["run"]["info"]["run_id"]
            path = f"/api/2.0/mlflow-artifacts/artifacts/0/{run_id}/artifacts/large.bin"
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        begun = time.perf_counter()
        body = (os.urandom(64) + piece[64:] for _ in range(megabytes))
        connection.request("PUT", path, body, {"Content-Length": str(megabytes << 20)})
        answer = connection.getresponse()
        answer.read()
        up = time.perf_counter() - begun
        if answer.status != 200:
            raise Failed(f"up: {answer.status}")
        begun, size = time.perf_counter(), 0
        connection.request("GET", path)
        answer = connection.getresponse()
        while part := answer.read(1 << 20):
            size += len(part)
        if size != megabytes << 20:
            raise Failed(f"down: {size} bytes")
        return {UP: megabytes / up, DOWN: megabytes / (time.perf_counter() - begun)}


def prepared(name: str, folder: Path, runs: int) -> Path:
    """A folder with the contender's database of so many runs."""
    place = folder / f"{name}-{runs}"
    place.mkdir()
    if name == "mlflow":
        mlflow_server.prepare(peers.environment(name), place)
        mlflow_server.fill(place, runs)
    elif runs:
        with connect(place / "yard.db") as database:
            tracking_data.fill(database, runs)
    return place


def parsed() -> argparse.Namespace:
    """What is asked for. The default form takes about eight minutes on two quiet cores, most of it the peer's."""
    parser = arguments(__doc__, CONTENDERS, rounds=2)
    parser.add_argument("--seconds", type=float, default=4, help="of logging, for each kind")
    parser.add_argument("--runs", default="1000,10000,100000", help="sizes of the databases")
    parser.add_argument(
        "--peer-runs",
        type=int,
        default=10_000,
        help="the largest database that the peer is asked with: of 100,000 runs one search takes it minutes",
    )
    parser.add_argument("--megabytes", type=int, default=1024, help="of the large file")
    parser.add_argument("--only", default="starting,logging,searching,curve,transferring")
    return parser.parse_args()


def main() -> None:
    asked = parsed()
    names, only = chosen(asked, CONTENDERS), asked.only.split(",")
    rows: list[Row] = []
    failures: dict[str, str] = {}

    def contest(measured: list[Row], turns: dict[str, Callable[[], Measurement]]) -> None:
        one = Contest(measured)
        rows.extend(one.run(turns, asked.rounds))
        failures.update(one.failures)

    with tempfile.TemporaryDirectory(dir=ROOT / "benchmarks" / ".peers") as kept:
        empty = {name: prepared(name, Path(kept), 0) for name in names}
        if "starting" in only:
            measured = [Row(START, "s", "less"), Row(MEMORY, "MB", "less")]
            contest(measured, {n: partial(starting, n, f) for n, f in empty.items()})
        if "logging" in only:
            measured = [Row(SINGLE, "/s", "more"), Row(BATCH, "points/s", "more")]
            contest(measured, {n: partial(logging, n, f, asked.seconds) for n, f in empty.items()})
        for runs in map(int, asked.runs.split(",")) if "searching" in only else ():
            who = [n for n in names if n != "mlflow" or runs <= asked.peer_runs]
            filled = {name: prepared(name, Path(kept), runs) for name in who}
            measured = [Row(f"{title}, of {runs:,}", "s", "less") for title in (SEARCH, NEWEST)]
            contest(measured, {n: partial(searching, n, f, runs) for n, f in filled.items()})
        if "curve" in only:
            for name, folder in empty.items():
                log_curve(name, folder)
            contest([Row(CURVE, "s", "less")], {n: partial(curve, n, f) for n, f in empty.items()})
        if "transferring" in only:
            (Path(kept) / "raw").mkdir()
            places = {**empty, RAW: Path(kept) / "raw"}
            measured = [Row(UP, "MB/s", "more"), Row(DOWN, "MB/s", "more")]
            size = asked.megabytes
            contest(measured, {n: partial(transferring, n, f, size) for n, f in places.items()})
    publish("tracking", rows, failures, names, keep=not asked.no_write)


if __name__ == "__main__":
    main()
