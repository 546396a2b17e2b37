"""Which installed distribution a module belongs to.

``importlib.metadata`` can tell, but reads the hash of every installed file for it (0.4 s with 90 distributions). Here
only the first path segments are read (0.07 s), once for each folder of ``sys.path`` until an entry comes or goes there.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from modelyard.environments.requirements import normalise_name
from modelyard.environments.versions import without_local

if TYPE_CHECKING:
    from importlib.metadata import Distribution as Metadata

SITE_FOLDERS = frozenset(["site-packages", "dist-packages"])

_COMPILED = re.compile(r"\.(?:so|pyd|dylib|dll)(?:,|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Distribution:
    """An installed distribution: normalised name, version without a local label."""

    name: str
    version: str
    from_folder: bool = False
    """Installed from a folder of this machine (``pip install ./project``) and pure Python: no index has it, and its
    code can travel."""


def owner(module: str, location: str) -> Distribution | None:
    """The distribution that installed a module, or None when none did.

    ``location`` is the module's file, or a folder of a namespace package. A module that lies elsewhere than its
    distribution's own files (an editable install) is nobody's.
    """
    candidates = _with_top(module.partition(".")[0], location) or next(
        filter(None, (_with_top(top, location) for top in _folders_of(location))), []
    )
    if len(candidates) > 1:  # a namespace package, filled by several; the folder itself is nobody's
        listing = [found for found in candidates if _lists(found, location)]
        candidates = listing if len(listing) == 1 or Path(location).is_file() else []
    return _described(candidates[0]) if candidates else None


def _with_top(top: str, location: str) -> list[Metadata]:
    """Distributions that have this top-level name, and installed it above a location."""
    return [
        found
        for entry in sys.path
        for found in _index(entry, _changed(entry or ".")).get(top, ())
        if location.startswith(str(found.locate_file("")) + os.sep)
    ]


def _folders_of(location: str) -> Iterator[str]:
    """The package folders that a module lies in, whatever it calls itself: ``catboost`` of ``_catboost``."""
    for entry in sys.path:
        if entry and location.startswith(entry + os.sep):
            first, deeper, _ = location[len(entry) + 1 :].partition(os.sep)
            if deeper:
                yield first


def _changed(folder: str) -> int:
    try:
        return os.stat(folder).st_mtime_ns  # noqa: PTH116 - a dozen times at each save
    except OSError:
        return 0


@lru_cache(maxsize=128)
def _index(entry: str, changed: int) -> Mapping[str, tuple[Metadata, ...]]:
    """Top-level import name -> distributions in this entry of the search path that have it."""
    from importlib.metadata import distributions  # takes 30 ms

    found: dict[str, tuple[Metadata, ...]] = {}
    for distribution in distributions(path=[entry]):
        for name in _top_names(distribution):
            found[name] = (*found.get(name, ()), distribution)
    return found


def _top_names(distribution: Metadata) -> set[str]:
    record = distribution.read_text("RECORD")
    if record is not None:
        firsts = {line.partition(",")[0].partition("/")[0] for line in record.splitlines()}
        return {first.partition(".")[0] for first in firsts if _is_module(first)} - {"__pycache__"}
    headers = dict(_headers(distribution))
    in_site = Path(str(distribution.locate_file(""))).name in SITE_FOLDERS
    if not headers or not (in_site or distribution.read_text("METADATA")):
        return set()  # a project's *.egg-info beside its sources names it, but did not install it
    listed = distribution.read_text("top_level.txt")
    return set(listed.split()) if listed else {headers["Name"].replace("-", "_")}


def _is_module(first: str) -> bool:
    return first.isidentifier() or first.endswith((".py", ".so", ".pyd", ".pyc"))


def _lists(distribution: Metadata, location: str) -> bool:
    """Whether a file, or anything below a folder, is among a distribution's files."""
    relative = Path(location).relative_to(str(distribution.locate_file(""))).as_posix()
    record = distribution.read_text("RECORD") or ""
    return any(line.startswith((f"{relative},", f"{relative}/")) for line in record.splitlines())


@lru_cache(maxsize=256)
def _described(distribution: Metadata) -> Distribution:
    headers = dict(_headers(distribution))
    return Distribution(
        normalise_name(headers["Name"]),
        without_local(headers["Version"]),
        _comes_from_folder(distribution),
    )


def _headers(distribution: Metadata) -> Iterator[tuple[str, str]]:
    """The first lines of the metadata; parsing all of it as an e-mail takes ten times as long."""
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    for line in text.splitlines():
        if not line:
            return
        name, colon, value = line.partition(": ")
        if colon and not name.startswith(" "):
            yield name, value.strip()


def _comes_from_folder(distribution: Metadata) -> bool:
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    return (
        str(origin.get("url", "")).startswith("file:")
        and "dir_info" in origin
        and not _COMPILED.search(distribution.read_text("RECORD") or "")
    )
