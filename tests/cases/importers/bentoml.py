"""What a stock BentoML 1.4 wrote: the models beside ``tests/fixtures/bentoml/write.py``, and what their libraries answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

STORE = Path(__file__).parents[2] / "fixtures/bentoml"

ROWS = np.array([[5.1, 3.5, 1.4, 0.2], [5.0, 2.0, 3.5, 1.0], [6.9, 3.2, 5.7, 2.3]])
"""Rows 0, 60 and 120 of the iris data."""

MODELS: dict[str, tuple[str, str, int]] = {
    "cat": ("catboost", "cbm", 0),
    "forest": ("sklearn", "checked_pickle", 1),
    "half": ("", "pickle", 2),
    "lgb": ("lightgbm", "lightgbm_text", 0),
    "xgb": ("xgboost", "ubj", 0),
}
"""Name in the store -> flavor, format and tier of its card."""

ANSWERS: dict[tuple[str, str], Any] = {
    ("forest", "predict_proba"): [
        [1.0, 0.0, 0.0],
        [0.0, 0.9273673186716666, 0.0726326813283335],
        [0.0, 0.03280170122275385, 0.9671982987772462],
    ],
    ("lgb", "predict"): [0.8137254896263282, 1.0149019607452348, 1.1820833306759597],
    ("xgb", "predict"): [0.49826985597610474, 1.032575249671936, 1.4858729839324951],
    ("cat", "predict_proba"): [
        [0.7561394533425494, 0.12974154356043727, 0.11411900309701328],
        [0.2789356110655577, 0.5554695564983002, 0.16559483243614218],
        [0.11633980730502644, 0.1274570245438854, 0.7562031681510882],
    ],
}
