"""In the environment that MLEM's models were saved in: they load, apply, serve and convert with equal results."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import modelyard as my
from cases.importers.mlem import (
    ANSWERS,
    FOLDER,
    MODELS,
    OTHERS,
    ROWS,
    is_answer,
    same_value,
    trusted,
)
from modelyard.base.errors import NotSupported
from modelyard.compat._mlem.converting import convert
from modelyard.objects.equality import same_output
from modelyard.objects.load import load_model
from modelyard.yard.resolving import resolve
from serving_cases.server import serving

UNREADABLE = "xgb"
"""Its booster is in a binary form that only old versions of xgboost read."""


def rows_for(name: str) -> Any:
    return OTHERS.get(name, ROWS)


@pytest.mark.parametrize("answer", [a for a in ANSWERS if not a.startswith(UNREADABLE)])
def test_answers_are_those_of_mlem(answer: str) -> None:
    name, method = answer.split(".")
    path = FOLDER / "v04/models" / name
    found = my.apply(path, rows_for(name), method=method, trust=trusted(path))
    assert is_answer(found, answer)


def test_a_booster_in_the_old_binary_form_says_what_to_do() -> None:
    path = FOLDER / "v04/models" / UNREADABLE
    with pytest.raises(NotSupported, match=r"binary form of xgboost before 2\.0"):
        my.load(path, trust=trusted(path))


@pytest.mark.parametrize("version", ["v01/.mlem/model", "v02/.mlem/model", "v03"])
def test_older_versions_give_the_same(version: str) -> None:
    path = FOLDER / version / "models/forest"
    for method in ("predict", "predict_proba"):
        found = my.apply(path, ROWS, method=method, trust=trusted(path))
        assert is_answer(found, f"forest.{method}")


def test_the_whole_chain_is_loaded_applied_and_served() -> None:
    path = FOLDER / "v04/models/stepped"
    model = my.load(path, trust=trusted(path))
    assert model.predict(ROWS) == ANSWERS["stepped.predict"]
    assert not hasattr(model.model, "names")
    assert len(model.model.predict(ROWS)) == 3
    opened = load_model(resolve(path), trust=trusted(path))
    with serving(opened) as http:
        answer = http.post("/predict", json={"frame": ROWS.to_dict("records")})
        assert answer.json() == ANSWERS["stepped.predict"], answer.text
        bare = http.post("/predict", json={"data": {"values": ROWS.to_dict("records")}})
        assert bare.json() == ANSWERS["stepped.predict"], bare.text


def test_a_single_row_and_many(tmp_path: Path) -> None:
    path = FOLDER / "v04/models/pipeline"
    many = pd.concat([ROWS] * 50, ignore_index=True)
    found = my.apply(path, many, method="predict_proba", trust=trusted(path))
    assert same_output(found[:3], my.apply(path, ROWS, method="predict_proba", trust=trusted(path)))


@pytest.mark.parametrize("to", [None, "new"])
def test_what_is_converted_answers_the_same(tmp_path: Path, to: str | None) -> None:
    shutil.copytree(FOLDER / "v04", tmp_path / "old")
    rows = convert(tmp_path / "old", recursive=True, to=tmp_path / to if to else None)
    assert [r for r in rows if r.status != "converted"] == []
    place = tmp_path / (to or "old")
    for name in MODELS:
        if name == UNREADABLE:
            continue
        path = place / "models" / name
        card = my.load_card(path)
        for method in card.methods:
            found = my.apply(path, rows_for(name), method=method, trust=card.digest)
            assert is_answer(found, f"{name}.{method}")
    for file in sorted((FOLDER / "v04/data").glob("*.mlem")):
        name = file.name.removesuffix(".mlem")
        one = my.load(file, trust=trusted(file))
        other = my.load(place / "data" / name, trust=trusted(place / "data" / name))
        assert same_value(one, other), name


def test_the_cli_applies_what_mlem_saved(tmp_path: Path) -> None:
    from cli.program import run

    ROWS.to_csv(tmp_path / "rows.csv", index=False)
    path = str(FOLDER / "v04/models/pipeline")
    done = run("apply", path, "rows.csv", "-m", "predict_proba", cwd=tmp_path)
    assert done.code == 0, done.err
    assert is_answer(json.loads(done.out), "pipeline.predict_proba")
