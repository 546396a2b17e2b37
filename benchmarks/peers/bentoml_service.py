"""The service that `bentoml` runs, in its own environment: a joblib file behind one typed method."""

import os
from typing import Any

import bentoml
import joblib

from benchmarks.work import predictor


@bentoml.service
class Classifier:
    def __init__(self) -> None:
        self.ask = predictor(joblib.load(os.environ["MODEL"]))

    @bentoml.api
    def predict(self, records: list[Any]) -> list[Any]:
        return self.ask(records)
