"""Pickles and joblib files, packed or not: read as checked pickles where all they name is known to be harmless."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Literal

from modelyard.base import plugins
from modelyard.base.errors import InvalidInput, ModelyardError
from modelyard.objects.card import Card, FormatInfo, Requirements
from modelyard.objects.formats._pickles import machine, streams
from modelyard.objects.formats._pickles.machine import ARRAY_WRAPPER, Graph, Made, Named
from modelyard.objects.importers import packages_of, source_of
from modelyard.objects.source import Source

NAME = "pickle"

_PACKED = (".gz", ".bz2", ".xz", ".lzma", ".z")
_SUFFIXES = (".pkl", ".pickle", ".joblib", ".sav", ".p")


def recognises(path: Path) -> bool:
    """By its name, packed or not, and its first bytes."""
    suffixes = [s.lower() for s in path.suffixes]
    if suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    return bool(suffixes) and suffixes[-1] in _SUFFIXES and path.is_file() and _is_pickle(path)


def source(path: Path) -> Source:
    """Its card says whether it is a model or data, and which names keep it from being read without trust."""
    return _source(path, code=False)


def as_told(path: Path) -> Source:
    """As code, as ``type="pickle"`` asks for: for a model of an older version that is not read otherwise."""
    return _source(path, code=True)


def _source(path: Path, *, code: bool) -> Source:
    if not path.is_file():
        raise InvalidInput(f"{path} is no file")
    graph = _graph(path)
    if graph.fault:
        raise InvalidInput(f"{path} is no pickle: {graph.fault}")
    form = _format(graph)
    if code and form.tier < 2:
        form = FormatInfo(_writer(graph), 2, ("read as code on request",))
    flavor = flavor_named(graph)
    return source_of(
        path,
        Card(
            kind=_kind(graph, flavor),
            flavor=flavor,
            format=form,
            requirements=Requirements(packages=_packages(graph)),
        ),
    )


def pickle_format(path: Path) -> FormatInfo:
    """How a pickle of any origin is to be read; nothing in it is imported or run.

    Tier 1, as a checked pickle, when all its names are on the allow-list; else tier 2, and the reasons say which are not.
    """
    return _format(_graph(path))


def _format(graph: Graph) -> FormatInfo:
    try:
        from modelyard.objects.formats._pickles.building import strangers
    except ModuleNotFoundError:  # without numpy nothing of it can be made here, whoever trusts it
        reasons = list(graph.names)
    else:
        reasons = strangers(graph)
    if not reasons:
        return FormatInfo("checked_pickle", 1)
    return FormatInfo(_writer(graph), 2, tuple(reasons[:20]))


def _writer(graph: Graph) -> str:
    """Who reads the file as code."""
    return "joblib" if ARRAY_WRAPPER in graph.names else "pickle"


def _packages(graph: Graph) -> tuple[str, ...]:
    """What it needs: the libraries it names, as they are here; of scikit-learn the version that the model says."""
    roots = dict.fromkeys(name.partition(".")[0] for name in graph.names if name[:1].isalpha())
    lines = list(packages_of(*(r for r in roots if r not in sys.stdlib_module_names)))
    state = graph.root.state if isinstance(graph.root, Made) else None
    version = state.get("_sklearn_version") if isinstance(state, dict) else None
    if isinstance(version, str) and re.fullmatch(r"\d+(\.\w+)+", version):
        lines = [line for line in lines if not line.startswith("scikit-learn==")]
        lines.append(f"scikit-learn=={version}")
    return tuple(sorted(lines))


def _graph(path: Path) -> Graph:
    try:
        with path.open("rb") as stream, streams.unpacked(stream) as content:
            return machine.read(content, keep=False)
    except ModelyardError as error:
        raise type(error)(f"{path}: {error.message}", hint=error.hint) from error.__cause__


def flavor_named(graph: Graph) -> str:
    """The flavor of the class of the whole object, where it tells: ``sklearn.svm._classes.SVC`` is sklearn's."""
    name = graph.root.name if isinstance(graph.root, Made) else ""
    package = name.partition(".")[0]
    return package if package.isidentifier() and plugins.find("flavors", package) else ""


_DATA = ("numpy.", "pandas.", "scipy.sparse.", "collections.", "builtins.", "datetime.", "decimal.", "pyarrow.", "polars.", "joblib.")  # fmt: skip


def _kind(graph: Graph, flavor: str) -> Literal["model", "data"]:
    root = graph.root
    if flavor:
        return "model"
    if isinstance(root, Made):
        return "data" if root.name.startswith(_DATA) else "model"
    return "model" if isinstance(root, Named) or graph.fault else "data"


def _is_pickle(path: Path) -> bool:
    with path.open("rb") as stream:
        head = stream.read(8)
    return head[:1] in (
        b"\x80",
        b"(",
        b"]",
        b"}",
        b"c",
        b"I",
        b"l",
        b"V",
        b"S",
        b"F",
        b"N",
    ) or bool(streams.packing(head))
