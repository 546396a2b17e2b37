"""Regular expressions of filters: as Python's where both know them, and never slow."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard.base.errors import InvalidInput, Overloaded
from modelyard.base.matching import Matcher, searcher
from modelyard.base.patterns import LONGEST, of_like, parse

PIECES = st.sampled_from(
    [
        "a",
        "b",
        "AB",
        ".",
        "[ab]",
        "[^a]",
        "[a-c_]",
        "\\d",
        "\\W",
        "\\s",
        "\\.",
        "é",
        "1",
        "",
        "^",
        "$",
    ]
)
PATTERNS = st.recursive(
    PIECES,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}|{pair[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,}", "{0,2}", "*?"])).map(
            lambda pair: f"(?:{pair[0]}a?){pair[1]}"
        ),
    ),
    max_leaves=8,
)


@settings(max_examples=500)
@given(pattern=PATTERNS, text=st.text(alphabet="abABéÉ1_ .\n", max_size=12), fold=st.booleans())
def test_it_finds_what_python_finds(pattern: str, text: str, fold: bool) -> None:
    flags = re.DOTALL | re.ASCII | (re.IGNORECASE if fold else 0)
    wanted = pattern.replace("$", "\\Z").replace("é", "[éÉ]" if fold else "é")
    found = re.search(wanted, text, flags) is not None
    assert searcher(pattern if fold else f"(?-i){pattern}")(text) is found


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("größe", "GRÖẞE", True),
        ("[à-ü]", "Ö", True),
        ("(?-i)Ada", "ada", False),
        ("(?i)Ada", "ada", True),
        ("k", "\u212a", False),  # the Kelvin sign is no letter k in any database
        ("[]a]", "]", True),
        ("[a-]", "-", True),
        ("[\\]\\\\]", "\\", True),
        ("a{3}", "aa", False),
        ("a\nb", "a\nb", True),
        ("", "", True),
        ("^$", "\n", False),
    ],
)
def test_what_it_means(pattern: str, text: str, found: bool) -> None:
    assert searcher(pattern)(text) is found


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(a", "cannot be read at its end: a group is not closed"),
        ("a)", "cannot be read at ')': this ')' closes nothing"),
        ("*a", "cannot be read at '*a': there is nothing to repeat"),
        ("a**", "two repeats follow each other"),
        ("(?=a)", "of groups with '?' only (?:…) is known here"),
        ("(a)\\1", "'\\1' is not known here"),
        ("\\bword", "'\\b' is not known here"),
        ("[a", "it ends too early"),
        ("[b-a]", "a range goes from a lower character to a higher one"),
        ("a{2,1}", "a count is written {2}, {2,} or {2,5}"),
        ("a{999}", "a count is a number up to 255"),
        ("((a{100}){100}){100}", "is too large: its counts multiply"),
        ("(" * 31 + ")" * 31, "it is nested deeper than 30"),
        ("a" * (LONGEST + 1), "is longer than 500 characters"),
        ("a\\", "it ends too early"),
    ],
)
def test_what_is_no_expression_is_told(pattern: str, message: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        parse(pattern)
    assert message in raised.value.message


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|a)*c", "(a|aa)+$", ".*.*.*.*=.*.*.*x", "(.*a){12}c"]
)
def test_what_takes_others_forever_takes_no_time(pattern: str) -> None:
    assert searcher(pattern)("a" * 5000 + "b") is False


def test_it_gives_up_in_time_when_every_character_is_new_to_it() -> None:
    matcher = Matcher(parse("(a|b)*a(a|b){250}c"), deadline=time.monotonic() + 0.05)
    text = "".join("ab"[(i * i // 7 + i // 3) % 2] for i in range(1_000_000))
    with pytest.raises(Overloaded, match="takes too long"):
        matcher.search(text)


@pytest.mark.parametrize(
    ("pattern", "text", "is_like"),
    [
        ("a%", "abc", True),
        ("%b_", "abc", True),
        ("A_C", "abc", False),
        ("100\\%", "100\\", True),
        ("", "", True),
    ],
)
def test_like_as_an_expression(pattern: str, text: str, is_like: bool) -> None:
    assert Matcher(of_like(pattern)).search(text) is is_like
    assert Matcher(of_like(pattern.upper(), ignore_case=True)).search(text) is (
        is_like or pattern == "A_C"
    )
