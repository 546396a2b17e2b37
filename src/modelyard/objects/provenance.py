"""When, by whom and from which state of the code something was saved."""

from __future__ import annotations

import subprocess
from pathlib import Path

from modelyard import __version__
from modelyard.base.clock import now_ms, to_rfc3339
from modelyard.base.events import local_user
from modelyard.objects.card import Created
from modelyard.stores.git.command import NO_HIDDEN


def created_now(folder: Path) -> Created:
    """The facts for a card written into ``folder`` at this moment; times to the second."""
    commit, dirty = git_state(folder)
    return Created(
        at=to_rfc3339(now_ms() // 1000 * 1000),
        by=local_user(),
        git=commit,
        dirty=dirty,
        modelyard=__version__,
    )


def git_state(folder: Path) -> tuple[str, bool | None]:
    """Short commit and whether tracked files differ from it; ``("", None)`` outside a repository or without git."""
    if git_root(folder) is None:
        return "", None
    command = ["git", *NO_HIDDEN, "status", "--porcelain=v2", "--branch", "--untracked-files=no"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return "", None
    if done.returncode != 0:
        return "", None
    lines = done.stdout.splitlines()
    commit = next((line.split()[-1] for line in lines if line.startswith("# branch.oid ")), "")
    if not commit or commit.startswith("("):  # "(initial)": a repository without a commit
        return "", None
    return commit[:7], any(not line.startswith("#") for line in lines)


def git_root(folder: Path) -> Path | None:
    """The working tree that holds a folder, found without starting git."""
    resolved = folder.resolve()
    return next((p for p in (resolved, *resolved.parents) if (p / ".git").exists()), None)
