"""One value of a TOML file changes, and nothing else."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.base import toml_edit
from modelyard.base.errors import InvalidSetting

FILE = Path("some.toml")


@pytest.mark.parametrize(
    ("before", "place", "value", "after"),
    [
        ("", ("a",), 1, "a = 1\n"),
        ("", ("t", "a"), 1, "t.a = 1\n"),
        ("b = 2", ("a",), 1, "b = 2\na = 1\n"),
        ("a = 1 # one\nb = 2\n", ("a",), 5, "a = 5 # one\nb = 2\n"),
        ("a = '#' # one 'x'\n", ("a",), "y", "a = \"y\" # one 'x'\n"),
        ("a = [\n  1, # x\n  2,\n]\nb = 2\n", ("a",), [3], "a = [3]\nb = 2\n"),
        ("[t]\na = 1\n\n[u]\na = 2\n", ("u", "a"), 3, "[t]\na = 1\n\n[u]\na = 3\n"),
        ("[t]\na = 1\n\n[u]\na = 2\n", ("t", "b"), 3, "[t]\na = 1\nb = 3\n\n[u]\na = 2\n"),
        ("# top\n\n[t]\na = 1\n", ("b",), 3, "# top\nb = 3\n\n[t]\na = 1\n"),
        ("s = '''\na = 1\n'''\na = 2\n", ("a",), 3, "s = '''\na = 1\n'''\na = 3\n"),
        ("s = '''\n[t]\n'''\n[t]\n", ("t", "a"), 3, "s = '''\n[t]\n'''\n[t]\na = 3\n"),
        ("a = 1\r\n", ("b",), 2, "a = 1\r\nb = 2\r\n"),
        ('"a b" = 1\n', ("a b",), 2, '"a b" = 2\n'),
        ("t.a = 1\n", ("t", "a"), 2, "t.a = 2\n"),
        ("t.a = 1\n", ("t", "b"), 2, "t.a = 1\nt.b = 2\n"),
        ("a = 1\n", ("a",), 1, "a = 1\n"),
        ("a = 1\n", ("a",), True, "a = true\n"),
    ],
)
def test_edits(before, place, value, after):
    assert toml_edit.assign(before, place, value, FILE) == after


def test_what_cannot_be_edited_with_certainty_is_left_to_the_user():
    with pytest.raises(InvalidSetting) as raised:
        toml_edit.assign("t = {a = 1}\n", ("t", "b"), 2, FILE)
    assert str(raised.value) == (
        "some.toml: t.b cannot be set without rewriting the file\nHint: set it by hand: t.b = 2"
    )


def test_a_key_can_be_renamed_in_place():
    text = toml_edit.rename("a = 1\n  b = 'x' # why\n", ("b",), ("b", "kind"), FILE)
    assert text == "a = 1\n  b.kind = 'x' # why\n"


def test_what_toml_cannot_say_is_refused():
    with pytest.raises(InvalidSetting, match="a setting cannot be None"):
        toml_edit.assign("", ("a",), None, FILE)


scalars = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(codec="utf-8")),
)
values = st.recursive(
    scalars, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text("a. é"), v, max_size=3)
)


@given(values)
def test_values_are_spelled_exactly(value):
    assert tomllib.loads(f"a = {toml_edit.spell(value)}") == {"a": value}


keys = st.sampled_from(["a", "b", "t", "a b", "x.y", "é"])


@given(st.lists(st.tuples(keys, keys, scalars), max_size=6))
def test_any_sequence_of_edits_reads_as_meant_and_keeps_the_comments(edits):
    text = "# first\n[other] # second\nx = 1 # third\n"
    expected = {"other": {"x": 1}}
    for table, key, value in edits:
        text = toml_edit.assign(text, (table, key), value, FILE)
        expected.setdefault(table, {})[key] = value
        assert tomllib.loads(text) == expected
    assert all(word in text for word in ("# first", "# second", "# third"))
