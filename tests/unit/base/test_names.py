"""Names, aliases, stages and semantic versions."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.base import names
from modelyard.base.errors import InvalidInput, InvalidName

NAMES = [
    "churn",
    "my model",
    "a.b",
    "A",
    "é",
    "冠军",
    "50% off",
    "<img onerror=x>",
    "a@b#c",
    "x" * 256,
]


@pytest.mark.parametrize("name", NAMES)
def test_a_yard_takes_wide_names(name):
    assert names.check_name(name) == name


def test_a_name_is_stored_in_nfc():
    assert names.check_name("e\u0301te\u0301") == "\u00e9t\u00e9"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "it is empty"),
        ("  ", "it is empty"),
        ("x" * 257, "it has 257 characters"),
        ("a/b", "it has '/'"),
        ("a\\b", "it has '\\\\'"),
        ("a:b", "it has ':'"),
        (".", "it is a folder's name everywhere"),
        ("..", "it is a folder's name everywhere"),
        ("a ", "it begins or ends with a blank"),
        ("\u00a0a", "it begins or ends with a blank"),
        ("a\0b", "invisible character U+0000"),
        ("a\nb", "invisible character U+000A"),
        ("a\u202eb", "invisible character U+202E"),
        ("a\u200bb", "invisible character U+200B"),
        ("a\ud800b", "invisible character U+D800"),
        ("a\u2028b", "invisible character U+2028"),
        ("a%2fb", "it has a percent escape"),
        ("m-" + "0" * 32, "it has the form of a logged model's id"),
    ],
)
def test_a_yard_refuses(name, reason):
    with pytest.raises(InvalidName) as raised:
        names.check_name(name)
    assert reason in str(raised.value)
    assert str(raised.value).startswith("model name ")


def test_the_message_names_the_kind_and_the_hint_repairs():
    with pytest.raises(InvalidName) as raised:
        names.check_name("iris ", kind="dataset")
    assert str(raised.value) == (
        "dataset name 'iris ' is refused: it begins or ends with a blank\nHint: write 'iris'"
    )


@pytest.mark.parametrize("name", ["churn", "a", "1", "cv/sub", "cv/sub:net", "a-b_c", "x.y/z:net"])
def test_a_git_registry_takes_what_gto_takes(name):
    assert names.check_name(name, registry="git") == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a.b",
        "a b",
        "é",
        "-a",
        "a-",
        "/a",
        "a/",
        "a//b",
        "../a",
        "a@v1",
        "a#b",
        "a:b:c",
        ":a",
        "a:",
        "a..b:c",
        "a/.x:c",
        "a.lock:c",
        "a/:c",
        "x" * 129,
        "m-" + "a" * 32,
        "a\n",
        "a~1",
        "a^",
        "a*",
    ],
)
def test_a_git_registry_refuses(name):
    with pytest.raises(InvalidName):
        names.check_name(name, registry="git")


def test_a_dot_in_a_git_name_is_told_with_a_repair():
    with pytest.raises(InvalidName) as raised:
        names.check_name("iris.v2", registry="git")
    assert str(raised.value) == (
        "model name 'iris.v2' is refused: it has a dot\nHint: GTO refuses dots; write 'iris-v2'"
    )


@given(st.text(max_size=300))
def test_what_a_yard_takes_is_visible_normal_and_no_path(text):
    try:
        name = names.check_name(text)
    except InvalidName:
        return
    assert 1 <= len(name) <= 256
    assert not set(name) & set("/\\:\0\n\r\u202e")
    assert names.check_name(name) == name


@pytest.mark.parametrize("alias", ["champion", "a-b_c", "v1x", "vv1", "3a", "冠军", "x" * 255])
def test_aliases(alias):
    assert names.check_alias(alias) == alias


@pytest.mark.parametrize(
    "alias",
    ["", "3", "٣", "latest", "Latest", "v1", "V12", "a b", "a/b", "a.b", "a@b", "a\n", "x" * 256],
)
def test_aliases_that_could_be_versions_or_paths_are_refused(alias):
    with pytest.raises(InvalidName):
        names.check_alias(alias)


@pytest.mark.parametrize("stage", ["prod", "PROD", "prod/eu", "123", "a-b_c", "Production"])
def test_stages(stage):
    assert names.check_stage(stage) == stage


@pytest.mark.parametrize(
    "stage", ["", "-a", "a-", "a.b", "a b", "a//b", "/a", "é", "a!", "a#1", "a\n"]
)
def test_stages_that_git_tags_cannot_carry_are_refused(stage):
    with pytest.raises(InvalidName):
        names.check_stage(stage)


VERSIONS = ["v0.0.0", "v1.2.3", "v1.0.0-rc.1", "v1.0.0-0a.x-y", "v1.0.0+b.01", "v10.20.30-a+b"]


@pytest.mark.parametrize("version", VERSIONS)
def test_semantic_versions(version):
    assert names.check_semver(version) == version


@pytest.mark.parametrize(
    ("version", "hint"),
    [
        ("1.2.3", "write 'v1.2.3'"),
        ("V1.2.3", "write 'v1.2.3'"),
        ("v1", "write 'v1.0.0'"),
        ("v1.2", "write 'v1.2.0'"),
        ("v01.2.3", "as v1.2.0, v1.2.0-rc.1 or v1.2.0+build.5"),
        ("v1.0.0-01", "as v1.2.0, v1.2.0-rc.1 or v1.2.0+build.5"),
        ("v1.0.0\n", "as v1.2.0, v1.2.0-rc.1 or v1.2.0+build.5"),
        ("v" + "1" * 5000 + ".0.0", "as v1.2.0, v1.2.0-rc.1 or v1.2.0+build.5"),
    ],
)
def test_what_is_no_semantic_version_is_refused_with_a_repair(version, hint):
    with pytest.raises(InvalidName) as raised:
        names.check_semver(version)
    assert raised.value.hint == hint


def test_precedence_as_the_specification_lists_it():
    ordered = [
        "v1.0.0-alpha",
        "v1.0.0-alpha.1",
        "v1.0.0-alpha.beta",
        "v1.0.0-beta",
        "v1.0.0-beta.2",
        "v1.0.0-beta.11",
        "v1.0.0-rc.1",
        "v1.0.0",
        "v2.0.0",
        "v2.1.0",
        "v2.1.1",
        "v10.0.0",
    ]
    for shuffled in itertools.islice(itertools.permutations(ordered), 0, 5000, 977):
        assert sorted(shuffled, key=names.semver_key) == ordered


def test_builds_do_not_count_but_their_order_is_always_the_same():
    assert names.semver_key("v1.0.0+b") > names.semver_key("v1.0.0+a")
    assert names.semver_key("v1.0.0+z") < names.semver_key("v1.0.1-a")


def test_bumps():
    assert names.bump("v1.2.3", "major") == "v2.0.0"
    assert names.bump("v1.2.3-rc.1+b", "minor") == "v1.3.0"
    assert names.bump("v1.2.3", "patch") == "v1.2.4"
    with pytest.raises(InvalidInput, match="no part 'micro' of a version"):
        names.bump("v1.2.3", "micro")


@given(st.tuples(*[st.integers(0, 10**6)] * 3), st.sampled_from(["major", "minor", "patch"]))
def test_a_bump_is_always_higher(numbers, part):
    version = "v{}.{}.{}".format(*numbers)
    assert names.semver_key(names.bump(version, part)) > names.semver_key(version)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Churn", "churn"), ("é", "e\u0301"), ("Ａ", "a"), ("straße", "STRASSE"), ("ﬁn", "fin")],
)
def test_twins_have_one_key(one, other):
    assert names.fold_case_key(one) == names.fold_case_key(other)


def test_a_twin_is_refused_with_the_name_to_use():
    with pytest.raises(InvalidName) as raised:
        names.refuse_twin("Churn", "churn")
    assert str(raised.value) == (
        "model name 'Churn' is refused: it differs from 'churn' by case or normal form only\n"
        "Hint: use 'churn', or a name of its own"
    )
    names.refuse_twin("churn", "churn")
    names.refuse_twin("churn", "iris")
