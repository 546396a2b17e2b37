"""Web addresses that only this user's environment tells to be of a repository, and what to do about all others."""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit

from modelyard.base.refs import GitRef, RemoteRef
from modelyard.base.web_hosts import github

_LOOKS_SO = re.compile(
    r"(?P<repo>https?://[^/]+/[^/]+/[^/]+)/(?:tree|blob|raw|src)/(?P<rest>[^?#]+)"
)


def repository_in(ref: RemoteRef) -> GitRef | None:
    """The repository that an address shows, where its host is a GitHub: ``GH_HOST`` or ``GITHUB_SERVER_URL`` says so."""
    named = [os.environ.get(name, "") for name in ("GH_HOST", "GITHUB_SERVER_URL")]
    hosts = {name.partition("://")[2].rstrip("/") or name for name in named if name}
    parts = urlsplit(ref.url)
    if ref.scheme != "https" or parts.netloc.lower() not in {host.lower() for host in hosts}:
        return None
    found = github(f"https://{parts.netloc.lower()}{parts.path}")
    return GitRef(found.repo, tail=found.tail) if found else None


def hint_for(ref: RemoteRef) -> str | None:
    """What to write instead of an address that looks like a repository's, when nothing was found there."""
    found = _LOOKS_SO.fullmatch(ref.url)
    if found is None:
        return None
    rev, _, path = found["rest"].partition("/")
    host = urlsplit(ref.url).netloc
    at = f"git+{found['repo']}@{rev}" + (f"#{path}" if path else "")
    return f"if it is a repository: {at} (or set GH_HOST={host}, where it is a GitHub)"
