"""The README of mlops-lite, with our import in place of its own; and the next process goes on with what was bound."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from sklearn import datasets
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modelyard.base.errors import NotFound
from modelyard.base.notes import collected
from modelyard.compat.mlopslite import MlopsLite, RegistryConfig, sklearn_dataset_to_dataframe

INFO = ["column_name", "original_dtype", "converted_dtype", "null_count", "unique_count", "min_value_num", "max_value_num"]  # fmt: skip
DATASETS = ["id", "name", "version", "size_cols", "size_rows", "description", "created_at"]
MODELS = ["id", "name", "version", "dataset_registry_id", "estimator_class", "estimator_type", "description", "created_at"]  # fmt: skip


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/mlops-lite.db"


def test_the_readme(uri: str) -> None:
    client = MlopsLite(config=RegistryConfig(uri))
    data = sklearn_dataset_to_dataframe(datasets.load_iris())
    client.bind_dataset(data, "iris", "flowers")
    assert list(client.dataset.info().columns)[:7] == INFO
    assert list(client.list_datasets().columns) == DATASETS
    pd.testing.assert_frame_equal(client.dataset.data, data)
    X, y = data.drop(columns=["target"]), data["target"]
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    client.bind_model(object=model, name="testmodel", target="target")
    assert list(client.list_models().columns) == MODELS
    test = [{**row, "reference_id": f"r{i}"} for i, row in enumerate(X.head(2).to_dict("records"))]
    answer = client.model.predict(test, log=True)
    expected = model.predict_proba(X.head(2))
    assert answer == [
        {"reference_id": f"r{i}", "results": dict(zip("012", row, strict=True))}
        for i, row in enumerate(expected.tolist())
    ]
    logged = client.yard.predictions.list()
    assert sorted(logged["reference_id"]) == ["r0", "r1"]
    assert set(logged["model"]) == {"testmodel@1"}
    assert set(logged["dataset_id"]) == {client.dataset.id}
    client.close()


def test_a_new_process_goes_on_with_what_was_bound(uri: str) -> None:
    client = MlopsLite(config=RegistryConfig(uri))
    data = sklearn_dataset_to_dataframe(datasets.load_diabetes())
    client.bind_dataset(data, "diabetes")
    X = data.drop(columns=["target"])
    model = RandomForestRegressor(5, random_state=0).fit(X, data["target"])
    client.bind_deployable(model, "forest", "target")
    client.close()
    script = (
        "import sys\n"
        "from modelyard.compat.mlopslite import MlopsLite, RegistryConfig\n"
        "client = MlopsLite(config=RegistryConfig(sys.argv[1]))\n"
        "rows = client.dataset.data.drop(columns=['target']).head(3).to_dict('records')\n"
        "print(client.model.ref, [r['results'] for r in client.predict(rows, log=True)])\n"
    )
    done = subprocess.run([sys.executable, "-c", script, uri], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"forest@1 {model.predict(X.head(3)).tolist()}"


def test_loading_another_data_set_unloads_the_model_that_is_not_its(uri: str) -> None:
    client = MlopsLite(config=RegistryConfig(uri))
    iris = sklearn_dataset_to_dataframe(datasets.load_iris())
    wine = sklearn_dataset_to_dataframe(datasets.load_wine())
    first = client.bind_dataset(iris, "iris")
    fitted = LogisticRegression(max_iter=5000).fit(iris.drop(columns=["target"]), iris["target"])
    bound = client.bind_model(fitted, "m", "target")
    with collected() as notes:
        client.bind_dataset(wine, "wine")
    assert notes == ["m@1 was not trained on wine@1: it is unloaded"]
    with pytest.raises(NotFound, match="no model is active"):
        client.predict([{}])
    client.pull_model(bound.id)
    assert client.dataset.id == first.id
    client.close()


def test_equal_content_is_the_same_version_and_a_new_name_is_said(uri: str) -> None:
    client = MlopsLite(config=RegistryConfig(uri))
    iris = sklearn_dataset_to_dataframe(datasets.load_iris())
    assert client.bind_dataset(iris, "iris").id == client.bind_dataset(iris, "iris").id
    changed = iris.copy()
    changed.iloc[0, 0] = 99.0
    assert client.bind_dataset(changed, "iris").version == 2
    with collected() as notes:
        assert client.bind_dataset(iris, "flowers").version == 1
    assert notes == ["the same data is here already as iris@1; 'flowers' is a new entry for it"]
    client.close()


def test_without_anything_bound_the_error_says_what_to_do(uri: str) -> None:
    client = MlopsLite(config=RegistryConfig(uri))
    with pytest.raises(NotFound, match="no data set is active"):
        client.dataset  # noqa: B018  the property raises
    with pytest.raises(NotFound, match="no data set named 'id 7'"):
        client.pull_dataset(7)
    client.close()
