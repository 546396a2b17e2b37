"""How a model's bytes are written: formats of one library beside its flavor, and those that hold models of many.

A flavor lists names under ``FORMATS``, safest first. A name is looked up among the flavor's own ``NATIVE`` formats, then
among the files of ``formats/``. So a new flavor is one file, its library's own format included.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from modelyard.base import plugins
from modelyard.base.errors import UnsupportedFormat, did_you_mean
from modelyard.objects.interface import DataFormat, Files, Flavor, ModelFormat, Tier


def _nothing(_: Files) -> Sequence[str]:
    return ()


@dataclass(frozen=True)
class NativeFormat:
    """A `ModelFormat` that one library writes and reads, as data: an item of a flavor's ``NATIVE``."""

    NAME: str
    TIER: Tier
    SUFFIX: str
    dump: Callable[[Any, Path], None]
    """As `ModelFormat.dump`: write into an empty folder, or raise `UnsupportedType` and leave nothing."""
    load: Callable[[Files], Any]
    inspect: Callable[[Files], Sequence[str]] = _nothing
    LIBRARIES: Sequence[str] = ()
    """Import names of what reading needs besides the flavor's own library."""
    REASON: str = ""
    """Of a tier 2: why reading it runs code, when nothing in the object was the reason to choose it."""
    libraries: Callable[[Path], Sequence[str]] | None = None
    """More of them, where that depends on what was written into the folder."""
    FLAVOR: str = ""
    """The flavor of what is read back, where it is another one than was written."""
    convert: Callable[[Any, Mapping[str, Any]], Any] | None = None
    """Makes what `dump` takes of any model of the flavor, given the sample of its default method by argument (empty
    without one). Only where the format was asked for by name, never when the safest is looked for."""


def model_format(name: str, flavor: Flavor | None = None) -> ModelFormat:
    """The format of that name that can write models of a flavor; `UnsupportedFormat` lists the known ones."""
    found = _find(name, flavor)
    if found is None or not hasattr(found, "dump"):
        known = [n for n in _known(flavor) if hasattr(_find(n, flavor), "dump")]
        raise UnsupportedFormat(
            f"{name!r} is not a format that holds models", hint=f"known: {', '.join(known)}"
        )
    return found


def reading_format(name: str, flavor: str = "") -> ModelFormat:
    """The model format of a card; an unknown one is an error, never a guess."""
    own = plugins.find("flavors", flavor) if flavor else None
    found = _find(name, cast("Flavor | None", own))
    if found is None or not hasattr(found, "load"):
        known = _known(cast("Flavor | None", own))
        raise UnsupportedFormat(
            f"the format {name!r} is not known here",
            hint=did_you_mean(name, known) or "it may come with a plugin or a newer modelyard",
        )
    return found


def libraries_of(format: ModelFormat | DataFormat, folder: Path | None = None) -> Sequence[str]:
    """Import names of what reading a format needs, besides what the object itself does; with a folder that it wrote, also
    what stands in there needs."""
    found = list(getattr(format, "LIBRARIES", ()))
    more = getattr(format, "libraries", None)
    return [*found, *more(folder)] if more is not None and folder is not None else found


def converts(format: ModelFormat) -> bool:
    """Whether a format makes something else of models when it is asked for by name."""
    return getattr(format, "convert", None) is not None


def converted(format: ModelFormat, obj: Any, sample: Mapping[str, Any]) -> Any:
    """What a format that was asked for by name is to write of a model."""
    convert = getattr(format, "convert", None)
    return obj if convert is None else convert(obj, sample)


def flavor_read(format: ModelFormat, flavor: Flavor) -> str:
    """The flavor of what a format gives back."""
    return getattr(format, "FLAVOR", "") or flavor.NAME


def _find(name: str, flavor: Flavor | None) -> ModelFormat | None:
    for native in getattr(flavor, "NATIVE", ()):
        if name == native.NAME:
            return native
    return cast("ModelFormat | None", plugins.find("formats", name))


def _known(flavor: Flavor | None) -> list[str]:
    return sorted({*plugins.names("formats"), *(n.NAME for n in getattr(flavor, "NATIVE", ()))})
