"""The language of searches: all that stock MLflow accepts means here what it means there, what is wrong is pointed at,
and no filter, key or token does harm."""

from __future__ import annotations

import base64
import contextlib
import json
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import func, insert, select

from contracts.databases import KINDS, open_new
from modelyard.base.errors import InvalidInput, ModelyardError, Overloaded
from modelyard.stores.rows import Database
from modelyard.tracking import tables
from modelyard.tracking.interface import Search
from modelyard.tracking.search.runs import search_runs
from unit.tracking.search_world import ARun, fill, run_row

START = 1_700_000_000_000

ONE = ARun(1, 1, "first", "FINISHED", "ana", START, START + 300_000, True, None,
           metrics={"acc": 0.9, "val loss": 0.5, "m.x": 1.0}, params={"acc": "3", "val loss": "adam", "m.x": "it's"},
           tags={"acc": "Ana", "in": "x", "m.x": 'say "hi"'}, datasets=[("iris", "d1", "training")])  # fmt: skip
TWO = ARun(2, 1, "second", "RUNNING", "bob", START + 1000, None, True, 1,
           metrics={"acc": float("nan"), "val loss": float("inf")}, params={"acc": "10", "val loss": ""},
           tags={"acc": "bob"}, datasets=[("iris", "d2", "eval"), ("wine", "d3", None)])  # fmt: skip
BARE = ARun(3, 2, "third", "FAILED", "", START + 2000, START + 2000, True, 1)


@pytest.fixture(scope="module", params=KINDS)
def database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """Three runs."""
    with open_new(request, tmp_path_factory) as opened:
        fill(opened, [ONE, TWO, BARE])
        yield opened


@pytest.fixture(scope="module")
def sqlite_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The same on SQLite."""
    from modelyard.stores.rows import connect

    with connect(tmp_path_factory.mktemp("yard") / "yard.db") as opened:
        fill(opened, [ONE, TWO, BARE])
        yield opened


def find(database: Database, text: str, **more: object) -> list[int]:
    with database.read() as connection:
        return sorted(search_runs(connection, Search(text, **more)).ids)  # type: ignore[arg-type]


STOCK = [
    ("", [1, 2, 3]),
    ("  ", [1, 2, 3]),
    ("metrics.acc > 0.72", [1]),
    ("metric.acc >= 0.9 and metrics.`val loss` <= 0.5", [1]),
    ('metrics."val loss" = 0.5', [1]),
    ("metrics.acc != 0.5", [1, 2]),  # NaN is different from all
    ("metrics.acc < 1e10", [1]),
    ("metrics.acc > -1", [1]),
    ("metrics.m.x = 1", [1]),
    ("params.acc = '3'", [1]),
    ('params.acc = "3"', [1]),
    ("params.acc != '3'", [2]),  # who lacks it is not different
    ("parameters.acc = '3' AND param.`val loss` = 'adam'", [1]),
    ("params.`val loss` = ''", [2]),
    ("params.`m.x` = 'it''s'", [1]),
    ("params.`val loss` LIKE 'ad%'", [1]),
    ("params.`val loss` ILIKE 'AD%'", [1]),
    ("params.`val loss` like 'AD%'", []),
    ("tags.acc IS NULL", [3]),
    ("tags.acc is not null", [1, 2]),
    ("params.nobody IS NULL", [1, 2, 3]),
    ("tag.acc = 'Ana'", [1]),
    ("tags.`acc` ILIKE 'ana'", [1]),
    ("tags.m.x = 'say \"hi\"'", [1]),
    ("tags.in = 'x'", [1]),
    ("attributes.status = 'FINISHED'", [1]),
    ("attribute.status != 'FINISHED'", [2, 3]),
    ("attr.run_name LIKE '%ir%'", [1, 3]),
    ("run.user_id = 'ana'", [1]),
    ("status = 'RUNNING' and user_id = 'bob'", [2]),
    ("`run name` = 'first'", [1]),
    ("attributes.`Run Name` = 'first'", [1]),
    (f"start_time > {START}", [2, 3]),
    (f"attribute.start_time >= {START + 1000} and Created <= {START + 1000}", [2]),
    (f"end_time < {START + 10_000}", [3]),
    (f"attributes.run_id IN ('{ONE.run_id}', \"{BARE.run_id}\")", [1, 3]),
    (f"run_id NOT IN ('{ONE.run_id}')", [2, 3]),
    (f"run_id = '{TWO.run_id}'", [2]),
    ("run_id LIKE '%1'", [1]),
    ("attributes.artifact_uri LIKE '%/artifacts'", [1, 2, 3]),
    ("datasets.name = 'iris'", [1, 2]),
    ("dataset.digest IN ('d1', 'd3')", [1, 2]),
    ("datasets.context = 'eval'", [2]),
    ("datasets.name != 'iris'", [2]),  # any other
    ("datasets.context LIKE 'train%' AND datasets.name ILIKE 'IRIS'", [1]),
]

MORE = [
    ("metrics.acc > 0.5 OR params.acc = '10'", [1, 2]),
    ("NOT metrics.acc > 0.5", [2, 3]),
    ("(status = 'FINISHED' or status = 'FAILED') and not user_id = 'ana'", [3]),
    ("params.acc > 5", [2]),
    ("params.acc = 3.0", [1]),
    ("params.acc IN ('3', 10)", [1, 2]),
    ("params.acc not in (3, 'x')", [2]),
    ("params.`val loss` != 3", [1, 2]),
    ("metrics.acc IN (0.9, 1)", [1]),
    ("metrics.acc IS NULL", [3]),
    ("duration > '4m' and duration <= '5m'", [1]),
    ("duration = 0", [3]),
    ("duration is null", [2]),
    ("end_time IS NULL", [2]),
    ("start_time >= '2023-11-14T22:13:21Z'", [2, 3]),
    ("start_time < '2023-11-14T23:13:21+01:00'", [1]),
    (f"parent_run_id = '{ONE.run_id}'", [2, 3]),
    ("parent_run_id IS NULL", [1]),
    ("experiment = 'experiment 2'", [3]),
    ("experiment_id IN (2, 5)", [3]),
    ("experiment_id = '1'", [1, 2]),
    ("run_name ~ '^(first|third)$'", [1, 3]),
    ("name !~ 'ir'", [2]),
    ("any ~ 'ADAM'", [1]),
    ("any ~ 'second|Ana'", [1, 2]),
    ("status = 'FINISHED' and start_time > 1.5", [1]),
    (f"start_time < {10**30}", [1, 2, 3]),
    (f"metrics.`val loss` > 1{'0' * 290}", [2]),
    ("run_id = 'é' or run_id ~ 'é' or run_id < 'é'", [1, 2, 3]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "ids"), STOCK + MORE)
def test_what_a_filter_finds(database: Database, text: str, ids: list[int]) -> None:
    assert find(database, text) == ids


@pytest.mark.parametrize(
    ("orders", "ids"),
    [
        ([], [3, 2, 1]),
        (["metrics.acc DESC"], [1, 2, 3]),
        (["metrics.acc"], [1, 2, 3]),  # NaN, then none
        (["params.acc ASC"], [2, 1, 3]),  # '10' before '3', as texts
        (["attributes.end_time DESC"], [1, 3, 2]),
        (["end_time asc"], [3, 1, 2]),
        (["metrics.`val loss` desc", "start_time ASC"], [2, 1, 3]),
        (['tags."m.x"', "run_name DESC"], [1, 3, 2]),
        (["metrics.nobody", "Created asc"], [1, 2, 3]),
        (["datasets.name"], "datasets.name cannot be ordered by: a row may have several"),
        (["any"], "any cannot be ordered by"),
        (["start_time", "attribute.created DESC"], "the order names start_time twice"),
        (["metric.acc", "metrics.acc"], "the order names metrics.acc twice"),
        (["metrics.acc DOWN"], "expected ASC, DESC or the end of an order"),
        (["metrics.acc DESC, status"], "expected ASC, DESC or the end of an order"),
        (["nothing"], "the order names an unknown field nothing"),
        ([""], "expected a name"),
        (["metrics.a"] * 11, "an order has at most 10 keys"),
    ],
)
def test_orders(database: Database, orders: list[str], ids: list[int] | str) -> None:
    with database.read() as connection:
        if isinstance(ids, str):
            with pytest.raises(InvalidInput) as raised:
                search_runs(connection, Search(order_by=orders))
            assert ids in raised.value.message
        else:
            assert search_runs(connection, Search(order_by=orders)).ids == ids


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "status = 'FINISHED' and metrc.acc > 0.9",
            "unknown field metrc.acc\n  status = 'FINISHED' and metrc.acc > 0.9\n                          ^",
            "did you mean metrics.acc?",
        ),
        ("stauts = 'x'", "unknown field stauts\n  stauts = 'x'\n  ^", "did you mean 'status'?"),
        ("datasets.nme = 'x'", "unknown field datasets.nme\n", "did you mean 'datasets.name'"),
        ("metrics.acc > '0.9'", "metrics.acc is a number, and compared with a text\n", "without quotes"),
        ("metrics.acc like '0.9'", "metrics.acc is a number, and compared with a text\n", "without quotes"),
        ("start_time > 'soon'", "start_time is a time: milliseconds since 1970", None),
        ("duration > 'long'", "duration is a duration: milliseconds, or a text", None),
        ("any > 'x'", "'any' takes ~, LIKE, ILIKE, = and IN\n", None),
        (
            "run_name ~ 'a**'",
            "the regular expression 'a**' cannot be read at '*': two repeats follow each other\n  run_name ~ 'a**'\n             ^",
            "a backslash makes a sign stand for itself",
        ),
        (
            "metrics.acc > 0.9 and and status = 'x'",
            "the filter cannot be read at \"and status = 'x'\": expected a name; one that is a word of the language goes in"
            " quotes\n  metrics.acc > 0.9 and and status = 'x'\n                        ^",
            None,
        ),
    ],
)  # fmt: skip
def test_an_error_points_at_its_place(
    sqlite_database: Database, text: str, message: str, hint: str | None
) -> None:
    with pytest.raises(InvalidInput) as raised:
        find(sqlite_database, text)
    assert raised.value.message.startswith(
        message.rstrip("\n") if message.endswith("\n") else message
    )
    assert hint is None or hint in (raised.value.hint or "")


LONG = "x" * 1_000_000

HOSTILE = [
    f"run_name = '{LONG}'",
    "(" * 10_000 + "a = 1" + ")" * 10_000,
    "not " * 20_000 + "a = 1",
    "run_name LIKE '" + "%a" * 400 + "%b'",
    "run_name LIKE '" + "%" * 9000 + "'",
    "run_name ILIKE '" + "%x_" * 160 + "'",
    "run_name ~ '(a+)+$'",
    "run_name ~ '(x|x)*y' or any ~ '(.*,){12}P'",
    "run_name ~ '" + "a?" * 240 + "'",
    "run_name = 'x'' OR 1=1 --'",
    "params.`x' OR '1'='1` = 'y'",
    "tags.\"'; DROP TABLE my_runs; --\" = 'y'",
    'metrics.`x") OR (1=1` > 0',
    "params.acc = '\\'' OR 1=1",
    "1 = 1",
    "run_name = 'a'; DROP TABLE my_runs",
    "run_name IN (" + ",".join(["'x'"] * 20_000) + ")",
    " or ".join(["metrics.acc > 1"] * 300),
    " or ".join(["metrics.nobody > 1"] * 200),
    "experiment_id = " + "9" * 4000,
    "metrics.acc > " + "9" * 400,
    "params.acc > 1e999",
    "run_name = 'nul\x00'",
    "tags.`" + "k" * 3000 + "` = 'x'",
    "run_name = '\ud800'",
    "any ~ '" + "[^a]" * 100 + "'",
    "run_name ~ '\\U0010FFFF' or run_name ~ '[[:alpha:]]'",
    "user_id ~ '***=x' or user_id ~ '(*UTF8)'",
    "start_time > '9999999999999999999999'",
    "start_time > '0001-01-01T00:00:00+23:59'",
    "duration > '" + "9" * 39 + "w'",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_filter_is_answered_or_refused_at_once(database: Database, text: str) -> None:
    begun = time.monotonic()
    with contextlib.suppress(ModelyardError):
        assert set(find(database, text)) <= {1, 2, 3}
    assert time.monotonic() - begun < 5  # a second at most where nothing else runs
    assert find(database, "") == [1, 2, 3]


@pytest.mark.parametrize("limit", [-1, 50_001, 2**31, -(2**63)])
def test_a_limit_that_is_none(sqlite_database: Database, limit: int) -> None:
    with pytest.raises(InvalidInput, match="it may be 0 to 50,000"):
        find(sqlite_database, "", limit=limit)


def test_a_limit_of_nothing_and_of_all(sqlite_database: Database) -> None:
    assert find(sqlite_database, "", limit=0) == []
    assert find(sqlite_database, "", limit=50_000) == [1, 2, 3]


def test_a_token_of_another_search_or_that_was_changed_is_refused(database: Database) -> None:
    search = Search("status != 'x'", ["metrics.acc", "run_name"], limit=1)
    with database.read() as connection:
        page = search_runs(connection, search).next
        assert page is not None
        asked, values = json.loads(base64.urlsafe_b64decode(page + "=="))
        assert search_runs(
            connection, Search("status != 'x'", search.order_by, limit=2, page=page)
        ).ids == [2, 3]
        with pytest.raises(InvalidInput, match="is of another search"):
            search_runs(connection, Search("status = 'x'", search.order_by, page=page))
        with pytest.raises(InvalidInput, match="is of another search"):
            search_runs(
                connection, Search("status != 'x'", ["metrics.acc DESC", "run_name"], page=page)
            )
    changed = [
        "x", "!!!", "a" * 300_000, page[:-4], page + page, "W10", "[" * 1000,
        *(_token(asked, other) for other in ([], values[:-1], [*values, 1], [None] * len(values), ["a"] * len(values),
          [2**70] * len(values), [True] * len(values), [[]], {}, "abc", [*values[:-1], 1.5])),
    ]  # fmt: skip
    for token in changed:
        with database.read() as connection, pytest.raises(InvalidInput, match="the page token"):
            search_runs(connection, Search("status != 'x'", search.order_by, page=token))


def _token(asked: str, values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps([asked, values]).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "orders", [[], ["metrics.acc DESC"], ["params.acc", "end_time DESC"], ["status"]]
)
def test_pages_stay_in_place_while_runs_come_and_go(
    orders: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    import random

    from modelyard.stores.rows import connect
    from unit.tracking.search_world import runs as made_at_random

    rng = random.Random(3)
    old = made_at_random(rng, 60)
    with connect(tmp_path_factory.mktemp("yard") / "yard.db") as database:
        fill(database, old)
        with database.read() as connection:
            before = search_runs(connection, Search(order_by=orders)).ids
        seen: list[int] = []
        page: str | None = None
        number = 1000
        while True:
            with database.read() as connection:
                found = search_runs(connection, Search(order_by=orders, limit=7, page=page))
            seen += found.ids
            page = found.next
            if page is None:
                break
            with database.write() as connection:
                number += 1
                new = ARun(
                    number, 1, "new", "FAILED", "", START + rng.randrange(20), None, True, None
                )
                connection.execute(insert(tables.runs), [run_row(new)])
        assert [row for row in seen if row < 1000] == before
        assert len(seen) == len(set(seen))


def test_what_takes_too_long_is_stopped_and_says_what_was_slow(database: Database) -> None:
    with database.write() as connection:
        many = [
            ARun(i, 2, "a" * 3000, "FAILED", "", START, None, False, None) for i in range(10, 1500)
        ]
        rows = [{**run_row(run), "name": f"{run.name}{run.row}"} for run in many]
        connection.execute(insert(tables.runs), rows)
    from modelyard.tracking.interface import View

    slow = Search("run_name ~ 'a.*a.*b.*[^a1-9]x' or run_name ~ '(a.?){20}z$'", view=View.DELETED)
    with database.read() as connection, pytest.raises(Overloaded) as raised:
        search_runs(connection, slow, seconds=0.01)
    assert "took longer than 0.01 s and was stopped: run_name ~" in raised.value.message
    assert "narrow it" in (raised.value.hint or "")
    with database.read() as connection:  # the limit is gone, and the connection is sound
        assert len(search_runs(connection, Search(view=View.DELETED, limit=5)).ids) == 5
        assert connection.scalar(select(func.count()).select_from(tables.runs)) == 1493
