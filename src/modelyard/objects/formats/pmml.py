"""PMML: a model as XML, data alone, scored by Java. Fitted models of scikit-learn become one by ``format="pmml"``:
converted, then compared with the original on the sample.

The document is checked before Java reads it: no DOCTYPE, no entities, UTF-8, limits on size and depth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modelyard.base.errors import InvalidInput, ModelyardError, UnsupportedType
from modelyard.objects.interface import Files, Tier

NAME = "pmml"
TIER: Tier = 0
SUFFIX = ".pmml"
FLAVOR = "pypmml"
LIBRARIES = ("pypmml", "pandas")

FILE = "model.pmml"


def convert(obj: Any, sample: Mapping[str, Any]) -> Any:
    """The PMML model of a fitted one. `UnsupportedType` says what cannot be converted, or that the answers differ."""
    from modelyard.objects.formats._pmml import converting

    return converting.converted(obj, sample)


def dump(obj: Any, folder: Path) -> None:
    """Write ``model.pmml`` of a model that was read from a document here."""
    text = getattr(obj, "document", None)
    if not isinstance(text, bytes):
        raise UnsupportedType(
            f"this {type(obj).__name__} does not know the document it was made of",
            hint="load the .pmml file with modelyard.load, or import it: modelyard import FILE.pmml",
            types=(),
        )
    (folder / FILE).write_bytes(text)


def load(files: Files) -> Any:
    """pypmml's model. `Corrupted` for a document that is damaged, or that asks for more than it has."""
    from modelyard.objects.formats._pmml import document, java

    name = _only(files)
    text = files.read(name)
    try:
        document.read(text)
        return java.model_of(files.local(name), text)
    except ModelyardError as error:
        raise type(error)(f"{name}: {error.message}", hint=error.hint, **error.details) from error


def inspect(files: Files) -> Sequence[str]:
    """Nothing: a document names no code."""
    return ()


def _only(files: Files) -> str:
    names = list(files.names())
    if len(names) != 1:
        raise InvalidInput(f"a PMML model is one file, not {len(names)} of {', '.join(names)}")
    return names[0]
