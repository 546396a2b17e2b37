"""What registering decides: which version a content becomes, or that it is one already. Pure, as all of `decisions`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from modelyard.base.errors import AlreadyExists, InvalidInput
from modelyard.base.events import Draft, Kind
from modelyard.base.names import Part, RegistryKind, bump, check_name, check_semver, semver_key
from modelyard.registry import queries
from modelyard.registry.decisions import plain, subject
from modelyard.registry.interface import ModelState, Version, Versioning

_NONE_YET = "v0.0.0"
_DIGEST = re.compile(r"[0-9a-f]{64}")


def register(
    state: ModelState,
    *,
    versioning: Versioning = "number",
    digest: str = "",
    facts: Mapping[str, Any] | None = None,
    commit: str = "",
    semver: str | None = None,
    bump: Part | None = None,
    reuse: bool = True,
    comment: str = "",
) -> list[Draft]:
    """The next version, of content ``digest`` (hex sha256), with what else is known of it.

    Where versions are numbers, ``semver`` is a label no other version has; ``bump`` makes the next one above all ever
    given. Where they are SemVer, it is the version itself, and one commit has one version. Content that is registered
    already is the version it was (a new label is added to it); a deregistered one comes back under its number. With
    ``reuse=False`` every call gives out a number.
    """
    if semver and bump:
        raise InvalidInput("a version and a bump exclude each other")
    if semver:
        check_semver(semver)
    digest = check_digest(digest)
    wanted = semver or (next_semver(state, bump) if bump else None)
    if versioning == "number":
        known = same_content(state, digest=digest) if reuse else None
        label, semver = _numbered(state, known, wanted, given=semver is not None)
    else:
        known = _known_semver(state, digest, commit, wanted, given=semver is not None)
        label = semver = known.label if known else wanted or next_semver(state, "patch")
    if known and known.active:
        return _labelled(state, known, semver, comment)
    after = {
        "version": label,
        "semver": semver,
        "digest": digest,
        "commit": commit,
        "facts": plain(facts),
    }
    draft = Draft(Kind.VERSION_REGISTERED, subject(state.name), after=after, comment=comment)
    return [*_creating(state, versioning), draft]


def _creating(state: ModelState, versioning: Versioning) -> list[Draft]:
    """A yard says when a model begins; in Git its first tag is the beginning."""
    if state.exists:
        return []
    kind: RegistryKind = "yard" if versioning == "number" else "git"
    check_name(state.name, registry=kind)
    return [Draft(Kind.MODEL_CREATED, subject(state.name))] if kind == "yard" else []


def _numbered(
    state: ModelState, known: Version | None, wanted: str | None, *, given: bool
) -> tuple[str, str | None]:
    """The label and the SemVer of the version to register, where versions are numbers."""
    if known and known.semver and wanted != known.semver:
        if given:
            raise AlreadyExists(
                f"this content is version {known.label} of {state.name!r}, with the label {known.semver}"
            )
        wanted = known.semver
    other = queries.with_semver(state, wanted) if wanted else None
    if other and other is not known:
        raise AlreadyExists(
            f"{wanted} is version {other.label} of {state.name!r}",
            hint=f"the next free ones are {', '.join(_free(state))}",
        )
    return known.label if known else str(state.counter + 1), wanted


def _known_semver(
    state: ModelState, digest: str, commit: str, wanted: str | None, *, given: bool
) -> Version | None:
    """The version that is meant, where versions are SemVer and it is there already."""
    here = same_content(state, commit=commit)
    if here:
        if given and wanted != here.label:
            raise AlreadyExists(
                f"commit {commit[:12]} is version {here.label} of {state.name!r} already",
                hint="one commit has one version; make another commit, an empty one will do",
            )
        return here
    taken = state.versions.get(wanted) if wanted else None
    if taken and (commit or taken.digest != digest):
        raise AlreadyExists(
            f"version {wanted} of {state.name!r} is registered {_where(taken)}",
            hint=f"the next free ones are {', '.join(_free(state))}",
        )
    return taken or (None if wanted or commit else same_content(state, digest=digest))


def _where(version: Version) -> str:
    return f"at another commit, {version.commit[:12]}" if version.commit else "with other content"


def _free(state: ModelState) -> list[str]:
    return [next_semver(state, part) for part in ("patch", "minor", "major")]


def _labelled(state: ModelState, known: Version, semver: str | None, comment: str) -> list[Draft]:
    """Nothing, or a SemVer for a version that had none."""
    if known.semver == semver:
        return []
    before, after = (
        {"version": known.label, "semver": None},
        {"version": known.label, "semver": semver},
    )
    return [Draft(Kind.VERSION_DESCRIBED, subject(state.name), before, after, comment)]


def same_content(state: ModelState, *, digest: str = "", commit: str = "") -> Version | None:
    """The version with that content (or at that commit): an active one if there is one, the newest of several."""
    same = [
        v
        for v in state.versions.values()
        if (digest and v.digest == digest) or (commit and v.commit == commit)
    ]
    return max(same, key=lambda v: (v.active, v.seq), default=None)


def known_version(
    state: ModelState, *, digest: str, commit: str = "", semver: str | None = None
) -> Version | None:
    """The version that `register` finds there already: by its SemVer, its commit (in Git), or its content."""
    if semver:
        return queries.with_semver(state, semver)
    here = same_content(state, commit=commit)
    if here and here.number is None:
        return here
    return same_content(state, digest=check_digest(digest))


def next_semver(state: ModelState, part: Part) -> str:
    """A bump of the highest SemVer that any version here has, deregistered ones too: their tags may still exist."""
    known = [v.semver for v in state.versions.values() if v.semver]
    return bump(max(known, key=semver_key, default=_NONE_YET), part)


def check_digest(digest: str) -> str:
    """A content's sha256 in hex, given with or without ``sha256:``; empty where the content is not known."""
    digest = digest.removeprefix("sha256:")
    if digest and not _DIGEST.fullmatch(digest):
        raise InvalidInput(f"{digest[:80]!r} is not a sha256", hint="64 hex digits")
    return digest
