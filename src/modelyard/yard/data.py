"""What callers give as data: values, files here and elsewhere, saved objects, data sets of the yard."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from modelyard.base.errors import InvalidInput
from modelyard.base.refs import BareRef, GitRef, NameRef, RemoteRef, parse
from modelyard.objects import formats
from modelyard.objects.apply import Sources, is_data_file
from modelyard.objects.card_file import card_path
from modelyard.objects.importers import openable
from modelyard.objects.inputs import Inputs, read_words
from modelyard.objects.load import load_data
from modelyard.objects.opening import Place, brought, card_at
from modelyard.objects.saved import object_exists
from modelyard.types.interface import DataType
from modelyard.yard.naming import named_ref
from modelyard.yard.places import place_of, project_place
from modelyard.yard.resolving import opened_yard, resolve


def data_of(data: Any, project: str | None = None, rev: str | None = None) -> Any:
    """Data as given; a word that names neither a file nor standard input is a saved object or a data set.

    A list of words whose first is a file or a saved object is several of them; any other list of texts is a value.
    """
    if isinstance(data, list) and data and all(isinstance(d, str | Path) for d in data):
        root = project_place(project, rev)
        first = data[0]
        if not is_data_file(first) and not (isinstance(root, Path) and object_exists(root / first)):
            return data
        return Sources(data_of(d, project, rev) for d in data)
    if not isinstance(data, str | Path):
        return data
    if data == "-":
        return data
    root = project_place(project, rev)
    elsewhere = _elsewhere(data, root, rev)
    if elsewhere is not None and card_at(elsewhere) is None and is_data_file(elsewhere.path):
        return brought(elsewhere, _scratch())
    if elsewhere is not None or isinstance(root, Place):
        return load_data(resolve(data, project=project, rev=rev))
    path = root / data
    if card_path(path).is_file() or (not formats.known_suffix(path) and openable(path)):
        return load_data(resolve(path))
    if is_data_file(data):
        return path
    if isinstance(parse(str(data)), BareRef | NameRef):
        with opened_yard(root, None) as yard:
            sets = [] if yard is None else yard.datasets.list(records=True)
            if yard is not None and named_ref(str(data)).name in {s["name"] for s in sets}:
                return yard.datasets.get(str(data)).data
    return load_data(resolve(data, project=project, rev=rev))


def _elsewhere(data: str | Path, root: Path | Place, rev: str | None) -> Place | None:
    """The place that a word names, when that is not on this machine."""
    parsed = parse(data) if isinstance(data, str) and "://" in data else None
    if isinstance(parsed, GitRef | RemoteRef):
        return place_of(parsed, rev)
    if isinstance(root, Place) and is_data_file(data):
        return root.at(str(data))
    return None


@cache
def _all_scratch() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="modelyard-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _scratch() -> Path:
    """A new folder for files that were brought here; gone with this process."""
    return Path(tempfile.mkdtemp(dir=_all_scratch()))


def words_of(data: Any, kind: DataType, project: str | None, rev: str | None) -> Inputs | None:
    """The values that words stand for, where a method takes files or a text; None for data of other kinds."""
    root = project_place(project, rev)
    return read_words(data, kind, root) if isinstance(root, Path) else None


def as_frame(data: Any) -> Any:
    """A DataFrame from a file or value."""
    value = formats.read_path(data) if isinstance(data, str | Path) else data
    if not hasattr(value, "columns"):
        raise InvalidInput(
            f"evaluate needs a table with named columns, not a {type(value).__name__}"
        )
    return value
