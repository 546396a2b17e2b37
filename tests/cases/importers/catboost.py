"""Models as CatBoost writes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import catboost

from cases.importers.boosters import LABELS, ROWS
from modelyard.objects.importers import catboost as importer
from modelyard.testing.importers import Foreign, ImporterCase


def classifier(path: Path) -> Callable[[Any], Any]:
    model = catboost.CatBoostClassifier(iterations=3, verbose=0, allow_writing_files=False)
    model.fit(ROWS, LABELS).save_model(str(path))
    return model.predict


def case() -> ImporterCase:
    return ImporterCase(
        importer=importer,
        files={"cbm": Foreign("m.cbm", classifier, "cbm", 0, "catboost", ROWS)},
        strangers={"text.cbm": b"CBM2", "empty.cbm": b""},
        broken={"cut.cbm": (b"CBM1\x18\x22\0\0", "CatBoost")},
        never_imported=["catboost", "numpy"],
    )
