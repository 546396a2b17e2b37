"""Which commit a saved object on this machine is, when it is committed as it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from modelyard.base.errors import NotSupported
from modelyard.objects.card_file import SUFFIX
from modelyard.stores.git.command import NO_HIDDEN, GitFailed, git_text


def committed(path: Path) -> dict[str, Any] | None:
    """What is recorded of a repository: ``{"git": {"repo", "rev", "commit"}, "path"}``. None for what is in none, or is
    not committed as it stands there."""
    folder = path.parent
    if not path.is_absolute():
        folder = Path.cwd() / folder
    if not any((above / ".git").exists() for above in (folder, *folder.parents)):
        return None
    try:
        return _committed(folder, path.name)
    except (GitFailed, NotSupported):
        return None


def _committed(folder: Path, name: str) -> dict[str, Any] | None:
    card = f"{name}{SUFFIX}"
    told = git_text(folder, *NO_HIDDEN, "rev-parse", "--show-prefix", "--verify", "HEAD").split(
        "\n"
    )
    prefix, commit = told[0], told[-1]
    if not git_text(folder, *NO_HIDDEN, "ls-tree", "--name-only", "HEAD", "--", card):
        return None
    files = (name, card, f"{name}.dvc")
    if git_text(folder, *NO_HIDDEN, "status", "--porcelain", "--untracked-files=all", "--", *files):
        return None
    return {
        "git": {"repo": repository_url(folder), "rev": "", "commit": commit},
        "path": f"{prefix}{name}",
    }


def repository_url(folder: Path) -> str:
    """Where a repository was cloned from, without passwords; else where it is."""
    try:
        url = git_text(folder, "config", "--get", "remote.origin.url")
    except GitFailed:
        url = ""
    if not url:
        return Path(git_text(folder, "rev-parse", "--absolute-git-dir")).as_uri()
    parts = urlsplit(url)
    # Behind http the name alone may be a token, and says nothing else.
    if parts.username is None or (parts.password is None and parts.scheme not in ("http", "https")):
        return url
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=host))
