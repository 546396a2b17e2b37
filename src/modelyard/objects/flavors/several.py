"""Several models in one: a dict of fitted models by name, saved, loaded and served together.

``{"de": german, "fr": french}`` has the methods of each with its name before them: ``de_predict``, ``fr_predict``.
Each model is written by the safest format of its own flavor into a folder of its name. A dict that holds anything else
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
from modelyard.objects.files import Part
from modelyard.objects.interface import Files
from modelyard.objects.native import NativeFormat, libraries_of, model_format, reading_format

NAME = "several"
EXTRA = ""
FORMATS = ("several", "cloudpickle")

INDEX = "models.json"
PARTS = "models"


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
    index: dict[str, dict[str, str]] = {}
    for name, model in obj.items():
        (folder / PARTS / name).mkdir(parents=True)
        try:
            index[name] = _written(model, folder / PARTS / name)
        except UnsupportedType:
            discard(folder / PARTS)
            raise
    (folder / INDEX).write_text(json.dumps(index, indent=1), "utf-8")


def _written(model: Any, folder: Path) -> dict[str, str]:
    """Where a model of the dict went; `UnsupportedType` when only code can hold it."""
    flavor = _flavor(model)
    reasons: list[str] = []
    for writer in (model_format(name, flavor) for name in flavor.FORMATS):
        if writer.TIER == 2:
            break
        try:
            writer.dump(model, folder)
        except UnsupportedType as error:
            reasons += error.details.get("types", ()) or [error.message]
            continue
        return {"flavor": flavor.NAME, "format": writer.NAME}
    raise UnsupportedType(f"{folder.name}: {'; '.join(reasons) or 'it is code'}", types=reasons)


def _load(files: Files) -> dict[str, Any]:
    return {name: reader.load(part) for name, (reader, part) in _parts(files).items()}


def _inspect(files: Files) -> Sequence[str]:
    found = [w for reader, part in _parts(files).values() for w in reader.inspect(part)]
    return list(dict.fromkeys(found))


def _parts(files: Files) -> dict[str, tuple[Any, Part]]:
    """Name -> the format that reads it, and its files. A part that runs code is refused: this format says it does not."""
    try:
        index = json.loads(files.read(INDEX))
        entries = {str(n): (str(e["format"]), str(e["flavor"])) for n, e in index.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Corrupted(f"{INDEX} is no list of models: {error}") from error
    found: dict[str, tuple[Any, Part]] = {}
    for name, (written, flavor) in entries.items():
        reader = reading_format(written, flavor)
        if reader.TIER == 2:
            raise Untrusted(
                f"{INDEX}: the model {name!r} is in the format {written!r}, which runs code",
                hint="such a dict is saved whole by cloudpickle",
            )
        found[name] = (reader, Part(files, f"{PARTS}/{name}/"))
    return found


def _libraries(folder: Path) -> Sequence[str]:
    index = json.loads((folder / INDEX).read_text("utf-8"))
    return [
        n for e in index.values() for n in libraries_of(reading_format(e["format"], e["flavor"]))
    ]


NATIVE = (NativeFormat("several", 1, "", _dump, _load, _inspect, libraries=_libraries),)
