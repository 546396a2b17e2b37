"""Folders that MLflow's own client wrote: ``python tests/frameworks/mlflow_client.py write tests/fixtures/mlflow NAME …``,
in an environment with MLflow, writes them again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from modelyard.compat.importers import mlflow as importer
from modelyard.testing.importers import Foreign, ImporterCase

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


def answers(name: str) -> Any:
    """What MLflow answered; ONNX graphs give a dict by output there."""
    answer = EXPECTED[name]["answer"]
    return np.array(answer["variable"], np.float32) if name == "onnx" else np.array(answer)


def copied(name: str) -> Callable[[Path], Any]:
    """Writes a folder, as the client did."""

    def write(path: Path) -> Any:
        shutil.copytree(FIXTURES / name, path)
        dtype = np.float32 if name == "xgboost_booster" else None
        return lambda _: answers(name).astype(dtype or answers(name).dtype)

    return write


def case() -> ImporterCase:
    return ImporterCase(
        importer=importer,
        files={
            name: Foreign("model", copied(name), format, tier, flavor, rows(name))
            for name, (flavor, format, tier) in FORMATS.items()
            if tier < 2
        },
        strangers={"MLmodel.yaml": b"flavors: {}", "model.pkl": b"x"},
        never_imported=["sklearn", "xgboost", "lightgbm", "catboost", "pandas", "mlflow"],
    )
