"""The grammar of references: what each spelling means, what is refused, and that text round-trips."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.base import names, refs
from modelyard.base.errors import InvalidName, InvalidReference, MissingExtra, NotSupported
from modelyard.base.refs import (
    Alias,
    BareRef,
    GitRef,
    Latest,
    LoggedModelRef,
    NameRef,
    Newest,
    Number,
    PathRef,
    RemoteRef,
    RunRef,
    SemVer,
    Stage,
    parse,
)

RUN = "0123456789abcdef0123456789abcdef"

MEANINGS = [
    # paths
    ("./churn", PathRef("churn")),
    ("././churn", PathRef("churn")),
    ("../churn", PathRef("../churn")),
    ("/abs/churn", PathRef("/abs/churn")),
    ("~/churn", PathRef("~/churn")),
    (".", PathRef(".")),
    ("./churn@3", PathRef("churn@3")),
    (".//etc", PathRef(".//etc")),
    ("./~x", PathRef("./~x")),
    ("C:\\models\\churn", PathRef("C:\\models\\churn")),
    ("models/churn.yard.yaml", PathRef("models/churn.yard.yaml")),
    ("a*b?/c:d.csv", PathRef("a*b?/c:d.csv")),
    ("file:///abs/my%20churn", PathRef("/abs/my churn")),
    ("FILE://localhost/abs/churn", PathRef("/abs/churn")),
    ("file:///C:/models/churn", PathRef("C:/models/churn")),
    # bare words
    ("churn", BareRef("churn")),
    ("models/churn", BareRef("models/churn")),
    ("my model.csv", BareRef("my model.csv")),
    ("cv/sub:net", BareRef("cv/sub:net")),
    # names
    ("churn@3", NameRef("churn", Number(3))),
    ("churn@latest", NameRef("churn", Latest())),
    ("churn@champion", NameRef("churn", Alias("champion"))),
    ("churn@v1.2.0", NameRef("churn", SemVer("v1.2.0"))),
    ("churn@v1.2.0-rc.1+b.2", NameRef("churn", SemVer("v1.2.0-rc.1+b.2"))),
    ("churn#prod", NameRef("churn", Stage("prod"))),
    ("churn#123", NameRef("churn", Stage("123"))),
    ("cv/churn#prod/eu", NameRef("cv/churn", Stage("prod/eu"))),
    ("cv/sub:net@v1.0.0", NameRef("cv/sub:net", SemVer("v1.0.0"))),
    ("e\u0301te\u0301@1", NameRef("\u00e9t\u00e9", Number(1))),
    # MLflow's spellings
    ("models:/churn/3", NameRef("churn", Number(3))),
    ("models:/churn/latest", NameRef("churn", Latest())),
    ("models:/churn/Production", NameRef("churn", Stage("Production"))),
    ("models:/churn/v1.2.0", NameRef("churn", SemVer("v1.2.0"))),
    ("models:/churn@champion", NameRef("churn", Alias("champion"))),
    ("models:/churn#prod", NameRef("churn", Stage("prod"))),
    ("models:/churn", NameRef("churn", Newest())),
    ("models:/a%40b%23c/3", NameRef("a@b#c", Number(3))),
    ("models:/50%25%20off/3", NameRef("50% off", Number(3))),
    ("models:/cv%2Fchurn/v1.2.0", NameRef("cv/churn", SemVer("v1.2.0"))),
    (f"models:/m-{RUN}", LoggedModelRef(f"m-{RUN}")),
    (f"runs:/{RUN}/model", RunRef(RUN, "model")),
    (f"runs:/{RUN}/my%20models/churn", RunRef(RUN, "my models/churn")),
    # Git
    (
        "git+https://host/org/repo@rev#models/churn",
        GitRef("https://host/org/repo", "rev", BareRef("models/churn")),
    ),
    ("git+https://host/org/repo", GitRef("https://host/org/repo")),
    ("git+https://host/org/repo.git/", GitRef("https://host/org/repo.git")),
    (
        "git+https://host:8443/org/repo#churn#prod",
        GitRef("https://host:8443/org/repo", "", NameRef("churn", Stage("prod"))),
    ),
    (
        "git+https://host/org/repo@feature/x#churn@v1.2.0",
        GitRef("https://host/org/repo", "feature/x", NameRef("churn", SemVer("v1.2.0"))),
    ),
    (
        "git+https://host/org/repo@churn@v1.2.0#./a#b",
        GitRef("https://host/org/repo", "churn@v1.2.0", PathRef("a#b")),
    ),
    (
        "git+https://host/org/repo@churn%23prod%231",
        GitRef("https://host/org/repo", "churn#prod#1"),
    ),
    (
        "git+ssh://git@host:2222/org/repo@HEAD~1#churn",
        GitRef("ssh://git@host:2222/org/repo", "HEAD~1", BareRef("churn")),
    ),
    ("git+file:///srv/repo#churn", GitRef("file:///srv/repo", "", BareRef("churn"))),
    # as copied from a website
    ("https://github.com/org/repo", GitRef("https://github.com/org/repo")),
    (
        "https://github.com/org/repo@v1#models/churn",
        GitRef("https://github.com/org/repo", "v1", BareRef("models/churn")),
    ),
    (
        "https://GitHub.com/org/repo/tree/feature/x/models/churn?tab=readme",
        GitRef("https://github.com/org/repo", tail="feature/x/models/churn"),
    ),
    (
        "https://github.com/org/repo/blob/main/models/churn.yard.yaml",
        GitRef("https://github.com/org/repo", tail="main/models/churn.yard.yaml"),
    ),
    (
        "https://github.com/org/repo/tree/churn@v1.2.0/models",
        GitRef("https://github.com/org/repo", tail="churn@v1.2.0/models"),
    ),
    (
        "https://github.com/org/repo/tree/feature/x#churn#prod",
        GitRef("https://github.com/org/repo", "feature/x", NameRef("churn", Stage("prod"))),
    ),
    (
        "https://gitlab.com/group/sub/repo/-/tree/main/models/churn?ref_type=heads",
        GitRef("https://gitlab.com/group/sub/repo", tail="main/models/churn"),
    ),
    ("https://gitlab.com/group/repo", GitRef("https://gitlab.com/group/repo")),
    (
        "https://git.example.org/team/repo/-/tree/main/churn",
        GitRef("https://git.example.org/team/repo", tail="main/churn"),
    ),
    (
        "https://bitbucket.org/org/repo/src/1f2e3d4/models/churn",
        GitRef("https://bitbucket.org/org/repo", tail="1f2e3d4/models/churn"),
    ),
    (
        "https://codeberg.org/org/repo/src/branch/feature/x/models/churn",
        GitRef("https://codeberg.org/org/repo", tail="feature/x/models/churn"),
    ),
    (
        "https://git.corp/org/repo/src/tag/v1.0.0/churn",
        GitRef("https://git.corp/org/repo", tail="v1.0.0/churn"),
    ),
    (
        "https://git.corp/org/repo/src/commit/1f2e3d4/churn",
        GitRef("https://git.corp/org/repo", tail="1f2e3d4/churn"),
    ),
    (
        "https://git.corp/projects/ML/repos/models/browse/eu/churn?at=refs%2Fheads%2Ffeature%2Fx",
        GitRef("https://git.corp/scm/ML/models.git", "feature/x", PathRef("eu/churn")),
    ),
    (
        "https://git.corp/bitbucket/users/ana/repos/models/browse?at=1f2e3d4",
        GitRef("https://git.corp/bitbucket/scm/~ana/models.git", "1f2e3d4"),
    ),
    (
        "https://git.corp/projects/ML/repos/models/browse?at=v1#churn#prod",
        GitRef("https://git.corp/scm/ML/models.git", "v1", NameRef("churn", Stage("prod"))),
    ),
    (
        "https://git.corp/projects/ML/repos/models",
        GitRef("https://git.corp/scm/ML/models.git"),
    ),
    # elsewhere
    ("https://ghe.corp/o/r/tree/main/x", RemoteRef("https", "https://ghe.corp/o/r/tree/main/x")),
    ("https://files.corp/a/src/branch/x", RemoteRef("https", "https://files.corp/a/src/branch/x")),
    ("s3://bucket/models/churn", RemoteRef("s3", "s3://bucket/models/churn")),
    ("S3://bucket/churn", RemoteRef("s3", "s3://bucket/churn")),
    ("gs://my_bucket/churn", RemoteRef("gs", "gs://my_bucket/churn")),
    ("az://container/churn", RemoteRef("az", "az://container/churn")),
    ("sftp://ana@host:22/churn", RemoteRef("sftp", "sftp://ana@host:22/churn")),
    ("hdfs:///user/ana/churn", RemoteRef("hdfs", "hdfs:///user/ana/churn")),
    ("http://[::1]:8080/churn", RemoteRef("http", "http://[::1]:8080/churn")),
    ("https://host/churn?sig=a%2Bb", RemoteRef("https", "https://host/churn?sig=a%2Bb")),
    (
        "https://github.com/org/repo/releases/download/v1/churn",
        RemoteRef("https", "https://github.com/org/repo/releases/download/v1/churn"),
    ),
]


@pytest.mark.parametrize(("text", "ref"), MEANINGS, ids=[text for text, _ in MEANINGS])
def test_what_each_spelling_means_and_that_it_is_written_back(text, ref):
    assert parse(text) == ref
    assert parse(str(ref)) == ref


def test_a_bare_word_is_a_path_or_a_name():
    ref = parse("mode\u0301les")
    assert isinstance(ref, BareRef)
    assert (ref.path, ref.name) == ("mode\u0301les", "mod\u00e9les")


REFUSED = [
    ("", "it is empty"),
    ("  ", "it is empty"),
    ("a\0b", "invisible character U+0000"),
    ("churn\n", "invisible character U+000A"),
    ("churn@cham\u202epion", "invisible character U+202E"),
    ("x" * 5000, "more than 4096 characters"),
    ("//etc/passwd", "names another computer"),
    ("\\\\host\\share", "names another computer"),
    ("gopher://x/y", "unknown scheme 'gopher'"),
    ("ext::sh -c id", "unknown scheme 'ext'"),
    ("git+ext::sh -c id", "unknown scheme 'git+ext'"),
    ("git+http://host/org/repo", "unknown scheme 'git+http'"),
    ("mlflow-artifacts:/%252e%252e/x", "unknown scheme"),
    ("dbfs:/x", "unknown scheme 'dbfs'"),
    ("file://host/share", "no file of this computer"),
    ("file:////host/share", "no file of this computer"),
    ("file:relative", "no file of this computer"),
    ("file:%2f%2f%2fetc%2fpasswd", "no file of this computer"),
    ("file:///a%00b", "invisible character U+0000"),
    ("churn@", "no version or alias after '@'"),
    ("churn#", "no stage after '#'"),
    ("@3", "it is empty"),
    ("churn@0", "there is no version 0"),
    ("churn@03", "there is no version 03"),
    ("churn@" + "9" * 19, "there is no version 999"),
    ("churn@-1", None),
    ("churn@v1", "is not v and a semantic version"),
    ("churn@1.2.0", "is not v and a semantic version"),
    ("churn@v01.2.3", "is not v and a semantic version"),
    ("churn@Latest", "it reads as a version"),
    ("churn@a b", "alias 'a b' is refused"),
    ("churn@a#b", "alias 'a#b' is refused"),
    ("churn#a@b", "stage 'a@b' is refused"),
    ("churn#prod#1", "stage 'prod#1' is refused"),
    ("a/../b@3", "it has '/'"),
    ("git@github.com:org/repo", "it is an address for ssh"),
    ("models:churn/3", "no '/' after 'models:'"),
    ("models:/", "it is empty"),
    ("models://host/churn/3", "not models:/NAME/VERSION"),
    ("models:/m/../../x", "not models:/NAME/VERSION"),
    ("models:/churn/", "not models:/NAME/VERSION"),
    ("models:/churn/3/x", "not models:/NAME/VERSION"),
    ("models:/churn@", "not models:/NAME/VERSION"),
    ("models:/churn@3", "'3' is no alias"),
    ("models:/../3", "folder's name everywhere"),
    ("models:/%2e%2e/3", "folder's name everywhere"),
    ("models:/a%252fb/3", "percent-encoded twice"),
    ("models:/a%ffb/3", "not UTF-8"),
    ("models:/a%0ab/3", "invisible character U+000A"),
    (f"models:/m-{RUN}/3", "the form of a logged model's id"),
    ("runs:/../../etc", "no run's id"),
    (f"runs:/{RUN}", "it is empty"),
    (f"runs:/{RUN}/", "it is empty"),
    (f"runs:/{RUN}/../x", "'..' is not a name"),
    (f"runs:/{RUN}/a%2f..%2fx", "'..' is not a name"),
    (f"runs:/{RUN}/%252e%252e/x", "percent-encoded twice"),
    (f"runs:/{RUN.upper()}/x", "no run's id"),
    ("git+https://host/org/repo#", "no object after '#'"),
    ("git+https://host/org/repo@#churn", "'' is no revision"),
    ("git+https://host/org/repo@--upload-pack=id", "is no revision"),
    ("git+https://host/org/repo@a..b", "is no revision"),
    ("git+https://host/org/repo@main:x", "is no revision"),
    ("git+https://host/org/repo@a%20b", "is no revision"),
    ("git+https://host/org/repo#../x", "'..' is not a name"),
    ("git+https://host/org/repo#/etc/passwd", "it has an empty segment"),
    ("git+https://host/org/repo#https://x", None),
    ("git+https://host/org/repo#models:/m-" + RUN, "no logged models"),
    ("git+https://host", "names no repository"),
    ("git+https:///org/repo", "names no host"),
    ("git+https://-oProxyCommand=id/org/repo", "names no host"),
    ("git+ssh://-oProxyCommand=id@host/org/repo", "names no host"),
    ("git+https://ana:secret@host/org/repo", "holds a password"),
    ("git+https://ghp_secret0123456789@github.com/org/repo", "holds a password or token"),
    ("git+https://secret0123456789secret0123456789@host/org/repo", "holds a password or token"),
    ("git+https://host/org/../repo", "it has '..'"),
    ("git+https://host/org/%2e%2e/repo", "it has '..'"),
    ("git+file://host/srv/repo", "names another computer"),
    ("https://github.com/org/repo/tree/-x", "is no revision"),
    ("https://github.com/org/repo/tree/main/../../x", "it has '..'"),
    ("https://h/org/repo/src/branch/main/../../x", "it has '..'"),
    ("https://h/projects/P/repos/r/browse/../x", "it has '..'"),
    ("https://h/projects/P/repos/r/browse/x?at=--upload-pack%3Did", "is no revision"),
    ("https://h/projects/P/repos/r/browse/x?at=main#churn", "names an object twice"),
    ("http:///#/../../etc/", "names no host"),
    ("http://h/?../../etc", "it has '..'"),
    ("http://h/x;/../../etc", "it has '..'"),
    ("http://h/a%2f..%2fx", "it has '..'"),
    ("http://ok.test\\@127.0.0.1/", "names no host"),
    ("http://h/a\\b", "backslash"),
    ("http://a b/x", "names no host"),
    ("http://h:99999/x", "names no host"),
    ("https://ana:secret@host/x", "holds a password"),
    ("s3://", "names no host"),
    ("s3:/bucket/x", "names no host"),
    ("s3://bucket/../x", "it has '..'"),
    ("s3://bucket/a#b", "it has '#'"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED, ids=[text[:60] for text, _ in REFUSED])
def test_what_could_mean_something_else_is_refused(text, reason):
    with pytest.raises(InvalidReference) as raised:
        parse(text)
    assert (reason or "") in raised.value.message
    assert "secret" not in raised.value.message
    assert raised.value.message.startswith("reference ")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            "churn@v1",
            "reference 'churn@v1' is refused: version 'v1' is not v and a semantic version\n"
            "Hint: write 'v1.0.0', or 1 for the version of that number; a file of this name is ./churn@v1",
        ),
        (
            "git@github.com:org/repo",
            "reference 'git@github.com:org/repo' is refused: it is an address for ssh\n"
            "Hint: git+ssh://git@github.com/org/repo",
        ),
        (
            "htps://host/x",
            "reference 'htps://host/x' is refused: unknown scheme 'htps'\n"
            "Hint: did you mean 'https' or 'http' or 'git+https'?",
        ),
        (
            "gopher://x",
            "reference 'gopher://x' is refused: unknown scheme 'gopher'\n"
            "Hint: known: az, file, git+file, git+https, git+ssh, gs, hdfs, http, https, "
            "memory, models, runs, s3, sftp; a file of this name is ./gopher://x",
        ),
    ],
)
def test_exact_texts(text, error):
    with pytest.raises(InvalidReference) as raised:
        parse(text)
    assert str(raised.value) == error


def test_the_hint_of_a_refused_file_name_works():
    assert parse("./iris@2020.csv") == PathRef("iris@2020.csv")
    with pytest.raises(InvalidReference, match=r"a file of this name is \./iris@2020\.csv"):
        parse("iris@2020.csv")


def test_what_cannot_be_opened_yet_names_the_extra_or_says_so():
    error = refs.unavailable(parse("az://container/churn"))
    assert isinstance(error, MissingExtra)
    assert str(error) == (
        "reading az:// comes with the extra 'azure'\nHint: pip install 'modelyard[azure]'"
    )
    error = refs.unavailable(parse("git+https://host/org/repo#churn"))
    assert isinstance(error, NotSupported)
    assert str(error) == (
        "Git references cannot be opened here: 'git+https://host/org/repo#churn'\n"
        "Hint: copy the object to a folder of this computer, and give its path"
    )


@pytest.mark.parametrize("text", [text for text, _ in MEANINGS])
def test_every_kind_of_reference_has_an_answer_where_it_cannot_be_opened(text):
    assert isinstance(refs.unavailable(parse(text)), (MissingExtra, NotSupported))


@given(st.text())
def test_any_text_is_a_reference_that_round_trips_or_is_refused(text):
    try:
        ref = parse(text)
    except InvalidReference:
        return
    assert parse(str(ref)) == ref


MARKS = st.sampled_from(["/", "@", "#", ":", "//", "..", ".", "%2f", "v1.0.0", "~", "\\", "-", "?"])
WORDS = st.sampled_from(
    ["models:/", "runs:/", "git+https://h/o/r", "https://github.com/o/r", "C", "é"]
)


@given(st.lists(st.one_of(MARKS, WORDS, st.text("ab1 ", max_size=3)), max_size=8).map("".join))
def test_texts_made_of_the_grammar_s_own_pieces_round_trip_or_are_refused(text):
    try:
        ref = parse(text)
    except InvalidReference:
        return
    assert parse(str(ref)) == ref


def _valid(check):
    def known(text):
        try:
            return check(text) == text
        except InvalidName:
            return False

    return known


nfc = st.text(min_size=1, max_size=12).map(lambda t: unicodedata.normalize("NFC", t))
selectors = st.one_of(
    st.just(Newest()),
    st.just(Latest()),
    st.integers(1, 10**17).map(Number),
    st.sampled_from(["v0.0.1", "v1.2.3-rc.1+b"]).map(SemVer),
    nfc.filter(_valid(names.check_alias)).map(Alias),
    st.from_regex(r"[A-Za-z0-9]([a-z0-9_/-]{0,5}[a-z0-9])?", fullmatch=True)
    .filter(_valid(names.check_stage))
    .map(Stage),
)


@given(nfc.filter(_valid(names.check_name)), selectors)
def test_any_name_with_any_selector_can_be_written(name, selector):
    assert parse(str(NameRef(name, selector))) == NameRef(name, selector)
