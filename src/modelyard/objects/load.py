"""Load a saved object: verify, decide about trust, compare the environment, and only then open anything."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, cast

from modelyard import environments
from modelyard.base import plugins
from modelyard.base.errors import (
    Corrupted,
    EnvironmentMismatch,
    InvalidCard,
    InvalidInput,
    ModelFailed,
    NotSupported,
)
from modelyard.base.notes import note
from modelyard.objects import formats, trust
from modelyard.objects.card import Card
from modelyard.objects.describing import describe_model, functions_of
from modelyard.objects.files import ArtifactFiles, Part
from modelyard.objects.flavors import find
from modelyard.objects.interface import Files, FilesReader, Flavor, ModelFormat, Tier
from modelyard.objects.model import Model
from modelyard.objects.native import reading_format
from modelyard.objects.source import Source
from modelyard.objects.steps import STEPS, SteppedModel
from modelyard.types.schema import Signature
from modelyard.types.signatures import by_name, by_names_of, with_classes

CheckEnv = Literal["warn", "error", "off"]

MODULES = "modules/"
STEP_FOLDER = "steps/"


def load_object(source: Source, *, trust: str | None = None, check_env: CheckEnv = "warn") -> Any:
    """The object as users had it: a model with its methods, or the data."""
    if source.card.kind == "data":
        return load_data(source, trust=trust)
    if not source.card.flavor:  # a file of another tool that does not tell what it holds
        return open_checked(source, trust, check_env)[0]
    return load_model(source, trust=trust, check_env=check_env).object


def load_model(source: Source, *, trust: str | None = None, check_env: CheckEnv = "warn") -> Model:
    """The model with its card and callable methods. `Untrusted` when it runs code nobody vouched for here."""
    obj, steps = open_checked(source, trust, check_env)
    card = source.card
    flavor = flavor_of(card, obj)
    before, after = (steps.get(step) for step in STEPS)
    known = None if source.outlined else known_methods(card)
    functions = functions_of(obj, flavor, before, after, known)
    if not card.methods or source.outlined:
        card = card.but(methods=completed(card.methods, functions))
    classes = {n: with_classes(s, functions[n]) for n, s in card.methods.items() if n in functions}
    card = card.but(methods={**card.methods, **classes})
    if steps:
        obj = SteppedModel(obj, functions, before, after)
    callable_by_name = {
        name: by_names_of(f, card.methods[name]) if name in card.methods else by_name(f)
        for name, f in functions.items()
    }
    return Model(card, obj, callable_by_name, source.name, source.version, source.provenance)


def open_checked(
    source: Source, trust: str | None, check_env: CheckEnv
) -> tuple[Any, dict[str, Callable[..., Any]]]:
    """The bare object and its steps, once trust and environment have been looked at."""
    card = source.card
    if card.kind != "model":
        raise InvalidInput(f"{source.ref or source.name} is {card.kind}, not a model")
    tier, reader = effective_tier(card)
    decide_trust(source, tier, trust)
    compare_environment(card, check_env, source.ref or source.name)
    with environments.importable(module_folder(source.files, card)):
        with difference_told(card, source.ref or source.name):
            obj = reader.load(Part(source.files, without=(MODULES, STEP_FOLDER)))
        return obj, {step: load_step(source.files, card, step) for step in card.steps}


def flavor_of(card: Card, obj: Any) -> Flavor:
    """The flavor that the card names; of a file that did not tell, that of what was in it."""
    return cast(Flavor, plugins.load("flavors", card.flavor)) if card.flavor else find(obj)


def known_methods(card: Card) -> list[str] | None:
    """The methods the card lists; None when it was saved without any."""
    return list(card.methods) or None


def completed(
    known: Mapping[str, Signature], functions: Mapping[str, Callable[..., Any]]
) -> Mapping[str, Signature]:
    """The signatures of a live object's methods. Where one is known, methods whose first argument has the same name take
    the same."""
    found = dict(describe_model(functions, {}).signatures)
    for method, signature in known.items():
        own = next(iter(found[method].args), None) if method in found else None
        first = next(iter(signature.args.values()), None)
        if own is not None and first is not None:
            for name, other in found.items():
                if next(iter(other.args), None) == own:
                    found[name] = replace(other, args={**other.args, own: first})
    return {**found, **known}


def effective_tier(card: Card) -> tuple[Tier, ModelFormat]:
    """What loading can do, and the format that reads it. The format decides, not the card's word for it."""
    if card.format is None:
        raise InvalidCard(f"{card.path or 'card'}: a model needs a 'format'")
    reader = reading_format(card.format.name, card.flavor)
    tiers = [reader.TIER, card.format.tier]
    tiers += [step_format(step).TIER for step in card.steps.values()]
    if card.requirements.modules:
        tiers.append(2)
    return cast(Tier, max(tiers)), reader


def decide_trust(source: Source, tier: Tier, given: str | None) -> None:
    """Refuse code that nobody on the reader's side vouched for."""
    if source.trusted and given is None:
        return
    reasons = source.card.format.reasons if source.card.format else ()
    trust.decide(
        source.card.digest, tier, trust=given, reasons=reasons, ref=source.ref or source.name
    )


def compare_environment(card: Card, mode: CheckEnv, name: str) -> None:
    """Tell each difference in a line, or refuse with ``"error"``."""
    if mode == "off":
        return
    if mode not in ("warn", "error"):
        raise InvalidInput(f"check_env={mode!r} is none of 'warn', 'error', 'off'")
    differences = environments.check(card.requirements)
    if not differences:
        return
    lines = environments.describe(differences)
    if mode == "error":
        raise EnvironmentMismatch(
            f"{name} was saved in another environment:\n  " + "\n  ".join(lines),
            hint=environments.fix_line(differences),
        )
    for line in lines:
        note(f"{name}: {line}")


@contextlib.contextmanager
def difference_told(card: Card, name: str) -> Iterator[None]:
    """What fails while it is read in another environment than it was saved in says so, with both versions."""
    try:
        yield
    except (EnvironmentMismatch, ModelFailed, Corrupted) as error:
        differences = environments.check(card.requirements)
        foreign = isinstance(
            error.__cause__, Exception
        )  # a library's own complaint, no wrong digest
        if not differences or (isinstance(error, Corrupted) and not foreign):
            raise
        kind = EnvironmentMismatch if isinstance(error, Corrupted) else type(error)
        lines = "; ".join(environments.describe(differences))
        first = error.message.partition("\n")[0].rstrip(":")
        raise kind(
            f"{name} cannot be read here ({lines}): {first}",
            hint=environments.fix_line(differences),
        ) from error
    except ModuleNotFoundError as error:  # whoever reads it has no words of its own for that
        differences = environments.check(card.requirements)
        if not differences:
            raise
        lines = "; ".join(environments.describe(differences))
        raise EnvironmentMismatch(
            f"{name} cannot be read here ({lines})", hint=environments.fix_line(differences)
        ) from error


def module_folder(files: ArtifactFiles, card: Card) -> Path | None:
    """A verified copy of the local modules that came with the model, or None."""
    if not card.requirements.modules:
        return None
    part = Part(files, MODULES)
    folder = None
    for name in part.names():
        folder = part.local(name).parents[name.count("/")]
    return folder


def load_step(files: ArtifactFiles, card: Card, step: str) -> Callable[..., Any]:
    """A pre- or post-processing step."""
    if step not in STEPS:
        raise InvalidCard(f"{card.path or 'card'}: steps.{step} is none of {', '.join(STEPS)}")
    part: Files = Part(files, f"{STEP_FOLDER}{step}/")
    return step_format(card.steps[step]).load(part)


def step_format(entry: Mapping[str, Any]) -> ModelFormat:
    """The format of a step, from its entry on the card."""
    return reading_format(str(entry["format"]["name"]), str(entry.get("flavor", "")))


def load_data(source: Source, *, trust: str | None = None) -> Any:
    """The value of a data object, in the types of its schema."""
    card = source.card
    if card.kind != "data" or card.format is None:
        raise NotSupported(
            f"{source.ref or source.name} is a {card.kind}; it cannot be loaded as data"
        )
    reader = formats.named(card.format.name)
    decide_trust(source, max(cast(Tier, reader.TIER), card.format.tier), trust)
    if isinstance(reader, FilesReader):
        return reader.read_files(source.files, card.schema)
    [name] = source.files.names()
    with source.files.open(name, private=reader.TIER > 0) as stream:
        return reader.read(stream, card.schema)
