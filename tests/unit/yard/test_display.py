"""Tables and curves of a notebook: whole HTML of what comes in, whatever that is."""

from __future__ import annotations

import xml.etree.ElementTree as Xml

from hypothesis import given
from hypothesis import strategies as st

from modelyard.yard import display

ANY = st.one_of(
    st.none(), st.text(), st.floats(), st.integers(), st.sampled_from(["</td>", "<script>", "&", "'\""])
)  # fmt: skip
# What XML 1.0 can hold: a notebook shows other characters as nothing.
NAMES = st.text(st.characters(min_codepoint=32, max_codepoint=0xD7FF), min_size=1)


def texts(html: str) -> list[str]:
    return [
        "".join(cell.itertext()) for cell in Xml.fromstring(html).iter() if cell.tag in ("td", "th")
    ]


@given(st.dictionaries(NAMES, NAMES, min_size=1))
def test_names_and_values_come_back_as_they_were(facts: dict[str, str]) -> None:
    found = texts(display.pairs(facts))
    assert dict(zip(found[::2], found[1::2], strict=True)) == facts


def test_what_is_nothing_is_left_out_and_zero_is_not() -> None:
    found = texts(display.pairs({"a": None, "b": "", "c": 0, "d": 0.0, "e": [], "f": False}))
    assert found == ["c", "0", "d", "0", "f", "False"]


def test_cells_are_marked_where_asked() -> None:
    html = display.rows(
        [{"a": 1, "b": "<i>"}, {"a": 2}], {"a": "first", "b": "second"},
        title="two & two", marked=lambda row, name: row.get(name) == 2,
    )  # fmt: skip
    assert texts(html) == ["first", "second", "1", "<i>", "2", ""]
    assert html.count(display.MARKED) == 1
    assert "<caption style='text-align:left'>two &amp; two</caption>" in html


def test_markup_is_not_escaped_again_and_a_long_text_is_cut() -> None:
    assert "<svg" in display.pairs({"curve": display.sparkline([1, 2, 3])})
    assert len(display.cell("x" * 1000)) == display.LONGEST


@given(st.lists(st.floats(), max_size=50))
def test_any_numbers_make_a_curve_within_its_frame(values: list[float]) -> None:
    svg = display.sparkline(values, width=100, height=20)
    if not svg:
        return
    for line in Xml.fromstring(svg).iter("polyline"):
        for spot in line.attrib["points"].split():
            x, y = map(float, spot.split(","))
            assert 0 <= x <= 100
            assert 0 <= y <= 20


def test_a_curve_breaks_where_a_value_is_no_number() -> None:
    assert display.sparkline([1.0, 2.0, float("nan"), 3.0]).count("<polyline") == 2
    assert display.sparkline([float("nan")]) == ""
    assert display.sparkline([]) == ""


@given(ANY)
def test_any_value_is_a_cell(value: object) -> None:
    html = display.cell(value)
    assert "<" not in html
    assert display.cell(html) == html
