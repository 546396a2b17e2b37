"""The service that `bentoml` runs, in its own environment: a joblib file behind one typed method."""

import os

import bentoml
import joblib
import pandas as pd


@bentoml.service
class Classifier:
    def __init__(self) -> None:
        self.model = joblib.load(os.environ["MODEL"])

    @bentoml.api
    def predict(self, records: list[dict[str, float]]) -> list[int]:
        return self.model.predict(pd.DataFrame(records)).tolist()
