"""Requirement lines: what is read, what is refused and why."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Judge
from packaging.utils import canonicalize_name

from modelyard.base.errors import FileMissing, InvalidInput
from modelyard.environments.requirements import (
    Requirement,
    merge,
    normalise_name,
    parse_requirement,
    parse_requirements,
    read_requirements,
)

letters = st.sampled_from("abzABZ019")
names = st.builds(
    lambda first, middle, last: first + middle + last,
    letters,
    st.text("abzAZ019._-", max_size=6),
    letters,
)
versions = st.sampled_from(["1", "1.2", "0.9.0rc1", "2.0.post1", "1!3.4", "2.0.dev3"])
specifiers = st.one_of(
    st.builds("{}{}".format, st.sampled_from(["==", "!=", "<=", ">=", "<", ">"]), versions),
    st.sampled_from(["==1.*", "!=2.0.*", "~=1.4", "==1.0+cpu"]),
)
blanks = st.sampled_from(["", " "])


@st.composite
def lines(draw: st.DrawFn) -> str:
    text = draw(names) + draw(blanks)
    if draw(st.booleans()):
        text += "[" + ",".join(draw(st.lists(names, max_size=3))) + "]"
    text += draw(st.sampled_from([",", ", ", " ,"])).join(draw(st.lists(specifiers, max_size=3)))
    if draw(st.booleans()):
        text += "; python_version >= '3.8'"
    return text


@given(lines())
def test_a_line_means_what_the_judge_says(line: str) -> None:
    ours, theirs = parse_requirement(line), Judge(line)
    assert ours.name == canonicalize_name(theirs.name)
    assert set(ours.extras) == {canonicalize_name(extra) for extra in theirs.extras}
    for version in ("0.9", "1.0", "1.2", "1.4.3", "2.0", "2.0.post1", "1!3.4"):
        assert ours.accepts(version) == theirs.specifier.contains(version, prereleases=True)


@given(lines())
def test_the_canonical_spelling_reads_back_equal(line: str) -> None:
    read = parse_requirement(line)
    assert parse_requirement(str(read)) == read
    assert Judge(str(read)) is not None


@given(st.text("ab1.,<>=!~[]()@;:/\\- '\"#$*+\n\t", max_size=30))
def test_any_text_is_read_or_refused(line: str) -> None:
    try:
        read = parse_requirement(line)
    except InvalidInput:
        return
    try:
        Judge(line.strip())  # no line is taken that the judge refuses
    except InvalidRequirement:
        assert "===" in line, read


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "it is empty"),
        ("--index-url=http://evil", "it is an option"),
        ("--index-url http://evil", "it is an option"),
        ("--extra-index-url=http://evil", "it is an option"),
        ("--find-links=/tmp", "it is an option"),
        ("--trusted-host evil", "it is an option"),
        ("-i http://evil", "it is an option"),
        ("-r /etc/passwd", "it is an option"),
        ("-c constraints.txt", "it is an option"),
        ("-e .", "it is an option"),
        ("--pre", "it is an option"),
        ("numpy==1.0 --hash=sha256:00", "it has a hash"),
        ("numpy --index-url=http://evil", "it is an option"),
        ("numpy==1 -r /etc/passwd", "it is an option"),
        ("numpy @ file:///tmp/numpy.whl", "it is a link"),
        ("numpy@https://evil/numpy.whl", "it is a link"),
        ("git+ssh://git@host/repo.git", "it is a link"),
        ("git+https://host/repo.git#egg=x", "it is a link"),
        ("https://host/x.whl", "it is a link"),
        ("file:///etc/passwd", "it is a link"),
        ("C:\\x.whl", "it is a link"),
        ("./local", "it is a path"),
        ("../x", "it is a path"),
        (".", "it is a path"),
        ("/etc/passwd", "it is a path"),
        ("..\\x", "it is a path"),
        ("folder/package", "it is a path"),
        ("numpy-1.0-py3-none-any.whl", "it is a path"),
        ("numpy-1.0.tar.gz", "it is a path"),
        ("${NAME}==1", "it reads an environment variable"),
        ("numpy\n--index-url=http://evil", "line break or a control character"),
        ("numpy==1\rpandas", "line break or a control character"),
        ("numpy\x00", "line break or a control character"),
        ("numpy\u2028pandas", "line break or a control character"),
        ("num\u202epy", "line break or a control character"),
        ("numpy" + "y" * 600, "longer than 500 characters"),
        ("numpy==", "'' is not a version"),
        ("numpy=1", "'=1' is not a version specifier"),
        ("numpy 1.0", "'1.0' is not a version specifier"),
        ("numpy==1,", "'' is not a version specifier"),
        ("numpy==$(id)", "is not a version"),
        ("numpy=={{7*7}}", "is not a version"),
        ("numpy>=1.*", "'.*' goes with == and !="),
        ("numpy~=1", "needs at least two numbers"),
        ("numpy>=1+cpu", "a local label goes with == and != only"),
        ("numpy[", "is not a version specifier"),
        ("numpy[a,]", "is not the name of an extra"),
        ("numpy[a b]", "is not the name of an extra"),
        ("_numpy", "it does not start with a package name"),
        ("numpy; os_name", "is not understood near"),
        ("numpy;", "is not understood near"),
        ("nümpy==1", ""),
        ("ｎumpy==1", "it does not start with a package name"),
    ],
)
def test_every_refused_line_says_why(line: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_requirement(line)
    assert caught.value.message.startswith("requirement ")
    assert " is refused: " in caught.value.message
    assert reason in caught.value.message
    assert caught.value.hint


def test_a_refusal_in_full() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_requirement("churn @ file:///home/ana/churn")
    assert str(caught.value) == (
        "requirement 'churn @ file:///home/ana/churn' is refused: it is a link\n"
        "Hint: name a released version (name==1.2); code of your own travels with the model: modules=[…]"
    )


def test_reading_takes_no_time_on_long_nonsense() -> None:
    for nonsense in ("a" * 499, "a-" * 249, "a[" + "," * 490, "a" + ">=1," * 120, "(" * 499):
        try:
            parse_requirement(nonsense)
        except InvalidInput:
            continue


def test_parts_of_a_line() -> None:
    read = parse_requirement("Scikit_Learn [Docs, tests] (>=1.5,<2) ; python_version>='3.11'")
    assert read == Requirement(
        "scikit-learn", ((">=", "1.5"), ("<", "2")), ("docs", "tests"), 'python_version >= "3.11"'
    )
    assert str(read) == 'scikit-learn[docs,tests]>=1.5,<2; python_version >= "3.11"'
    assert read.pin == ""
    assert parse_requirement("a==1.0").pin == "1.0"
    assert parse_requirement("a==1.*").pin == ""


@given(names)
def test_names_are_normalised_as_the_judge_does(name: str) -> None:
    assert normalise_name(name) == canonicalize_name(name)


def test_a_file_with_comments_continuations_and_repeats() -> None:
    text = "# pinned\n\nnumpy==2.4.6  # arrays\r\npandas \\\n  >=3,\\\n  <4\nnumpy==2.4.6\n"
    assert [str(r) for r in parse_requirements(text)] == ["numpy==2.4.6", "pandas>=3,<4"]


def test_a_list_holds_text() -> None:
    with pytest.raises(InvalidInput, match="a requirement is text, not int: 3"):
        parse_requirements(["numpy", 3])  # type: ignore[list-item]  # what a caller may pass


def test_reading_a_file(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text("\ufeffnumpy\n", "utf-8")
    assert read_requirements(path) == (Requirement("numpy"),)
    path.write_text("numpy\n-r other.txt\n")
    with pytest.raises(
        InvalidInput, match=r"requirements\.txt: requirement '-r other\.txt' is refused"
    ):
        read_requirements(path)
    path.write_bytes(b"n\xffmpy")
    with pytest.raises(InvalidInput, match="is not UTF-8"):
        read_requirements(path)
    path.write_bytes(b"#" * (1 << 21))
    with pytest.raises(InvalidInput, match="is larger than"):
        read_requirements(path)
    with pytest.raises(FileMissing, match="no requirements file"):
        read_requirements(tmp_path / "absent.txt")


def test_what_is_given_takes_the_place_of_what_was_found() -> None:
    found = parse_requirements(["pandas==3.1.1", "numpy==2.4.6"])
    given = parse_requirements(
        ["NumPy<2; python_version < '3.9'", "numpy>=2; python_version >= '3.9'", "click"]
    )
    assert [str(r) for r in merge(found, given)] == [
        "click",
        'numpy<2; python_version < "3.9"',
        'numpy>=2; python_version >= "3.9"',
        "pandas==3.1.1",
    ]
