"""Folders that MLflow's own client wrote: ``python tests/frameworks/mlflow_client.py write tests/fixtures/mlflow NAME …``,
in an environment with MLflow, writes them again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

FIXTURES = Path(__file__).parents[2] / "fixtures" / "mlflow"
EXPECTED: dict[str, dict[str, Any]] = json.loads((FIXTURES / "expected.json").read_text())
"""Name -> the question that was asked, in JSON, and MLflow's answer."""

FORMATS = {
    "sklearn_skops": ("sklearn", "skops", 1),
    "sklearn_pickle": ("sklearn", "checked_pickle", 1),
    "xgboost_estimator": ("xgboost", "ubj", 0),
    "xgboost_booster": ("xgboost", "ubj", 0),
    "lightgbm_booster": ("lightgbm", "lightgbm_text", 0),
    "catboost_classifier": ("catboost", "cbm", 0),
    "onnx": ("onnx", "onnx", 0),
    "loader": ("callable", "mlflow_pyfunc", 2),
}
"""Name -> flavor, format and tier."""


def rows(name: str) -> Any:
    """The question that was asked when the folder was written."""
    frame = pd.DataFrame(EXPECTED[name]["question"])
    return frame.to_numpy(np.float32) if name == "onnx" else frame
