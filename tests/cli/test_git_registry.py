"""Commands on the registry of a Git repository, from a fresh one to a served model."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.shell_completion import CompletionItem

import git_servers
import modelyard as my
from cli.program import Done, process, run
from cli.test_applying import Server
from modelyard.base.notes import collected
from modelyard.cli.completion import registered_names


def git(*words: str, cwd: Path) -> str:
    return git_servers.run(cwd, *words)


def commit(repo: Path, text: str = "more") -> str:
    git("add", "-A", cwd=repo)
    git("commit", "-q", "-m", text, cwd=repo)
    return git("rev-parse", "HEAD", cwd=repo)


def tags(repo: Path) -> list[str]:
    return git("tag", cwd=repo).split()


def times(n: int) -> Callable[[float], float]:
    def times(x: float) -> float:
        return n * x

    return times


def save(repo: Path, n: int, path: str = "models/churn") -> None:
    my.save(times(n), repo / path, sample_data=1.5, description=f"times {n}", metrics={"acc": 0.5})


def fresh(repo: Path) -> Path:
    repo.mkdir(parents=True)
    git("init", "-q", "-b", "main", cwd=repo)
    git("config", "user.name", "Ana", cwd=repo)
    git("config", "user.email", "ana@example.com", cwd=repo)
    return repo


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions of one model, the first in prod; a second model that only has a card; an ``origin`` beside it."""
    folder = tmp_path_factory.mktemp("git-registry")
    repo = fresh(folder / "repo")
    git("init", "-q", "--bare", "-b", "main", str(folder / "origin.git"), cwd=folder)
    git("config", "daemon.receivepack", "true", cwd=folder / "origin.git")
    git("remote", "add", "origin", "../origin.git", cwd=repo)
    assert run("init", "--registry", "git", cwd=repo).code == 0
    save(repo, 1)
    save(repo, 5, "models/other")
    commit(repo, "one")
    assert run("register", "models/churn", cwd=repo).code == 0
    assert run("promote", "churn", "--stage", "prod", "-m", "good", cwd=repo).code == 0
    save(repo, 2)
    commit(repo, "two")
    assert run("register", "models/churn", "--bump", "minor", cwd=repo).code == 0
    assert run("alias", "churn@v0.0.1", "champion", cwd=repo).code == 0
    git("push", "-q", "--tags", "origin", "main", cwd=repo)
    return folder


@pytest.fixture
def repo(made: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    shutil.copytree(made, tmp_path / "git-registry")
    return tmp_path / "git-registry" / "repo"


def refused(done: Done, code: int, message: str, hint: str = "") -> None:
    assert (done.code, done.out) == (code, ""), done.err
    assert message in done.err
    assert hint in done.err


# From nothing to a served model


def test_from_a_fresh_repository_to_a_served_model(tmp_path: Path) -> None:
    repo = fresh(tmp_path / "new")
    assert run("init", "--registry", "git", cwd=repo).code == 0
    assert (
        run("show", cwd=repo).err == "nothing is registered yet: modelyard register models/name\n"
    )
    save(repo, 3)
    refused(run("register", "models/churn", cwd=repo), 3, "has no commit yet", "git commit")
    git("commit", "-q", "--allow-empty", "-m", "empty", cwd=repo)
    refused(run("register", "models/churn", cwd=repo), 5, "models/churn is not in commit", "git add models/churn")  # fmt: skip
    at = commit(repo)
    assert run("show", "--json", cwd=repo).data == {"churn": {"latest": None, "stages": {}, "aliases": {}}}  # fmt: skip
    done = run("register", "models/churn", "--json", cwd=repo)
    assert done.data["new"] is True
    assert (done.data["version"], done.data["commit"]) == ("v0.0.1", at)
    assert done.data["digest"] == my.load_card(repo / "models/churn").digest
    assert run("promote", "churn", "--stage", "prod", cwd=repo).out == "churn@v0.0.1 is in prod\n"
    assert tags(repo) == ["churn#prod#1", "churn@v0.0.1"]
    assert not (repo / "artifacts.yaml").exists()  # the card says it
    server = Server(repo, "churn#prod")
    try:
        with urllib.request.urlopen(f"{server.url}/interface.json") as told:
            served = json.load(told)["modelyard"]["models"]["churn"]
        request = urllib.request.Request(f"{server.url}/predict", b'{"x": 2.0}', {"Content-Type": "application/json"})  # fmt: skip
        with urllib.request.urlopen(request) as answer:
            assert answer.headers["X-Modelyard-Model"] == "churn@v0.0.1"
            assert json.load(answer) == 6.0
    finally:
        assert server.stop() == 0
    assert served["identity"] == "churn@v0.0.1"
    assert served["git"] == {"repo": repo.resolve().as_uri(), "rev": "churn@v0.0.1", "commit": at}


# Looking


def test_the_table_and_its_json(made: Path) -> None:
    done = run("show", cwd=made / "repo")
    assert [line.split() for line in done.out.splitlines()] == [
        ["name", "latest", "#prod"], ["churn", "v0.1.0", "v0.0.1"], ["other", "-", "-"],
    ]  # fmt: skip
    assert run("show", "--json", cwd=made / "repo").data == {
        "churn": {"latest": "v0.1.0", "stages": {"prod": "v0.0.1"}, "aliases": {"champion": "v0.0.1"}},
        "other": {"latest": None, "stages": {}, "aliases": {}},
    }  # fmt: skip


def test_which_now_and_at_a_time(made: Path) -> None:
    repo = made / "repo"
    done = run("which", "churn", "--stage", "prod", "--json", cwd=repo)
    assert list(done.data) == ["name", "version", "stage", "since", "by", "commit", "digest"]
    assert (done.data["version"], done.data["by"]) == ("v0.0.1", "Ana")
    assert done.data["commit"] == git("rev-parse", "churn@v0.0.1^{commit}", cwd=repo)
    assert done.data["digest"] == my.load_card("churn#prod", project=str(repo)).digest
    since = run("which", "churn", "--stage", "prod", "--at", done.data["since"], cwd=repo)
    assert since.out.startswith("churn@v0.0.1  since")
    refused(run("which", "churn", "--stage", "prod", "--at", "2026-05-01", cwd=repo), 3, "there was no model named 'churn' at 2026-05-01")  # fmt: skip
    refused(run("which", "churn", "--stage", "dev", cwd=repo), 3, "nothing is in stage 'dev'")
    refused(run("which", "churn", "--stage", "prod", "--at", "soon", cwd=repo), 2, "is not a time")


def test_listings_and_facts(made: Path) -> None:
    repo = made / "repo"
    rows = run("models", "versions", "churn", "--json", cwd=repo).data
    assert [(r["version"], r["stages"], r["aliases"]) for r in rows] == [("v0.0.1", ["prod"], ["champion"]), ("v0.1.0", [], [])]  # fmt: skip
    assert run("models", "list", cwd=repo).out.split()[:5] == ["name", "version", "stages", "aliases", "created_at"]  # fmt: skip
    events = [(r["event"], r["version"], r["comment"]) for r in run("history", "churn", "--json", cwd=repo).data]  # fmt: skip
    assert ("stage.assigned", "v0.0.1", "good") in events
    shown = run("show", "churn@champion", "--json", cwd=repo).data
    assert shown["description"] == "times 1"
    assert shown["git"]["rev"] == "churn@v0.0.1"
    assert "(churn@v0.0.1 of file://" in run("show", "churn#prod", cwd=repo).out
    assert run("apply", "churn@latest", "-", "--json", cwd=repo, stdin=b"4.0").data == 8.0


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["show", "chrun"], "nothing is called 'chrun': no object at chrun.yard.yaml; no model named 'chrun' in ", "did you mean 'churn'?"),
        (["show", "churn@v9.9.9"], "no version v9.9.9 of 'churn'", "versions: v0.0.1, v0.1.0"),
        (["show", "churn@3"], "no version 3 of 'churn'", "versions: v0.0.1, v0.1.0"),
        (["promote", "other", "--stage", "prod"], "no model named 'other' in ", "it is there, and not registered: modelyard register other"),
        (["history", "chrun"], "nothing ever happened to 'chrun'", "did you mean 'churn'?"),
        (["demote", "churn", "--stage", "dev"], "nothing is in stage 'dev'", "in use: prod (version v0.0.1)"),
        (["alias", "churn", "nobody", "--remove"], "has no alias 'nobody'", "aliases: champion"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else None,
)  # fmt: skip
def test_what_is_not_there(words: list[str], message: str, hint: str, made: Path) -> None:
    refused(run(*words, cwd=made / "repo"), 3, message, hint)


def test_the_shell_completes_names(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(made / "repo")
    assert registered_names() == ["churn"]
    assert [CompletionItem(name).value for name in registered_names()] == ["churn"]


def test_the_doctor_looks_at_the_tags(repo: Path) -> None:
    rows = {row["what"]: row for row in run("doctor", "--json", cwd=repo).data}
    assert rows["registry tags"]["ok"] is True
    git("tag", "churn@v3.0.0", cwd=repo)
    done = run("doctor", "--json", cwd=repo)
    assert done.code == 6
    assert any("churn@v3.0.0" in row["found"] for row in done.data if row["ok"] is False)


def test_looking_loads_no_database_library(made: Path) -> None:
    code = "import sys; sys.argv = ['modelyard', 'show']\nfrom modelyard.cli import main\ntry: main()\nexcept SystemExit: pass\nprint([m for m in ('sqlalchemy', 'numpy', 'ruamel.yaml', 'modelyard.objects.save') if m in sys.modules])"  # fmt: skip
    import sys

    done = subprocess.run([sys.executable, "-c", code], cwd=made / "repo", capture_output=True, text=True, check=True)  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"


# Changing


def test_stages_and_aliases_move(repo: Path) -> None:
    done = run("assign", "churn@v0.1.0", "--stage", "prod", "--json", cwd=repo)
    assert done.data == {"name": "churn", "version": "v0.1.0", "stage": "prod"}
    assert done.err == "not sent yet: git push origin churn@v0.1.0 'churn#prod#3'\n"
    assert run("unassign", "churn@v0.1.0", "--stage", "prod", cwd=repo).out == "churn@v0.0.1 is in prod again\n"  # fmt: skip
    assert run("demote", "churn", "--stage", "prod", "--json", cwd=repo).data["holder"] is None
    assert run("alias", "churn", "champion", "--json", cwd=repo).data == {"champion": "v0.1.0"}
    assert run("alias", "churn", "champion", "--remove", "--json", cwd=repo).data == {}


def test_out_of_use_and_back(repo: Path) -> None:
    refused(run("deregister", "churn", cwd=repo), 2, "which version is to be deregistered?")
    for _ in range(2):
        assert run("deregister", "churn@v0.1.0", "-m", "bad", cwd=repo).out == "churn@v0.1.0 is deregistered\n"  # fmt: skip
    assert run("show", "--json", cwd=repo).data["churn"]["latest"] == "v0.0.1"
    assert run("register", "churn", cwd=repo).out == "churn@v0.1.0\n"
    assert run("deprecate", "churn", cwd=repo).code == 0
    assert "churn" not in run("show", "--json", cwd=repo).data
    assert "churn" in run("show", "--deprecated", "--json", cwd=repo).data
    assert run("promote", "churn", "--stage", "dev", cwd=repo).code == 0
    assert "churn" in run("show", "--json", cwd=repo).data


@pytest.mark.parametrize(
    "words",
    [
        ["promote", "churn", "--stage", "dev"], ["demote", "churn", "--stage", "prod"], ["alias", "churn", "best"],
        ["deregister", "churn@v0.1.0"], ["deprecate", "churn"], ["register", "other"], ["models", "delete", "churn"],
        ["register", "models/churn", "--name", "fraud"],
    ],
    ids=lambda words: "-".join(words[:2]),
)  # fmt: skip
def test_a_dry_run_changes_nothing(words: list[str], repo: Path) -> None:
    before = git("for-each-ref", cwd=repo)
    done = run(*words, "--dry-run", cwd=repo)
    assert (done.code, "would" in done.out + done.err) == (0, True)
    assert git("for-each-ref", cwd=repo) == before
    assert git("status", "--porcelain", cwd=repo) == ""


def test_tags_are_sent_when_asked_to(repo: Path) -> None:
    origin = repo.parent / "origin.git"
    done = run("register", "other", "--push", cwd=repo)
    assert (done.out, done.err) == ("other@v0.0.1\n", "")
    assert "other@v0.0.1" in tags(origin)
    git("remote", "set-url", "origin", str(repo.parent / "nowhere.git"), cwd=repo)
    done = run("promote", "other", "--stage", "prod", "--push", cwd=repo)
    assert done.code == 7, done.err
    assert not [
        tag for tag in tags(repo) if tag.startswith("other#")
    ]  # nothing stays that was not sent


def test_a_stage_is_never_sent_without_its_version(repo: Path) -> None:
    origin = repo.parent / "origin.git"
    assert run("register", "other", cwd=repo).code == 0
    told = run("promote", "other", "--stage", "dev", cwd=repo).err
    assert told == "not sent yet: git push origin other@v0.0.1 'other#dev#1'\n"
    assert run("promote", "other", "--stage", "prod", "--push", cwd=repo).code == 0
    assert {"other@v0.0.1", "other#prod#2"} <= set(tags(origin))


@pytest.mark.parametrize("words", [["register", "other"], ["promote", "other", "--stage", "dev"]])
def test_what_was_not_sent_the_first_time_is_sent_the_second(words: list[str], repo: Path) -> None:
    assert run("register", "other", cwd=repo).code == 0
    made = {"other@v0.0.1"} if words[0] == "register" else {"other@v0.0.1", "other#dev#1"}
    assert run(*words, cwd=repo).code == 0
    assert not made & set(tags(repo.parent / "origin.git"))
    assert run(*words, "--push", cwd=repo).code == 0
    assert made <= set(tags(repo.parent / "origin.git"))
    assert made == {tag for tag in tags(repo) if tag.startswith("other")}  # and not made again


def test_a_shallow_clone_is_told_that_it_lacks_tags(repo: Path, tmp_path: Path) -> None:
    url = (repo.parent / "origin.git").as_uri()
    git("clone", "-q", "--depth", "1", "--no-tags", url, "shallow", cwd=tmp_path)
    refused(run("promote", "churn", "--stage", "prod", cwd=tmp_path / "shallow"), 3, "no model named 'churn'", "this clone is shallow, and tags may be missing: git fetch --force origin")  # fmt: skip


def test_a_push_without_another_side_says_so(repo: Path) -> None:
    git("remote", "remove", "origin", cwd=repo)
    refused(run("register", "other", "--push", cwd=repo), 3, "no remote is called 'origin'", "git remote add origin URL")  # fmt: skip
    assert "other@v0.0.1" not in tags(repo)


def test_a_bare_repository_is_a_project(repo: Path) -> None:
    bare = repo.parent / "origin.git"
    assert run("show", "--json", cwd=bare).data["churn"]["stages"] == {"prod": "v0.0.1"}
    assert run("which", "churn", "--stage", "prod", "--project", str(bare), cwd=repo.parent).out.startswith("churn@v0.0.1")  # fmt: skip
    assert run("apply", "churn#prod", "-", cwd=bare, stdin=b"4.0").out == "4.0\n"
    assert run("check-ref", "churn#prod#1", cwd=bare).code == 0
    below = bare / "refs" / "heads"
    assert run("show", "--json", cwd=below).data["churn"]["latest"] == "v0.1.0"


def test_a_commit_has_one_version(repo: Path) -> None:
    done = run("register", "churn", "--json", cwd=repo)
    assert (done.data["version"], done.data["new"]) == ("v0.1.0", False)
    assert "churn@v0.1.0 was there already" in done.err
    refused(run("register", "churn", "--version", "v2.0.0", cwd=repo), 5, "is version v0.1.0 of 'churn' already")  # fmt: skip
    refused(run("register", "churn", "--version", "2.0", cwd=repo), 2, "write 'v2.0.0'")


def test_what_was_changed_since_is_not_what_is_registered(repo: Path) -> None:
    save(repo, 9)
    refused(run("register", "models/churn", cwd=repo), 5, "models/churn was changed since the last commit", "--rev HEAD")  # fmt: skip
    assert run("register", "models/churn", "--rev", "HEAD", cwd=repo).out == "churn@v0.1.0\n"
    first = git("rev-list", "--max-parents=0", "HEAD", cwd=repo)
    assert run("register", "other", "--rev", first, "--json", cwd=repo).data["commit"] == first


def test_only_a_yard_keeps_data_sets_and_only_tags_are_pushed(repo: Path, empty: Path) -> None:
    refused(run("register", "churn", "--dataset", "iris@1", cwd=repo), 2, "keeps no data sets")
    refused(run("register", "models/x", "--push", cwd=empty), 2, "only a Git registry is pushed")


# Names and paths


def test_another_name_is_noted_and_written_down(repo: Path) -> None:
    done = run("register", "models/churn", "--name", "fraud", cwd=repo)
    assert done.out == "fraud@v0.0.1\n"
    assert "artifacts.yaml now says that fraud is models/churn: commit it" in done.err
    assert (repo / "artifacts.yaml").read_text() == "fraud:\n  path: models/churn\n  type: model\n"
    assert (
        run("apply", "fraud", "-", cwd=repo, stdin=b"4.0").out == "8.0\n"
    )  # before it is committed
    save(repo, 4)
    commit(repo)
    assert run("register", "models/churn", cwd=repo).out == "fraud@v0.0.2\n"  # its name, by now
    assert run("apply", "fraud@v0.0.2", "-", cwd=repo, stdin=b"4.0").out == "16.0\n"
    refused(run("register", "models/other", "--name", "fraud", cwd=repo), 5, "'fraud' is models/churn, says artifacts.yaml")  # fmt: skip


def test_where_dvc_is_names_stand_with_its_own(repo: Path) -> None:
    text = "# ours\nstages: {}\nartifacts:\n  other:  # the second one\n    path: models/other\n"
    (repo / "dvc.yaml").write_text(text)
    commit(repo)
    assert run("register", "models/churn", "--name", "fraud", cwd=repo).code == 0
    added = "  fraud:\n    path: models/churn\n    type: model\n"
    assert (repo / "dvc.yaml").read_text() == text + added


def test_names_of_folders(repo: Path) -> None:
    save(repo, 6, "cv/models/net")
    (repo / "cv/dvc.yaml").write_text("artifacts:\n  net:\n    path: models/net\n    type: model\n")
    commit(repo)
    assert run("register", "cv/models/net", cwd=repo).out == "cv:net@v0.0.1\n"
    assert "cv=net@v0.0.1" in tags(repo)
    assert run("promote", "cv:net", "--stage", "prod", cwd=repo).code == 0
    assert run("apply", "cv:net#prod", "-", cwd=repo, stdin=b"2.0").out == "12.0\n"
    assert "cv:net" in run("show", "--json", cwd=repo).data


def test_two_objects_of_one_name_are_told_apart_by_a_file(repo: Path) -> None:
    save(repo, 7, "eu/churn")
    commit(repo)
    refused(
        run("register", "churn", cwd=repo), 5, "2 objects in ", "say in artifacts.yaml which one"
    )
    assert run("register", "eu/churn", cwd=repo).out == "churn@v0.1.1\n"
    assert run("apply", "churn", "-", cwd=repo, stdin=b"2.0").out == "14.0\n"
    assert run("apply", "churn@v0.1.0", "-", cwd=repo, stdin=b"2.0").out == "4.0\n"
    assert (repo / "artifacts.yaml").read_text().startswith("churn:\n  path: eu/churn\n")


def test_a_broken_file_of_names_is_passed_over_and_named(repo: Path) -> None:
    for text in ("- a\n- b\n", "churn: {path: [\n", "churn: 3\n", "churn: {path: ../../etc}\n"):
        (repo / "artifacts.yaml").write_text(text)
        commit(repo)
        with collected() as notes:
            assert run("show", "--json", cwd=repo).data["churn"]["latest"] == "v0.1.0"
        assert any("artifacts.yaml" in note and "passed over" in note for note in notes), text


def test_a_name_that_nothing_says_can_be_promoted_not_loaded(repo: Path) -> None:
    with collected() as notes:
        assert run("register", "forecast", cwd=repo).out == "forecast@v0.0.1\n"
    assert "says what 'forecast' is" in notes[0]
    assert run("promote", "forecast", "--stage", "prod", cwd=repo).code == 0
    found = run("which", "forecast", "--stage", "prod", "--json", cwd=repo).data
    assert (found["version"], found["digest"]) == ("v0.0.1", None)
    refused(run("show", "forecast", cwd=repo), 3, "forecast@v0.0.1 cannot be opened: nothing at commit", "say it in artifacts.yaml")  # fmt: skip
    refused(run("register", "models/chrun", cwd=repo), 3, "nothing there is called 'models/chrun'", "did you mean 'churn'?")  # fmt: skip


# Which registry


def test_a_repository_with_tags_or_settings_of_a_registry_has_one(
    repo: Path, tmp_path: Path
) -> None:
    (repo / "modelyard.toml").unlink()
    assert run("show", "--json", cwd=repo).data["churn"]["latest"] == "v0.1.0"
    other = fresh(tmp_path / "other")
    save(other, 1)
    commit(other)
    assert run("show", "--json", cwd=other).data == {}
    (other / ".gto").write_text("stages: [dev]\n")
    assert run("show", "--json", cwd=other).data == {"churn": {"latest": None, "stages": {}, "aliases": {}}}  # fmt: skip
    assert run("register", "churn", cwd=other).code == 0
    refused(run("promote", "churn", "--stage", "prod", cwd=other), 2, "not among those that .gto allows")  # fmt: skip


def test_both_registries_side_by_side(repo: Path) -> None:
    assert run("register", "models/other", "--registry", "yard", cwd=repo).out == "other@1\n"
    assert run("show", "--registry", "yard", "--json", cwd=repo).data["other"]["latest"] == 1
    assert run("show", "--json", cwd=repo).data["other"]["latest"] is None  # the setting says git
    assert run("promote", "other", "--stage", "prod", "--registry", "yard", cwd=repo).out == "other@1 is in prod\n"  # fmt: skip
    (repo / "modelyard.toml").unlink()
    assert list(run("show", "--json", cwd=repo).data) == [
        "other"
    ]  # there is a yard.db, and no setting


# Elsewhere


@pytest.fixture
def url(repo: Path) -> Iterator[str]:
    with git_servers.daemon(repo.parent) as url:
        yield f"{url}/origin.git"


def test_a_registry_behind_a_url(
    url: str, repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(tmp_path / "cache"))
    for name, value in (("NAME", "Bo"), ("EMAIL", "bo@example.com")):
        monkeypatch.setenv(f"GIT_COMMITTER_{name}", value)
    assert run("show", "--project", url, "--json", cwd=tmp_path).data["churn"]["latest"] == "v0.1.0"
    registry = my.GitRegistry(url)
    assert registry.get("churn#prod").load()(3.0) == 3.0
    assert registry.promote("churn", "prod").version == "v0.1.0"
    assert registry.which("churn", "prod")["by"] == "Bo"
    assert "churn#prod#3" in tags(repo.parent / "origin.git")  # sent at once
    assert registry.push_command() is None
    assert my.GitRegistry(url).get("churn#prod").load()(3.0) == 6.0
    assert registry.register("other").ref == "other@v0.0.1"
    assert "other@v0.0.1" in tags(repo.parent / "origin.git")


def test_a_registered_model_by_one_reference(repo: Path, tmp_path: Path) -> None:
    url = f"git+file://{repo.as_posix()}"
    assert my.load(f"{url}#churn#prod")(3.0) == 3.0
    assert my.load("churn@latest", project=url)(3.0) == 6.0
    done = run("apply", f"{url}#churn@v0.1.0", "-", cwd=tmp_path, stdin=b"4.0")
    assert (done.out, done.code) == ("8.0\n", 0)
    refused(run("show", f"{url}#chrun", cwd=tmp_path), 3, "nothing is called 'chrun': no object at git+file", "did you mean 'churn'?")  # fmt: skip
    assert run("register", f"{url}#churn#prod", "--name", "mine", "--json", cwd=tmp_path).data["version"] == 1  # fmt: skip
    with my.Yard(project=tmp_path) as yard:
        assert yard.models.get("mine").commit == git("rev-parse", "churn@v0.0.1^{commit}", cwd=repo)


def test_as_a_process(made: Path) -> None:
    done = process("show", cwd=made / "repo")
    assert done.out.splitlines()[0].split() == ["name", "latest", "#prod"]
