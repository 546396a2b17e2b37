"""Names of registered things, aliases, stages and semantic versions: what they may be, and how they are ordered.

Two widths of names exist, and each registry checks its own:

* **yard**: 1 to 256 characters without control, invisible or path characters, stored in NFC. That is as wide as
  MLflow's names, so that its clients find theirs; ``/`` and ``:`` are out, as they are there.
* **git**: what can be part of a tag that GTO reads too: ASCII letters, digits, ``-`` and ``_`` in segments joined by
  ``/``, an optional ``folder:`` in front, 128 characters at most, and no dots in the name itself.

Names are compared exactly; `fold_case_key` finds two that a person would take for one.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

from modelyard.base.errors import InvalidInput, InvalidName

MAX_NAME = 256
MAX_GIT_NAME = 128
MAX_ALIAS = 255
MAX_SEMVER = 256

Part = Literal["major", "minor", "patch"]
RegistryKind = Literal["yard", "git"]

LOGGED_MODEL = re.compile(r"m-[0-9a-f]{32}")
"""The id of a model that a run logged; no name may look like one."""

_INVISIBLE = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
_GIT_PLAIN = r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?"
_GIT_NAME = re.compile(rf"(?:[A-Za-z0-9][A-Za-z0-9_./-]*:)?{_GIT_PLAIN}(?:/{_GIT_PLAIN})*")
_STAGE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_/-]*[A-Za-z0-9])?")
_ALIAS = re.compile(r"\w[\w-]*")
_LIKE_VERSION = re.compile(r"v\d+", re.IGNORECASE)
_NUMBER = r"(?:0|[1-9][0-9]*)"
_LABEL = rf"(?:{_NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_SEMVER = re.compile(
    rf"v({_NUMBER})\.({_NUMBER})\.({_NUMBER})"
    rf"(?:-({_LABEL}(?:\.{_LABEL})*))?"
    r"(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
)


def invisible(text: str) -> str | None:
    """The first character nobody can see (control, bidi, zero-width, unassigned), as ``U+202E``; None when all show.

    >>> invisible("abc\\u202edef")
    'U+202E'
    """
    odd = next((c for c in text if unicodedata.category(c) in _INVISIBLE), None)
    return None if odd is None else f"U+{ord(odd):04X}"


def check_name(name: str, *, kind: str = "model", registry: RegistryKind = "yard") -> str:
    """The name in NFC, or `InvalidName` saying what is wrong with it there.

    >>> check_name("churn")
    'churn'
    >>> check_name("cv/churn")
    Traceback (most recent call last):
    modelyard.base.errors.InvalidName: model name 'cv/churn' is refused: it has '/'
    Hint: '/' is for names in a Git registry
    """
    name = unicodedata.normalize("NFC", name)
    shown = repr(name) if len(name) <= 80 else f"{name[:40]!r}…"
    reason, hint = _why_not_git(name) if registry == "git" else _why_not(name)
    if LOGGED_MODEL.fullmatch(name):
        reason = "it has the form of a logged model's id"
    if reason:
        raise InvalidName(f"{kind} name {shown} is refused: {reason}", hint=hint)
    return name


def _why_not(name: str) -> tuple[str | None, str | None]:
    if not name.strip():
        return "it is empty", None
    if len(name) > MAX_NAME:
        return f"it has {len(name)} characters", f"at most {MAX_NAME}"
    if odd := invisible(name):
        return f"it has the control or invisible character {odd}", None
    if name != name.strip():
        return "it begins or ends with a blank", f"write {name.strip()!r}"
    if name in (".", ".."):
        return "it is a folder's name everywhere", None
    if "/" in name:
        return "it has '/'", "'/' is for names in a Git registry"
    if special := next((c for c in name if c in "\\:"), None):
        return f"it has {special!r}", "paths and URLs use that character"
    if re.search(r"%[0-9A-Fa-f]{2}", name):
        return "it has a percent escape", "write the character itself"
    return None, None


def _why_not_git(name: str) -> tuple[str | None, str | None]:
    if not name:
        return "it is empty", None
    if len(name) > MAX_GIT_NAME:
        return f"it has {len(name)} characters", f"at most {MAX_GIT_NAME} in a Git registry"
    folder, colon, plain = name.rpartition(":")
    if not _GIT_NAME.fullmatch(name):
        dots = "." in plain
        return (
            "it has a dot" if dots else "it cannot be part of a Git tag",
            f"GTO refuses dots; write {name.replace('.', '-')!r}"
            if dots and _GIT_NAME.fullmatch(name.replace(".", "-"))
            else "letters, digits, '-' and '_', in segments joined by '/' that begin and end "
            "with a letter or digit",
        )
    if colon and not all(_git_takes(segment) for segment in folder.split("/")):
        return f"{folder!r} is no folder that Git takes in a tag", None
    return None, None


def _git_takes(segment: str) -> bool:
    return not (
        segment.startswith(".") or segment.endswith((".", ".lock")) or ".." in segment
    ) and bool(segment)


def check_alias(alias: str) -> str:
    """The alias in NFC, or `InvalidName`. Letters, digits, ``-`` and ``_``; nothing that reads as a version.

    >>> check_alias("champion")
    'champion'
    """
    alias = unicodedata.normalize("NFC", alias)
    if not _ALIAS.fullmatch(alias) or len(alias) > MAX_ALIAS:
        raise InvalidName(
            f"alias {alias[:80]!r} is refused",
            hint=f"1 to {MAX_ALIAS} letters, digits, '-' and '_', not beginning with '-'",
        )
    if alias.isdigit() or _LIKE_VERSION.fullmatch(alias) or alias.casefold() == "latest":
        raise InvalidName(
            f"alias {alias!r} is refused: it reads as a version",
            hint="numbers, v<number> and 'latest' always mean versions",
        )
    return alias


def check_stage(stage: str) -> str:
    """The stage, or `InvalidName`. What GTO takes: ASCII letters, digits, ``-``, ``_``, ``/``.

    >>> check_stage("prod/eu")
    'prod/eu'
    """
    segments = stage.split("/")
    if not _STAGE.fullmatch(stage) or "" in segments or len(stage) > MAX_GIT_NAME:
        raise InvalidName(
            f"stage {stage[:80]!r} is refused",
            hint="letters, digits, '-', '_' and '/', beginning and ending with a letter or digit",
        )
    return stage


def check_semver(version: str) -> str:
    """The version, or `InvalidName`: ``v`` and strict SemVer 2.0.

    >>> check_semver("v1.2.0-rc.1")
    'v1.2.0-rc.1'
    >>> check_semver("1.2.0")
    Traceback (most recent call last):
    modelyard.base.errors.InvalidName: version '1.2.0' is not v and a semantic version
    Hint: write 'v1.2.0'
    """
    _semver(version)
    return version


def _semver(version: str) -> re.Match[str]:
    match = _SEMVER.fullmatch(version) if len(version) <= MAX_SEMVER else None
    if match is None:
        raise InvalidName(
            f"version {version[:80]!r} is not v and a semantic version",
            hint=_semver_hint(version),
        )
    return match


def _semver_hint(version: str) -> str:
    bare = version.lstrip("vV")
    for repaired in (f"v{bare}", f"v{bare}.0", f"v{bare}.0.0"):
        if len(repaired) <= MAX_SEMVER and _SEMVER.fullmatch(repaired):
            return f"write {repaired!r}"
    return "as v1.2.0, v1.2.0-rc.1 or v1.2.0+build.5"


SemverKey = tuple[int, int, int, bool, tuple[tuple[bool, int, str], ...], str]


def semver_key(version: str) -> SemverKey:
    """What to sort by: SemVer's precedence, then the text of the build, so that the order is always the same.

    >>> sorted(["v1.0.0", "v1.0.0-rc.10", "v1.0.0-rc.2", "v0.9.0"], key=semver_key)
    ['v0.9.0', 'v1.0.0-rc.2', 'v1.0.0-rc.10', 'v1.0.0']
    """
    major, minor, patch, before, build = _semver(version).groups()
    labels = before.split(".") if before else []
    rank = tuple((not w.isdigit(), int(w) if w.isdigit() else 0, w) for w in labels)
    return int(major), int(minor), int(patch), not before, rank, build or ""


def bump(version: str, part: Part) -> str:
    """The next version; like GTO's, a bump always counts up, from a pre-release too.

    >>> bump("v1.2.3", "minor"), bump("v2.0.0-rc.1", "patch")
    ('v1.3.0', 'v2.0.1')
    """
    major, minor, patch = (int(n) for n in _semver(version).groups()[:3])
    match part:
        case "major":
            return f"v{major + 1}.0.0"
        case "minor":
            return f"v{major}.{minor + 1}.0"
        case "patch":
            return f"v{major}.{minor}.{patch + 1}"
        case _:
            raise InvalidInput(f"no part {part!r} of a version", hint="major, minor or patch")


def fold_case_key(name: str) -> str:
    """Equal for two names that differ by case or normal form only; such a pair is refused when the second comes.

    >>> fold_case_key("Churn") == fold_case_key("ｃｈｕｒｎ")
    True
    """
    once = unicodedata.normalize("NFKC", name).casefold()
    return unicodedata.normalize("NFKC", once).casefold()


def refuse_twin(name: str, existing: str, *, kind: str = "model") -> None:
    """Raise `InvalidName` when a new name is another spelling of one that exists."""
    if name != existing and fold_case_key(name) == fold_case_key(existing):
        raise InvalidName(
            f"{kind} name {name!r} is refused: it differs from {existing!r} by case or normal form only",
            hint=f"use {existing!r}, or a name of its own",
        )
