"""Boosters as LightGBM writes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm

from cases.importers.boosters import LABELS, ROWS
from modelyard.objects.importers import lightgbm as importer
from modelyard.testing.importers import Foreign, ImporterCase


def booster(path: Path) -> Callable[[Any], Any]:
    model = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(ROWS, LABELS).booster_
    model.save_model(path)
    return model.predict


def case() -> ImporterCase:
    return ImporterCase(
        importer=importer,
        files={
            "text": Foreign("m.txt", booster, "lightgbm_text", 0, "lightgbm", ROWS),
            "by another suffix": Foreign("m.lgb", booster, "lightgbm_text", 0, "lightgbm", ROWS),
        },
        strangers={"notes.txt": b"tree of life\n", "empty.txt": b""},
        broken={"cut.txt": (b"tree\nversion=v4\nnum_class=1\n", "LightGBM")},
        never_imported=["lightgbm", "numpy"],
    )
