"""MLflow: ``save_model`` to a folder, ``log_model`` to a run in SQLite, and its scoring server."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.environments import Environment

REQUIREMENTS = ("mlflow==3.17.2",)
DISTRIBUTION = MODULE = COMMAND = "mlflow"
VARIABLES = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
PATH = "/invocations"

# Its default format for scikit-learn is skops, which takes trees only when told to.
TRUSTED = ["sklearn.tree._tree.Tree"]


def save(model: Any, sample: Any, folder: Path) -> None:
    import mlflow.sklearn

    mlflow.sklearn.save_model(
        model, folder / "model", input_example=sample.head(5), skops_trusted_types=TRUSTED
    )


def log(model: Any, sample: Any, folder: Path) -> None:
    import mlflow
    import mlflow.sklearn

    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    if mlflow.get_experiment_by_name("benchmark") is None:
        mlflow.create_experiment("benchmark", artifact_location=str(folder / "artifacts"))
    mlflow.set_experiment("benchmark")
    with mlflow.start_run():
        mlflow.sklearn.log_model(
            model, name="model", input_example=sample.head(5), skops_trusted_types=TRUSTED
        )


def save_network(model: Any, sample: Any, folder: Path) -> None:
    import mlflow.pytorch

    mlflow.pytorch.save_model(model, folder / "model", input_example=sample[:5])


SAVE_NETWORK = save_network
SAVES = {"save_model": save, "log_model": log}


def _run(uri: str) -> Any:
    import mlflow

    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment("benchmark")
    return mlflow.start_run()


def to_file(folder: Path, address: str) -> Callable[[str, float, int], None]:
    import mlflow

    _run(f"sqlite:///{folder / 'mlflow.db'}")
    return mlflow.log_metric


def to_server(folder: Path, address: str) -> Callable[[str, float, int], None]:
    import mlflow

    _run(address)
    return mlflow.log_metric


def to_server_later(folder: Path, address: str) -> Callable[[str, float, int], None]:
    import mlflow

    _run(address)
    return partial(mlflow.log_metric, synchronous=False)


LOGS = {"file": to_file, "server": to_server, "server, async": to_server_later}


def autolog(folder: Path, *, models: bool, on: bool) -> None:
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    mlflow.autolog(log_models=models, disable=not on, silent=True)


AUTOLOG = autolog


def model_logger(folder: Path) -> Callable[[Any, Any], None]:
    import mlflow.sklearn

    _run(f"sqlite:///{folder / 'mlflow.db'}")

    def log_model(model: Any, sample: Any) -> None:
        example = sample.head(5)
        mlflow.sklearn.log_model(
            model, name="model", input_example=example, skops_trusted_types=TRUSTED
        )

    return log_model


LOG_MODEL = model_logger


def serve(environment: Environment, folder: Path, port: int) -> list[str]:
    return [
        *(
            str(environment.command(COMMAND)),
            "models",
            "serve",
            "--model-uri",
            str(folder / "model"),
        ),
        *("--env-manager", "local", "--port", str(port)),
    ]


def request(records: list[dict[str, Any]]) -> bytes:
    return json.dumps({"dataframe_records": records}).encode()


def request_rows(rows: list[Any]) -> bytes:
    return json.dumps({"inputs": rows}).encode()


def answer(body: bytes) -> list[Any]:
    return json.loads(body)["predictions"]
