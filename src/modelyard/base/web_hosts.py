"""The addresses that websites of repositories show, as copied from a browser: which repository, revision and path.

Known for sure are those of github.com, gitlab.com and bitbucket.org, and on any host the forms that nobody else has:
GitLab's ``/-/tree/``, Gitea's and Forgejo's ``/src/branch/`` and Bitbucket Server's ``/projects/P/repos/R/browse``.
GitHub's own form on another host could be anything; `github` reads it where the host is known to be one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote

_TAIL = r"(?:tree|blob)/(?P<tail>.+)"
_FORMS = (
    re.compile(rf"(?P<repo>https://github\.com/[^/@]+/[^/@]+)(?:@(?P<rev>.+)|/{_TAIL})?"),
    re.compile(
        r"(?P<repo>https://bitbucket\.org/[^/@]+/[^/@]+)(?:@(?P<rev>.+)|/src/(?P<tail>.+))?"
    ),
    re.compile(
        rf"(?P<repo>https://gitlab\.com(?:/(?!-/)[^/@]+){{2,}})(?:@(?P<rev>.+)|/-/{_TAIL})?"
    ),
    re.compile(rf"(?P<repo>https://[^/@]+(?:/(?!-/)[^/@]+)+)/-/{_TAIL}"),
    re.compile(r"(?P<repo>https://[^/@]+/[^/@]+/[^/@]+)/src/(?:branch|tag|commit)/(?P<tail>.+)"),
)
_BROWSE = re.compile(
    r"(?P<base>https://[^/@]+(?:/[^/@]+)*?)/(?:projects/(?P<project>[^/@]+)|users/(?P<user>[^/@]+))"
    r"/repos/(?P<name>[^/@]+)(?:/browse(?:/(?P<path>.+))?)?"
)
_GITHUB = re.compile(rf"(?P<repo>https://[^/@]+/[^/@]+/[^/@]+)(?:/{_TAIL})?")


@dataclass(frozen=True, slots=True)
class Hosted:
    """What a website's address names; still percent-encoded. ``tail`` is revision and path where only the repository
    knows where one ends."""

    repo: str
    rev: str = ""
    tail: str = ""
    path: str = ""


def hosted(url: str, query: str = "") -> Hosted | None:
    """What an address (without query, its host in lower case) names; None when it is not known to be a repository's.

    >>> hosted("https://codeberg.org/org/repo/src/branch/main/models/churn")
    Hosted(repo='https://codeberg.org/org/repo', rev='', tail='main/models/churn', path='')
    >>> hosted("https://git.corp/projects/ML/repos/models/browse/churn", "at=refs%2Fheads%2Fmain")
    Hosted(repo='https://git.corp/scm/ML/models.git', rev='main', tail='', path='churn')
    """
    for form in _FORMS:
        if found := form.fullmatch(url):
            parts = found.groupdict()
            return Hosted(parts["repo"], parts.get("rev") or "", parts["tail"] or "")
    if found := _BROWSE.fullmatch(url):
        owner = found["project"] or f"~{found['user']}"
        at = parse_qs(query).get("at", [""])[0]
        rev = re.sub(r"^refs/(heads|tags)/", "", at)
        return Hosted(
            f"{found['base']}/scm/{owner}/{found['name']}.git", rev, "", found["path"] or ""
        )
    return None


def github(url: str) -> Hosted | None:
    """The same for an address of a host that is known to be a GitHub."""
    found = _GITHUB.fullmatch(url.partition("?")[0].partition("#")[0].rstrip("/"))
    return Hosted(found["repo"], tail=unquote(found["tail"] or "")) if found else None
