"""The same models behind ``mlflow models serve`` and behind ours: equal answers to equal bodies, and equal refusals; and
MLflow's own scoring client, which cannot tell."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pandas as pd
import pytest

from frameworks.mlflow_process import client, client_environment, mlflow_serving
from modelyard.objects.importers import open_path
from modelyard.objects.load import load_model
from serving_cases.server import serving

pytestmark = pytest.mark.timeout(900)  # several servers, and clients that take their time

Http = httpx2.Client
NAMES = ("sklearn_skops", "catboost_regressor")
FRAME = pd.DataFrame({"age": [30, 60, 45], "income": [41.5, 12.25, 30.0], "debt": [2.0, 7.5, 0.25]})
JSON, CSV = "application/json", "text/csv"
PARQUET = "application/vnd.apache.parquet"


def parquet(frame: pd.DataFrame) -> bytes:
    out = io.BytesIO()
    frame.to_parquet(out)
    return out.getvalue()


def split(frame: pd.DataFrame) -> dict[str, Any]:
    return {"dataframe_split": frame.to_dict("split")}


BODIES: dict[str, tuple[str, Any]] = {
    "split": (JSON, split(FRAME)),
    "split without an index": (JSON, {"dataframe_split": FRAME.to_dict("split", index=False)}),
    "other order": (JSON, split(FRAME[["debt", "age", "income"]])),
    "records": (JSON, {"dataframe_records": FRAME.to_dict("records")}),
    "instances": (JSON, {"instances": FRAME.to_dict("records")}),
    "inputs": (JSON, {"inputs": FRAME.to_dict("list")}),
    "csv": (CSV, FRAME.to_csv(index=False).encode()),
    "csv in utf-8": ("text/csv; charset=utf-8", FRAME.to_csv(index=False).encode()),
    "parquet": (PARQUET, parquet(FRAME)),
}
REFUSED: dict[str, tuple[str, Any]] = {
    "no JSON": (JSON, b"{"),
    "a list": (JSON, b"7"),
    "two forms": (JSON, {"inputs": FRAME.to_dict("list"), "instances": FRAME.to_dict("records")}),
    "a missing column": (JSON, split(FRAME[["age", "debt"]])),
    "a text for a number": (JSON, split(FRAME.astype({"debt": str}).replace("2.0", "two"))),
    "broken Parquet": (PARQUET, parquet(FRAME)[:-20]),
    "a split that is none": (JSON, {"dataframe_split": [1]}),
    "records that are none": (JSON, {"dataframe_records": {"age": [1]}}),
    "another type": ("application/xml", b"<a/>"),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    client("write", str(folder), *NAMES)
    return folder


@pytest.fixture(scope="module", params=NAMES)
def both(request: pytest.FixtureRequest, written: Path) -> Iterator[tuple[Http, Http]]:
    """Theirs and ours, of one model."""
    path = written / request.param
    source = open_path(path)
    with pytest.MonkeyPatch.context() as patch, mlflow_serving(path) as theirs:
        patch.setenv("MODELYARD_TRUST", source.card.digest)
        with serving([load_model(source, check_env="off")]) as ours:
            yield theirs, ours


def ask(http: Http, kind: str, body: Any) -> httpx2.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return http.post("/invocations", content=content, headers={"Content-Type": kind})


def test_equal_bodies_get_equal_answers(both: tuple[Http, Http]) -> None:
    theirs, ours = both
    for name, (kind, body) in BODIES.items():
        wanted, got = ask(theirs, kind, body), ask(ours, kind, body)
        assert wanted.status_code == 200, (name, wanted.text)
        assert got.status_code == 200, (name, got.text)
        assert got.json() == wanted.json(), name
        assert got.headers["content-type"] == wanted.headers["content-type"]


def test_equal_bodies_get_equal_refusals(both: tuple[Http, Http]) -> None:
    theirs, ours = both
    for name, (kind, body) in REFUSED.items():
        wanted, got = ask(theirs, kind, body), ask(ours, kind, body)
        assert 400 <= wanted.status_code < 500, (name, wanted.text)
        assert got.status_code == wanted.status_code, (name, wanted.text, got.text)
        assert {"error_code", "message"} <= set(got.json()), name


def test_probes_are_answered_alike(both: tuple[Http, Http]) -> None:
    theirs, ours = both
    for path in ("/ping", "/health"):
        wanted, got = theirs.get(path), ours.get(path)
        assert (got.status_code, got.content) == (wanted.status_code, wanted.content)


def test_mlflows_own_client_cannot_tell(written: Path) -> None:
    model = load_model(open_path(written / "sklearn_skops"), check_env="off")
    frame = FRAME.head(1)
    with serving([model]) as http:
        port = str(http.base_url.port)
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("scoring_client.py")), port],
            env=client_environment(),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-3000:]
    line = next(line for line in done.stdout.splitlines() if line.startswith("GOT "))
    got = json.loads(line[4:])
    wanted = np.asarray(model.call("predict", **{"X": frame})).tolist()
    assert got["frame"] == {"0": wanted}
    assert got["array"] == wanted
    assert "modelyard" in got["version"]
    shares = np.asarray(model.call("predict_proba", **{"X": frame})).tolist()
    assert np.allclose(got["params"], shares)
    assert "error code 400" in got["refused"]
    assert "age" in got["refused"]
