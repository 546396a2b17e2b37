"""Versions and version specifiers as PEP 440 orders them.

Written here because requirements are compared at every load, and the core installs no package for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from modelyard.base.errors import InvalidInput

_VERSION = re.compile(
    r"""v?(?:(?P<epoch>\d+)!)?(?P<release>\d+(?:\.\d+)*)
    (?:[-_.]?(?P<pre>alpha|a|beta|b|preview|pre|rc|c)[-_.]?(?P<pre_number>\d*))?
    (?P<post>-(?P<post_bare>\d+)|[-_.]?(?:post|rev|r)[-_.]?(?P<post_number>\d*))?
    (?P<dev>[-_.]?dev[-_.]?(?P<dev_number>\d*))?
    (?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_PHASES = {"a": 0, "alpha": 0, "b": 1, "beta": 1, "c": 2, "rc": 2, "pre": 2, "preview": 2}
_NO_PHASE = (3, 0)
_BEFORE_PHASES = (-1, 0)
_NO_DEV = (1, 0)

OPERATORS = ("===", "~=", "==", "!=", "<=", ">=", "<", ">")
"""Longest first, as they have to be tried."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version, taken apart. ``1.0`` and ``1.0.0`` are equal by `key`, not by their parts."""

    epoch: int
    release: tuple[int, ...]
    pre: tuple[int, int] | None
    post: int | None
    dev: int | None
    local: tuple[tuple[int, int, str], ...] | None

    @property
    def base(self) -> tuple[int, tuple[int, ...]]:
        """Epoch and release without trailing zeros."""
        end = len(self.release)
        while end > 1 and self.release[end - 1] == 0:
            end -= 1
        return self.epoch, self.release[:end]

    @property
    def public(self) -> tuple[Any, ...]:
        """What orders versions, the local label apart."""
        phase = self.pre or _NO_PHASE
        if self.pre is None and self.post is None and self.dev is not None:
            phase = _BEFORE_PHASES  # 1.0.dev1 comes before 1.0a1
        dev = _NO_DEV if self.dev is None else (0, self.dev)
        return (*self.base, phase, -1 if self.post is None else self.post, dev)

    @property
    def key(self) -> tuple[Any, ...]:
        """What orders versions."""
        return (*self.public, () if self.local is None else (1, self.local))

    @property
    def is_prerelease(self) -> bool:
        return self.pre is not None or self.dev is not None


@lru_cache(maxsize=1024)
def parse_version(text: str) -> Version:
    """Take a version apart; `InvalidInput` when it is none.

    >>> parse_version("1.0rc1").key < parse_version("1.0").key < parse_version("1.0.post1").key
    True
    """
    match = _VERSION.fullmatch(text.strip())
    if match is None:
        raise InvalidInput(f"{text!r} is not a version", hint="like 1.8.0, 2.0rc1 or 1.0.post2")
    pre = match["pre"] and (_PHASES[match["pre"].lower()], int(match["pre_number"] or 0))
    post = int(match["post_bare"] or match["post_number"] or 0) if match["post"] else None
    return Version(
        epoch=int(match["epoch"] or 0),
        release=tuple(map(int, match["release"].split("."))),
        pre=pre or None,
        post=post,
        dev=int(match["dev_number"] or 0) if match["dev"] else None,
        local=_local(match["local"]) if match["local"] else None,
    )


def _local(label: str) -> tuple[tuple[int, int, str], ...]:
    parts = re.split(r"[-_.]", label.lower())
    return tuple((1, int(p), "") if p.isdigit() else (0, 0, p) for p in parts)


def without_local(version: str) -> str:
    """``2.3.0`` of ``2.3.0+cpu``: the part that a package index knows, and that ``==2.3.0`` accepts."""
    return version.partition("+")[0]


def check_specifier(operator: str, version: str) -> None:
    """`InvalidInput` unless the operator may stand before this version."""
    if operator == "===":
        return
    exact, star = version.removesuffix(".*"), version.endswith(".*")
    parsed = parse_version(exact)
    plain = not (parsed.pre or parsed.local) and parsed.post is None and parsed.dev is None
    if star and not (operator in ("==", "!=") and plain):
        raise InvalidInput(
            f"{operator}{version}: '.*' goes with == and != and a plain release",
            hint="like ==1.4.*",
        )
    if parsed.local and operator not in ("==", "!="):
        raise InvalidInput(
            f"{operator}{version}: a local label goes with == and != only", hint="leave out the +…"
        )
    if operator == "~=" and len(parsed.release) < 2:
        raise InvalidInput(f"~={version} needs at least two numbers", hint="like ~=1.4")


def satisfies(version: str, operator: str, wanted: str) -> bool:
    """Whether a version meets one specifier; pre-releases count like any other.

    >>> satisfies("2.3.0+cpu", "==", "2.3.0")
    True
    """
    if operator == "===":
        return version.lower() == wanted.lower()
    found = parse_version(version)
    if wanted.endswith(".*"):
        return _has_prefix(found, parse_version(wanted[:-2])) is (operator == "==")
    limit = parse_version(wanted)
    if operator in ("==", "!="):
        equal = found.key == limit.key if limit.local else found.public == limit.public
        return equal is (operator == "==")
    if operator == "~=":
        series = Version(limit.epoch, limit.release[:-1], None, None, None, None)
        return found.public >= limit.public and _has_prefix(found, series)
    return _is_ordered(found, operator, limit)


def _has_prefix(found: Version, prefix: Version) -> bool:
    length = len(prefix.release)
    padded = (*found.release, *(0,) * length)[:length]
    return (found.epoch, padded) == (prefix.epoch, prefix.release)


def _is_ordered(found: Version, operator: str, limit: Version) -> bool:
    if operator == "<=":
        return found.public <= limit.public
    if operator == ">=":
        return found.public >= limit.public
    if operator == "<":
        # A pre-release of the limit is not "before" it: <3 is not meant to let 3.0rc1 in.
        bound = limit if limit.is_prerelease else replace(limit, dev=0)
        return found.public < bound.public
    # Nor is a post-release "after" the version that it corrects: >1.7 is not met by 1.7.post1.
    of_limit = (found.base, found.pre) == (limit.base, limit.pre) and found.post is not None
    is_correction = of_limit and limit.post is None and limit.dev is None
    return found.public > limit.public and not is_correction
