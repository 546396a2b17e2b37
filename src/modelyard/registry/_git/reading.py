"""All tags of a repository in one run of Git, and which of them count.

GTO reads a tag that is annotated, has a tagger with name and email, and stands at a commit. Of one that is not so it
either says nothing or dies with every command; we pass it over and say why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from modelyard.registry._git.collecting import without_collector
from modelyard.registry._git.tags import Action, TagName, parse
from modelyard.stores.git.command import git

_FIELDS = (
    *("refname:strip=2", "objectname", "objecttype", "tag", "taggername", "taggeremail"),
    *("taggerdate:raw", "*objecttype", "*objectname", "contents:signature", "contents"),
)
FORMAT = "%00".join(f"%({name})" for name in _FIELDS) + "%00"


_LAST = 253_402_300_800
"""The year 10000, which no calendar of ours or GTO's reaches; and there is no zone beyond 14 hours."""


class Tag(NamedTuple):
    """One tag that counts."""

    ref: str
    """The name under ``refs/tags/``; what it says is what stands inside it."""
    said: TagName
    text: str
    """The name inside."""
    oid: str
    commit: str
    tagger: str
    email: str
    at: int
    """When, in seconds since 1970."""
    zone: str
    message: str


class Skipped(NamedTuple):
    """A tag that looks like a registry's and does not count: why, and what to do. ``rule`` is a word for programs."""

    ref: str
    rule: str
    why: str
    hint: str = ""


class Tags(NamedTuple):
    """What stands under ``refs/tags/`` at one moment."""

    tags: Sequence[Tag] = ()
    skipped: Sequence[Skipped] = ()
    refs: Mapping[str, str] = MappingProxyType({})
    """Every ref there and its object, those that are no registry's too: none of these names can be written."""


def read(folder: Path) -> Tags:
    """All tags of the repository that a folder is in."""
    text = git(folder, "for-each-ref", f"--format={FORMAT}", "refs/tags/")
    return parse_records(text, lambda refs: _peeled(folder, refs))


Peeled = Mapping[str, tuple[str, str]]
"""Ref -> the type and name of what is below all tags of tags."""


@without_collector()
def parse_records(text: bytes, peel: Callable[[Sequence[str]], Peeled]) -> Tags:
    """What ``git for-each-ref`` printed; ``peel`` looks below tags of tags, of which Git before 2.45 shows one."""
    words = text.decode(errors="replace").split("\0")
    width = len(_FIELDS)
    rows = [words[n : n + width] for n in range(0, len(words) - 1, width)]
    for row in rows:
        row[0] = row[0].lstrip("\n")
    nested = [row[0] for row in rows if row[7] == "tag" and parse(row[0])]
    peeled = peel(nested) if nested else {}
    tags: list[Tag] = []
    skipped: list[Skipped] = []
    seen: set[str] = set()
    for row in rows:
        said = parse(row[0])
        if said is None:
            continue
        if row[0] in peeled:
            row[7:9] = peeled[row[0]]
        found = _judged(row, said)
        if isinstance(found, Skipped):
            skipped.append(found)
        elif found.oid not in seen:  # a second ref to one tag is the same event
            seen.add(found.oid)
            tags.append(found)
    return Tags(tags, skipped, {row[0]: row[1] for row in rows})


def _judged(row: Sequence[str], of_ref: TagName) -> Tag | Skipped:
    ref, oid, kind, text, tagger, email, date, target, commit, signature, contents = row
    email = email.strip("<>").strip()
    again = f"git tag -d '{ref}', and make it anew"
    if kind != "tag":
        return Skipped(ref, "lightweight", "it is lightweight: nobody says when and who", f"if it came so by a checkout: git fetch --force origin 'refs/tags/{ref}:refs/tags/{ref}'; else {again}")  # fmt: skip
    if not tagger or not email or not date:
        return Skipped(ref, "tagger", "it has no tagger with name and email: GTO dies of it", again)
    if target != "commit":
        return Skipped(ref, "target", f"it is at a {target or 'thing'}, not at a commit: GTO dies of it", again)  # fmt: skip
    said = of_ref if text == ref else parse(text)
    if said is None:
        return Skipped(ref, "inside", f"inside it is named {text!r}: GTO dies of it", again)
    if said.action is Action.CREATE:
        return Skipped(ref, "created", "GTO dies of such a tag", f"git tag -d '{ref}'")
    at, zone = date.split()
    if not _LAST > int(at) >= 0 or abs(int(zone)) > 1400:
        return Skipped(ref, "date", f"it was made at {date}, which is no time", again)
    if signature:
        contents = contents.removesuffix("\n").removesuffix(signature.removesuffix("\n"))
    return Tag(ref, said, text, oid, commit, tagger, email, int(at), zone, contents.strip())


def _peeled(folder: Path, refs: Sequence[str]) -> Peeled:
    asked = "".join(f"refs/tags/{ref}^{{}}\n" for ref in refs).encode()
    told = git(folder, "cat-file", "--batch-check=%(objecttype) %(objectname)", input=asked)
    pairs = (line.split(" ", 1) for line in told.decode().splitlines())
    return {ref: (pair[0], pair[1]) for ref, pair in zip(refs, pairs, strict=True)}
