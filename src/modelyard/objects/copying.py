"""Write a resolved object to a path: verified files and the card, as if it had been saved there."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from modelyard.base.digests import CHUNK
from modelyard.objects.card import Card
from modelyard.objects.card_file import card_text
from modelyard.objects.placing import ARTIFACT, CARD
from modelyard.objects.source import Source
from modelyard.objects.targets import target_at


def copy_source(source: Source, path: str | Path) -> Card:
    """Copy an object to ``path``, or to an address in a bucket or on a server; every file is verified on the way."""
    target = target_at(path)
    names = list(source.files.names())
    single = names == ["artifact"]
    entries = tuple(
        replace(entry, path=target.path.name if single else f"{target.path.name}/{name}")
        for name, entry in zip(names, source.card.artifact, strict=True)
    )
    card = target.named(source.card.but(artifact=entries))
    with target.placing() as work:
        for name in names:
            out = work / ARTIFACT if single else work / ARTIFACT / name
            out.parent.mkdir(parents=True, exist_ok=True)
            with source.files.open(name) as stream, out.open("wb") as copy:
                shutil.copyfileobj(stream, copy, CHUNK)
        (work / CARD).write_text(card_text(card), "utf-8", newline="\n")
    return card.but(path=target.card)
