"""Copies and links: the same object at another path."""

from __future__ import annotations

from pathlib import Path

from modelyard.base.errors import InvalidInput
from modelyard.objects.card import Card
from modelyard.objects.copying import copy_source
from modelyard.objects.linking import path_ref, write_link
from modelyard.objects.targets import target_path
from modelyard.yard.places import whole_ref
from modelyard.yard.resolving import opened_place, resolve


def clone(
    ref: str | Path, target: str | Path, *, project: str | None = None, rev: str | None = None
) -> Card:
    """Copy what a reference stands for to ``target``, every file verified; what another tool saved becomes an object of
    ours. Of a link, what it leads to is copied.

    >>> import tempfile, modelyard as my
    >>> folder = tempfile.mkdtemp()
    >>> _ = my.save([1, 2], f"{folder}/numbers")
    >>> my.load(my.clone(f"{folder}/numbers", f"{folder}/copy").path)
    [1, 2]
    """
    source = resolve(ref, project=project, rev=rev)
    if source.card.kind in ("model", "data") and not source.card.artifact:
        raise InvalidInput(f"{source.ref or ref} has no files to copy")
    return copy_source(source, target)


def link(
    ref: str | Path,
    target: str | Path,
    *,
    project: str | None = None,
    rev: str | None = None,
    absolute: bool = False,
) -> Card:
    """Make ``target`` stand for another object: a saved one here or anywhere, or a registered name such as ``churn#prod``.

    A path is kept as seen from the link, so that both can be moved together; ``absolute`` keeps where it is now.

    >>> import tempfile, modelyard as my
    >>> folder = tempfile.mkdtemp()
    >>> _ = my.save([1, 2], f"{folder}/numbers")
    >>> _ = my.link(f"{folder}/numbers", f"{folder}/latest")
    >>> my.load(f"{folder}/latest")
    [1, 2]
    """
    resolve(ref, project=project, rev=rev)
    place = opened_place(ref, project, rev)
    if place is None:
        return write_link(whole_ref(str(ref), project, rev), target)
    text = place.resolve().as_posix() if absolute else path_ref(place, target_path(target))
    return write_link(text, target)
