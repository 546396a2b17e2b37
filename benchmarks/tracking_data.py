"""Many runs, written straight into the tables: what a search is measured on.

``python -m benchmarks.tracking_data sqlite:///runs.db 100000`` fills a new database: runs of three experiments (most of
them in the first), each with params, metrics and tags. Metric ``m0`` is even between 0 and 1, ``m1`` goes along with it,
param ``p0`` has four values, ``p1`` is a number up to 99, ``p2`` is different in each run, tag ``t0`` is rare.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Table, insert
from sqlalchemy.schema import CreateIndex, DropIndex

from modelyard.stores.rows import Database, connect
from modelyard.stores.rows.columns import sortable_bits
from modelyard.tracking import tables

START = 1_700_000_000_000
AT_ONCE = 20_000
OPTIMIZERS = ("adam", "sgd", "adagrad", "lion")
STATUSES = ("FINISHED", "FINISHED", "FINISHED", "FAILED", "RUNNING")


def fill(
    database: Database,
    runs: int,
    *,
    params: int = 10,
    metrics: int = 10,
    tags: int = 5,
    seed: int = 1,
) -> None:
    """Write that many runs. Indexes are made afterwards, which takes half the time."""
    names = [
        f"{kind}{i}"
        for kind, count in (("p", params), ("m", metrics), ("t", tags))
        for i in range(count)
    ]
    with database.write() as connection:
        connection.execute(
            insert(tables.keys), [{"id": i + 1, "name": name} for i, name in enumerate(names)]
        )
        experiments = [{"id": i, "name": f"experiment {i}", "artifact_location": "", "created_ms": START, "updated_ms": START} for i in (1, 2, 3)]  # fmt: skip
        connection.execute(insert(tables.experiments), experiments)
    heavy = (tables.runs, tables.pairs, tables.metrics)
    indexes = [index for table in heavy for index in table.indexes]
    with database.write() as connection:
        for index in indexes:
            connection.execute(DropIndex(index))
    rng = random.Random(seed)
    ids = {name: i + 1 for i, name in enumerate(names)}
    for begin in range(1, runs + 1, AT_ONCE):
        numbers = range(begin, min(begin + AT_ONCE, runs + 1))
        made = [_run(number, runs, rng) for number in numbers]
        _write(database, tables.runs, [row for row, _ in made])
        _write(
            database, tables.pairs, [r for row, even in made for r in _pairs(row, even, ids, rng)]
        )
        _write(
            database,
            tables.metrics,
            [r for row, even in made for r in _metrics(row, even, ids, rng)],
        )
    with database.write() as connection:
        for index in indexes:
            connection.execute(CreateIndex(index))


def _run(number: int, runs: int, rng: random.Random) -> tuple[tuple[Any, ...], float]:
    started = START + number * 1000
    length = rng.randrange(1000, 10_000_000)
    experiment = 1 if number % 10 < 8 else 2 + number % 2
    name = f"run-{rng.choice(OPTIMIZERS)}-{number}"
    status = rng.choice(STATUSES)
    row = (number, f"{number:032x}", experiment, None, name, name, status, f"user{number % 7}",
           started, started + length, length, started, None, True, None)  # fmt: skip
    return row, rng.random()


def _pairs(
    run: tuple[Any, ...], even: float, ids: dict[str, int], rng: random.Random
) -> Iterator[tuple[Any, ...]]:
    number, experiment = run[0], run[2]
    for name, key in ids.items():
        if name[0] == "m":
            continue
        kind = tables.RUN_PARAM if name[0] == "p" else tables.RUN_TAG
        if name == "t0":
            if rng.random() < 0.9999:
                continue
            value = "rare"
        elif name == "p0":
            value = rng.choice(OPTIMIZERS)
        elif name == "p2":
            value = f"value-{number}"
        else:
            value = str(rng.randrange(100))
        bits = sortable_bits(float(value)) if value.isdigit() else None
        yield (
            kind,
            number,
            key,
            experiment,
            value,
            value,
            bits,
            float(value) if bits is not None else None,
        )


def _metrics(
    run: tuple[Any, ...], even: float, ids: dict[str, int], rng: random.Random
) -> Iterator[tuple[Any, ...]]:
    for name, key in ids.items():
        if name[0] == "m":
            value = (
                even
                if name == "m0"
                else even / 2 + rng.random() / 2
                if name == "m1"
                else rng.gauss(0, 1)
            )
            yield (run[0], key, 0, run[2], True, sortable_bits(value), value, 10, run[8], 10, 0, 0)


def _write(database: Database, table: Table, rows: list[tuple[Any, ...]]) -> None:
    """With the driver's own means: going through column types would take most of the time."""
    columns = [c.name for c in table.c][: len(rows[0])]
    with database.write() as connection:
        quote = connection.dialect.identifier_preparer.quote
        names = ", ".join(quote(c) for c in columns)
        raw = connection.connection.driver_connection
        assert raw is not None
        cursor = raw.cursor()
        if database.dialect == "postgresql":
            with cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            return
        marks = ", ".join(["?" if database.dialect == "sqlite" else "%s"] * len(columns))
        cursor.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", rows)


if __name__ == "__main__":
    begun = time.perf_counter()
    small = {"params": 3, "metrics": 3, "tags": 1} if "--small" in sys.argv else {}
    with connect(sys.argv[1]) as opened:
        fill(opened, int(sys.argv[2]), **small)
    print(f"{int(sys.argv[2]):,} runs in {time.perf_counter() - begun:.0f} s")
