"""Filters: read exactly, judged as they read, refused with the place, and never slow."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard.base.errors import InvalidInput
from modelyard.base.filters import (
    DEEPEST,
    LONGEST,
    And,
    Comparison,
    Field,
    Filter,
    Not,
    Or,
    comparisons,
    like,
    matches,
    parse,
)

A, B, C = (Comparison(Field(n), "=", i) for i, n in enumerate("abc"))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a = 0", A),
        ("a=0 AND b=1 and c=2", And((A, B, C))),
        ("a = 0 or b = 1 and c = 2", Or((A, And((B, C))))),
        ("(a = 0 OR b = 1) AND c = 2", And((Or((A, B)), C))),
        ("not a = 0 and b = 1", And((Not(A), B))),
        ("NOT (a = 0 and NOT b = 1)", Not(And((A, Not(B))))),
        ("((a = 0))", A),
        ("  a\n==\t0  ", A),
        ("metrics.acc >= .5", Comparison(Field("acc", "metrics"), ">=", 0.5)),
        ("metrics.f1-score < -1e-3", Comparison(Field("f1-score", "metrics"), "<", -0.001)),
        ('metrics."val loss" <> 1', Comparison(Field("val loss", "metrics"), "!=", 1)),
        ('tags.`a``b "c"` = \'it\'\'s\'', Comparison(Field('a`b "c"', "tags"), "=", "it's")),
        ("metadata.owner.team ~ 'x'", Comparison(Field("owner.team", "metadata"), "~", "x")),
        ("params.depth IN ('3', '5')", Comparison(Field("depth", "params"), "in", ("3", "5"))),
        ("a not in (1, 2.5, true)", Comparison(Field("a"), "not in", (1, 2.5, True))),
        ("a LIKE 'x%'", Comparison(Field("a"), "like", "x%")),
        ("a !~ 'x'", Comparison(Field("a"), "!~", "x")),
        ("a is null or b is not null", Or((Comparison(Field("a"), "is null"), Comparison(Field("b"), "is not null")))),
        ("größe = 'ü'", Comparison(Field("größe"), "=", "ü")),
        ("`in` = 1", Comparison(Field("in"), "=", 1)),
    ],
)  # fmt: skip
def test_what_a_text_says(text: str, tree: Filter) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "at its end: expected a name, as in metrics.accuracy"),
        ("a", "at its end: expected =, !=, <, <=, >, >=, ~, like, in or is"),
        ("a =", "at its end: expected a value"),
        ("a = b", "at 'b': texts go in single quotes"),
        ("a = `b`", "at '`b`': texts go in single quotes"),
        ("a = 1 b = 2", "at 'b = 2': expected 'and', 'or' or the end"),
        ("a = 1 and", "at its end: expected a name, as in metrics.accuracy"),
        ("(a = 1", "at its end: expected ')'"),
        ("a = 'x", "at \"'x\": a quote is not closed"),
        ("a = 1; drop table runs", "at '; drop table runs': this means nothing here"),
        ("a = 1e", "at '1e': this means nothing here"),
        ("a = 1.2.3", "at '1.2.3': this means nothing here"),
        ("a in ()", "at ')': expected a value"),
        ("a in 1", "at '1': expected '('"),
        ("a ~ 1", "at '1': expected a text in single quotes"),
        ("a not = 1", "at '= 1': expected =, !=, <, <=, >, >=, ~, like, in or is"),
        ("a not like 'x'", "at its end: write: not a like …"),
        ("a is 1", "at '1': expected 'null'"),
        ("in = 1", "at 'in = 1': expected a name; one that is a word of the language goes in quotes"),
        ('"" = 1', "at '= 1': expected a name, as in metrics.accuracy"),
        ("a. = 1", "at '= 1': expected a name, as in metrics.accuracy"),
        ("a = null", "at 'null': expected a value"),
        ("a = \x00", "at '\\x00': this means nothing here"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        parse(text)
    assert raised.value.message.partition("\n")[0] == f"the filter cannot be read {message}"


@pytest.mark.parametrize(
    "text",
    [
        "a = 1 or " * 2000 + "a = 1",
        "(" * (DEEPEST + 2) + "a = 1" + ")" * (DEEPEST + 2),
        "not " * (DEEPEST + 2) + "a = 1",
        "(" * 9000,
        "a in (" + "1," * 4000 + "1)",
        " or ".join(["a = 1"] * 201),
        "a = '" + "x" * LONGEST + "'",
        "a = " + "'" * 9001,
        "`" * 9001,
        "a = " + "9" * 9000,
    ],
)
def test_what_would_cost_too_much_is_refused_or_cheap(text: str) -> None:
    try:
        assert len(list(comparisons(parse(text)))) == 1
    except InvalidInput:
        return


THING: dict[str, Any] = {
    "flavor": "sklearn", "labels": ["prod", "live"], "metrics.acc": 0.9, "metrics.n": 3, "params.depth": "3",
    "tags.big": True, "none": None, "empty": [], "text": "Größe 100%_x",
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        ("flavor = 'sklearn'", True),
        ("flavor = 'Sklearn'", False),
        ("flavor != 'xgboost'", True),
        ("flavor < 'z' and flavor >= 'sklearn'", True),
        ("metrics.acc > 0.89 and metrics.acc <= 0.9", True),
        ("metrics.n = 3.0", True),
        ("metrics.n > 2 and metrics.n < 4", True),
        ("params.depth = '3'", True),
        ("params.depth = 3", False),
        ("params.depth > 2", False),
        ("params.depth in ('5', '3')", True),
        ("params.depth not in ('5', '3')", False),
        ("tags.big = true", True),
        ("tags.big = 1", False),
        ("labels = 'live'", True),
        ("labels in ('x', 'prod')", True),
        ("labels != 'live'", False),
        ("labels != 'other'", True),
        ("text ~ 'GRÖẞE 1.0%'", True),
        ("text !~ 'x y'", True),
        ("text like 'Gr__e%'", True),
        ("text like 'gr%'", False),
        ("text ilike 'gr%'", True),
        ("not text like '%z%'", True),
        ("none = 1 or none != 1 or none < 1 or none in (1) or none ~ 'x' or none !~ 'x'", False),
        ("not none = 1", True),
        ("none is null and missing is null and empty is null", True),
        ("flavor is not null and not none is not null", True),
        ("metrics.n ~ '3'", False),
    ],
)
def test_what_fits(text: str, is_so: bool) -> None:
    assert matches(parse(text), lambda field: THING.get(str(field))) is is_so


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse(text)
    except InvalidInput:
        return
    matches(found, lambda field: None)


@given(st.text("ab%_", max_size=8), st.text("ab", max_size=8))
def test_like_is_what_a_pattern_would_match(pattern: str, text: str) -> None:
    import re

    expected = re.fullmatch(pattern.replace("%", ".*").replace("_", "."), text) is not None
    assert like(pattern)(text) is expected


def test_a_pattern_of_many_wild_cards_is_no_long_search() -> None:
    assert not like("%a" * 4000 + "b")("a" * 20_000)
