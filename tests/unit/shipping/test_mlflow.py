"""Models as folders for MLflow: what stands in them, equal bytes, and the answers of the code that travels along.

That MLflow's own client takes them is tested in `tests/frameworks`, where it is installed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

import modelyard as my
from modelyard.base.errors import AlreadyExists, InvalidInput, ModelyardError, NotFound
from modelyard.objects.embedded import open_embedded
from modelyard.objects.formats._mlflow.called import Called, open_function
from modelyard.shipping.build import plan_build
from modelyard.shipping.builders._mlflow.yaml import yaml_text

X = pd.DataFrame({"size": [30.0, 50.0, 70.0], "rooms": [1, 2, 3]})


def read(path: Path, version: tuple[int, int] = (1, 1)) -> Any:
    """YAML as MLflow's reader has it, which knows version 1.1 alone."""
    yaml = YAML(typ="safe", pure=True)
    yaml.version = version
    return yaml.load(path.read_text("utf-8"))


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}  # fmt: skip


def forest() -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(2, max_depth=2, random_state=0).fit(X, ["a", "b", "a"])


@pytest.fixture
def built(tmp_path: Path) -> Path:
    my.save(
        forest(), tmp_path / "forest", sample_data=X, description="On: {flats}\n# 'and' \"homes\""
    )
    return my.build(tmp_path / "forest", "mlflow", output=tmp_path / "out").path


# What stands in the folder


def test_the_description(built: Path) -> None:
    found = read(built / "MLmodel")
    assert found["flavors"]["python_function"]["code"] == "code"
    assert found["flavors"]["python_function"]["data"] == "model"
    assert found["flavors"]["sklearn"]["serialization_format"] == "skops"
    assert (built / found["flavors"]["sklearn"]["pickled_model"]).is_file()
    assert found["metadata"]["description"] == "On: {flats}\n# 'and' \"homes\""
    assert json.loads(found["signature"]["inputs"]) == [
        {"name": "size", "type": "double", "required": True},
        {"name": "rooms", "type": "long", "required": True},
    ]
    outputs = [{"type": "tensor", "tensor-spec": {"dtype": "str", "shape": [-1]}}]
    assert json.loads(found["signature"]["outputs"]) == outputs
    [method] = json.loads(found["signature"]["params"])
    assert (method["name"], method["default"]) == ("method", "predict")
    assert json.loads((built / "input_example.json").read_text())["columns"] == ["size", "rooms"]
    request = json.loads((built / "serving_input_example.json").read_text())
    assert request["dataframe_split"]["data"][0] == [30.0, 1]


def test_the_environment(built: Path) -> None:
    lines = (built / "requirements.txt").read_text().splitlines()
    assert lines[0] == "mlflow"
    assert any(line.startswith("scikit-learn==") for line in lines)
    conda = read(built / "conda.yaml")
    assert conda["dependencies"][0].startswith("python=3.")
    assert conda["dependencies"][2] == {"pip": lines}
    assert read(built / "python_env.yaml")["dependencies"] == ["-r requirements.txt"]


def test_the_version_of_mlflow_can_be_named(built: Path, tmp_path: Path) -> None:
    again = my.build(tmp_path / "forest", "mlflow", output=tmp_path / "v", version="3.17.2").path
    assert (again / "requirements.txt").read_text().startswith("mlflow==3.17.2\n")
    with pytest.raises(InvalidInput):
        my.build(tmp_path / "forest", "mlflow", output=tmp_path / "v", version="1\n--index-url=x")


def test_the_same_bytes_each_time(built: Path, tmp_path: Path) -> None:
    again = my.build(tmp_path / "forest", "mlflow", output=tmp_path / "again").path
    assert contents(again) == contents(built)


def test_the_package_in_it_is_named_after_the_model(built: Path, tmp_path: Path) -> None:
    """Two models in one process must not share their code."""
    [package] = (built / "code").iterdir()
    digest = my.load_card(tmp_path / "forest").digest
    assert package.name.isidentifier()
    assert digest.removeprefix("sha256:").startswith(package.name.removeprefix("modelyard_"))


def test_what_is_there_is_kept_unless_it_was_built(built: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    with pytest.raises(AlreadyExists, match="no folder that this builder wrote"):
        my.build(tmp_path / "forest", "mlflow", output=tmp_path / "mine")
    assert (tmp_path / "mine" / "notes.txt").read_text() == "keep"
    assert my.build(tmp_path / "forest", "mlflow", output=built).path == built


def test_a_model_without_methods_cannot_be_called(tmp_path: Path) -> None:
    import pickle

    (tmp_path / "m.pkl").write_bytes(pickle.dumps(forest()))
    with pytest.raises(NotFound, match="no methods"):
        my.build(tmp_path / "m.pkl", "mlflow", output=tmp_path / "out")


def test_a_plan_touches_nothing(built: Path, tmp_path: Path) -> None:
    plan = plan_build(tmp_path / "forest", "mlflow", output=tmp_path / "new")
    assert plan.steps[0] == f"write {tmp_path / 'new'}"
    assert not (tmp_path / "new").exists()


def test_it_opens_as_the_object_it_was_built_from(built: Path, tmp_path: Path) -> None:
    card = my.load_card(built)
    assert card.digest == my.load_card(tmp_path / "forest").digest
    assert my.apply(built, X).tolist() == my.apply(tmp_path / "forest", X).tolist()
    assert my.apply(built, X, method="predict_proba").shape == (3, 2)


def test_a_changed_file_is_found(built: Path) -> None:
    path = built / "model" / "model.skops"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelyardError, match="not what its card says"):
        open_embedded(built / "model")
    with pytest.raises(ModelyardError, match="not what its card says"):
        my.load(built)


def test_the_code_in_it_runs_without_modelyard(built: Path) -> None:
    """As MLflow imports it: the code folder on the path, and the loader by name."""
    loader = read(built / "MLmodel")["flavors"]["python_function"]["loader_module"]
    script = (
        f"import sys; sys.path.insert(0, {str(built / 'code')!r})\n"
        f"import importlib, pandas; loader = importlib.import_module({loader!r})\n"
        f"model = loader._load_pyfunc({str(built / 'model')!r})\n"
        f"frame = pandas.DataFrame({X.to_dict('list')!r})\n"
        "print(model.predict(frame).tolist())\n"
        "print(model.predict(frame, params={'method': 'predict_proba'}).shape)\n"
        "assert 'modelyard' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [str(my.apply(built, X).tolist()), "(3, 2)"]


# Every kind of input


def area(width: float, height: float, unit: str = "m²") -> str:
    return f"{width * height:g} {unit}"


def lengths(texts: list[str]) -> list[int]:
    return [len(text) for text in texts]


def greeting(person: dict) -> str:  # type: ignore[type-arg]
    return f"{person['name']} has {len(person['pets'])}"


def totals(orders: list) -> list[float]:  # type: ignore[type-arg]
    return [order["price"] * order["count"] for order in orders]


def column_sums(values: np.ndarray) -> np.ndarray:
    return values.sum(axis=0)


def first_of(values: pd.Series) -> Any:
    return values.iloc[:1].tolist()


ORDERS = [{"price": 2.5, "count": 2, "tags": ["x"]}]

KINDS: dict[str, tuple[Any, Any, Any, Any]] = {
    "two numbers a row": (area, (2.0, 3.0), pd.DataFrame({"width": [2.0, 1], "height": [3.0, 1]}), ["6 m²", "1 m²"]),
    "a list": (lengths, ["a"], ["abc", ""], [3, 0]),
    "a list, as a table": (lengths, ["a"], pd.DataFrame({0: ["abc", ""]}), [3, 0]),
    "a dict a row": (greeting, {"name": "Ana", "pets": ["x"]}, pd.DataFrame({"person": [{"name": "Bo", "pets": []}]}), ["Bo has 0"]),
    "records": (totals, ORDERS, [{"price": 1.0, "count": 3, "tags": []}], [3.0]),
    "records, as a table": (totals, ORDERS, pd.DataFrame({"price": [1.0], "count": [3], "tags": [[]]}), [3.0]),
    "an array": (column_sums, np.eye(3), np.ones((4, 3)), [4.0, 4.0, 4.0]),
    "an array, as a table": (column_sums, np.eye(3), pd.DataFrame(np.ones((4, 3))), [4.0, 4.0, 4.0]),
    "a series": (first_of, pd.Series([1.5, 2.5]), pd.DataFrame({0: [7.0, 8.0]}), [7.0]),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_the_answer_is_that_of_the_model(kind: str, tmp_path: Path) -> None:
    function, sample, asked, answer = KINDS[kind]
    my.save(function, tmp_path / "m", sample_data=sample)
    built = my.build(tmp_path / "m", "mlflow", output=tmp_path / "out").path
    found = open_function(str(built / "model")).predict(asked)
    assert (found.tolist() if hasattr(found, "tolist") else found) == answer


def test_categories_zones_and_missing_values_arrive(tmp_path: Path) -> None:
    sample = pd.DataFrame(
        {
            "city": pd.Categorical(["x", "y"]),
            "at": pd.to_datetime(["2024-01-01", "2024-01-02"]).tz_localize("UTC"),
            "visits": pd.array([1, None], dtype="Int64"),
            "note": ["a", None],
        }
    )
    seen: list[Any] = []

    def look(table):  # type: ignore[no-untyped-def]
        return [str(dtype) for dtype in table.dtypes]

    my.save(look, tmp_path / "m", sample_data=sample)
    built = my.build(tmp_path / "m", "mlflow", output=tmp_path / "out").path
    sent = pd.DataFrame({"city": ["y"], "at": ["2024-01-01T00:00:00+00:00"], "visits": [3.0]})
    model = open_function(str(built / "model"))
    assert model.predict(sent) == look(sample)
    assert not seen


def test_params_are_optional_arguments(tmp_path: Path) -> None:
    my.save(area, tmp_path / "m", sample_data=(2.0, 3.0))
    built = my.build(tmp_path / "m", "mlflow", output=tmp_path / "out").path
    [unit] = json.loads(read(built / "MLmodel")["signature"]["params"])
    assert unit == {"name": "unit", "default": "m²", "shape": None, "type": "string"}
    model: Called = open_function(str(built / "model"))
    one = pd.DataFrame({"width": [2.0], "height": [3.0]})
    assert model.predict(one, params={"unit": "ha"}) == ["6 ha"]
    with pytest.raises(InvalidInput, match="no parameter 'units'"):
        model.predict(one, params={"units": "ha"})
    with pytest.raises(ModelyardError, match="width"):
        model.predict(pd.DataFrame({"width": ["x"], "height": [3.0]}))


def test_steps_run_and_no_native_reader_would_leave_them_out(tmp_path: Path) -> None:
    my.save(
        forest(), tmp_path / "m", sample_data=X, postprocess=lambda y: ["<" + v + ">" for v in y]
    )
    built = my.build(tmp_path / "m", "mlflow", output=tmp_path / "out").path
    assert list(read(built / "MLmodel")["flavors"]) == ["modelyard", "python_function"]
    assert open_function(str(built / "model")).predict(X)[0].startswith("<")


@pytest.mark.parametrize("name", ["xgboost", "lightgbm", "catboost"])
def test_a_boosters_own_file_is_named_for_mlflows_reader(name: str, tmp_path: Path) -> None:
    import importlib

    example = next(iter(importlib.import_module(f"cases.flavors.{name}").case().models.values()))
    my.save(example.make(), tmp_path / "m", sample_data=example.rows)
    built = my.build(tmp_path / "m", "mlflow", output=tmp_path / "out").path
    flavors = read(built / "MLmodel")["flavors"]
    if name == "lightgbm":  # MLflow keeps its estimators as pickles
        assert name not in flavors
    else:
        assert (built / flavors[name]["data"]).is_file()


# YAML


PLAIN = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False),
        st.text(st.characters(exclude_categories=["Cs"])),
        st.sampled_from(["on", "No", "~", "1e5", "0x1", "1:30", "2024-01-01", "=", "<<", "- a", "a: b", "", " x", "null"]),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), inner, max_size=3),
    max_leaves=10,
)  # fmt: skip


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6), PLAIN
    )
)
def test_every_value_comes_back_from_every_reader(value: dict[str, Any]) -> None:
    text = yaml_text(value)
    for version in ((1, 1), (1, 2)):
        yaml = YAML(typ="safe", pure=True)
        yaml.version = version
        assert (yaml.load(text) or {}) == value
