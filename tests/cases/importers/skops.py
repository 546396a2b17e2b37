"""Estimators as skops itself writes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import skops.io
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from cases.flavors.callable import over_limit
from cases.importers.boosters import LABELS, ROWS
from modelyard.objects.importers import skops as importer
from modelyard.testing.importers import Foreign, ImporterCase


def forest(path: Path) -> Callable[[Any], Any]:
    model = make_pipeline(StandardScaler(), RandomForestClassifier(3)).fit(ROWS, LABELS)
    skops.io.dump(model, path)
    return model.predict


def with_own_code() -> bytes:
    return skops.io.dumps(make_pipeline(FunctionTransformer(over_limit), Ridge()))


def case() -> ImporterCase:
    return ImporterCase(
        importer=importer,
        files={"pipeline": Foreign("m.skops", forest, "skops", 1, "sklearn", ROWS)},
        strangers={"m.zip": b"PK\x03\x04", "pickle.skops": b"\x80\x04N."},
        broken={
            "cut.skops": (b"PK\x03\x04 and no more", "not a zip"),
            "own.skops": (with_own_code(), "not on the allow-list"),
        },
        never_imported=["sklearn", "skops"],
    )
