"""Git tags in a repository of a commit per content; the other handle is a registry in a clone's eyes: opened anew."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from modelyard.registry.git import GitRegistryBackend
from modelyard.testing.registries import Bench, digest

NAME = "Ana Muster"


@dataclass(frozen=True)
class GitBench(Bench):
    """Each content is at a commit of its own, made when it is asked for."""

    folder: Path = Path()
    commits: dict[int, str] = field(default_factory=dict)

    def commit(self, content: int) -> str:
        if content not in self.commits:
            tree = run(self.folder, "mktree", input="").strip()
            made = run(self.folder, "commit-tree", tree, "-m", digest(content))
            self.commits[content] = made.strip()
        return self.commits[content]


def bench(folder: Path) -> GitBench:
    run(folder, "init", "--quiet", "--initial-branch=main", ".")
    for key, value in (("user.name", NAME), ("user.email", "ana@example.org")):
        run(folder, "config", key, value)
    return GitBench(GitRegistryBackend(folder), lambda: GitRegistryBackend(folder), folder=folder)


def run(folder: Path, *words: str, input: str | None = None, **options: str) -> str:
    """What Git prints."""
    done = subprocess.run(
        ["git", *words],
        cwd=folder,
        input=input,
        stdin=subprocess.DEVNULL if input is None else None,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
