"""Versions are ordered as PEP 440 says; the packaging library is the judge."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion
from packaging.version import Version as Judge

from modelyard.base.errors import InvalidInput
from modelyard.environments.versions import (
    check_specifier,
    parse_version,
    satisfies,
    without_local,
)

numbers = st.sampled_from([0, 1, 2, 12])
"""Few, so that two versions often share their release: the rules are about those."""
separators = st.sampled_from(["", ".", "-", "_"])


@st.composite
def versions(draw: st.DrawFn, local: bool = True) -> str:
    text = ".".join(str(draw(numbers)) for _ in range(draw(st.integers(1, 4))))
    if draw(st.integers(0, 9)) == 0:
        text = f"{draw(numbers)}!{text}"
    if draw(st.booleans()):
        phase = draw(
            st.sampled_from(["a", "b", "rc", "c", "alpha", "beta", "pre", "preview", "RC"])
        )
        text += draw(separators) + phase + draw(st.sampled_from(["", "0", "1", ".2"]))
    if draw(st.booleans()):
        text += draw(st.sampled_from([".post1", "-1", "post", ".rev2", "r3", "-post.4", ".post0"]))
    if draw(st.booleans()):
        text += draw(st.sampled_from([".dev0", "dev", "-dev.3", "_dev4"]))
    if local and draw(st.booleans()):
        text += draw(st.sampled_from(["+cpu", "+cu121", "+1", "+1.2", "+1.a", "+a-b", "+g12ab_3"]))
    return draw(st.sampled_from(["", "v", " "])) + text


@settings(max_examples=500)
@given(versions(), versions())
def test_the_order_is_the_judges(left: str, right: str) -> None:
    ours, theirs = (parse_version(left).key, parse_version(right).key), (Judge(left), Judge(right))
    assert (ours[0] < ours[1]) == (theirs[0] < theirs[1])
    assert (ours[0] == ours[1]) == (theirs[0] == theirs[1])


@example("2.0.post1", ">", "2.0.dev3")
@example("2.0.dev0", "<", "2.0.post1")
@example("2.0.post1.dev0", "<", "2.0.post1")
@example("2.0a1.post1", ">", "2.0a1")
@example("2.0+cpu", ">", "2.0")
@example("3.0rc1", "<", "3.0")
@settings(max_examples=500)
@given(
    versions(),
    st.sampled_from(["==", "!=", "<=", ">=", "<", ">", "~="]),
    st.one_of(versions(), st.builds("{}.*".format, versions(local=False))),
)
def test_specifiers_are_met_as_the_judge_says(version: str, operator: str, wanted: str) -> None:
    wanted = wanted.strip()
    try:
        judge = SpecifierSet(operator + wanted, prereleases=True)
    except InvalidSpecifier:
        with pytest.raises(InvalidInput):
            check_specifier(operator, wanted)
        return
    check_specifier(operator, wanted)
    assert satisfies(version, operator, wanted) == judge.contains(version)


@given(st.text("0123456789abrcpostdev.!+-_*v ", max_size=14))
def test_what_is_a_version_is_what_the_judge_takes(text: str) -> None:
    try:
        Judge(text)
    except InvalidVersion:
        with pytest.raises(InvalidInput, match="is not a version"):
            parse_version(text)
    else:
        parse_version(text)


def test_local_labels() -> None:
    assert without_local("2.3.0+cpu") == "2.3.0"
    assert satisfies("2.3.0+cpu", "==", "2.3.0")
    assert not satisfies("2.3.0+cpu", "==", "2.3.0+cu121")
    assert satisfies("2.3.0", "===", "2.3.0")
    assert not satisfies("2.3.0+cpu", "===", "2.3.0")
