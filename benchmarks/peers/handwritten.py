"""What one writes by hand today: joblib for the file, FastAPI for the service, a loop over pieces for a large file.

The service is the honest best of its kind, not a straw man: the body's shape is declared, the frame is built once, and
the blocking prediction is a plain ``def``, which FastAPI runs in its thread pool, as its own guide advises.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from benchmarks.environments import Environment
from benchmarks.work import predictor

REQUIREMENTS = ("fastapi==0.165.0", "uvicorn[standard]==0.54.0", "pyarrow==26.0.1")
DISTRIBUTION = "fastapi"
VARIABLES: dict[str, str] = {}
PATH = "/predict"
ROWS = 100_000


def save(model: Any, sample: Any, folder: Path) -> None:
    import joblib

    joblib.dump(model, folder / "model.joblib")


SAVES = {"joblib.dump": save}


def serve(environment: Environment, folder: Path, port: int) -> list[str]:
    app = "benchmarks.peers.handwritten:create_app"
    return [
        *("env", f"MODEL={folder / 'model.joblib'}", str(environment.python), "-m", "uvicorn"),
        *("--factory", app, "--port", str(port), "--log-level", "warning", "--no-access-log"),
    ]


def create_app() -> Any:
    import joblib
    from fastapi import FastAPI

    ask = predictor(joblib.load(os.environ["MODEL"]))
    app = FastAPI()

    @app.post(PATH)
    def predict(records: list[Any]) -> list[Any]:
        return ask(records)

    return app


def request(records: list[dict[str, Any]]) -> bytes:
    return json.dumps(records).encode()


def answer(body: bytes) -> list[Any]:
    return json.loads(body)


def apply(folder: Path, data: Path, output: Path) -> None:
    import joblib

    model = joblib.load(folder / "model.joblib")
    (apply_csv if data.suffix == ".csv" else apply_parquet)(model, data, output)


def apply_csv(model: Any, data: Path, output: Path) -> None:
    import pandas as pd

    with output.open("w") as out:
        for number, piece in enumerate(pd.read_csv(data, chunksize=ROWS)):
            found = pd.DataFrame({"predict": model.predict(piece)})
            found.to_csv(out, index=False, header=number == 0)


def apply_parquet(model: Any, data: Path, output: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([("predict", pa.int64())])
    with pq.ParquetWriter(output, schema) as out:
        for batch in pq.ParquetFile(data).iter_batches(ROWS):
            out.write_table(pa.table({"predict": model.predict(batch.to_pandas())}, schema=schema))
