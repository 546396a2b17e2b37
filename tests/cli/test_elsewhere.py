"""Commands on objects that are in a repository: at a revision of the project's own, and of another one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import git_servers
from cli.program import run


@pytest.fixture(scope="module")
def repository(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project under Git: its first commit has everything, the second has no models any more."""
    folder = tmp_path_factory.mktemp("elsewhere") / "repository"
    shutil.copytree(project, folder)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "one")
    git(folder, "tag", "one")
    git(folder, "rm", "-q", "-r", "models", "new.csv")
    git(folder, "commit", "-q", "-m", "two")
    return folder


def git(folder: Path, *words: str) -> None:
    git_servers.run(folder, *words)


AT_ONE = [
    ["show", "models/churn"],
    ["schema", "models/churn"],
    ["checkenv", "models/churn"],
    ["diff", "models/churn", "models/other"],
    ["trust", "models/churn"],
    ["apply", "models/churn", "new.csv", "--data-rev", "one"],
    ["apply", "models/churn", "turned.csv"],
]


@pytest.mark.parametrize("words", AT_ONE, ids=lambda words: words[0])
def test_at_a_revision_of_the_project(words: list[str], repository: Path) -> None:
    assert run(*words, cwd=repository).code == 3
    done = run(*words, "--rev", "one", cwd=repository)
    assert done.code == 0
    assert done.out


def test_in_another_repository(repository: Path, empty: Path) -> None:
    url = f"git+file://{repository}"
    whole = run("show", f"{url}@one#models/churn", "--json", cwd=empty)
    apart = run("show", "models/churn", "--project", url, "--rev", "one", "--json", cwd=empty)
    assert whole.data == apart.data
    assert whole.data["description"] == "Who will leave"
    data = ["--data-project", url, "--data-rev", "one"]
    answers = run("apply", f"{url}@one#models/churn", "new.csv", *data, cwd=empty)
    assert len(answers.data) == 5
    assert (
        answers.data
        == run("apply", f"{url}@one#models/churn", f"{url}@one#new.csv", cwd=empty).data
    )


def test_what_is_not_there_is_told(repository: Path, empty: Path) -> None:
    url = f"git+file://{repository}"
    gone = run("show", "models/churn", "--project", url, cwd=empty)
    assert gone.code == 3
    assert "models/churn" in gone.err
    twice = run("show", f"{url}@one#models/churn", "--rev", "main", cwd=empty)
    assert (twice.code, twice.err.splitlines()[1]) == (2, "Hint: say it once")
    assert run("show", "models/churn", "--rev", "nix", cwd=repository).code == 3


def test_copies_and_links(repository: Path, empty: Path) -> None:
    url = f"git+file://{repository}"
    assert (
        run("clone", "models/churn", "copy", "--project", url, "--rev", "one", cwd=empty).code == 0
    )
    linked = run("link", "models/churn", "link", "--project", url, "--rev", "one", cwd=empty)
    assert linked.out == f"link -> {url}@one#models/churn\n"
    digests = [run("show", path, "--json", cwd=empty).data["digest"] for path in ("copy", "link")]
    assert digests[0] == digests[1]


def test_metrics_are_not_written_into_a_commit(repository: Path, empty: Path) -> None:
    ref = f"git+file://{repository}@one#models/churn"
    done = run(
        "evaluate", ref, f"git+file://{repository}@one#all.csv", "--target", "churned", cwd=empty
    )
    assert done.code == 0
    assert "the metrics are not written" in done.err
