"""Which commit a revision of a remote repository is: asked of the server, by name first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from modelyard.base.errors import InvalidReference, NotFound, did_you_mean

FULL = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
SHORT = re.compile(r"[0-9a-f]{4,63}")
_STEPS = re.compile(r"(?P<base>.*?)(?P<steps>(?:[~^][0-9]*)+)(?P<peeled>\^\{(?:commit)?\})?")


def checked(rev: str) -> str:
    """The revision, when Git cannot take it for an option or for something that is no revision."""
    if rev.startswith("-") or re.search(r"[\x00-\x20\x7f:?*\[\\]|\.\.|@\{", rev) or len(rev) > 1000:
        raise InvalidReference(f"{rev[:200]!r} is no revision")
    return rev


def steps_of(rev: str) -> tuple[str, str, int]:
    """``main~2^`` as ``main``, ``~2^`` and how many commits deep that goes.

    >>> steps_of("main~2^"), steps_of("main")
    (('main', '~2^', 3), ('main', '', 0))
    """
    found = _STEPS.fullmatch(rev)
    if found is None:
        return rev, "", 0
    words = re.findall(r"([~^])([0-9]*)", found["steps"])
    # ^2 goes to the second parent, which is one commit deep.
    depth = sum(1 if mark == "^" else int(number[:9] or 1) for mark, number in words)
    return found["base"] or "HEAD", found["steps"], depth


def names_of(rev: str) -> list[str]:
    """The full names that a word may stand for, in the order in which Git takes them."""
    if rev in ("", "@", "HEAD"):
        return ["HEAD"]
    whole = [rev] if rev.startswith("refs/") else []
    return [*whole, f"refs/{rev}", f"refs/tags/{rev}", f"refs/heads/{rev}"]


def patterns_of(rev: str) -> list[str]:
    """What to ask a server for, so that it answers with little."""
    names = names_of(rev)
    return [pattern for name in names for pattern in (name, f"{name}^{{}}")]


def chosen(offered: Mapping[str, str], rev: str) -> tuple[str, str] | None:
    """The full name and the commit of a word, among what a server offers."""
    for name in names_of(rev):
        if name in offered:
            return name, offered.get(f"{name}^{{}}", offered[name])
    return None


def peeled(offered: Mapping[str, str]) -> dict[str, str]:
    """``HEAD``, branches and tags with their commits."""
    wanted = ("HEAD", "refs/heads/", "refs/tags/")
    names = [n for n in offered if n.startswith(wanted) and not n.endswith("^{}")]
    return {name: offered.get(f"{name}^{{}}", offered[name]) for name in names}


def missing(rev: str, label: str, refs: Iterable[str]) -> NotFound:
    """The error for a revision that is not there, with what is near."""
    names = [re.sub(r"^refs/(heads|tags|remotes)/", "", name) for name in refs]
    if not rev and not names:
        return NotFound(f"{label} has no commits yet")
    shown = ", ".join(sorted(set(names) - {"HEAD"})[:5])
    near = did_you_mean(rev, names) or next(
        (f"did you mean {n!r}?" for n in names if _is_end(n, rev) or _is_end(rev, n)), None
    )
    what = f"no branch, tag or commit {rev!r}" if rev else "no default branch"
    return NotFound(f"{label} has {what}", hint=near or (f"it has {shown}" if shown else None))


def _is_end(name: str, of: str) -> bool:
    return bool(name) and of.endswith(f"/{name}")
