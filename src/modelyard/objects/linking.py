"""Links: a card that stands for another object, by a path from its own folder or by a registered name.

``{kind: link, options: {ref: ./rf}}``. A link may lead to a link, up to `MOST` times; a circle is told.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from modelyard.base.errors import AlreadyExists, InvalidCard, InvalidReference, NotSupported
from modelyard.base.refs import BareRef, PathRef, parse
from modelyard.objects.card import Card
from modelyard.objects.card_file import card_path, read_card, write_card
from modelyard.objects.provenance import created_now
from modelyard.objects.save import target_path
from modelyard.objects.source import Source

MOST = 16

Opener = Callable[[Path], Source]
Named = Callable[[str], Source]


def write_link(ref: str, path: str | Path) -> Card:
    """A link at ``path``; ``ref`` as it stands in the card: ``./rf``, ``../models/rf``, ``/srv/rf``, ``churn#prod``.

    An earlier link is replaced; anything else in the way is `AlreadyExists`.
    """
    target = target_path(path)
    card_file = card_path(target)
    if target.exists() or (card_file.exists() and read_card(card_file).kind != "link"):
        raise AlreadyExists(f"{target} exists and is no link", hint="choose another path")
    target.parent.mkdir(parents=True, exist_ok=True)
    card = Card(kind="link", options={"ref": ref}, created=created_now(target.parent))
    write_card(card, card_file)
    return card.but(path=str(card_file))


def path_ref(there: Path, link: Path) -> str:
    """A path as a link writes it: from the link's own folder, so that both can be moved together."""
    relative = os.path.relpath(there.resolve(), link.parent.resolve())
    text = Path(relative).as_posix()
    return text if text.startswith("../") else f"./{text}"


def followed(source: Source, opened: Opener, named: Named | None) -> Source:
    """What a chain of links leads to, under the first link's name; what is no link is its own end.

    ``opened`` opens a path without following, ``named`` what is no path.
    """
    end, seen = source, [Path(source.card.path).resolve()]
    while end.card.kind == "link":
        ref = end.card.options.get("ref")
        if not isinstance(ref, str):
            raise InvalidCard(f"{end.card.path}: options.ref: a link needs what it leads to")
        parsed = parse(ref)
        if not isinstance(parsed, PathRef | BareRef):
            if named is None:
                raise NotSupported(f"{end.card.path} leads to {ref}, which is no path")
            end = named(ref)
            break
        text = parsed.path if isinstance(parsed, PathRef) else parsed.text
        end = opened(Path(end.card.path).parent / Path(text).expanduser())
        if not end.card.path:  # what another tool saved: no link of ours any more
            break
        place = Path(end.card.path).resolve()
        if place in seen or len(seen) >= MOST:
            why = f"leads back to {place}" if place in seen else f"is over {MOST} links long"
            raise InvalidReference(f"{source.card.path}: this chain of links {why}")
        seen.append(place)
    return source if end is source else replace(end, name=source.name)
