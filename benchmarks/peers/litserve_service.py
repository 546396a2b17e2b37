"""The service that `litserve` runs, in its own environment: a joblib file behind its four steps."""

import os
import sys

import joblib
import litserve
import pandas as pd


class Classifier(litserve.LitAPI):
    def setup(self, device: str) -> None:
        self.model = joblib.load(os.environ["MODEL"])

    def decode_request(self, request: list[dict[str, float]]) -> pd.DataFrame:
        return pd.DataFrame(request)

    def predict(self, frame: pd.DataFrame) -> object:
        return self.model.predict(frame)

    def encode_response(self, output: object) -> list[int]:
        return output.tolist()


if __name__ == "__main__":
    server = litserve.LitServer(Classifier(), accelerator="cpu")
    server.run(
        host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", generate_client_file=False
    )
