"""Writing down which name is what: into ``dvc.yaml`` where DVC is, else ``artifacts.yaml``; what people wrote there stays."""

from __future__ import annotations

import io
import posixpath
from pathlib import Path
from typing import Any

from modelyard.base.errors import InvalidInput
from modelyard.base.paths import replacing
from modelyard.yard.annotations import INDEX, PIPELINE


def annotate(root: Path, name: str, path: str, *, type: str = "") -> Path:
    """Say in a repository's work tree that ``name`` stands for ``path``; returns the file, to be committed.

    ``folder:name`` is said in that folder. `InvalidInput` for a file that cannot be read.
    """
    below, _, plain = name.rpartition(":")
    file = root / below / (PIPELINE if _has_pipelines(root, below) else INDEX)
    inside = posixpath.relpath(path, below or ".")
    if inside.startswith("../"):
        raise InvalidInput(f"{path} is not in {below}/, whose names begin with '{below}:'")
    yaml, told = _read(file)
    place = told if file.name == INDEX else _section(file, told)
    entry = place.setdefault(plain, {})
    if not isinstance(entry, dict):
        raise InvalidInput(f"{file}: {plain!r} holds no path", hint=f"{plain}: {{path: {inside}}}")
    entry["path"] = inside
    if type and "type" not in entry:
        entry["type"] = type
    text = io.StringIO()
    yaml.dump(told, text)
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as new:
        new.write_text(text.getvalue(), "utf-8")
    return file


def _has_pipelines(root: Path, below: str) -> bool:
    """Names of a sub-folder are always said so: the other file is read at the root alone."""
    return bool(below) or (root / ".dvc").is_dir() or (root / PIPELINE).is_file()


def _section(file: Path, told: Any) -> Any:
    place = told.setdefault("artifacts", {})
    if place is None:
        place = told["artifacts"] = {}
    if not isinstance(place, dict):
        raise InvalidInput(f"{file}: artifacts holds no names")
    return place


def _read(file: Path) -> tuple[Any, Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 1 << 16  # lines that people wrote stay as long as they are
    text = file.read_text("utf-8") if file.exists() else ""
    try:
        told = yaml.load(text)
    except (YAMLError, ValueError, RecursionError) as error:
        raise InvalidInput(f"{file} cannot be read: {str(error).splitlines()[0]}") from error
    if told is None:
        told = {}
    if not isinstance(told, dict):
        raise InvalidInput(f"{file} holds no names")
    return yaml, told
