"""Markers mean what PEP 508 says; the packaging library is the judge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import InvalidMarker, Marker

from modelyard.base.errors import InvalidInput
from modelyard.environments.markers import VARIABLES, applies, canonical, here

HERE = {
    **dict.fromkeys(sorted(VARIABLES), ""),
    "python_version": "3.11",
    "python_full_version": "3.11.7",
    "implementation_version": "3.11.7",
    "os_name": "posix",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
}

versions = st.builds(
    "{} {} '{}'".format,
    st.sampled_from(["python_version", "python_full_version"]),
    st.sampled_from(["<", "<=", "==", "!=", ">=", ">", "~="]),
    st.sampled_from(["3.8", "3.11", "3.12", "3.11.7", "4.0"]),
)
words = st.builds(
    "{} {} {}".format,
    st.sampled_from(["os_name", "sys_platform", "platform_machine", "extra"]),
    st.sampled_from(["==", "!=", "in", "not in"]),
    st.sampled_from(["'linux'", '"posix"', "'win32 linux'", "'x86_64'", "''"]),
)
reversed_words = st.builds(
    "'{}' in {}".format, st.sampled_from(["lin", "x86"]), st.just("sys_platform")
)
markers = st.recursive(
    st.one_of(versions, words, reversed_words),
    lambda inner: st.one_of(
        st.builds("{} and {}".format, inner, inner),
        st.builds("{} or {}".format, inner, inner),
        st.builds("({})".format, inner),
    ),
    max_leaves=6,
)


@given(markers)
def test_a_marker_holds_where_the_judge_says(text: str) -> None:
    assert applies(text, HERE) == Marker(text).evaluate(HERE)


@given(markers)
def test_the_canonical_spelling_is_a_fixed_point_and_means_the_same(text: str) -> None:
    spelled = canonical(text)
    assert canonical(spelled) == spelled
    assert applies(spelled, HERE) == Marker(text).evaluate(HERE) == Marker(spelled).evaluate(HERE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "python_version",
        "python_version >",
        "python_version > 3",
        "python_version > '3' and",
        "(python_version > '3'",
        "python_version > '3')",
        "python > '3'",
        "os.name == 'posix'",
        "'a' == 'b'",
        "python_version = '3'",
        "python_version > '3' extra == 'x'",
        "os_name == 'a\\'b'",
        "os_name == 'a\"b'",
        "__import__('os')",
        "(" * 1000,
    ],
)
def test_what_is_no_marker_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="is not understood near"):
        canonical(text)


@given(st.text("()'\"<>=!~ andorinotpython_version3. ", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        canonical(text)
    except InvalidInput:
        return
    Marker(text)  # no text is taken that the judge refuses


def test_words_have_no_order() -> None:
    with pytest.raises(InvalidInput, match="are not versions"):
        applies("os_name > 'a'", HERE)


def test_no_marker_holds_everywhere_and_all_variables_are_known_here() -> None:
    assert applies("")
    assert set(here()) == VARIABLES
    assert applies("python_version >= '3.11'")
    with pytest.raises(InvalidMarker):
        Marker("unknown_variable == 'x'")
