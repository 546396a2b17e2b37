"""Graphs answer like models, and models of other libraries become graphs that give the same answers."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import catboost
import lightgbm
import numpy as np
import onnx
import pandas as pd
import pytest
import xgboost
from onnx import TensorProto, helper
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

import modelyard as my
from cases.flavors.onnx import LABELS, ROWS, TABLE, classifier, graph, product, tensor, two_answers
from modelyard.base.errors import InvalidInput, UnsupportedType
from modelyard.base.notes import collected
from modelyard.objects.formats import onnx as form
from modelyard.objects.formats._onnx.model import OnnxModel
from modelyard.testing.flavors import FolderFiles

AMOUNT = ROWS @ [1.0, 2.0, -1.0]
MIXED = TABLE.assign(town=["Rome", "Oslo", "Bern", "Rome"] * 12)


def loaded(proto: Any, tmp_path: Path) -> Any:
    form.dump(proto, tmp_path)
    return form.load(FolderFiles(tmp_path))


def test_arrays_tables_and_lists_are_taken_as_one_matrix() -> None:
    model = OnnxModel(product())
    expected = ROWS.astype(np.float32) @ np.arange(6, dtype=np.float32).reshape(3, 2)
    for rows in (ROWS, TABLE, ROWS.tolist(), ROWS.astype(np.float32)):
        answer = model.predict(rows)
        assert answer.dtype == np.float32
        assert np.array_equal(answer, expected)
    assert np.array_equal(model.predict(rows=ROWS), expected)


def test_several_answers_are_a_dict() -> None:
    answer = OnnxModel(two_answers()).predict(ROWS)
    assert list(answer) == ["less", "all of it"]
    assert np.array_equal(answer["less"], -ROWS.astype(np.float32))


def test_probabilities_are_an_array_also_where_the_graph_gives_dicts() -> None:
    dicts, array = OnnxModel(classifier()()), OnnxModel(classifier(options={"zipmap": False})())
    assert np.array_equal(dicts.predict_proba(ROWS), array.predict_proba(ROWS))
    assert dicts.classes_.tolist() == array.classes_.tolist() == ["no", "yes"]
    assert dicts.predict(ROWS).dtype.kind == "U"
    assert isinstance(dicts.run({"X": ROWS})["output_probability"][0], dict)


def test_a_graph_without_classes_has_none() -> None:
    assert not hasattr(OnnxModel(product()), "classes_")
    assert not hasattr(OnnxModel(product()), "predict_proba")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.zeros((2, 4)), "rows: expected an array of shape (any, 3), got (2, 4)"),
        (np.zeros(3), "rows: expected an array of shape (any, 3), got (3,)"),
        (np.full((1, 3), 1e300), "rows: 1e+300 is no float32"),
        (np.array([["a", "b", "c"]]), "rows: expected float32, got <U1"),
        (TABLE.assign(a="x"), "rows: expected float32, got <U32"),
    ],
)
def test_what_does_not_fit_is_told(value: Any, text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        OnnxModel(product()).predict(value)
    assert str(caught.value).startswith(text)


def test_infinite_and_missing_numbers_pass() -> None:
    rows = np.array([[np.inf, 0, 0], [np.nan, 0, 0]])
    assert np.isnan(OnnxModel(two_answers()).predict(rows)["less"][1, 0])


def whole_numbers() -> Any:
    node = helper.make_node("Neg", ["n"], ["less"])
    return graph([node], [tensor("n", [None], TensorProto.INT64)], [tensor("less", [None], TensorProto.INT64)])  # fmt: skip


def test_a_fraction_is_no_whole_number() -> None:
    model = OnnxModel(whole_numbers())
    assert model.predict([1.0, 2.0]).tolist() == [-1, -2]
    with pytest.raises(InvalidInput, match=r"n: 1\.5 is no int64"):
        model.predict([1.5])


def columns() -> Any:
    nodes = [helper.make_node("Add", ["left side", "right"], ["sum"])]
    inputs = [tensor("left side", ["n", 1]), tensor("right", ["n", 1])]
    return graph(nodes, inputs, [tensor("sum", ["n", 1])])


def test_one_input_a_column_takes_a_table_by_names() -> None:
    model = OnnxModel(columns())
    table = pd.DataFrame({"right": [1.0, 2.0], "left side": [10, 20]})
    assert model.predict(table).tolist() == [[11.0], [22.0]]
    assert model.predict({"right": [1.0], "left side": [10]}).tolist() == [[11.0]]
    assert model.predict([{"right": 1.0, "left side": 10}]).tolist() == [[11.0]]
    with pytest.raises(InvalidInput, match="the column 'left side'"):
        model.predict(table[["right"]])


def attention() -> Any:
    node = helper.make_node("MatMul", ["input.ids", "mask"], ["out"])
    return graph([node], [tensor("input.ids", ["n", 3]), tensor("mask", [3, "m"])], [tensor("out", ["n", "m"])])  # fmt: skip


def test_several_arrays_are_arguments_by_name() -> None:
    model = OnnxModel(attention())
    assert list(model.methods["predict"].signature.args) == ["input_ids", "mask"]
    assert np.array_equal(model.predict(input_ids=ROWS, mask=np.eye(3)), ROWS.astype(np.float32))
    with pytest.raises(InvalidInput, match=r"takes input\.ids, mask, and got mask"):
        model.run({"mask": np.eye(3)})


def test_the_signature_comes_from_the_graph() -> None:
    signature = (
        OnnxModel(classifier(options={"zipmap": False})()).methods["predict_proba"].signature
    )
    assert signature.args["X"].type.to_dict() == {
        "type": "array",
        "dtype": "float64",  # rounded to the float32 of the graph
        "shape": [None, 3],
    }
    assert signature.returns is not None
    assert signature.returns.to_dict() == {"type": "array", "dtype": "float32", "shape": [None, 2]}
    table = OnnxModel(columns()).methods["predict"].signature.args["X"].type.to_dict()
    assert table == {
        "type": "dataframe",
        "columns": {"left side": "float64", "right": "float64"},
    }


def test_what_a_graph_says_can_be_saved_without_a_sample(tmp_path: Path) -> None:
    card = my.save(product(), tmp_path / "m")
    assert card.flavor == "onnx"
    assert list(card.methods["predict"].args) == ["rows"]
    assert my.apply(tmp_path / "m", TABLE).shape == (len(TABLE), 2)


def test_a_loaded_graph_is_saved_and_pickled_again(tmp_path: Path) -> None:
    my.save(product(), tmp_path / "m", sample_data=ROWS)
    again = my.load(tmp_path / "m")
    assert my.save(again, tmp_path / "n").artifact_digest == my.load_card(tmp_path / "m").artifact_digest  # fmt: skip
    copied = pickle.loads(pickle.dumps(again))
    assert np.array_equal(copied.predict(ROWS), again.predict(ROWS))


def test_values_that_are_too_large_for_one_file_lie_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = np.ones((3, 500), np.float32)
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    proto = graph([node], [tensor("x", ["n", 3])], [tensor("y", ["n", 500])], [onnx.numpy_helper.from_array(weights, "w")])  # fmt: skip
    monkeypatch.setattr(form, "MAX_FILE", 1000)
    card = my.save(proto, tmp_path / "m", sample_data=ROWS)
    assert [e.path for e in card.artifact] == ["m/model.onnx", "m/model.onnx.data"]
    model = my.load(tmp_path / "m")
    assert np.array_equal(model.predict(ROWS), ROWS.astype(np.float32) @ weights)
    again = my.save(model, tmp_path / "n", sample_data=ROWS)
    assert again.artifact_digest == card.artifact_digest
    monkeypatch.setattr(form, "MAX_FILE", 1 << 20)
    brought_in = onnx.load(tmp_path / "m/model.onnx")
    assert len(my.save(brought_in, tmp_path / "o").artifact) == 1


def inner(proto: Any) -> Any:
    """The same graph inside a branch of another one."""
    branch = onnx.GraphProto()
    branch.CopyFrom(proto.graph)
    del branch.input[:]
    choice = helper.make_node("If", ["yes"], ["out"], then_branch=branch, else_branch=branch)
    made = graph([choice], [tensor("yes", [], TensorProto.BOOL), tensor("rows", ["n", 3])], [tensor("out", ["n", 2])])  # fmt: skip
    for version in proto.opset_import:
        if version.domain:
            made.opset_import.append(version)
    return made


def test_inner_graphs_are_looked_at_as_well() -> None:
    from cases.importers.onnx import pointing_at
    from cases.importers.onnx import product as foreign

    with pytest.raises(UnsupportedType, match="in another file"):
        OnnxModel(inner(onnx.ModelProto.FromString(pointing_at("/etc/passwd"))))
    with pytest.raises(UnsupportedType, match=r"com\.acme"):
        OnnxModel(inner(foreign(operator="Own", domain="com.acme")))


def test_notes_that_are_not_ours_count_for_nothing() -> None:
    for text in ("no json", "[]", '{"methods": {"predict": ["absent", ""]}}', '{"methods": {"a": 3}}'):  # fmt: skip
        proto = onnx.ModelProto()
        proto.CopyFrom(product())
        proto.metadata_props.add(key="modelyard", value=text)
        assert list(OnnxModel(proto).methods) == ["predict"]


WORDS = [f"{a} {b} thing" for a in ("Red", "green") for b in "abcdefgh"]
WORD_LABELS = [0] * 8 + [1] * 8
XGB = {"n_estimators": 5, "max_depth": 3}
LGB = {"n_estimators": 5, "verbose": -1}
CAT = {"iterations": 5, "verbose": 0, "allow_writing_files": False}
CONVERTED: dict[str, tuple[Callable[[], Any], Any, list[str]]] = {
    "linear": (lambda: LinearRegression().fit(ROWS, AMOUNT), ROWS, ["predict"]),
    "linear of a table": (lambda: LinearRegression().fit(TABLE, AMOUNT), TABLE, ["predict"]),
    "forest": (lambda: RandomForestRegressor(5).fit(ROWS, AMOUNT), ROWS, ["predict"]),
    "yes or no": (
        lambda: LogisticRegression().fit(ROWS, LABELS == 1),
        ROWS,
        ["predict", "predict_proba"],
    ),
    "histogram boosting": (
        lambda: HistGradientBoostingClassifier(max_iter=3).fit(ROWS, LABELS),
        ROWS,
        ["predict", "predict_proba"],
    ),
    "scaler": (lambda: StandardScaler().fit(ROWS), ROWS, ["transform"]),
    "columns of a table": (
        lambda: make_pipeline(
            ColumnTransformer([("n", StandardScaler(), ["a", "b"]), ("c", OneHotEncoder(), ["town"])]),
            LogisticRegression(),
        ).fit(MIXED, LABELS),
        MIXED,
        ["predict", "predict_proba"],
    ),
    "search": (
        lambda: GridSearchCV(LogisticRegression(), {"C": [1, 2]}, cv=2).fit(ROWS, LABELS),
        ROWS,
        ["predict", "predict_proba"],
    ),
    "words": (
        lambda: make_pipeline(TfidfVectorizer(), SGDClassifier(random_state=0)).fit(WORDS, WORD_LABELS),
        WORDS,
        ["predict"],
    ),
    "xgboost": (
        lambda: xgboost.XGBClassifier(**XGB).fit(ROWS, LABELS),
        ROWS,
        ["predict", "predict_proba"],
    ),
    "xgboost of a table": (lambda: xgboost.XGBRegressor(**XGB).fit(TABLE, AMOUNT), TABLE, ["predict"]),
    "xgboost booster": (lambda: xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(ROWS, LABELS), 5), ROWS, ["predict"]),
    "lightgbm": (
        lambda: lightgbm.LGBMClassifier(**LGB).fit(ROWS, LABELS),
        ROWS,
        ["predict", "predict_proba"],
    ),
    "lightgbm in a pipeline": (
        lambda: make_pipeline(StandardScaler(), lightgbm.LGBMRegressor(**LGB)).fit(ROWS, AMOUNT),
        ROWS,
        ["predict"],
    ),
    "catboost": (lambda: catboost.CatBoostRegressor(**CAT).fit(ROWS, AMOUNT), ROWS, ["predict"]),
}  # fmt: skip


@pytest.mark.parametrize("word", CONVERTED)
@pytest.mark.filterwarnings("ignore::UserWarning")  # lightgbm: names of features that nobody gave
def test_a_converted_model_answers_as_the_original(word: str, tmp_path: Path) -> None:
    make, rows, methods = CONVERTED[word]
    model = make()
    with collected():
        card = my.save(model, tmp_path / "m", sample_data=rows, format="onnx")
    assert (card.flavor, card.format.name, card.format.tier) == ("onnx", "onnx", 0)
    assert card.labels
    assert not any(p.startswith(("scikit-learn", "xgboost", "lightgbm", "catboost")) for p in card.requirements.packages)  # fmt: skip
    assert set(methods) <= set(card.methods)
    again = my.load(tmp_path / "m")
    for method in methods:
        wanted = np.asarray(getattr(model, method)(_as_library_takes(model, rows)))
        got = getattr(again, method)(rows)
        assert got.shape == wanted.shape
        if wanted.dtype.kind == "f":
            assert np.allclose(got, wanted, rtol=1e-5, atol=1e-6)
        else:
            assert got.tolist() == wanted.tolist()
    if word == "columns of a table":
        assert my.apply(tmp_path / "m", rows[["town", "c", "b", "a"]].head(3)).tolist() == model.predict(rows.head(3)).tolist()  # fmt: skip


def _as_library_takes(model: Any, rows: Any) -> Any:
    return xgboost.DMatrix(rows) if isinstance(model, xgboost.Booster) else rows


def test_methods_without_an_output_are_named() -> None:
    with collected() as notes:
        form.convert(LogisticRegression().fit(ROWS, LABELS), {"X": ROWS})
    assert notes == [
        "the graph has no output for predict_log_proba, decision_function: the saved model is without"
    ]


def test_the_file_itself_says_what_its_outputs_are(tmp_path: Path) -> None:
    model = StandardScaler().fit(ROWS)
    with collected():
        my.save(model, tmp_path / "m", sample_data=ROWS, format="onnx")
    (tmp_path / "m").rename(tmp_path / "alone.onnx")
    assert list(my.load_card(tmp_path / "alone.onnx").methods) == ["transform"]
    assert np.allclose(my.load(tmp_path / "alone.onnx").transform(ROWS), model.transform(ROWS))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: make_pipeline(FunctionTransformer(lambda X: X + 1), LinearRegression()).fit(ROWS, AMOUNT),
            "this Pipeline cannot be converted to onnx: in float64: FunctionTransformer is not supported",
        ),
        (lambda: (lambda x: x), "there is no conversion to onnx of callable models"),
    ],
)  # fmt: skip
def test_what_cannot_be_converted_is_refused(
    make: Callable[[], Any], text: str, tmp_path: Path
) -> None:
    with pytest.raises(UnsupportedType) as caught:
        my.save(make(), tmp_path / "m", sample_data=ROWS, format="onnx")
    assert str(caught.value).startswith(text)
    assert not (tmp_path / "m").exists()


def test_a_conversion_is_compared_on_a_sample(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="needs sample_data"):
        my.save(LinearRegression().fit(ROWS, AMOUNT), tmp_path / "m", format="onnx")


def test_a_graph_that_answers_differently_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model = LinearRegression().fit(ROWS, AMOUNT)
    original = LinearRegression.predict
    monkeypatch.setattr(LinearRegression, "predict", lambda self, X: original(self, X) * 1.001)
    with pytest.raises(
        UnsupportedType, match=r"its predict is up to 0\.0\d+ apart from the model's"
    ):
        form.convert(model, {"X": ROWS})
    labelled = LogisticRegression().fit(ROWS, LABELS)
    plain = LogisticRegression.predict
    monkeypatch.setattr(LogisticRegression, "predict", lambda self, X: 1 - plain(self, X))
    with pytest.raises(UnsupportedType, match="another one for 48 of 48 rows of the sample"):
        form.convert(labelled, {"X": ROWS})


def test_a_flavor_of_somebody_else_brings_its_own_conversion(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Under ``to_onnx`` of the flavor."""
    from modelyard.objects.flavors import callable as flavor

    def twice(X: Any) -> Any:
        return -np.asarray(X, np.float32)

    def to_onnx(model: Any, value: Any) -> Any:
        assert model is twice
        node = helper.make_node("Neg", ["x"], ["y"])
        yield "by hand", lambda: graph([node], [tensor("x", ["n", 3])], [tensor("y", ["n", 3])])

    monkeypatch.setattr(flavor, "to_onnx", to_onnx, raising=False)
    model = form.convert(twice, {"X": ROWS})
    assert np.array_equal(model.predict(ROWS), twice(ROWS))
