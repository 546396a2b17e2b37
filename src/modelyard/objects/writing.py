"""Write an object's bytes: the first format that holds it and brings equal outputs back, and what files that made."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelyard.base.digests import FileEntry, sha256_file
from modelyard.base.errors import MissingExtra, ModelyardError, UnknownMethod, UnsupportedType
from modelyard.base.notes import note
from modelyard.base.paths import discard, list_below
from modelyard.objects.card import FormatInfo
from modelyard.objects.describing import Described, by_names, functions_of
from modelyard.objects.equality import same_output
from modelyard.objects.files import FolderFiles
from modelyard.objects.interface import Flavor, ModelFormat
from modelyard.objects.native import model_format
from modelyard.types.stream import beginning


def write_best(
    obj: Any,
    flavor: Flavor,
    folder: Path,
    described: Described | None,
    wanted: str | None = None,
) -> tuple[FormatInfo, ModelFormat]:
    """Write with the first format that can hold the object and gives equal outputs back."""
    names = [wanted] if wanted else list(flavor.FORMATS)
    reasons: list[str] = []
    for name in names:
        writer = model_format(name, flavor)
        attempt = folder / "attempt"
        attempt.mkdir()
        try:
            writer.dump(obj, attempt)
            if writer.TIER < 2 and described is not None:
                check_round_trip(obj, flavor, writer, attempt, described)
        except (UnsupportedType, RoundTripFailed, MissingExtra) as error:
            if name == names[-1]:
                raise
            reasons += error.details.get("types", [error.message])
            if isinstance(error, MissingExtra):
                note(f"{error.message}: {error.hint}")
            discard(attempt)
            continue
        for file in attempt.iterdir():
            file.rename(folder / file.name)
        attempt.rmdir()
        return tiered(writer, reasons, obj), writer
    raise UnsupportedType(f"no format can hold a {type(obj).__name__}")


class RoundTripFailed(ModelyardError):
    """A format wrote the object, but what it reads back answers differently."""


def check_round_trip(
    obj: Any, flavor: Flavor, writer: ModelFormat, folder: Path, described: Described
) -> None:
    """Load what was written and compare its outputs on the sample with the live object's."""
    loaded = writer.load(FolderFiles(folder))
    try:
        again = by_names(functions_of(loaded, flavor, wanted=list(described.results)))
    except UnknownMethod as error:
        raise RoundTripFailed(f"{writer.NAME} brings another object back: {error}") from error
    equal = getattr(flavor, "same_output", same_output)
    for method, result in described.results.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # they were not heard the first time either
                same = equal(beginning(again[method](**described.arguments[method])), result)
        except Exception as error:
            raise RoundTripFailed(f"{writer.NAME} does not bring {method} back: {error}") from error
        if not same and _is_steady(described, method, equal):
            raise RoundTripFailed(f"{writer.NAME} does not bring equal {method} back")


def _is_steady(described: Described, method: str, equal: Callable[[Any, Any], bool]) -> bool:
    """Whether the live object itself gives the same answer twice: one that draws random numbers proves nothing."""
    again = by_names(described.functions)[method](**described.arguments[method])
    return equal(beginning(again), described.results[method])


def tiered(writer: ModelFormat, reasons: Sequence[str], obj: Any) -> FormatInfo:
    """The format's line of the card; a tier 2 that could have been safer is told once, with the reason."""
    if writer.TIER == 2 and reasons:
        shown = ", ".join(list(dict.fromkeys(reasons))[:3])
        note(
            f"{type(obj).__name__} is saved as {writer.NAME} (tier 2: loading it runs code) because of {shown}; "
            "without these it would be tier 1"
        )
    if writer.TIER == 2 and not reasons:
        own = f"{type(obj).__module__}.{type(obj).__qualname__}"
        reasons = [getattr(writer, "REASON", "") or own]
    return FormatInfo(writer.NAME, writer.TIER, tuple(dict.fromkeys(reasons))[:20])


def raised(info: FormatInfo, steps: Mapping[str, Any], modules: Sequence[str]) -> FormatInfo:
    """Steps and local modules are code: whatever the model's own format, loading them runs it."""
    if not steps and not modules:
        return info
    reasons = [*info.reasons, *(f"step {s}" for s in steps), *(f"module {m}" for m in modules)]
    return FormatInfo(info.name, 2, tuple(dict.fromkeys(reasons))[:20])


def move_artifact(folder: Path, target: Path, name: str) -> tuple[FileEntry, ...]:
    """One file alone becomes the artifact itself; several stay a folder."""
    names = list_below(folder)
    if len(names) == 1 and "/" not in names[0]:
        (folder / names[0]).rename(target)
        folder.rmdir()
    else:
        folder.rename(target)
    return entries_of(target, name)


def entries_of(artifact: Path, name: str) -> tuple[FileEntry, ...]:
    """The card's list of files, relative to the card's folder."""
    if artifact.is_file():
        sha256, size = sha256_file(artifact)
        return (FileEntry(name, size, sha256),)
    return entries_below(artifact, name)


def entries_below(folder: Path, name: str) -> tuple[FileEntry, ...]:
    """The files of a folder, as they stand below ``name``."""
    entries: list[FileEntry] = []
    for inner in list_below(folder):
        sha256, size = sha256_file(folder / inner)
        entries.append(FileEntry(f"{name}/{inner}", size, sha256))
    return tuple(entries)
