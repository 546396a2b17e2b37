"""The tags that a registry in Git writes, what it passes over, and what it refuses."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from cases.registries.git import NAME, GitBench, bench, run
from modelyard.base.errors import (
    AlreadyExists,
    CheckFailed,
    Conflict,
    InvalidInput,
    InvalidName,
    InvalidSetting,
    NotFound,
    NotSupported,
)
from modelyard.base.notes import collected
from modelyard.registry import queries, verbs
from modelyard.registry.git import GitRegistryBackend


@pytest.fixture
def git(tmp_path: Path) -> GitBench:
    return bench(tmp_path)


def refs(git: GitBench) -> list[str]:
    return run(git.folder, "for-each-ref", "--format=%(refname:strip=2)", "refs/tags").split()


def hand_made(
    git: GitBench,
    name: str,
    commit: str,
    *,
    at: int = 1_700_000_000,
    tagger: str = "Bo <bo@example.org>",
    inside: str | None = None,
    kind: str = "commit",
) -> str:
    """A tag that somebody made without us; its object."""
    who = f"tagger {tagger} {at} +0200\n" if tagger else ""
    text = f"object {commit}\ntype {kind}\ntag {inside or name}\n{who}\nby hand\n"
    oid = run(git.folder, "hash-object", "-t", "tag", "-w", "--literally", "--stdin", input=text)
    run(git.folder, "update-ref", f"refs/tags/{name}", oid.strip())
    return oid.strip()


def test_the_tags_are_those_that_gto_writes(git: GitBench) -> None:
    registry = git.registry
    git.register("cv/sub:net", 1, digest="", comment="")
    verbs.promote(registry, "cv/sub:net", "prod")
    verbs.promote(registry, "cv/sub:net", "dev", comment="why not\n\nsee the report")
    verbs.set_alias(registry, "cv/sub:net", "best")
    verbs.demote(registry, "cv/sub:net", "prod")
    verbs.remove_alias(registry, "cv/sub:net", "best")
    verbs.deregister(registry, "cv/sub:net", "v0.0.1")
    git.register("cv/sub:net", 1, digest="")
    verbs.deregister(registry, "cv/sub:net", "v0.0.1")
    verbs.deprecate(registry, "cv/sub:net")
    git.register("cv/sub:net", 1, digest="")
    verbs.deprecate(registry, "cv/sub:net")
    words = run(git.folder, "for-each-ref", "--sort=taggerdate", "--format=%(objecttype) %(tag) %(contents:subject)", "refs/tags")  # fmt: skip
    assert words.splitlines() == [
        "tag cv/sub=net@v0.0.1 Registering artifact cv/sub:net version v0.0.1",
        "tag cv/sub=net#prod#1 Assigning stage prod to artifact cv/sub:net version v0.0.1",
        "tag cv/sub=net#dev#2 why not",
        "tag cv/sub=net@alias/best#3 Pointing alias best of cv/sub:net to version v0.0.1",
        "tag cv/sub=net#prod!#4 Unassigning stage 'prod' to artifact 'cv/sub:net' version 'v0.0.1'",
        "tag cv/sub=net@alias/best!#5 Removing alias best of cv/sub:net",
        "tag cv/sub=net@v0.0.1! Deregistering artifact cv/sub:net version v0.0.1",
        "tag cv/sub=net@v0.0.1#6 Registering artifact cv/sub:net version v0.0.1",
        "tag cv/sub=net@v0.0.1!#7 Deregistering artifact cv/sub:net version v0.0.1",
        "tag cv/sub=net@deprecated Deprecating artifact 'cv/sub:net'",
        "tag cv/sub=net@v0.0.1#8 Registering artifact cv/sub:net version v0.0.1",
        "tag cv/sub=net@deprecated#9 Deprecating artifact 'cv/sub:net'",
    ]
    comments = [event.comment for event in registry.events()]
    assert comments == ["", "", "why not\n\nsee the report", *[""] * 9]


def test_each_tag_of_a_model_is_a_second_after_the_one_before(git: GitBench) -> None:
    ahead = int(time.time()) + 5000
    hand_made(git, "churn@v1.0.0", git.commit(1), at=ahead)
    made = verbs.promote(git.registry, "churn", "prod")
    git.register("iris", 1)
    for version in (2, 3):
        git.register("churn", version)
        verbs.promote(git.registry, "churn", "prod", made.label)
    verbs.promote(git.registry, "churn", "prod", "v1.0.1")
    verbs.demote(git.registry, "churn", "prod")  # three tags at once
    times = [e.at_ms // 1000 - ahead for e in git.registry.events("churn")]
    assert times == list(range(len(times)))
    assert git.registry.state("iris").updated_ms < ahead * 1000


def test_who_and_what_is_in_the_tag(git: GitBench) -> None:
    made = git.register("churn", 1)
    assert made.actor == NAME
    (event,) = git.registry.events()
    assert event.after["tag"] == "churn@v0.0.1"
    assert event.after["email"] == "ana@example.org"
    assert event.after["commit"] == git.commit(1)
    acting = GitRegistryBackend(git.folder, identity=("Cleo", "cleo@example.org"))
    assert verbs.promote(acting, "churn", "prod") == git.registry.state("churn").versions["v0.0.1"]
    assert queries.held(git.registry.state("churn"))["prod"].actor == "Cleo"


def test_without_an_identity_nothing_is_written(git: GitBench, monkeypatch) -> None:
    for key in ("user.name", "user.email"):
        run(git.folder, "config", "--unset", key)
    commit = run(git.folder, "-c", "user.name=x", "-c", "user.email=x", "commit-tree", "-m", "x", run(git.folder, "mktree", input="").strip()).strip()  # fmt: skip
    run(git.folder, "config", "user.useConfigOnly", "true")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    with pytest.raises(InvalidSetting, match="does not know who you are") as refused:
        verbs.register(git.registry, "churn", commit=commit)
    assert refused.value.hint is not None
    assert "git config --global user.name" in refused.value.hint
    assert refs(git) == []


def test_what_gto_dies_of_is_passed_over(git: GitBench) -> None:
    commit, other = git.commit(1), git.commit(2)
    tree = run(git.folder, "mktree", input="").strip()
    hand_made(git, "churn@v1.0.0", commit)
    hand_made(git, "churn@v1.0.1", other, tagger="")
    hand_made(git, "churn@v1.0.2", other, tagger="Bo <>")
    hand_made(git, "churn@v1.0.3", tree, kind="tree")
    hand_made(git, "churn@created", commit)
    hand_made(git, "churn@v1.0.4", other, inside="something")
    hand_made(git, "churn#prod", git.commit(3))
    hand_made(git, "churn@v9.0.0!", commit)
    hand_made(git, "churn@v1.0.0#1", other)
    run(git.folder, "tag", "churn@v1.0.5", other)
    with collected() as notes:
        state = git.again().state("churn")
    assert list(state.versions) == ["v1.0.0"]
    assert queries.holders(state) == {}
    bad = {skipped.ref: skipped.rule for skipped in git.registry.skipped()}  # type: ignore[attr-defined]
    assert bad == {
        "churn@v1.0.1": "tagger",
        "churn@v1.0.2": "tagger",
        "churn@v1.0.3": "target",
        "churn@v1.0.4": "inside",
        "churn@v1.0.5": "lightweight",
        "churn@created": "created",
        "churn#prod": "unregistered",
        "churn@v9.0.0!": "elsewhere",
        "churn@v1.0.0#1": "elsewhere",
    }
    assert len(notes) == 4
    assert notes[-1] == "6 more tags are passed over: modelyard doctor lists them"
    problems = git.registry.examine()  # type: ignore[attr-defined]
    assert all(p.hint for p in problems if p.ok is False)
    assert {p.what for p in problems if p.ok is False} == {
        "lightweight tags",
        "tags without tagger",
        "tags at no commit",
        "tags named otherwise inside",
        "tags name@created",
        "versions at a second commit",
        "stages of nothing",
    }


def test_what_misleads_is_examined(git: GitBench) -> None:
    registry = git.registry
    one, two = git.commit(1), git.commit(2)
    hand_made(git, "m@v10.0.0-rc.1", one, at=1)
    hand_made(git, "m@v1.0.0", one, at=1)
    hand_made(git, "m@v2.0.0", two, at=2)
    hand_made(git, "m#prod#1", two, at=3)
    hand_made(git, "m#dev#1", two, at=4)
    hand_made(git, "m#dev!#2", two, at=5)
    hand_made(git, "m@v2.0.0!", two, at=6)
    hand_made(git, "m@v3.0.0", git.commit(3), at=7, inside="m@v3.0.1")
    found = {problem.what: problem for problem in registry.examine()}  # type: ignore[attr-defined]
    assert set(found) == {
        *("renamed tag", "tags of one second", "versions at one commit", "stages in vain"),
        *("counters given twice", "long versions", "read otherwise"),
    }
    assert "m: v1.0.0, v10.0.0-rc.1" in found["versions at one commit"].found
    assert "v10.0.0-rc.1" in found["long versions"].found
    assert "v3.0.1" in registry.state("m").versions
    with pytest.raises(Conflict, match="has the versions"):
        verbs.promote(registry, "m", "prod", "v1.0.0")


def test_a_sound_registry_is_said_to_be(git: GitBench) -> None:
    git.register("m", 1)
    (fine,) = git.registry.examine()  # type: ignore[attr-defined]
    assert (fine.ok, fine.found) == (True, "1 tag of 1 model, all sound")


def test_a_tag_of_a_tag_and_one_twice_are_read(git: GitBench) -> None:
    oid = hand_made(git, "m@v1.0.0", git.commit(1))
    middle = hand_made(git, "n@v0.9.0", oid, kind="tag")
    hand_made(git, "n@v1.0.0", middle, kind="tag")
    run(git.folder, "update-ref", "refs/tags/m@v1.0.0#9", oid)
    state = git.registry.state("n")
    assert {v.commit for v in state.versions.values()} == {git.commit(1)}
    assert len(list(git.registry.events("m"))) == 1


def test_a_number_given_out_again_is_another_version(git: GitBench) -> None:
    """GTO counts from the highest active version: by counters it registers v1.0.0 anew at another commit."""
    one, two = git.commit(1), git.commit(2)
    hand_made(git, "m@v1.0.0", one, at=1)
    hand_made(git, "m#prod#1", one, at=2)
    hand_made(git, "m@v1.0.0!#2", one, at=3)
    hand_made(git, "m@v1.0.0#3", two, at=4)
    hand_made(git, "m@v1.0.0!#4", one, at=5)
    state = git.registry.state("m")
    assert state.versions["v1.0.0"].commit == two
    assert state.versions["v1.0.0"].active
    assert queries.holders(state) == {}
    before = queries.holder_at(git.registry.events("m"), "prod", 2000)
    assert before is not None
    assert before.commit == one
    with pytest.raises(Conflict, match=r"was registered as v1\.0\.0 of 'm' once"):
        git.register("m", 1)


def test_an_alias_of_a_deprecated_model_changes_nothing(git: GitBench) -> None:
    git.register("m", 1)
    verbs.deprecate(git.registry, "m")
    with pytest.raises(Conflict, match="'m' is deprecated"):
        verbs.set_alias(git.registry, "m", "best")
    hand_made(git, "m@alias/best", git.commit(1), at=int(time.time()) + 60)
    state = git.registry.state("m")
    assert state.deprecated
    assert state.aliases == {}


def test_what_tags_cannot_say(git: GitBench) -> None:
    git.register("m", 1)
    verbs.promote(git.registry, "m", "prod")
    before = refs(git)
    for attempt in (
        lambda: verbs.create(git.registry, "new"),
        lambda: verbs.rename(git.registry, "m", "n"),
        lambda: verbs.describe(git.registry, "m", description="x"),
        lambda: verbs.describe_version(git.registry, "m", None, facts={"x": 1}),
        lambda: verbs.comment(git.registry, "m", "x"),
    ):
        with pytest.raises(NotSupported) as refused:
            attempt()
        assert refused.value.hint
    with pytest.raises(InvalidInput, match="is a commit"):
        verbs.register(git.registry, "m", digest="0" * 64)
    with pytest.raises(InvalidInput, match="full name of a commit"):
        verbs.register(git.registry, "m", commit="HEAD")
    with pytest.raises(NotFound, match="there is no commit 0123456789ab"):
        verbs.register(git.registry, "m", commit="0123456789ab" + "c" * 28)
    assert refs(git) == before


def test_a_version_and_a_model_are_deleted_with_their_tags(git: GitBench) -> None:
    registry = git.registry
    one, two = git.registered("m", 2)
    for version in (one, two):
        verbs.promote(registry, "m", "prod", version)
        verbs.set_alias(registry, "m", "best", version)
    git.register("other", 1)
    left = verbs.delete_version(registry, "m", two)
    assert left.versions.keys() == {one}
    assert left.aliases == {}
    state = git.again().state("m")
    assert (list(state.versions), queries.holders(state)) == ([one], {"prod": one})
    assert state.aliases == {}
    assert refs(git) == [
        *("m#prod#1", "m@alias/best!#5", "m@alias/best#2", "m@v0.0.1", "other@v0.0.1"),
    ]
    verbs.delete_model(registry, "m")
    assert refs(git) == ["other@v0.0.1"]
    assert not git.again().state("m").exists


def test_names_that_differ_by_case_are_refused(git: GitBench) -> None:
    git.register("churn", 1)
    with pytest.raises(InvalidName, match="differs from 'churn'"):
        git.register("Churn", 1)


def test_tags_in_the_way_are_named(git: GitBench) -> None:
    git.register("m", 1)
    hand_made(git, "m#prod", git.commit(1))
    with pytest.raises(Conflict, match="the tag 'm#prod' stands in the way of 'm#prod/eu#1'"):
        verbs.promote(git.registry, "m", "prod/eu")


def test_a_lightweight_tag_blocks_its_name(git: GitBench) -> None:
    run(git.folder, "tag", "m@v0.0.1", git.commit(1))
    assert git.register("m", 1).label == "v0.0.1"
    assert refs(git) == ["m@v0.0.1", "m@v0.0.1#1"]


def test_stages_that_gto_allows(git: GitBench, monkeypatch) -> None:
    git.register("m", 1)
    file = git.folder / ".gto"
    file.write_text("STAGES: [dev, prod]\ntypes: [model]\nsurprise: 1\n")
    with collected() as notes:
        verbs.promote(git.registry, "m", "prod")
    assert notes == [f"{file}: the key 'surprise' is unknown, GTO refuses to work with it"]
    with pytest.raises(InvalidInput, match="stage 'prdo' is not among") as refused:
        verbs.promote(git.registry, "m", "prdo")
    assert refused.value.hint == "did you mean 'prod'?"
    monkeypatch.setenv("gto_stages", '["qa"]')
    verbs.promote(git.registry, "m", "qa")
    monkeypatch.setenv("gto_stages", "qa")
    with pytest.raises(InvalidSetting, match="GTO_STAGES is no JSON"):
        verbs.promote(git.registry, "m", "dev")
    monkeypatch.delenv("gto_stages")
    unfolding = "a0: &a0 [x]\n" + "".join(
        f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 10)}]\n" for n in range(20)
    )
    for broken in (
        *("- a", "stages: dev", "stages: [a b]", "{", "stages: [" + "a, " * 40_000),
        f"{unfolding}index: *a20",
    ):
        file.write_text(broken)
        with pytest.raises(InvalidInput):
            verbs.promote(git.registry, "m", "dev")


def test_check_ref(git: GitBench) -> None:
    registry = git.registry
    git.register("m", 1, digest="")
    verbs.promote(registry, "m", "prod", comment="go")
    run(git.folder, "tag", "m@v2.0.0", git.commit(2))
    run(git.folder, "tag", "-a", "-m", "x", "release-1", git.commit(2))
    hand_made(git, "m#dev#7", git.commit(2))
    told = registry.check_ref("refs/tags/m#prod#1")  # type: ignore[attr-defined]
    assert told.pop("created_at").startswith("20")
    assert told == {
        "artifact": "m",
        "author": NAME,
        "author_email": "ana@example.org",
        "message": "go",
        "commit_hexsha": git.commit(1),
        "tag": "m#prod#1",
        "version": "v0.0.1",
        "stage": "prod",
        "event": "assignment",
    }
    for ref, error, hint in [
        ("m@v2.0.0", CheckFailed, "git fetch --force origin 'refs/tags/m@v2.0.0:refs/tags/m@v2.0.0'"),
        ("m@v0.0.2", NotFound, "did you mean 'm@v0.0.1'"),
        ("refs/tags/else@v1.0.0", NotFound, "git fetch --force"),
        ("release-1", NotFound, "name@v1.2.0"),
        ("refs/heads/main", NotFound, "tags are refs/tags/"),
        ("m#dev#7", CheckFailed, "is every tag here?"),
    ]:  # fmt: skip
        with pytest.raises(error) as refused:
            registry.check_ref(ref)  # type: ignore[attr-defined]
        assert hint in (refused.value.hint or "")


def test_check_ref_names_the_version_of_the_tag_where_a_number_was_given_twice(
    git: GitBench,
) -> None:
    first, second = git.commit(1), git.commit(2)
    for name, commit in [
        ("m@v0.0.1#1", first),
        ("m@deprecated#2", first),
        ("m@v0.0.1#3", second),
        ("m@v0.0.1!#4", first),
    ]:
        hand_made(git, name, commit)
    told = git.registry.check_ref("m@v0.0.1!#4")  # type: ignore[attr-defined]
    assert (told["version"], told["event"]) == ("v0.0.1", "deregistration")


def test_tags_are_signed_where_git_is_set_to(git: GitBench, tmp_path_factory) -> None:
    if not shutil.which("ssh-keygen"):
        pytest.fail("these tests need ssh-keygen")
    key = tmp_path_factory.mktemp("keys") / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    for name, value in [
        *(("gpg.format", "ssh"), ("user.signingKey", str(key)), ("tag.gpgSign", "true")),
        ("gpg.ssh.allowedSignersFile", str(key.with_name("allowed"))),
    ]:
        run(git.folder, "config", name, value)
    key.with_name("allowed").write_text(f"ana@example.org {key.with_suffix('.pub').read_text()}")
    git.register("m", 1, comment="signed")
    verbs.promote(git.registry, "m", "prod")
    run(git.folder, "tag", "--verify", "m@v0.0.1", "m#prod#1")
    state = git.again().state("m")
    assert state.versions["v0.0.1"].comment == "signed"
    assert state.versions["v0.0.1"].digest
    assert queries.held(state)["prod"].comment == ""


def test_a_folder_without_a_repository(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="is in no Git repository"):
        list(GitRegistryBackend(tmp_path).names())


def test_an_explicit_version_that_is_taken(git: GitBench) -> None:
    git.register("m", 1, semver="v1.0.0")
    with pytest.raises(AlreadyExists, match=r"version v1\.0\.0 of 'm' is registered at another commit") as refused:  # fmt: skip
        git.register("m", 2, semver="v1.0.0")
    assert refused.value.hint == "the next free ones are v1.0.1, v1.1.0, v2.0.0"
