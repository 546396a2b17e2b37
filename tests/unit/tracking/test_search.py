"""Searches find what their text says, in the order it says, whatever the database, the pages and the way it is found."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from contracts.databases import KINDS, open_new
from modelyard.stores.rows import Database
from modelyard.stores.rows.search import asking
from modelyard.tracking.interface import Search, View
from modelyard.tracking.search.runs import count_runs, search_runs
from unit.tracking.search_world import ARun, a_filter, an_order, fill, runs

World = tuple[Database, list[ARun]]


@pytest.fixture(scope="module", params=KINDS)
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A database with runs at random."""
    made = runs(random.Random(7), 150)
    with open_new(request, tmp_path_factory) as database:
        fill(database, made)
        yield database, made


def pages(database: Database, search: Search, limit: int) -> list[int]:
    """The ids of all pages."""
    found: list[int] = []
    page = None
    while True:
        asked = Search(search.filter, search.order_by, search.experiments, search.view, limit, page)
        with database.read() as connection:
            got = search_runs(connection, asked)
        assert len(got.ids) == limit or got.next is None
        found += got.ids
        page = got.next
        if page is None:
            return found


@pytest.mark.parametrize("few", [0, 20, 2000])
@pytest.mark.parametrize("part", range(2))
def test_random_questions_have_the_right_answers(
    world: World, part: int, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, made = world
    monkeypatch.setattr(asking, "FEW", few)
    if part == 1:  # the way along an index is given up at once
        monkeypatch.setattr(asking, "TRY_SECONDS", 0.0)
    for seed in range(50 if database.dialect == "sqlite" else 20):
        rng = random.Random(f"{part} {few} {seed}")
        text, test = a_filter(rng)
        orders, sort = an_order(rng)
        experiments = rng.choice([None, [1], [2], [1, 2], []])
        view = rng.choice(list(View))
        fits = [
            run
            for run in made
            if (experiments is None or run.experiment in experiments)
            and (view is View.ALL or run.active is (view is View.ACTIVE))
            and test(run)
        ]
        search = Search(text, orders, experiments, view)
        found = pages(database, search, rng.choice([5, 40, 1000]))
        assert found == [run.row for run in sort(fits)], (text, orders, experiments, view)
        with database.read() as connection:
            assert count_runs(connection, search, 20) == (min(len(fits), 20), len(fits) > 20), text
