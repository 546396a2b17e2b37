"""Runs at random, questions at random, and what the answer must be: worked out in Python, from the text's meaning alone.

A question is made as a text together with a function that says which runs fit, so that nothing of the search's own
reading is trusted.
"""

from __future__ import annotations

import math
import random
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import insert

from modelyard.stores.rows import Database
from modelyard.stores.rows.columns import float_values
from modelyard.tracking import tables

TEXTS = [
    *("a", "A", "ab", "aB", "é", "É", "e", "%", "_x", "3", "3.0", "03", "-2.5e0", "1e1", "", "b a"),
    *("it's", "x" * 191 + "a", "x" * 191 + "b", "x" * 300, "a\nb", 'say "a"', "日本", "z\\", "10", "9", "true"),
]  # fmt: skip
NUMBERS = [
    0.0,
    -0.0,
    1.0,
    -1.5,
    3.0,
    1e-300,
    1e300,
    math.inf,
    -math.inf,
    math.nan,
    0.1,
    5e-324,
    10.0,
]
PATTERNS = [
    "a",
    "^a$",
    "a|é",
    "x{191}b",
    "[^a]$",
    "3\\.?0*$",
    "É",
    "(?-i)A",
    "^$",
    "a.b",
    "\\d+",
    "a+b?",
    "(ab|b a)",
    "\\W",
]
LIKES = [
    "a%",
    "%a",
    "_",
    "%",
    "__",
    "%x_",
    "A%",
    "x%b",
    "",
    "%É%",
    "a%b",
    "%\\",
    "3%",
    "%'%",
    "a_b",
]
STATUSES = ["RUNNING", "FINISHED", "FAILED"]
USERS = ["ana", "Ana", "bob", ""]
KEYS = ["acc", "val loss", "m.x", "in", "ключ"]
START = 1_700_000_000_000


@dataclass
class ARun:
    """What a run is, for the oracle."""

    row: int
    experiment: int
    name: str
    status: str
    user: str
    started: int
    ended: int | None
    active: bool
    parent: int | None
    metrics: dict[str, float] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    datasets: list[tuple[str, str, str | None]] = field(default_factory=list)

    @property
    def run_id(self) -> str:
        return f"{self.row:032x}"


Test = Callable[[ARun], bool]


def runs(rng: random.Random, count: int) -> list[ARun]:
    """Runs with many equal values, so that orders have ties and filters find something."""
    found: list[ARun] = []
    for row in range(1, count + 1):
        started = START + rng.randrange(20)
        ended = None if rng.random() < 0.3 else started + rng.choice([0, 1, 1000, 90_000])
        run = ARun(
            row, rng.choice([1, 1, 2]), rng.choice(TEXTS), rng.choice(STATUSES), rng.choice(USERS), started, ended,
            rng.random() < 0.9, rng.choice([None, None, rng.randrange(1, count + 1)]),
        )  # fmt: skip
        for key in KEYS:
            if rng.random() < 0.7:
                run.metrics[key] = rng.choice(NUMBERS)
            if rng.random() < 0.7:
                run.params[key] = rng.choice(TEXTS)
            if rng.random() < 0.5:
                run.tags[key] = rng.choice(TEXTS)
        for name in rng.sample(["iris", "Iris", "wine"], rng.randrange(3)):
            run.datasets.append(
                (name, rng.choice(["d1", "d2"]), rng.choice([None, "training", "eval"]))
            )
        found.append(run)
    return found


def fill(database: Database, made: list[ARun]) -> None:
    """Write the runs into the tables."""
    ids = {key: i + 1 for i, key in enumerate(KEYS)}
    with database.write() as connection:
        connection.execute(insert(tables.keys), [{"id": i, "name": k} for k, i in ids.items()])
        experiments = [{"id": i, "name": f"experiment {i}", "artifact_location": "", "created_ms": i, "updated_ms": i} for i in (1, 2)]  # fmt: skip
        connection.execute(insert(tables.experiments), experiments)
        connection.execute(insert(tables.runs), [run_row(run) for run in made])
        connection.execute(
            insert(tables.metrics), [r for run in made for r in _metric_rows(run, ids)]
        )
        connection.execute(insert(tables.pairs), [r for run in made for r in _pair_rows(run, ids)])
        kinds = sorted({(run.experiment, *d[:2]) for run in made for d in run.datasets})
        numbers = {kind: i + 1 for i, kind in enumerate(kinds)}
        blank = {"source_type": "", "source": "", "schema": "", "profile": ""}
        connection.execute(insert(tables.inputs), [{"id": i, "experiment_id": e, "name": n, "digest": d, **blank} for (e, n, d), i in numbers.items()])  # fmt: skip
        links = [
            {"run_id": run.row, "input_id": numbers[run.experiment, name, digest],
             "tags": {} if context is None else {"mlflow.data.context": context, "other": "x"}}
            for run in made for name, digest, context in run.datasets
        ]  # fmt: skip
        connection.execute(insert(tables.run_inputs), links)


def run_row(run: ARun) -> dict[str, Any]:
    """A row of `tables.runs`."""
    length = None if run.ended is None else run.ended - run.started
    return {
        "id": run.row, "run_id": run.run_id, "experiment_id": run.experiment, "parent_id": run.parent, "name": run.name,
        "name_prefix": run.name[:191], "status": run.status, "user": run.user, "started_ms": run.started,
        "ended_ms": run.ended, "duration_ms": length, "changed_ms": run.started, "active": run.active,
    }  # fmt: skip


def _metric_rows(run: ARun, ids: dict[str, int]) -> list[dict[str, Any]]:
    """With an older value of another context beside each, which no search may find."""
    rows: list[dict[str, Any]] = []
    for key, value in run.metrics.items():
        for context, latest, number in ((0, True, value), (7, False, 0.25)):
            rows.append(
                {"run_id": run.row, "key_id": ids[key], "context_id": context, "experiment_id": run.experiment,
                 "latest": latest, **float_values("value", number), "step": 0, "at_ms": 0, "points": 1, "loose": 0,
                 "packed_to": 0}
            )  # fmt: skip
    return rows


def _pair_rows(run: ARun, ids: dict[str, int]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for kind, pairs in ((tables.RUN_PARAM, run.params), (tables.RUN_TAG, run.tags)):
        for key, value in pairs.items():
            number = number_of(value)
            numbers = (
                {"number_bits": None, "number": None}
                if number is None
                else float_values("number", number)
            )
            rows.append(
                {"kind": kind, "owner_id": run.row, "key_id": ids[key], "experiment_id": run.experiment,
                 "value": value, "value_prefix": value[:191], **numbers}
            )  # fmt: skip
    return rows


def number_of(text: str) -> float | None:
    """What a param's text is as a number."""
    return float(text) if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text) else None


# -- questions

_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def a_filter(rng: random.Random, depth: int = 0) -> tuple[str, Test]:
    """A filter as a text, and which runs it fits."""
    draw = rng.random()
    if depth >= 3 or draw < 0.5:
        return a_comparison(rng)
    if draw < 0.65:
        text, test = a_filter(rng, depth + 1)
        return f"NOT ({text})", lambda run: not test(run)
    (left, one), (right, other) = a_filter(rng, depth + 1), a_filter(rng, depth + 1)
    if draw < 0.85:
        return f"({left}) and ({right})", lambda run: one(run) and other(run)
    return (
        f"({left} OR {right})" if depth else f"{left} or {right}",
        lambda run: one(run) or other(run),
    )


def a_comparison(rng: random.Random) -> tuple[str, Test]:
    return rng.choice(
        [_of_metric, _of_pair, _of_pair, _of_attribute, _of_dataset, _of_time, _of_any]
    )(rng)


def _quoted(rng: random.Random, key: str) -> str:
    if re.fullmatch(r"\w+", key) and rng.random() < 0.5:
        return key
    return rng.choice([f"`{key}`", f'"{key}"'])


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _number(rng: random.Random) -> tuple[str, float]:
    value = rng.choice([n for n in NUMBERS if math.isfinite(n)] + [0.25, 2.0])
    return repr(value), value


def _of_metric(rng: random.Random) -> tuple[str, Test]:
    key = rng.choice([*KEYS, "nobody logged this"])
    name = f"{rng.choice(['metrics', 'metric'])}.{_quoted(rng, key)}"
    op = rng.choice([*_TESTS, "IN", "NOT IN", "IS NULL", "IS NOT NULL"])
    if op.startswith("IS"):
        return f"{name} {op}", lambda run: (key in run.metrics) is (op == "IS NOT NULL")
    many = [_number(rng) for _ in range(2)]
    if op in ("IN", "NOT IN"):
        values = [value for _, value in many]
        text = f"{name} {op} ({many[0][0]}, {many[1][0]})"
        return text, lambda run: key in run.metrics and (run.metrics[key] in values) is (op == "IN")
    shown, value = many[0]
    return (
        f"{name} {op} {shown}",
        lambda run: key in run.metrics and _TESTS[op](run.metrics[key], value),
    )


def _of_pair(rng: random.Random) -> tuple[str, Test]:
    key = rng.choice([*KEYS, "nobody logged this"])
    group = rng.choice(["params", "param", "parameters", "tags", "tag"])
    name = f"{group}.{_quoted(rng, key)}"

    def values(run: ARun) -> dict[str, str]:
        return run.params if group[0] == "p" else run.tags

    if rng.random() < 0.3:
        shown, number = _number(rng)
        op = rng.choice(list(_TESTS))

        def fits(run: ARun) -> bool:
            if key not in values(run):
                return False
            found = number_of(values(run)[key])
            return op == "!=" if found is None else _TESTS[op](found, number)

        return f"{name} {op} {shown}", fits
    if rng.random() < 0.15:
        op = rng.choice(["IS NULL", "IS NOT NULL"])
        return f"{name} {op}", lambda run: (key in values(run)) is (op == "IS NOT NULL")
    words, test = _text_test(rng, TEXTS)
    return f"{name} {words}", lambda run: key in values(run) and test(values(run)[key])


def _text_test(rng: random.Random, pool: list[str]) -> tuple[str, Callable[[str], bool]]:
    op = rng.choice([*_TESTS, "LIKE", "ilike", "~", "!~", "in", "not IN"])
    if op in ("LIKE", "ilike"):
        pattern = rng.choice(LIKES)
        flags = re.DOTALL | (re.IGNORECASE if op == "ilike" else 0)
        wild = {"%": ".*", "_": "."}
        found = re.compile("".join(wild.get(c, re.escape(c)) for c in pattern), flags)
        return f"{op} {_text(pattern)}", lambda text: found.fullmatch(text) is not None
    if op in ("~", "!~"):
        pattern = rng.choice(PATTERNS)
        flags = re.DOTALL if pattern.startswith("(?-i)") else re.DOTALL | re.IGNORECASE
        if "\\W" in pattern or "\\d" in pattern:
            flags |= re.ASCII
        found = re.compile(pattern.removeprefix("(?-i)"), flags)
        return (
            f"{op} {_text(pattern)}",
            lambda text: (found.search(text) is not None) is (op == "~"),
        )
    if op.lower() in ("in", "not in"):
        many = rng.sample(pool, min(3, len(pool)))
        return f"{op} ({', '.join(map(_text, many))})", lambda text: (text in many) is (op == "in")
    value = rng.choice(pool)
    return f"{op} {_text(value)}", lambda text: _TESTS[op](text, value)


def _of_attribute(rng: random.Random) -> tuple[str, Test]:
    names: dict[str, tuple[list[str], Callable[[ARun], str]]] = {
        "run_name": (TEXTS, lambda run: run.name),
        "attributes.`Run name`": (TEXTS, lambda run: run.name),
        "status": (STATUSES, lambda run: run.status),
        "attr.user_id": (USERS, lambda run: run.user),
        "run.run_id": ([f"{i:032x}" for i in (1, 5, 9)] + ["none", "é"], lambda run: run.run_id),
        "experiment": (["experiment 1", "x"], lambda run: f"experiment {run.experiment}"),
    }
    name = rng.choice(list(names))
    pool, value = names[name]
    words, test = _text_test(rng, pool)
    return f"{name} {words}", lambda run: test(value(run))


def _of_time(rng: random.Random) -> tuple[str, Test]:
    op = rng.choice(list(_TESTS))
    name = rng.choice(["start_time", "created", "end_time", "duration", "attribute.experiment_id"])
    moment = START + rng.randrange(20)
    length = rng.choice([0, 1, 1000, 90_000])
    value: dict[str, Callable[[ARun], int | None]] = {
        "start_time": lambda run: run.started,
        "created": lambda run: run.started,
        "end_time": lambda run: run.ended,
        "duration": lambda run: None if run.ended is None else run.ended - run.started,
        "attribute.experiment_id": lambda run: run.experiment,
    }
    wanted: float = {"duration": length, "attribute.experiment_id": 1}.get(name, moment)
    shown = str(wanted)
    if name == "duration":
        shown = rng.choice([shown, f"'{length}ms'"])
    elif name != "attribute.experiment_id" and rng.random() < 0.3:
        shown = f"'2023-11-14T22:13:20.{moment - START:03}Z'"
    elif rng.random() < 0.2:
        wanted += 0.5
        shown = repr(wanted)
    return (
        f"{name} {op} {shown}",
        lambda run: (found := value[name](run)) is not None and _TESTS[op](found, wanted),
    )


def _of_dataset(rng: random.Random) -> tuple[str, Test]:
    place = rng.randrange(3)
    pool = [["iris", "Iris", "wine", "none"], ["d1", "d2"], ["training", "eval", "x"]][place]
    words, test = _text_test(rng, pool)
    name = f"{rng.choice(['dataset', 'datasets'])}.{['name', 'digest', 'context'][place]}"
    return f"{name} {words}", lambda run: any(
        d[place] is not None and test(d[place]) for d in run.datasets
    )


def _of_any(rng: random.Random) -> tuple[str, Test]:
    pattern = rng.choice(["a", "x{191}b", "é$", "3"])
    found = re.compile(pattern, re.IGNORECASE | re.DOTALL)
    return f"any ~ {_text(pattern)}", lambda run: any(
        found.search(text) for text in (run.name, *run.params.values(), *run.tags.values())
    )


def an_order(rng: random.Random) -> tuple[list[str], Callable[[list[ARun]], list[ARun]]]:
    """Orders as texts, and what they make of runs."""
    keys: list[tuple[str, Callable[[ARun], Any]]] = [
        ("metrics.acc", lambda run: run.metrics.get("acc")),
        ("metrics.`val loss`", lambda run: run.metrics.get("val loss")),
        ('params."m.x"', lambda run: _start(run.params.get("m.x"))),
        ("tags.in", lambda run: _start(run.tags.get("in"))),
        ("end_time", lambda run: run.ended),
        ("attributes.start_time", lambda run: run.started),
        ("status", lambda run: run.status),
        ("run_name", lambda run: run.name[:191]),
        ("duration", lambda run: None if run.ended is None else run.ended - run.started),
        ("metrics.`nobody logged this`", lambda run: None),
    ]
    chosen = rng.sample(keys, rng.randrange(4))
    ways = [rng.random() < 0.5 for _ in chosen]
    texts = [
        f"{name} {'DESC' if down else rng.choice(['ASC', 'asc', ''])}".strip()
        for (name, _), down in zip(chosen, ways, strict=True)
    ]

    def sort(found: list[ARun]) -> list[ARun]:
        found = sorted(found, key=lambda run: run.row, reverse=True)
        found.sort(key=lambda run: run.started, reverse=True)
        for (_, value), down in reversed(list(zip(chosen, ways, strict=True))):
            there = [run for run in found if _rank(value(run)) == 0]
            there.sort(key=lambda run: _bits(value(run)), reverse=down)
            found = (
                there
                + [r for r in found if _rank(value(r)) == 1]
                + [r for r in found if _rank(value(r)) == 2]
            )
        return found

    return texts, sort


def _start(text: str | None) -> str | None:
    return None if text is None else text[:191]


def _rank(value: Any) -> int:
    if value is None:
        return 2
    return 1 if isinstance(value, float) and math.isnan(value) else 0


def _bits(value: Any) -> Any:
    """Floats with -0.0 below 0.0."""
    if not isinstance(value, float):
        return value
    (bits,) = struct.unpack(">q", struct.pack(">d", value))
    return bits if bits >= 0 else -(bits & 0x7FFF_FFFF_FFFF_FFFF) - 1
