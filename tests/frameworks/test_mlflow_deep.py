"""Deep networks and their like, both ways with MLflow's own client."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import modelyard as my
from frameworks.mlflow_process import answers_of, client
from modelyard.objects.importers import open_path
from modelyard.objects.load import load_model
from serving_cases.server import serving

READ_AS = {
    "torch_pickle": ("torch", "torch_pickle", 2),
    "torch_exported": ("torch", "torch_export", 2),
    "keras": ("keras", "keras", 1),
    "keras_exported": ("tensorflow", "savedmodel", 2),
    "tensorflow": ("tensorflow", "savedmodel", 2),
    "prophet": ("prophet", "prophet_json", 0),
    "spacy": ("spacy", "spacy", 1),
    "sentences": ("sentence_transformers", "sentence_transformers", 1),
}
"""What the client writes -> how it is read here: flavor, format, tier."""


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    client("write", str(folder), *READ_AS)
    return folder


def asked(name: str, question: Any) -> Any:
    """A question as users have it."""
    if name == "spacy":
        return [row["text"] for row in question]
    if name == "prophet":
        return pd.DataFrame(question).assign(ds=lambda days: pd.to_datetime(days.ds))
    return question if name == "sentences" else pd.DataFrame(question).to_numpy(np.float32)


def compared(name: str, answer: Any) -> Any:
    """The numbers of an answer, wherever a library puts them."""
    if name == "spacy":
        return [list((row.get("cats") or row["predictions"]).values()) for row in answer]
    if name == "prophet":
        return [row["yhat"] for row in (answer.to_dict("records") if hasattr(answer, "iloc") else answer)]  # fmt: skip
    return answer["doubled"] if isinstance(answer, dict) else answer


@pytest.mark.parametrize("name", READ_AS)
def test_a_model_that_mlflow_wrote_answers_the_same_here(
    name: str, written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = open_path(written / name)
    assert source.card.format is not None
    assert (source.card.flavor, source.card.format.name, source.card.format.tier) == READ_AS[name]
    monkeypatch.setenv("MODELYARD_TRUST", source.card.digest)
    expected = json.loads((written / "expected.json").read_text())[name]
    found = my.apply(written / name, asked(name, expected["question"]))
    answer = compared(name, expected["answer"])
    assert np.allclose(compared(name, found), answer, rtol=1e-4, atol=1e-5)


def test_and_served_it_answers_the_same(written: Path) -> None:
    expected = json.loads((written / "expected.json").read_text())["keras"]
    rows = asked("keras", expected["question"]).tolist()
    with serving([load_model(open_path(written / "keras"), check_env="off")]) as http:
        answer = http.post("/predict", json=rows)
    assert answer.status_code == 200, answer.text
    assert np.allclose(answer.json(), expected["answer"], rtol=1e-4)


def test_mlflow_answers_what_we_answer(tmp_path: Path) -> None:
    import keras
    import torch

    rows = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    keras.utils.set_random_seed(0)
    torch.manual_seed(0)
    dense = keras.Sequential([keras.Input([3]), keras.layers.Dense(2, "relu")])
    models = {"keras": dense, "torch": torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Tanh())}
    questions, expecting = [], []
    for name, model in models.items():
        my.save(model, tmp_path / name, sample_data=rows)
        built = my.build(tmp_path / name, "mlflow", output=tmp_path / f"{name}-mlflow").path
        one = {"as": "array", "dtype": "float32", "value": rows.tolist(), "path": str(built)}
        questions.append(one)
        expecting.append(my.apply(tmp_path / name, rows))
    questions.append({**questions[0], "flavor": "keras"})
    expecting.append(expecting[0])
    for expect, answer in zip(expecting, answers_of(questions, tmp_path), strict=True):
        assert np.allclose(answer, expect, rtol=1e-5)
