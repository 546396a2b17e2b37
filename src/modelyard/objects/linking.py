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
from modelyard.objects.source import Source
from modelyard.objects.targets import target_path

MOST = 16

Step = Callable[[Source, str], Source]
"""What a path leads to that a link names; without following any further."""
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


def followed(source: Source, step: Step, named: Named | None) -> Source:
    """What a chain of links leads to, under the first link's name; what is no link is its own end.

    ``named`` opens what is no path.
    """
    end, seen = source, [_where(source)]
    while end.card.kind == "link":
        ref = end.card.options.get("ref")
        if not isinstance(ref, str):
            raise InvalidCard(
                f"{end.card.path or end.ref}: options.ref: a link needs what it leads to"
            )
        parsed = parse(ref)
        if not isinstance(parsed, PathRef | BareRef):
            if named is None:
                raise NotSupported(f"{end.ref} leads to {ref}, which is no path")
            end = named(ref)
            break
        end = step(end, parsed.path)
        place = _where(end)
        if place in seen or len(seen) >= MOST:
            why = f"leads back to {place}" if place in seen else f"is over {MOST} links long"
            raise InvalidReference(f"{source.card.path or source.ref}: this chain of links {why}")
        seen.append(place)
    return source if end is source else replace(end, name=source.name)


def _where(source: Source) -> str:
    return str(Path(source.card.path).resolve()) if source.card.path else source.ref
