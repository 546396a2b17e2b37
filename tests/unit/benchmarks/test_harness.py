"""Figures are only as honest as the turns, the ratios and the table."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from benchmarks.environments import Failed
from benchmarks.harness import Contest, Measurement, Row
from benchmarks.report import replace_section, spread, table_lines

TIME = Row("work", "s", "less")
RATE = Row("rate", "rows/s", "more")


def taking(seconds: list[float], log: list[str], name: str) -> Callable[[], Measurement]:
    """A contender whose turns take these times, in order."""
    values = iter(seconds)

    def turn() -> Measurement:
        log.append(name)
        return {"work": next(values)}

    return turn


def test_contenders_take_turns_and_warm_ups_do_not_count() -> None:
    log: list[str] = []
    turns = {"a": taking([9, 1, 2], log, "a"), "b": taking([9, 3, 4], log, "b")}
    (row,) = Contest([TIME]).run(turns, rounds=2, warm_ups=1)
    assert log == ["a", "b"] * 3
    assert row.samples == {"a": [1, 2], "b": [3, 4]}


def test_who_fails_is_out_with_a_reason_and_the_others_go_on() -> None:
    log: list[str] = []

    def fails() -> Measurement:
        raise Failed("no answer")

    contest = Contest([TIME])
    (row,) = contest.run({"a": fails, "b": taking([1, 2], log, "b")}, rounds=2)
    assert contest.failures == {"a": "no answer"}
    assert row.samples == {"b": [1, 2]}


@pytest.mark.parametrize(("row", "expected"), [(TIME, [2, 3]), (RATE, [0.5, 1 / 3])])
def test_a_ratio_above_one_is_in_our_favour_round_by_round(row: Row, expected: list[float]) -> None:
    measured = Row(row.title, row.unit, row.better, {"ours": [1, 2], "theirs": [2, 6]})
    assert measured.ratios("ours", "theirs") == pytest.approx(expected)


@pytest.mark.parametrize(
    ("values", "unit", "shown"),
    [
        ([0.0214], "s", "21.4 ms"),
        ([0.02, 0.03, 1.5], "s", "30 ms (20–1,500)"),
        ([1.25, 2, 3], "s", "2 s (1.25–3)"),
        ([154.2, 1200, 99], "requests/s", "154 requests/s (99–1,200)"),
    ],
)
def test_figures_are_shown_with_their_spread(values: list[float], unit: str, shown: str) -> None:
    assert spread(values, unit) == shown


def test_the_table_names_the_work_once_and_compares_with_ours() -> None:
    row = Row("work", "s", "less", {"modelyard save": [1.0, 1.0], "joblib": [0.5, 0.25]})
    assert list(table_lines(row)) == [
        "| work | modelyard save | 1 s (1–1) |  |",
        "|  | joblib | 375 ms (250–500) | 0.375 x (0.25–0.5) |",
    ]


def test_only_the_named_section_is_replaced() -> None:
    text = "<!-- a: begin -->\nold\n<!-- a: end -->\n<!-- b: begin -->\nkept\n<!-- b: end -->\n"
    assert replace_section(text, "a", "new \\1") == text.replace("old", "new \\1")
    with pytest.raises(SystemExit, match="no section"):
        replace_section(text, "c", "new")
