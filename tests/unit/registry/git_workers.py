"""What other processes do with clones of one repository."""

from __future__ import annotations

from pathlib import Path

from cases.registries.git import run
from modelyard.registry import verbs
from modelyard.registry.git import GitRegistryBackend
from unit.registry.workers import begin_together


def register_commits(clone: str, commits: list[str]) -> list[str]:
    """Register commits of one's own, pushed one by one; the versions they got."""
    registry = GitRegistryBackend(clone, push=True)
    begin_together()
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
