"""The service that `litserve` runs, in its own environment: a joblib file behind its four steps."""

import os
import sys
from typing import Any

import joblib
import litserve

from benchmarks.work import predictor


class Classifier(litserve.LitAPI):
    def setup(self, device: str) -> None:
        self.ask = predictor(joblib.load(os.environ["MODEL"]))

    def decode_request(self, request: list[Any]) -> list[Any]:
        return request

    def predict(self, records: list[Any]) -> list[Any]:
        return self.ask(records)

    def encode_response(self, output: list[Any]) -> list[Any]:
        return output


if __name__ == "__main__":
    server = litserve.LitServer(Classifier(), accelerator="cpu")
    server.run(
        host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", generate_client_file=False
    )
