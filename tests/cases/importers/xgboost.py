"""Boosters as XGBoost writes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import xgboost

from cases.importers.boosters import LABELS, ROWS
from modelyard.objects.importers import xgboost as importer
from modelyard.testing.importers import Foreign, ImporterCase


def booster(path: Path) -> Callable[[Any], Any]:
    model = xgboost.XGBClassifier(n_estimators=3).fit(ROWS, LABELS).get_booster()
    model.save_model(path)
    return lambda rows: model.predict(xgboost.DMatrix(rows))


def renamed(path: Path) -> Callable[[Any], Any]:
    written = booster(path.with_suffix(".ubj"))
    path.with_suffix(".ubj").rename(path)
    return written


def case() -> ImporterCase:
    return ImporterCase(
        importer=importer,
        files={
            "ubj": Foreign("m.ubj", booster, "ubj", 0, "xgboost", ROWS),
            "json": Foreign("m.json", booster, "ubj", 0, "xgboost", ROWS),
            "by another suffix": Foreign("m.bst", renamed, "ubj", 0, "xgboost", ROWS),
        },
        strangers={
            "data.json": b'{"learner": 3}',
            "rows.json": b'[{"a": 1}]',
            "text.model": b"tree\nversion=v4\n",
            "empty.ubj": b"",
        },
        broken={
            "old.model": (b"binf\0\0\0\0", "older binary format"),
            "cut.json": (b'{"learner":{"attributes":{}', "no sound model of XGBoost"),
        },
        never_imported=["xgboost", "numpy"],
    )
