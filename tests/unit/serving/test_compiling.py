"""A server answers at once, and by the compiled engine once that is proven; ``apply`` compiles first."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

import modelyard as my
from cases.engines.onnx import BINARY, COLOURS, FRAME
from cli.program import run
from modelyard.base.errors import InvalidInput
from modelyard.base.notes import collected
from modelyard.objects.model import Model
from modelyard.serving import compiling
from modelyard.serving.housing import Housed
from modelyard.serving.service import Service
from modelyard.yard.verbs import live_model
from serving_cases.command import served, until
from serving_cases.server import serving

ROWS: list[dict[str, Any]] = FRAME.head(20).to_dict("records")
PATIENCE = 120.0


def oak() -> Model:
    forest = RandomForestClassifier(10, random_state=0).fit(FRAME, COLOURS)
    model = live_model(forest, FRAME)
    model.name = "oak"
    return model


def settled(client: httpx2.Client) -> str:
    """The engine, once it is another than at the start."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if (engine := client.get("/version").json()["engines"]["oak"]) == "onnx":
            return engine
        time.sleep(0.05)
    raise AssertionError("it was not compiled")


def test_a_server_compiles_while_it_answers(capsys: pytest.CaptureFixture[str]) -> None:
    model = oak()
    wanted = model.call("predict_proba", X=FRAME.head(20)).tolist()
    labels = model.call("predict", X=FRAME.head(20)).tolist()
    with serving(model, compile="auto") as client:
        assert client.post("/predict_proba", json=ROWS).json() == wanted  # ready means ready
        assert settled(client) == "onnx"
        assert client.post("/predict_proba", json=ROWS).json() == wanted
        assert client.post("/predict", json=ROWS).json() == labels
        assert client.post("/predict", json={"X": ROWS[:1]}).json() == labels[:1]
        refused = client.post("/predict", json=[{**ROWS[0], "a": "high"}])
        assert (refused.status_code, "X[0].a" in refused.text) == (422, True)
        described = client.get("/interface.json").json()["modelyard"]["models"]["oak"]["methods"]
        assert described["predict_proba"]["engine"] == "onnx"
        figures = client.get("/metrics").text.splitlines()
        [now] = [f for f in figures if 'engine="' in f and f.endswith(" 1.0")]
        assert 'engine="onnx"' in now
    told = capsys.readouterr().err
    assert "oak: predict, predict_proba compiled by onnx" in told
    assert "oak: predict_log_proba, apply not compiled: graphs have nothing for it" in told


def shown(client: httpx2.Client) -> str:
    """The engine that metrics show."""
    figures = client.get("/metrics").text.splitlines()
    [now] = [f for f in figures if 'engine="' in f and f.endswith(" 1.0")]
    return now.partition('engine="')[2].partition('"')[0]


def test_an_isolated_model_is_compiled_where_it_is(saved: Path) -> None:
    wanted = my.apply(str(saved / "oak"), FRAME.head(20)).tolist()
    with served("oak", "--isolate", "--compile", "auto", cwd=saved) as running:
        with httpx2.Client(base_url=running.url, timeout=60) as client:

            def compiled() -> bool:
                assert client.post("/predict", json=ROWS).json() == wanted
                return client.get("/version").json()["engines"] == {"oak": "onnx"}

            until(compiled)
            assert shown(client).split(",")[-1] == "onnx"  # other methods have the array engine
            described = client.get("/interface.json").json()["modelyard"]["models"]["oak"]
            assert described["methods"]["predict_proba"]["engine"] == "onnx"
        assert any("oak: predict, predict_proba compiled by onnx" in line for line in running.said)
        assert not any("process of its own" in line for line in running.said)


def test_metrics_show_the_array_engine_wherever_the_model_is(tmp_path: Path) -> None:
    model = LogisticRegression().fit(FRAME[["a", "b"]].fillna(0.0), BINARY)
    my.save(model, tmp_path / "elm", sample_data=FRAME[["a", "b"]].fillna(0.0))
    for words in ((), ("--isolate",)):
        with (
            served("elm", *words, cwd=tmp_path) as running,
            httpx2.Client(base_url=running.url, timeout=60) as client,
        ):
            assert client.get("/version").json()["engines"] == {"elm": "array"}
            assert shown(client) == "array"


def test_by_default_nothing_is_compiled() -> None:
    with serving(oak()) as client:
        assert client.post("/predict", json=ROWS).status_code == 200
        assert client.get("/version").json()["engines"] == {"oak": "python"}


def test_what_does_not_compile_keeps_its_engine() -> None:
    housed = Housed(live_model(lambda x: x, 3))
    with collected() as lines:
        assert not compiling.compiled_engines(housed)
    assert "not compiled: callable models are not converted" in lines[0]


def test_a_server_that_stops_waits_for_no_compiler() -> None:
    begun = time.monotonic()
    with serving(oak(), compile="auto"):
        pass
    assert time.monotonic() - begun < 60


def test_a_word_that_is_none_is_told() -> None:
    with pytest.raises(InvalidInput, match="'fast' is none of 'auto', 'off'"):
        Service([oak()], compile="fast")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    model = RandomForestClassifier(10, random_state=0).fit(FRAME, BINARY)
    my.save(model, folder / "oak", sample_data=FRAME)
    FRAME.to_csv(folder / "rows.csv", index=False)
    return folder


def test_apply_compiles_first(saved: Path) -> None:
    with collected() as lines:
        got = my.apply(str(saved / "oak"), FRAME, method="predict_proba", compile="auto")
    wanted = my.apply(str(saved / "oak"), FRAME, method="predict_proba")
    assert np.array_equal(got, wanted)
    assert lines == ["oak: predict_proba compiled by onnx"]
    with pytest.raises(InvalidInput, match="'fast' is none"):
        my.apply(str(saved / "oak"), FRAME, compile="fast")


def test_apply_compiles_on_the_command_line(saved: Path) -> None:
    done = run("apply", "oak", "rows.csv", "--compile", "auto", cwd=saved)
    assert done.code == 0, done.err
    assert json.loads(done.out) == my.apply(str(saved / "oak"), FRAME).tolist()
    assert "oak: predict compiled by onnx" in done.err
