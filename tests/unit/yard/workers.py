"""What other processes do in these tests. They begin together, each with a yard of its own opening."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable
from typing import Any

from modelyard import Yard

context = multiprocessing.get_context("forkserver" if sys.platform != "win32" else "spawn")
if sys.platform != "win32":
    context.set_forkserver_preload(
        [
            __name__,
            "modelyard.yard.yard",
            "modelyard.objects.flavors.callable",
            "modelyard.objects.formats.cloudpickle",
            "modelyard.stores.rows.migrations.r0001",
            "sqlalchemy.dialects.sqlite",
            "psycopg",
            "pymysql",
        ]
    )

_start: Any = None


def _begin(barrier: Any) -> None:
    global _start
    _start = barrier


def all_at_once(work: Callable[..., Any], arguments: list[tuple[Any, ...]]) -> list[Any]:
    """What each of several processes returns that start together; what one of them raises is raised."""
    count = len(arguments)
    with context.Pool(count, _begin, [context.Barrier(count)]) as pool:
        return pool.starmap(work, arguments, chunksize=1)


def scorer(bias: float) -> Any:
    def score(x: float) -> float:
        return x + bias

    return score


def register_many(uri: str, worker: int, count: int) -> list[tuple[int, str]]:
    """Register models of our own under one name; the number and digest of each."""
    with Yard(uri) as yard:
        _start.wait(120)
        found = [
            yard.models.add(scorer(worker * 1000 + n), "scorer", sample_data=1.0)
            for n in range(count)
        ]
        return [(version.version, version.digest) for version in found]


def register_same(uri: str) -> tuple[int, int]:
    """Register the model that all others register too, under a name that is not there yet."""
    with Yard(uri) as yard:
        _start.wait(120)
        version = yard.models.add(scorer(0), "same", sample_data=1.0)
        return version.version, version.id


def add_data(uri: str, name: str, value: int) -> tuple[str, int, int]:
    """Add data; its name, version and row, or what was refused."""
    with Yard(uri) as yard:
        _start.wait(120)
        try:
            kept = yard.datasets.add([value], name)
        except Exception as error:
            return type(error).__name__, 0, 0
        return kept.name, kept.version, kept.id


def open_first(uri: str, artifacts: str | None) -> tuple[str, str]:
    """Open a yard that nobody has made yet; who it says it is, and where its files are."""
    _start.wait(120)
    try:
        with Yard(uri, artifacts=artifacts) as yard:
            return yard.id, ""
    except Exception as error:
        return "", type(error).__name__


def predict_and_log(uri: str, worker: int, count: int) -> int:
    """Log predictions while others do."""
    with Yard(uri) as yard:
        version = yard.models.get("scorer@1")
        _start.wait(120)
        for n in range(count):
            version.predict(float(n), log=True, reference_id=f"{worker}-{n}")
    return count
