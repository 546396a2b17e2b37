"""The grammar of tags and messages: what GTO reads so is read so, and all that is written is read back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.base.errors import InvalidInput
from modelyard.registry._git.messages import compose, default_words, take_apart
from modelyard.registry._git.tags import Action, TagName, parse

READ = {
    "churn@v1.2.0": (Action.REGISTER, "churn", "v1.2.0", None),
    "churn@v1.2.0#5": (Action.REGISTER, "churn", "v1.2.0", 5),
    "churn@v1.2.0!": (Action.DEREGISTER, "churn", "v1.2.0", None),
    "churn@v1.2.0!#0": (Action.DEREGISTER, "churn", "v1.2.0", 0),
    "churn#prod": (Action.ASSIGN, "churn", "prod", None),
    "churn#prod#01": (Action.ASSIGN, "churn", "prod", 1),
    "churn#prod!#3": (Action.UNASSIGN, "churn", "prod", 3),
    "churn#prod/eu!": (Action.UNASSIGN, "churn", "prod/eu", None),
    "churn#123": (Action.ASSIGN, "churn", "123", None),
    "a@deprecated#2": (Action.DEPRECATE, "a", "", 2),
    "a@deprecated": (Action.DEPRECATE, "a", "", None),
    "a@created": (Action.CREATE, "a", "", None),
    "sub/x=a@v1.0.0": (Action.REGISTER, "sub/x:a", "v1.0.0", None),
    "a.b=c#prod": (Action.ASSIGN, "a.b:c", "prod", None),
    "a@v1.2.3+b.1": (Action.REGISTER, "a", "v1.2.3+b.1", None),
    "a@v1.2.3-rc.1+b": (Action.REGISTER, "a", "v1.2.3-rc.1+b", None),
    "A-1_z/y#PROD": (Action.ASSIGN, "A-1_z/y", "PROD", None),
    "churn@alias/champion#2": (Action.ALIAS, "churn", "champion", 2),
    "churn@alias/champion!#3": (Action.UNALIAS, "churn", "champion", 3),
}
NOT_READ = [
    *("a.b@v1.0.0", "model#prod@v1.2.3", "nn#prod#-1", "ns/model@0.0.1", "v1.0.0", "churn", "a@v1"),
    *("a@v01.2.3", "a@V1.2.3", "a:b@v1.0.0", "a=b=c@v1.0.0", "a@deprecated!", "a#prod#1#2", "-a#p"),
    *("a-#prod", "a#prod-", "a@v1.0.0-", "a@v1.0.0!!", "a@alias/", "a@alias/x/y", "a#", "@v1.0.0"),
    *("a@v1.0.0\n", "a#prod#" + "1" * 400),
]


@pytest.mark.parametrize("text", READ)
def test_what_a_tag_says(text: str) -> None:
    found = parse(text)
    assert found is not None
    assert (found.action, found.name, found.what, found.counter) == READ[text]
    assert str(found) == text.replace("#01", "#1")


@pytest.mark.parametrize("text", NOT_READ)
def test_what_is_no_tag_of_a_registry(text: str) -> None:
    assert parse(text) is None


NAMES = st.from_regex(r"([a-z0-9._/-]{1,5}:)?[a-zA-Z0-9]([a-zA-Z0-9/_-]{0,5}[a-zA-Z0-9])?", fullmatch=True)  # fmt: skip
VERSIONS = st.from_regex(r"v(0|[1-9][0-9]?)\.(0|[1-9][0-9]?)\.(0|[1-9][0-9]?)(-rc\.[1-9])?(\+b[0-9])?", fullmatch=True)  # fmt: skip
STAGES = st.from_regex(r"[a-z0-9]([a-z/_-]{0,5}[a-z0-9])?", fullmatch=True)
ALIASES = st.from_regex(r"[\w][\w-]{0,5}", fullmatch=True)
COUNTERS = st.none() | st.integers(0, 10**12)


def tags(actions: list[Action], what: st.SearchStrategy[str]) -> st.SearchStrategy[TagName]:
    return st.builds(TagName, st.sampled_from(actions), NAMES, what, COUNTERS)


TAGS = st.one_of(
    tags([Action.REGISTER, Action.DEREGISTER], VERSIONS),
    tags([Action.ASSIGN, Action.UNASSIGN], STAGES),
    tags([Action.ALIAS, Action.UNALIAS], ALIASES),
    tags([Action.DEPRECATE, Action.CREATE], st.just("")),
)


@given(TAGS)
def test_a_tag_that_is_written_is_read_back(tag: TagName) -> None:
    assert ":" not in str(tag)
    assert parse(str(tag)) == tag


WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=30)
FACTS = st.dictionaries(st.text(max_size=5), st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.text(), max_size=3)  # fmt: skip


@given(TAGS, WORDS, st.sampled_from(["", "5f" * 32]), FACTS)
def test_a_message_is_read_back(tag: TagName, comment: str, digest: str, facts: dict) -> None:
    found = take_apart(compose(tag, "v1.0.0", comment, digest, facts).strip(), tag, "v1.0.0")
    expected = "" if comment.strip() == default_words(tag, "v1.0.0") else comment.strip()
    assert (found.comment, found.digest, found.facts) == (expected, digest, facts)


@pytest.mark.parametrize(
    "ending",
    [
        "Modelyard-Digest: sha256:123",
        "Modelyard-Facts: {",
        "Modelyard-Facts: [1]",
        'Modelyard-Facts: {"a": NaN}',
        "Modelyard-Facts: " + "[" * 100_000,
        "Modelyard-Else: x",
        f"Modelyard-Digest: sha256:{'0' * 64}\nand more",
    ],
    ids=["short", "broken", "list", "NaN", "deep", "other", "followed"],
)
def test_broken_notes_are_words(ending: str) -> None:
    found = take_apart(f"by hand\n\n{ending}", TagName(Action.REGISTER, "m", "v1.0.0"), "v1.0.0")
    assert (found.comment, found.digest, found.facts) == (f"by hand\n\n{ending}", "", {})


def test_a_comment_that_would_be_read_as_notes_is_refused() -> None:
    forged = f"fine\n\nModelyard-Digest: sha256:{'0' * 64}"
    with pytest.raises(InvalidInput, match="is not kept"):
        compose(TagName(Action.REGISTER, "m", "v1.0.0"), "v1.0.0", forged)
