"""Folders of models as Spark writes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from cases.flavors.pyspark import ROWS, fitted, pipeline
from modelyard.objects.flavors import pyspark as flavor
from modelyard.objects.flavors._pyspark.session import quiet
from modelyard.objects.importers import spark as importer
from modelyard.testing.importers import Foreign, ImporterCase


def written(path: Path) -> Callable[[Any], Any]:
    model = fitted(pipeline)()
    with quiet():
        model.write().save(path.as_uri())
    return flavor.methods(model)["predict"]


def case() -> ImporterCase:
    rows = ROWS.drop(columns="label")
    return ImporterCase(
        importer=importer,
        files={"pipeline": Foreign("houses", written, "spark", 1, "pyspark", rows)},
        strangers={"metadata": b"{}"},
        never_imported=["pyspark", "py4j"],
    )
