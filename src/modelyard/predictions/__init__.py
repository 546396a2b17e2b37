"""Predictions: what was asked and what was answered, one row a record.

>>> from modelyard.predictions import Prediction, PredictionQuery, export  # doctest: +SKIP
>>> export(log, PredictionQuery(model="churn@3", limit=None), "churn.jsonl")  # doctest: +SKIP
"""

from __future__ import annotations

from modelyard.predictions.exporting import export as export
from modelyard.predictions.interface import Prediction as Prediction
from modelyard.predictions.interface import PredictionLog as PredictionLog
from modelyard.predictions.interface import PredictionQuery as PredictionQuery

__all__ = ["Prediction", "PredictionLog", "PredictionQuery", "export"]
