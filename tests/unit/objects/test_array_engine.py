"""A model called on a matrix instead of its table: only where nothing differs."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from modelyard import types
from modelyard.base.errors import SchemaMismatch
from modelyard.objects.card import Card, FormatInfo
from modelyard.objects.engines.array import array_engine, without_names
from modelyard.objects.engines.forms import Columns, Matrix
from modelyard.objects.model import Model
from modelyard.types.schema import Argument, Signature

RNG = np.random.default_rng(11)
FRAME = pd.DataFrame(
    {"a": RNG.normal(size=60), "b": RNG.integers(0, 9, 60), "c": RNG.normal(size=60)}
)
TARGET = (FRAME["a"] + FRAME["b"] > 4).astype(int)


def model_of(fitted: Any, frame: pd.DataFrame = FRAME, method: str = "predict") -> Model:
    table = types.infer(frame)
    function = getattr(fitted, method)
    signature = Signature({"X": Argument(table)}, types.infer(function(frame)))
    card = Card(
        flavor="sklearn",
        format=FormatInfo("skops", 1),
        methods={method: signature},
        sample=table.encode(frame.head(3)),
    )
    return Model(card, fitted, {method: function})


@pytest.mark.parametrize(
    "estimator",
    [
        make_pipeline(StandardScaler(), LogisticRegression()),
        RandomForestClassifier(7, random_state=1),
        LinearRegression(),
    ],
    ids=["pipeline", "forest", "regression"],
)
def test_answers_are_those_of_the_table_to_the_last_bit(estimator: Any) -> None:
    fitted = estimator.fit(FRAME, TARGET)
    engine = array_engine(model_of(fitted), "predict")
    assert engine is not None
    assert engine.name == "array"
    fed = engine.form.decode(FRAME.to_dict("records"), "X")
    np.testing.assert_array_equal(engine.call(fed), fitted.predict(FRAME))
    np.testing.assert_array_equal(engine.call(engine.form.fit(FRAME)), fitted.predict(FRAME))


@pytest.mark.parametrize("method", ["predict_proba", "decision_function"])
def test_sums_of_products_are_the_same_to_the_last_bit_too(method: str) -> None:
    fitted = make_pipeline(StandardScaler(), LogisticRegression()).fit(FRAME, TARGET)
    model = model_of(fitted, method=method)
    engine = array_engine(model, method)
    assert engine is not None
    records = FRAME.to_dict("records")
    asked = model.signature(method).args["X"].type.decode(records)
    found = engine.call(engine.form.decode(records, "X"))
    np.testing.assert_array_equal(found, model.call(method, X=asked))


def test_what_needs_its_table_keeps_it() -> None:
    by_name = make_pipeline(make_column_transformer((StandardScaler(), ["a"])), LinearRegression())
    assert array_engine(model_of(by_name.fit(FRAME, TARGET)), "predict") is None
    texts = FRAME.assign(c="x")
    lengths = make_pipeline(FunctionTransformer(lambda X: X[["a"]]), LinearRegression())
    assert array_engine(model_of(lengths.fit(texts, TARGET), texts), "predict") is None


def test_what_answers_otherwise_on_a_matrix_is_not_taken() -> None:
    class Sly(LinearRegression):
        def predict(self, X: Any) -> Any:
            return super().predict(X) + (0 if isinstance(X, pd.DataFrame) else 1e-12)

    assert array_engine(model_of(Sly().fit(FRAME, TARGET)), "predict") is None


def test_a_method_that_was_saved_without_a_sample_is_left_alone() -> None:
    model = model_of(LinearRegression().fit(FRAME, TARGET))
    model.card = model.card.but(sample=None)
    assert array_engine(model, "predict") is None


def test_the_copy_without_names_shares_its_arrays_and_leaves_the_model_as_it_was() -> None:
    fitted = make_pipeline(StandardScaler(), RandomForestClassifier(3)).fit(FRAME, TARGET)
    before = copy.deepcopy(vars(fitted[0]))
    bare = without_names(fitted)
    assert bare[0].mean_ is fitted[0].mean_
    assert bare[1].estimators_[0].tree_ is fitted[1].estimators_[0].tree_
    assert not hasattr(bare[0], "feature_names_in_")
    assert vars(fitted[0]).keys() == before.keys()


def test_a_matrix_has_the_dtype_that_the_frame_would_have() -> None:
    for frame in (FRAME, FRAME[["b"]], FRAME.astype({"a": "float32", "b": "int8", "c": "float32"})):
        form = Matrix.of(types.infer(frame))
        assert form is not None
        assert form.dtype == frame.to_numpy().dtype
        np.testing.assert_array_equal(form.decode(frame.to_dict("records")), frame.to_numpy())
    assert Matrix.of(types.infer(FRAME.assign(c=True))) is None
    assert Matrix.of(types.infer(FRAME.rename_axis("row"))) is None


RECORD = st.fixed_dictionaries({
    "a": st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(), st.none(), st.text(max_size=3)),
    "b": st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.none()),
    "c": st.floats(allow_nan=False, allow_infinity=False),
})  # fmt: skip


def outcome(form: Any, records: Any) -> Any:
    """What a form makes of the records, or the words of its refusal."""
    try:
        return form.decode(records, "X")
    except SchemaMismatch as error:
        return str(error)


@given(st.lists(RECORD, min_size=1, max_size=4))
def test_the_forms_take_and_refuse_what_the_table_does(records: list[dict[str, Any]]) -> None:
    table = types.infer(FRAME)
    matrix, columns = Matrix.of(table), Columns.of(table)
    assert matrix is not None
    assert columns is not None
    expected = outcome(table, records)
    if isinstance(expected, str):
        assert [outcome(form, records) for form in (matrix, columns)] == [expected] * 2
        return
    np.testing.assert_array_equal(matrix.decode(records, "X"), expected.to_numpy())
    for name, values in columns.decode(records, "X").items():
        np.testing.assert_array_equal(values, expected[name].to_numpy())
        assert values.dtype == expected[name].dtype
