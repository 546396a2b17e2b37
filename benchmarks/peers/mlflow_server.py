"""MLflow's tracking server: how it is started, and its database filled with as many runs as ours."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

from benchmarks.environments import Environment
from benchmarks.tracking_data import OPTIMIZERS, START

HEALTH = "/health"


def command(environment: Environment, folder: Path, port: int) -> list[str]:
    """One worker, no jobs of other features: the least that it can be."""
    return [
        str(environment.command("mlflow")), "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}", "--artifacts-destination", str(folder / "artifacts"),
    ]  # fmt: skip


def prepare(environment: Environment, folder: Path) -> None:
    """Its tables, made by itself."""
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    code = (
        "import sys\n"
        "from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore\n"
        "SqlAlchemyStore(sys.argv[1], sys.argv[2]).create_experiment('benchmark')\n"
    )
    environment.run("-c", code, uri, str(folder / "artifacts"), cwd=folder)


def fill(folder: Path, runs: int, params: int = 10, metrics: int = 10, tags: int = 5) -> None:
    """Write that many runs into its tables, as `benchmarks.tracking_data.fill` does into ours."""
    rng = random.Random(1)
    with sqlite3.connect(folder / "mlflow.db") as connection:
        connection.execute("PRAGMA synchronous = OFF")
        for begin in range(1, runs + 1, 20_000):
            numbers = range(begin, min(begin + 20_000, runs + 1))
            connection.executemany(
                "INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status,"
                " start_time, end_time, source_version, lifecycle_stage, artifact_uri, experiment_id)"
                " VALUES (?, ?, 'LOCAL', '', '', 'ana', 'FINISHED', ?, ?, '', 'active', '', 1)",
                (
                    (f"{n:032x}", f"run-{n}", START + n * 1000, START + n * 1000 + 5000)
                    for n in numbers
                ),
            )
            connection.executemany(
                "INSERT INTO params (run_uuid, key, value) VALUES (?, ?, ?)",
                (
                    (f"{n:032x}", f"p{i}", rng.choice(OPTIMIZERS) if i == 0 else str(rng.randrange(100)))
                    for n in numbers for i in range(params)
                ),
            )  # fmt: skip
            connection.executemany(
                "INSERT INTO tags (run_uuid, key, value) VALUES (?, ?, ?)",
                (
                    (f"{n:032x}", f"t{i}", str(rng.randrange(100)))
                    for n in numbers
                    for i in range(tags)
                ),
            )
            values = [
                (f"{n:032x}", f"m{i}", rng.random(), START + n * 1000, 10, False)
                for n in numbers for i in range(metrics)
            ]  # fmt: skip
            for table in ("latest_metrics", "metrics"):
                connection.executemany(
                    f"INSERT INTO {table} (run_uuid, key, value, timestamp, step, is_nan) VALUES (?, ?, ?, ?, ?, ?)",
                    values,
                )
    connection.close()


def fill_curve(folder: Path, run_id: str, points: int) -> None:
    """So many points of the metric ``loss`` into a run's history: over HTTP it would take many minutes."""
    with sqlite3.connect(folder / "mlflow.db") as connection:
        connection.executemany(
            "INSERT INTO metrics (run_uuid, key, value, timestamp, step, is_nan) VALUES (?, 'loss', ?, ?, ?, 0)",
            ((run_id, 1 / (n + 1), n, n) for n in range(points)),
        )
    connection.close()
