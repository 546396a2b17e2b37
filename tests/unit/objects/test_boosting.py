"""XGBoost, LightGBM and CatBoost the way people use them: what comes back, what is taken, how files of the libraries open."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import catboost as cb
import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
import xgboost as xgb
from sklearn.ensemble import VotingClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import modelyard as my
from cases.flavors import catboost as catboost_cases
from cases.flavors import lightgbm as lightgbm_cases
from cases.flavors import xgboost as xgboost_cases
from cases.flavors.boosting_data import AMOUNT, CODES, NUMBERS, NUMERIC, TABLE, WORDS
from modelyard.base.errors import InvalidInput, UnsupportedFormat, UnsupportedType
from modelyard.base.notes import collected
from modelyard.objects import flavors
from modelyard.objects.flavors import catboost, lightgbm, sklearn, xgboost
from modelyard.testing.flavors import FolderFiles
from modelyard.yard.verbs import open_model
from serving_cases.server import serving

RECORDS = json.loads(TABLE.to_json(orient="records"))
SMALL = lightgbm_cases.SMALL


def again(model: Any, folder: Path, rows: Any = None) -> Any:
    card = my.save(model, folder / "model", sample_data=rows)
    assert card.format is not None
    assert card.format.tier == 0
    return my.load(folder / "model")


# What comes back


@pytest.mark.parametrize(
    "word", ["classifier of a table", "early stopping", "constrained", "forest"]
)
def test_an_estimator_of_xgboost_comes_back_whole(word: str, tmp_path: Path) -> None:
    model = xgboost_cases.models()[word].make()
    found = again(model, tmp_path)
    assert type(found) is type(model)
    assert str(found.get_params()) == str(model.get_params())  # the missing value is NaN
    assert found.n_features_in_ == model.n_features_in_
    assert np.array_equal(found.feature_importances_, model.feature_importances_)
    assert vars(found).keys() == vars(model).keys()
    for name in ("classes_", "feature_names_in_", "best_iteration", "best_score"):
        if hasattr(model, name):
            assert np.array_equal(getattr(found, name), getattr(model, name)), name


def test_the_best_round_counts_after_loading(tmp_path: Path) -> None:
    model = xgboost_cases.models()["early stopping"].make()
    assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
    assert again(model, tmp_path).best_iteration == model.best_iteration


@pytest.mark.parametrize("word", ["classifier of a table", "early stopping", "regressor"])
def test_an_estimator_of_lightgbm_comes_back_whole(word: str, tmp_path: Path) -> None:
    model = lightgbm_cases.models()[word].make()
    found = again(model, tmp_path)
    assert type(found) is type(model)
    assert found.get_params() == model.get_params()
    assert vars(found).keys() == vars(model).keys()
    for name in (
        "n_features_in_",
        "feature_name_",
        "best_iteration_",
        "best_score_",
        "evals_result_",
    ):
        assert getattr(found, name, None) == getattr(model, name, None), name
    assert np.array_equal(found.feature_importances_, model.feature_importances_)
    if hasattr(model, "classes_"):
        assert np.array_equal(found.classes_, model.classes_)
        assert found.classes_.dtype == model.classes_.dtype
    wanted = WORDS if hasattr(model, "classes_") else AMOUNT
    assert len(found.set_params(verbose=-1).fit(NUMERIC, wanted).predict(NUMERIC)) == len(wanted)


def test_all_trees_are_kept_beside_the_best_round(tmp_path: Path) -> None:
    model = lightgbm_cases.models()["booster that stopped early"].make()
    found = again(model, tmp_path)
    assert found.best_iteration == model.best_iteration < model.num_trees() == found.num_trees()
    assert found.params == model.params


@pytest.mark.parametrize(
    "word", ["classifier of a table with categories", "early stopping", "plain"]
)
def test_a_model_of_catboost_comes_back_whole(word: str, tmp_path: Path) -> None:
    model = catboost_cases.models()[word].make()
    found = again(model, tmp_path)
    assert type(found) is type(model)
    assert found.get_params() == model.get_params()
    assert np.array_equal(found.classes_, model.classes_)
    assert np.array_equal(found.feature_importances_, model.feature_importances_)
    assert found.feature_names_ == model.feature_names_
    assert found.get_cat_feature_indices() == model.get_cat_feature_indices()
    assert found.n_features_in_ == model.n_features_in_
    for seen, scores in model.best_score_.items():
        assert found.best_score_[seen] == pytest.approx(scores)


def test_what_makes_it_code_is_named(tmp_path: Path) -> None:
    model = xgboost_cases.models()["a function among the parameters"].make()
    with collected() as notes:
        card = my.save(model, tmp_path / "model", sample_data=NUMBERS)
    assert card.format is not None
    assert card.format.tier == 2
    assert card.format.reasons[0] == "objective (function)"
    assert "objective (function)" in "".join(notes)


def test_a_model_of_graphics_cards_names_what_is_installed_here(tmp_path: Path) -> None:
    model = xgboost_cases.models()["booster of arrays"].make()
    card = my.save(model, tmp_path / "model", sample_data=NUMBERS)
    assert [p.split("==")[0] for p in card.requirements.packages] == ["numpy", "xgboost-cpu"]
    assert card.requirements.system == ()
    lightgbm_model = lightgbm_cases.models()["regressor"].make()
    card = my.save(lightgbm_model, tmp_path / "other", sample_data=NUMERIC)
    assert card.requirements.system == ("libgomp1",)
    named = [p.split("==")[0] for p in card.requirements.packages]
    assert named == ["lightgbm", "numpy", "pandas", "scikit-learn"]


def test_the_compiled_part_of_catboost_is_no_local_module(tmp_path: Path) -> None:
    model = catboost_cases.models()["plain"].make()
    card = my.save(model, tmp_path / "model", sample_data=NUMERIC)
    assert card.requirements.modules == ()
    assert [p.split("==")[0] for p in card.requirements.packages] == ["catboost", "numpy", "pandas"]


# Files that the libraries wrote


def test_files_of_xgboost_itself_are_read(tmp_path: Path) -> None:
    model = xgboost_cases.models()["booster of a table"].make()
    expected = model.predict(xgb.DMatrix(TABLE, enable_categorical=True))
    [native] = [n for n in xgboost.NATIVE if n.NAME == "ubj"]
    for number, suffix in enumerate(("ubj", "json")):
        folder = tmp_path / str(number)
        folder.mkdir()
        model.save_model(folder / f"model.{suffix}")
        (folder / f"model.{suffix}").rename(folder / "artifact")
        found = native.load(FolderFiles(folder))
        assert type(found) is xgb.Booster
        assert np.array_equal(xgboost.methods(found)["predict"](TABLE), expected)


def test_a_file_of_lightgbm_itself_is_read(tmp_path: Path) -> None:
    model = lightgbm_cases.models()["booster of a table"].make()
    model.save_model(tmp_path / "artifact")
    found = lightgbm.NATIVE[0].load(FolderFiles(tmp_path))
    assert type(found) is lgb.Booster
    assert np.array_equal(found.predict(TABLE), model.predict(TABLE))


@pytest.mark.parametrize(
    ("word", "role"),
    [
        ("classifier of a table with categories", cb.CatBoostClassifier),
        ("several outputs", cb.CatBoostRegressor),
        ("plain", cb.CatBoostRegressor),
        ("ranker", cb.CatBoostRanker),
    ],
)
def test_a_file_of_catboost_itself_is_read_as_what_it_was_trained_for(
    word: str, role: type, tmp_path: Path
) -> None:
    example = catboost_cases.models()[word]
    example.make().save_model(str(tmp_path / "artifact"))
    found = catboost.NATIVE[0].load(FolderFiles(tmp_path))
    assert type(found) is role
    assert np.array_equal(found.predict(example.rows), example.make().predict(example.rows))


@pytest.mark.parametrize("flavor", [xgboost, lightgbm, catboost])
def test_other_files_beside_a_model_are_refused(flavor: Any, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("x")
    with pytest.raises(InvalidInput, match="is one file, not a, b"):
        flavor.NATIVE[0].load(FolderFiles(tmp_path))


# The libraries' own tables


def test_a_booster_that_was_saved_with_a_matrix_takes_tables(tmp_path: Path) -> None:
    matrix = xgb.DMatrix(TABLE, label=CODES, enable_categorical=True)
    model = xgb.train({"objective": "multi:softprob", "num_class": 3}, matrix, 4)
    expected = model.predict(matrix)
    card = my.save(model, tmp_path / "model", sample_data=matrix)
    assert card.methods["predict"].args["data"].type.to_dict()["type"] == "dmatrix"
    assert [row["town"] for row in card.sample] == ["Bern", "Oslo", "Rome", "Bern", "Oslo"]
    assert "pandas" in [p.split("==")[0] for p in card.requirements.packages]
    TABLE.to_csv(tmp_path / "rows.csv", index=False)
    for data in (TABLE, matrix, tmp_path / "rows.csv"):
        assert np.array_equal(my.apply(tmp_path / "model", data), expected)
    with serving([open_model(tmp_path / "model")]) as http:
        for body in (RECORDS, {"data": RECORDS}, {"data": {"values": RECORDS}}):
            assert http.post("/predict", json=body).json() == pytest.approx(expected)
        text = TABLE.to_csv(index=False)
        answer = http.post("/predict", content=text, headers={"Content-Type": "text/csv"})
        assert answer.json() == pytest.approx(expected)
        answer = http.post("/predict", json=[{**RECORDS[0], "town": "Paris"}])
        assert answer.status_code == 422
        assert answer.json()["error"]["field"] == "data[0].town"


def test_a_booster_that_was_saved_with_a_frame_takes_frames(tmp_path: Path) -> None:
    model = xgboost_cases.models()["booster of a table"].make()
    expected = model.predict(xgb.DMatrix(TABLE, enable_categorical=True))
    my.save(model, tmp_path / "model", sample_data=TABLE)
    assert np.array_equal(my.apply(tmp_path / "model", TABLE), expected)
    margin = my.apply(tmp_path / "model", TABLE, options={"output_margin": True})
    assert not np.array_equal(margin, expected)


def test_a_booster_of_lightgbm_takes_the_rows_of_a_dataset(tmp_path: Path) -> None:
    rows = lgb.Dataset(TABLE, label=CODES > 0, free_raw_data=False)
    model = lgb.train({**lightgbm_cases.PARAMS, "objective": "binary"}, rows, 3)
    my.save(model, tmp_path / "model", sample_data=rows)
    for data in (TABLE, rows):
        assert np.array_equal(my.apply(tmp_path / "model", data), model.predict(TABLE))
    freed = lgb.Dataset(NUMBERS, label=AMOUNT)
    model = lgb.train(lightgbm_cases.PARAMS, freed, 2)
    with pytest.raises(UnsupportedType, match="does not have its rows"):
        my.save(model, tmp_path / "other", sample_data=freed)


def test_requests_set_no_parameters_of_lightgbm(tmp_path: Path) -> None:
    card = my.save(
        lightgbm_cases.models()["regressor"].make(), tmp_path / "model", sample_data=NUMERIC
    )
    assert card.methods["predict"].extra is None
    with serving([open_model(tmp_path / "model")]) as http:
        body = {"X": json.loads(NUMERIC[:1].to_json(orient="records"))}
        assert http.post("/predict", json=body).status_code == 200
        assert http.post("/predict", json={**body, "output_result": "x"}).status_code == 422


def test_a_pool_with_categories_is_a_sample(tmp_path: Path) -> None:
    rows = catboost_cases.TOWNS.drop(columns=["said", "member"])
    pool = cb.Pool(rows, label=CODES, cat_features=["town"])
    model = cb.CatBoostClassifier(**catboost_cases.SMALL).fit(pool)
    card = my.save(model, tmp_path / "model", sample_data=pool)
    assert card.sample is None  # it does not keep the words
    for data in (rows, pool):
        assert np.array_equal(my.apply(tmp_path / "model", data), model.predict(pool))
    records = json.loads(rows[:3].to_json(orient="records"))
    with serving([open_model(tmp_path / "model")]) as http:
        found = http.post("/predict", json=records).json()
    assert found == model.predict(rows[:3]).tolist()


def test_a_matrix_is_no_way_to_keep_data(tmp_path: Path) -> None:
    for value in (xgb.DMatrix(NUMBERS), cb.Pool(NUMBERS)):
        with pytest.raises(UnsupportedFormat, match="no data format holds a"):
            my.save(value, tmp_path / "data")


# Inside others


@pytest.mark.parametrize(
    "make",
    [
        lambda: xgb.XGBClassifier(n_estimators=2),
        lambda: lgb.LGBMClassifier(**SMALL),
        lambda: cb.CatBoostClassifier(**catboost_cases.SMALL),
    ],
    ids=["xgboost", "lightgbm", "catboost"],
)
@pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")
def test_pipelines_searches_and_votes_with_such_a_step(make: Any, tmp_path: Path) -> None:
    X = NUMERIC.fillna(0)
    models = [
        make_pipeline(StandardScaler(), make()),
        VotingClassifier([("a", make()), ("b", make())], voting="soft"),
    ]
    if not isinstance(make(), cb.CatBoost):  # it cannot be cloned with these parameters
        models.append(GridSearchCV(make(), {"n_estimators": [1, 2]}, cv=2))
    for number, model in enumerate(models):
        model.fit(X, CODES)
        assert flavors.find(model) is sklearn
        card = my.save(model, tmp_path / str(number), sample_data=X)
        assert {"predict", "predict_proba"} <= set(card.methods)
        found = my.load(tmp_path / str(number))
        assert np.array_equal(found.predict_proba(X), model.predict_proba(X))


def test_a_function_keeps_its_boosters_in_their_own_formats(tmp_path: Path) -> None:
    trees = xgboost_cases.models()["booster of arrays"].make()
    unfitted = xgb.XGBClassifier()

    def predict(rows: np.ndarray[Any, Any]) -> Any:
        assert unfitted is not None
        return trees.predict(xgb.DMatrix(rows))

    card = my.save(predict, tmp_path / "model", sample_data=NUMBERS)
    assert [f.path for f in card.artifact if "xgboost-ubj" in f.path]
    assert np.array_equal(my.apply(tmp_path / "model", NUMBERS), predict(NUMBERS))


def test_plain_scikit_learn_is_nobody_elses() -> None:
    assert flavors.find(make_pipeline(StandardScaler())) is sklearn
    assert flavors.find(xgb.XGBClassifier()) is xgboost
    assert flavors.find(pd.Series.sum) is not xgboost
