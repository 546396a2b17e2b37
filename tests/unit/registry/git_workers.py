"""What other processes do with clones of one repository."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import Any

from cases.registries.git import run
from modelyard.registry import verbs
from modelyard.registry.git import GitRegistryBackend

context = multiprocessing.get_context("spawn")
_start: Any = None


def _begin(barrier: Any) -> None:
    global _start
    _start = barrier


def all_at_once(work: Any, arguments: list[tuple[Any, ...]]) -> list[Any]:
    """What each of several processes returns that start together; what one of them raises is raised."""
    with context.Pool(len(arguments), _begin, [context.Barrier(len(arguments))]) as pool:
        return pool.starmap(work, arguments, chunksize=1)


def register_commits(clone: str, commits: list[str]) -> list[str]:
    """Register commits of one's own, pushed one by one; the versions they got."""
    registry = GitRegistryBackend(clone, push=True)
    _start.wait(120)
    return [verbs.register(registry, "churn", commit=commit).label for commit in commits]


def commits_of(folder: Path, count: int) -> list[str]:
    """New commits, each on the one before, the last of them HEAD."""
    made: list[str] = []
    tree = run(folder, "mktree", input="").strip()
    for number in range(count):
        parent = ["-p", made[-1]] if made else []
        made.append(run(folder, "commit-tree", tree, *parent, "-m", str(number)).strip())
    run(folder, "update-ref", "refs/heads/main", made[-1])
    return made
