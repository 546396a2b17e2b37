"""Which of our readers opens a folder, and with which of its files.

A flavor that saves in its library's own format, or as a pickle, is read as our own models of that library are
(`flavors.NATIVE`). Whatever has no such reader is called as a Python function (`objects.formats.mlflow_pyfunc`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from modelyard.base.errors import UnsupportedFormat
from modelyard.compat.importers._mlflow.flavors import NATIVE
from modelyard.compat.importers._mlflow.folder import files_below, files_in, model_files
from modelyard.compat.importers._mlflow.reading import Reading
from modelyard.objects.formats import mlflow_pyfunc
from modelyard.objects.formats._mlflow.mlmodel import FILE, FUNCTION, MLmodel, inner_path
from modelyard.objects.formats._mlflow.python_models import stands_alone

MODULES = "modules/"
"""Where our artifacts hold local code."""


def reading_of(description: MLmodel, folder: Path) -> Reading:
    """The safest reader for the folder's flavors. `UnsupportedFormat` names those that it has, and the known ones."""
    refused: list[str] = []
    for name, read in NATIVE.items():
        options = description.flavors.get(name)
        if options is None:
            continue
        try:
            return _with_code(read(options, folder), options, folder)
        except UnsupportedFormat as error:
            refused.append(error.message)
    if description.function:
        return _function(description, folder, refused)
    raise UnsupportedFormat(
        f"{folder} has only the flavors {', '.join(description.flavors)}, which are not read here",
        hint=f"known: {', '.join([*NATIVE, FUNCTION])}; save it with a signature and the flavor {FUNCTION}",
    )


def _function(description: MLmodel, folder: Path, refused: Sequence[str]) -> Reading:
    loader = str(description.function.get("loader_module", ""))
    names = [n for n in model_files(folder) if not n.endswith((".pyc", ".pyo"))]
    files = {name: name for name in [FILE, *names]}
    alone = loader.partition(".")[0] != "mlflow"
    if loader == mlflow_pyfunc.PICKLED:
        alone = stands_alone(mlflow_pyfunc.inspect(files_in(folder, files))[1:])
    return Reading(
        flavor="callable",
        format=mlflow_pyfunc.NAME,
        files=files,
        reasons=[loader, *refused],
        first=mlflow_pyfunc.FIRST,
        needs_mlflow=not alone,
        native=False,
        tier=2,
    )


def _with_code(reading: Reading, options: Mapping[str, Any], folder: Path) -> Reading:
    """The model's own code, where our artifacts have it: importable while it is loaded, and a reason to ask for trust."""
    code = options.get("code")
    if not code:
        return reading
    root = inner_path(code, "code")
    found = {name: f"{root}/{name}" for name in files_below(folder, root) if _is_code(name)}
    tops = sorted({name.partition("/")[0] for name in found})
    files = {**reading.files, **{MODULES + name: path for name, path in found.items()}}
    return replace(reading, files=files, modules=tops, tier=2)


def _is_code(name: str) -> bool:
    top = name.partition("/")[0]
    return top.partition(".")[0].isidentifier() and not name.endswith((".pyc", ".pyo"))
