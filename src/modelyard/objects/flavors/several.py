"""Several models in one: a dict of fitted models by name, saved, loaded and served together.

``{"de": german, "fr": french}`` has the methods of each with its name before them: ``de_predict``, ``fr_predict``.
Each model is written by the safest format of its own flavor into a folder of its own. A dict that holds anything else
besides models is no such thing, and neither is one whose names are no identifiers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelyard.base.errors import Corrupted, InvalidInput, UnsupportedType, Untrusted
from modelyard.base.paths import discard
from modelyard.objects import flavors
from modelyard.objects.card import NESTED
from modelyard.objects.files import Part
from modelyard.objects.formats._beside import Nested, libraries_of_nested, nested_part
from modelyard.objects.interface import Files, ModelFormat
from modelyard.objects.native import NativeFormat

NAME = "several"
EXTRA = ""
FORMATS = ("several", "cloudpickle")

INDEX = "models.json"


def claims(obj: Any) -> bool:
    """A dict of models: of plain data the first value decides."""
    if type(obj) is not dict or not obj:
        return False
    return all(
        isinstance(name, str) and name.isidentifier() and flavors.claiming(model) is not None
        for name, model in obj.items()
    )


def methods(obj: Any) -> Mapping[str, Callable[..., Any]]:
    """Those of each model, with its name before them."""
    found: dict[str, Callable[..., Any]] = {}
    for name, model in obj.items():
        for method, function in _flavor(model).methods(model).items():
            if f"{name}_{method}" in found:
                raise InvalidInput(
                    f"two methods would be called {name}_{method}", hint="choose other names"
                )
            found[f"{name}_{method}"] = function
    return found


def labels(obj: Any) -> Sequence[str]:
    """Those of all models, each once."""
    return list(dict.fromkeys(label for m in obj.values() for label in _flavor(m).labels(m)))


def system(obj: Any) -> Sequence[str]:
    """What any of them needs."""
    return sorted({package for m in obj.values() for package in _flavor(m).system(m)})


def _flavor(model: Any) -> Any:
    found = flavors.claiming(model)
    assert found is not None, "claims() was asked before"
    return found


def _dump(obj: Any, folder: Path) -> None:
    nested = Nested(None, folder)
    index = {name: nested.write(model) for name, model in obj.items()}
    for name, written in index.items():
        if written is None:
            discard(folder / NESTED)
            reasons = nested.reasons or ["it is code"]
            raise UnsupportedType(f"{name}: {'; '.join(reasons)}", types=reasons)
    (folder / INDEX).write_text(json.dumps(index, indent=1), "utf-8")


def _load(files: Files) -> dict[str, Any]:
    return {name: reader.load(part) for name, (reader, part) in _parts(files).items()}


def _inspect(files: Files) -> Sequence[str]:
    found = [w for reader, part in _parts(files).values() for w in reader.inspect(part)]
    return list(dict.fromkeys(found))


def _parts(files: Files) -> dict[str, tuple[ModelFormat, Part]]:
    """Name -> the format that reads it, and its files. A part that runs code is refused: this format says it does not."""
    try:
        index: dict[str, Any] = json.loads(files.read(INDEX))
        found = {str(name): nested_part(files, written) for name, written in index.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise Corrupted(f"{INDEX} is no list of models: {error}") from error
    for name, (reader, _) in found.items():
        if reader.TIER == 2:
            raise Untrusted(
                f"{INDEX}: the model {name!r} is in the format {reader.NAME!r}, which runs code",
                hint="such a dict is saved whole by cloudpickle",
            )
    return found


NATIVE = (NativeFormat("several", 1, "", _dump, _load, _inspect, libraries=libraries_of_nested),)
