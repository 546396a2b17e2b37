"""Make an object of ours from what another tool saved: a card beside it, a copy with a card, or a fresh save."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from modelyard.base.errors import InvalidInput, NotSupported
from modelyard.base.paths import list_below
from modelyard.objects import formats
from modelyard.objects.card import Card
from modelyard.objects.card_file import card_path, write_card
from modelyard.objects.copying import copy_source
from modelyard.objects.importers import foreign_source
from modelyard.objects.load import flavor_of, load_model, load_object
from modelyard.objects.native import reading_format
from modelyard.objects.provenance import created_now
from modelyard.objects.sampling import MAX_ROWS
from modelyard.objects.save import data_sample, describe, save
from modelyard.objects.source import Source
from modelyard.objects.targets import target_at
from modelyard.types import infer
from modelyard.types.profile import profile

DESCRIBED = 1 << 30
"""Data up to this size is read for its schema and profile."""


def import_object(
    source: str | Path,
    target: str | Path | None = None,
    *,
    type: str | None = None,
    sample_data: Any = None,
    trust: str | None = None,
) -> Card:
    """The card of what a path holds from now on.

    Without a sample the bytes stay as they are, and no model is loaded: a card is written beside the file, or with a
    ``target`` a copy with its card is made there. With a sample the model is loaded (what runs code must be trusted),
    tried on the sample, and saved anew in its safest format.
    """
    path = Path(str(source)).expanduser()
    found = foreign_source(path, type)
    if sample_data is not None:
        return _saved_anew(found, _target(path, target), sample_data, trust)
    card = replace(_described(found), created=created_now(path.parent))
    found = replace(found, card=card)
    if target is not None:
        return copy_source(found, target)
    if path.is_dir() and set(found.files.names()) != set(list_below(path)):
        raise InvalidInput(
            f"{path} holds more than the model: a card beside it would not vouch for all of it",
            hint="say where to put a copy: import SOURCE TARGET",
        )
    own = [entry.path for entry in card.artifact if entry.path.split("/")[0] != path.name]
    if own:
        raise InvalidInput(
            f"{path} is more than one file: a card beside it would not hold {own[0]!r}",
            hint="say where to put a copy: import SOURCE TARGET",
        )
    write_card(card, card_path(path))
    return card.but(path=str(card_path(path)))


def _target(path: Path, target: str | Path | None) -> str | Path:
    """Where a fresh save goes when nobody says: the file's name without its suffix, in this folder."""
    if target is not None:
        return target
    name = path.name.partition(".")[0]
    if not name or (Path(name).exists() and not card_path(Path(name)).exists()):
        raise InvalidInput(
            f"there is {name or 'no name'} here already, so that {path} has no place to go",
            hint="say where to: import SOURCE TARGET",
        )
    return name


def _saved_anew(source: Source, target: str | Path, sample: Any, trust: str | None) -> Card:
    """Loaded, described and saved in the safest format that brings it back."""
    if source.card.kind != "model":
        raise NotSupported(
            f"{source.ref} is {source.card.kind}; a sample is for models",
            hint="import it without a sample",
        )
    if _stays(source.card):
        return _tried(source, target, sample, trust)
    return save(
        load_object(source, trust=trust),
        target,
        sample_data=sample,
        description=source.card.description,
        labels=source.card.labels or None,
        metrics=source.card.metrics or None,
        metadata=source.card.metadata or None,
    )


def _stays(card: Card) -> bool:
    """Whether its format says that what it reads can be written in no other (``STAYS``)."""
    return card.format is not None and bool(
        getattr(reading_format(card.format.name, card.flavor), "STAYS", False)
    )


def _tried(source: Source, target: str | Path, sample: Any, trust: str | None) -> Card:
    """Its own files, with the methods as they are on the sample."""
    model = load_model(source, trust=trust)
    found = describe(model.object, flavor_of(source.card, model.object), sample, None, {})
    card = source.card.but(
        methods=found.signatures,
        sample=found.card_sample(),
        created=created_now(target_at(target).beside),
    )
    return copy_source(replace(source, card=card), target)


def _described(source: Source) -> Card:
    """The card; of data that can be read without trust with its schema, profile and first rows."""
    card = source.card
    names = list(source.files.names())
    safe = card.kind == "data" and card.format is not None and card.format.tier < 2
    if not safe or len(names) != 1 or card.artifact[0].size > DESCRIBED or card.schema is not None:
        return card
    assert card.format is not None
    with source.files.open(names[0]) as stream:
        value = formats.named(card.format.name).read(stream, None)
    kind = infer(value)
    return card.but(
        schema=kind,
        profile=tuple(profile(value)) if kind.kind in ("dataframe", "series") else (),
        shape=tuple(int(n) for n in getattr(value, "shape", ()) or ()),
        sample=data_sample(value, kind, MAX_ROWS),
    )
