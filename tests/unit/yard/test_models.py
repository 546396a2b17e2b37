"""Models of a yard: registered from anywhere, found by every reference, promoted, renamed, deleted, remembered."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sqlalchemy import event

import modelyard as my
from modelyard import Yard
from modelyard.base.errors import (
    InvalidInput,
    InvalidName,
    NotFound,
    StageEmpty,
    VersionNotFound,
)

LISTED = ["id", "name", "version", "dataset_registry_id", "estimator_class", "estimator_type", "description", "created_at"]  # fmt: skip


def scorer(bias: float) -> Any:
    """A small model with content of its own."""

    def score(x: float) -> float:
        return x + bias

    return score


def test_from_a_live_object_with_its_data_set(yard: Yard, iris, classifier) -> None:
    data = yard.datasets.add(iris, "iris")
    version = yard.models.add(
        classifier, "churn", dataset=data, target="kind", description="first try"
    )
    assert (version.ref, version.version, version.target) == ("churn@1", 1, "kind")
    assert version.dataset == data
    columns = version.card.methods["predict"].args["X"].type.to_dict()["columns"]
    assert list(columns) == ["sl", "sw", "pl", "pw"], "learned from the data set, target apart"
    X = iris.drop(columns=["kind"])
    assert version.load().predict(X).tolist() == classifier.predict(X).tolist()
    [row] = yard.models.list(records=True)
    assert (row["dataset_registry_id"], row["dataset"]) == (data.id, "iris@1")
    assert (row["estimator_type"], row["description"]) == ("classifier", "first try")
    assert yard.check() == []


def test_from_a_path_and_from_another_name(yard: Yard, iris, classifier, tmp_path: Path) -> None:
    X = iris.drop(columns=["kind"])
    card = my.save(classifier, tmp_path / "saved", sample_data=X, description="from a file")
    one = yard.models.add(tmp_path / "saved", "one")
    assert one.digest == card.digest
    assert one.description == "from a file"
    two = yard.models.add("one@1", "two")
    assert (two.ref, two.digest) == ("two@1", card.digest)
    assert yard.models.add(str(tmp_path / "saved.yard.yaml"), "one").version == 1
    assert two.load().predict(X).tolist() == classifier.predict(X).tolist()
    with pytest.raises(NotFound, match="no saved model at"):
        yard.models.add("absent", "three")
    with pytest.raises(InvalidInput, match="saved already: sample_data is for live objects"):
        yard.models.add(tmp_path / "saved", "one", sample_data=X)
    my.save(X, tmp_path / "data")
    with pytest.raises(InvalidInput, match=r"is (a )?data, not a model"):
        yard.models.add(tmp_path / "data", "one")
    assert yard.models.names() == ["one", "two"]


def test_equal_content_is_the_same_version(yard: Yard, iris, classifier) -> None:
    X = iris.drop(columns=["kind"])
    first = yard.models.add(classifier, "m", sample_data=X)
    assert yard.models.add(classifier, "m", sample_data=X).id == first.id
    other = LogisticRegression(C=2.0, max_iter=1000).fit(X, iris["kind"])
    assert yard.models.add(other, "m", sample_data=X).version == 2
    assert yard.models.add(classifier, "m", sample_data=X).version == 1
    assert yard.models.get("m").version == 2


def test_a_target_must_be_a_column(file_yard: Yard, iris, classifier) -> None:
    file_yard.datasets.add(iris, "iris")
    with pytest.raises(InvalidInput, match="iris@1 has no column 'knd'") as caught:
        file_yard.models.add(classifier, "m", dataset="iris@1", target="knd")
    assert "did you mean 'kind'" in str(caught.value)
    with pytest.raises(NotFound, match="'irsi'"):
        file_yard.models.add(classifier, "m", dataset="irsi")
    assert file_yard.models.names() == []


def test_columns_in_the_order_of_the_fit(file_yard: Yard, iris) -> None:
    X = iris[["pw", "sl"]]
    fitted = LinearRegression().fit(X, iris["kind"])
    version = file_yard.models.add(
        fitted, "m", dataset=file_yard.datasets.add(iris, "iris"), target="kind"
    )
    assert list(version.card.methods["predict"].args["X"].type.to_dict()["columns"]) == ["pw", "sl"]


def test_every_form_of_a_reference(yard: Yard) -> None:
    one, two, three = (yard.models.add(scorer(n), "churn", sample_data=1.0) for n in range(3))
    yard.models.set_alias("churn", "champion", 1)
    yard.models.promote("churn", "prod", 2)
    for ref, wanted in {
        "churn": three,
        "churn@latest": three,
        "churn@2": two,
        "churn@champion": one,
        "churn#prod": two,
        "models:/churn/1": one,
        "models:/churn@champion": one,
        "models:/churn/prod": two,
        two.id: two,
    }.items():
        assert yard.models.get(ref).id == wanted.id, ref
    assert one.load()(1.0) == 1.0
    with pytest.raises(VersionNotFound, match="no version 9"):
        yard.models.get("churn@9")
    with pytest.raises(StageEmpty):
        yard.models.get("churn#staging")
    with pytest.raises(NotFound, match="'chrun'") as caught:
        yard.models.get("chrun")
    assert "did you mean 'churn'" in str(caught.value)
    with pytest.raises(NotFound, match="id 4711"):
        yard.models.get(4711)
    with pytest.raises(InvalidInput, match="is not the name of a registered model"):
        yard.models.get("./churn")


def test_stages_aliases_and_what_a_version_says_of_them(yard: Yard) -> None:
    for n in range(2):
        yard.models.add(scorer(n), "churn", sample_data=1.0)
    assert yard.models.promote("churn", "prod").version == 2
    yard.models.promote("churn", "prod", 1, "back again")
    yard.models.set_alias("churn", "champion", 1)
    assert yard.models.get("churn@1").stages == ["prod"]
    assert yard.models.get("churn@1").aliases == ["champion"]
    assert yard.models.get_stages("churn") == {"prod": 1}
    assert yard.models.get_aliases("churn") == {"champion": 1}
    yard.models.demote("churn", "prod", 1)
    assert yard.models.get("churn#prod").version == 2, "the one assigned before holds it again"
    yard.models.demote("churn", "prod")
    yard.models.remove_alias("churn", "champion")
    assert yard.models.get_stages("churn") == yard.models.get_aliases("churn") == {}
    with pytest.raises(NotFound):
        yard.models.promote("absent", "prod")


def test_which_held_a_stage_at_a_moment(yard: Yard) -> None:
    for n in range(2):
        yard.models.add(scorer(n), "churn", sample_data=1.0)
    yard.models.promote("churn", "prod", 1)
    yard.models.promote("churn", "prod", 2, "better")
    times = [e["at_ms"] for e in moves(yard)]
    if times[0] == times[1]:  # both in one millisecond: the later one counts
        assert yard.models.which("churn", "prod", at=times[0])["version"] == 2
    else:
        assert yard.models.which("churn", "prod", at=times[1] - 1)["version"] == 1
    now = yard.models.which("churn", "prod")
    assert now["version"] == 2
    assert yard.models.which("churn", "prod", at=now["since"])["version"] == 2
    assert now["digest"] == yard.models.get("churn@2").digest
    with pytest.raises(NotFound):
        yard.models.which("churn", "prod", at="2001-01-01T00:00:00Z")
    with pytest.raises(StageEmpty):
        yard.models.which("churn", "staging")


def moves(yard: Yard) -> list[dict[str, Any]]:
    return [
        {"at_ms": e.at_ms} for e in yard.models.registry.events("churn") if "stage" in str(e.kind)
    ]


def test_history_is_newest_first_and_survives_a_rename(yard: Yard) -> None:
    yard.models.add(scorer(0), "old", sample_data=1.0)
    yard.models.promote("old", "prod", comment="go")
    yard.models.rename("old", "new")
    found = yard.models.history("new", records=True)
    assert [e["event"] for e in found][-1] == "model.created"
    assert "renamed" in found[0]["event"]
    promoted = next(e for e in found if e["stage"] == "prod")
    assert (promoted["comment"], promoted["version"]) == ("go", "1")
    assert yard.models.get("new#prod").version == 1
    with pytest.raises(NotFound):
        yard.models.get("old")
    assert list(yard.models.history().columns) == ["at", "event", "name", "version", "stage", "alias", "by", "comment"]  # fmt: skip


def test_renaming_and_names(yard: Yard) -> None:
    yard.models.add(scorer(0), "Churn", sample_data=1.0)
    for twin in ("churn", "CHURN"):
        with pytest.raises(InvalidName):
            yard.models.add(scorer(1), twin, sample_data=1.0)
    yard.models.add(scorer(0), "other", sample_data=1.0)
    with pytest.raises(Exception, match="already"):
        yard.models.rename("other", "Churn")
    for bad in ("", "a/b", "a\nb", "..", " a"):
        with pytest.raises(InvalidName):
            yard.models.add(scorer(0), bad, sample_data=1.0)
    assert yard.models.names() == ["Churn", "other"]


def test_deleted_numbers_are_never_given_again(yard: Yard) -> None:
    for n in range(3):
        yard.models.add(scorer(n), "churn", sample_data=1.0)
    yard.models.delete("churn", 3)
    with pytest.raises(VersionNotFound):
        yard.models.get("churn@3")
    assert yard.models.add(scorer(7), "churn", sample_data=1.0).version == 4
    assert [r["version"] for r in yard.models.versions("churn", records=True)] == [1, 2, 4]
    yard.models.delete("churn")
    assert yard.models.names() == []
    with pytest.raises(NotFound):
        yard.models.versions("churn")
    assert yard.check() == []


def test_listings(yard: Yard) -> None:
    assert list(yard.models.list().columns) == LISTED
    yard.models.add(scorer(0), "b", sample_data=1.0, metrics={"f1": 0.5})
    yard.models.add(scorer(0), "a", sample_data=1.0)
    yard.models.add(scorer(1), "b", sample_data=1.0, semver="v1.0.0")
    found = yard.models.list()
    assert list(found.columns)[: len(LISTED)] == LISTED
    assert found[["name", "version"]].values.tolist() == [["b", 1], ["a", 1], ["b", 2]]
    assert found["id"].is_unique
    assert found["metrics"][0] == {"f1": 0.5}
    assert found["semver"][2] == "v1.0.0"
    assert [r["id"] for r in yard.models.versions("b", records=True)] == [
        yard.models.get(f"b@{n}").id for n in (1, 2)
    ]


def test_a_listing_asks_no_more_for_more_versions(yard: Yard) -> None:
    asked: list[str] = []
    yard.models.add(scorer(0), "m", sample_data=1.0)
    engine = yard.database.engine
    event.listen(engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    yard.models.list(records=True)
    few = len(asked)
    for n in range(1, 5):
        yard.models.add(scorer(n), "m", sample_data=1.0)
    asked.clear()
    assert len(yard.models.list(records=True)) == 5
    assert len(asked) == few
    asked.clear()
    assert len(yard.models.versions("m", records=True)) == 5
    assert len(asked) <= few + 1


def test_what_is_shown_in_notebooks_cannot_run(file_yard: Yard) -> None:
    version = file_yard.models.add(
        scorer(0), "<img src=x>", sample_data=1.0, description="<script>alert(1)</script>"
    )
    file_yard.models.set_alias("<img src=x>", "best", 1)
    html = file_yard.models.get("<img src=x>@1")._repr_html_()
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html
    assert "best" in html
    assert repr(version) == "ModelVersion('<img src=x>@1')"


def test_arrays_stay_arrays(file_yard: Yard) -> None:
    X = np.arange(6.0).reshape(3, 2)
    fitted = LinearRegression().fit(X, X.sum(axis=1))
    version = file_yard.models.add(fitted, "sums", sample_data=X)
    assert np.allclose([r["results"] for r in version.predict(X)], X.sum(axis=1))
    named = [{"a": 1.0, "b": 2.0}, {"a": 3.0, "b": 4.0}]
    assert np.allclose([r["results"] for r in version.predict(named)], [3, 7])
    frame = pd.DataFrame(named)
    assert np.allclose([r["results"] for r in version.predict(frame)], [3, 7])


def test_a_metric_that_is_no_number_is_kept(file_yard: Yard, tmp_path: Path) -> None:
    def score(x: float) -> float:
        return x

    my.save(
        score,
        tmp_path / "score",
        sample_data=1.0,
        metrics={"a": math.nan, "b": -math.inf, "c": 0.5},
    )
    file_yard.models.add(tmp_path / "score", "scorer")
    metrics = file_yard.models.get("scorer").metrics
    assert math.isnan(metrics["a"])
    assert (metrics["b"], metrics["c"]) == (-math.inf, 0.5)
