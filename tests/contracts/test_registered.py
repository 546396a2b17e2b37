"""What callers find is the same behind every registry: a yard, a hub, and the tags of a Git repository."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import git_servers
import modelyard as my
from hub_cases.server import hub_thread
from modelyard.testing.registered import Bench, RegisteredContract


def times(n: int) -> Callable[[float], float]:
    def times(x: float) -> float:
        return n * x

    return times


def saved(path: Path, n: int) -> Path:
    my.save(times(n), path, sample_data=1.5, description=f"times {n}", metrics={"acc": 0.5})
    return path


@pytest.fixture
def files(tmp_path: Path) -> Callable[[int], Path]:
    made: dict[int, Path] = {}
    return lambda n: made.get(n) or made.setdefault(n, saved(tmp_path / "saved" / str(n), n))


class TestYard(RegisteredContract):
    @pytest.fixture
    def bench(self, sqlite_uri: str, files: Any) -> Iterator[Bench]:
        with my.Yard(sqlite_uri) as yard, my.Yard(sqlite_uri) as other:

            def register(
                n: int, name: str = "times", *, again: bool = False, **options: Any
            ) -> Any:
                return yard.models.add(files(n), name, **options)

            yield Bench(yard.models, lambda: other.models, register)


class TestHub(RegisteredContract):
    @pytest.fixture
    def bench(
        self, sqlite_uri: str, files: Any, tmp_path: Path, monkeypatch: Any
    ) -> Iterator[Bench]:
        monkeypatch.setenv("MODELYARD_CACHE_DIR", str(tmp_path / "cache"))
        with hub_thread(sqlite_uri) as url, my.Yard(url) as yard, my.Yard(url) as other:

            def register(
                n: int, name: str = "times", *, again: bool = False, **options: Any
            ) -> Any:
                return yard.models.add(files(n), name, **options)

            yield Bench(yard.models, lambda: other.models, register)


def git(*words: str, cwd: Path) -> str:
    return git_servers.run(cwd, *words)


class TestGit(RegisteredContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        repo = tmp_path / "repo"
        repo.mkdir()
        git("init", "-q", "-b", "main", cwd=repo)
        git("config", "user.name", "Ana", cwd=repo)
        git("config", "user.email", "ana@example.com", cwd=repo)
        git("commit", "-q", "--allow-empty", "-m", "empty", cwd=repo)
        registry = my.GitRegistry(repo)
        commits: dict[tuple[int, str], str] = {}

        def register(n: int, name: str = "times", *, again: bool = False, **options: Any) -> Any:
            """A model is what a commit has: the same one again is the same commit again."""
            if not again:
                saved(repo / "models" / name, n)
                git("add", "-A", cwd=repo)
                git("commit", "-q", "-m", f"{name} {n}", cwd=repo)
                commits[n, name] = git("rev-parse", "HEAD", cwd=repo)
            return registry.register(Path("models") / name, rev=commits[n, name], **options)

        return Bench(registry, lambda: my.GitRegistry(repo), register)
