"""Compiled models answer as the models do, on rows that their proof did not see; what cannot be is told in a line."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from onnx import numpy_helper
from sklearn.linear_model import LinearRegression, LogisticRegression

from cases.engines.onnx import BINARY, CASES, FRAME, Case, X, forest, scaled
from modelyard.base.errors import InvalidInput
from modelyard.objects.engines._onnx import feeding, proving, trees
from modelyard.objects.engines._onnx.compiling import Compiling
from modelyard.objects.engines._onnx.domain import Domain
from modelyard.objects.engines._onnx.hints import hints_of
from modelyard.objects.engines._onnx.rows import Rows
from modelyard.objects.engines._onnx.sklearn import reader_of
from modelyard.objects.engines.onnx import Compiled, compile_model, with_engines
from modelyard.objects.model import Model
from modelyard.yard.verbs import live_model

SEED = 97
NO_GRAPH = "graphs have nothing for it"


@cache
def fitted(word: str) -> Model:
    case = CASES[word]
    return live_model(case.make().fit(case.data, case.target), case.data)


@cache
def compiled(word: str) -> Compiled:
    return compile_model(fitted(word))


def fresh(model: Model, method: str, count: int = 400, seed: int = SEED) -> Any:
    """Rows of another seed than the proof's, with much that is missing or unseen where the model takes it."""
    signature = model.signature(method)
    argument = next(iter(signature.args))
    feed = feeding.feed_of(signature.args[argument].type)
    asked = proving.Asked(feed, lambda value: model.call(method, **{argument: value}))
    sample = feed.form.fit(Compiling(model).sample)
    rows = Rows(feed, sample, hints_of(model.object, None, feed.names or feed.columns), seed)
    domain = next(proving.domains(asked, rows))
    return feed.native(rows.some(count, replace(domain, limit=1e5))), argument


@pytest.mark.parametrize("word", CASES)
def test_a_model_compiles_or_says_why_not(word: str) -> None:
    case: Case = CASES[word]
    made = compiled(word)
    assert set(made.engines) == set(case.compiled), made.reasons
    told = {name: reason for name, reason in made.reasons.items() if reason != NO_GRAPH}
    assert set(told) == set(case.reasons)
    for name, part in case.reasons.items():
        assert part in told[name]
        assert "\n" not in told[name]
    assert set(made.engines) | set(made.reasons) == set(fitted(word).methods)


@pytest.mark.parametrize("word", [w for w, case in CASES.items() if case.compiled])
def test_answers_to_rows_that_the_proof_did_not_see_are_the_models(word: str) -> None:
    model, made = fitted(word), compiled(word)
    quick = with_engines(model, made)
    for method in made.engines:
        value, argument = fresh(model, method)
        wanted = model.call(method, **{argument: value})
        got = quick.call(method, **{argument: value})
        assert (type(got), got.dtype, got.shape) == (type(wanted), wanted.dtype, wanted.shape)
        if wanted.dtype.kind == "f":
            usual = 1.0 if method == "predict_proba" else float(np.median(np.abs(wanted)))
            np.testing.assert_allclose(
                got, wanted, rtol=1e-5, atol=1e-5 * usual, err_msg=f"seed {SEED}"
            )
        else:
            np.testing.assert_array_equal(got, wanted, err_msg=f"seed {SEED}")


@pytest.mark.parametrize("word", ["forest", "forest of shares", "forest, missing numbers", "extra trees"])  # fmt: skip
def test_forests_are_the_same_to_the_last_bit(word: str) -> None:
    model, made = fitted(word), compiled(word)
    value, argument = fresh(model, "predict_proba", 2000)
    quick = with_engines(model, made)
    for method in ("predict", "predict_proba"):
        wanted = model.call(method, **{argument: value})
        assert np.array_equal(quick.call(method, **{argument: value}), wanted), f"seed {SEED}"


def test_a_threshold_is_met_in_float32() -> None:
    model, made = fitted("tree"), compiled("tree")
    tree = model.object.tree_
    inner = np.flatnonzero(tree.children_left != -1)
    rows = np.repeat(X[:1], len(inner) * 5, axis=0)
    for i, node in enumerate(inner):
        t = tree.threshold[node]
        near = [t, np.nextafter(t, 9), np.nextafter(t, -9), float(np.float32(t)), float(np.nextafter(np.float32(t), np.float32(9)))]  # fmt: skip
        rows[i * 5 : i * 5 + 5, tree.feature[node]] = near
    value = pd.DataFrame(rows, columns=FRAME.columns)
    quick = with_engines(model, made)
    assert np.array_equal(quick.call("predict", X=value), model.call("predict", X=value))


# -- what was not proven


def refused(call: Any, **arguments: Any) -> str:
    with pytest.raises(ValueError) as caught:
        call("predict", **arguments)
    return str(caught.value)


def test_what_the_model_refuses_is_refused_in_its_words() -> None:
    model = fitted("scaler and logistic")
    quick = with_engines(model, compiled("scaler and logistic"))
    lacking = FRAME.head(2).assign(b=[1.0, np.nan])
    assert refused(quick.call, X=lacking) == refused(model.call, X=lacking)
    assert "NaN" in refused(quick.call, X=lacking)
    with pytest.raises(ValueError, match="beyond what the graph was proven on"):
        compiled("scaler and logistic").engines["predict"].call(lacking.to_numpy())


def test_unknown_texts_are_refused_where_the_model_does() -> None:
    word = "table, unknown texts refused"
    row = CASES[word].data.head(1).assign(town="Atlantis")
    assert "unknown categories" in refused(with_engines(fitted(word), compiled(word)).call, X=row)


def test_numbers_beyond_the_proof_are_the_models_own() -> None:
    model, made = fitted("linear"), compiled("linear")
    huge = FRAME.head(2) * 1e200
    with pytest.raises(ValueError, match="beyond"):
        made.engines["predict"].call(huge.to_numpy())
    quick = with_engines(model, made)
    assert np.array_equal(quick.call("predict", X=huge), model.call("predict", X=huge))


def test_options_of_a_method_are_the_models_own() -> None:
    model, made = fitted("lightgbm, amounts"), compiled("lightgbm, amounts")
    quick = with_engines(model, made)
    wanted = model.call("predict", X=FRAME, raw_score=True)
    assert np.array_equal(quick.call("predict", X=FRAME, raw_score=True), wanted)


# -- the proof


def tampered(change: str) -> Iterator[Any]:
    """A forest's graph in which one thing is wrong."""
    model = fitted("forest")
    read = reader_of(model.object)
    assert read is not None
    ensemble = read(model.object)
    whole = list(ensemble.trees)
    tree = whole[3]
    inner = np.flatnonzero(tree.left != -1)
    match change:
        case "a threshold":
            threshold = tree.threshold.copy()
            threshold[inner[0]] *= 1.0001
            tree = replace(tree, threshold=threshold)
        case "a threshold by one float32":
            # The root's: what lies beside it is among the rows.
            threshold = tree.threshold.copy()
            threshold[0] = np.nextafter(np.float32(threshold[0]), np.float32(np.inf))
            tree = replace(tree, threshold=threshold)
        case "a leaf":
            values = tree.values.copy()
            values[np.flatnonzero(tree.left == -1)[0]] = [0.499, 0.501]
            tree = replace(tree, values=values)
        case "a feature":
            feature = tree.feature.copy()
            feature[inner[-1]] = (feature[inner[-1]] + 1) % 4
            tree = replace(tree, feature=feature)
        case "missing ones":
            tree = replace(tree, missing_left=1 - np.asarray(tree.missing_left))
        case "classes":
            ensemble = replace(ensemble, classes=ensemble.classes[::-1])
    whole[3] = tree
    return trees.graph_of(replace(ensemble, trees=whole), 4)


@pytest.mark.parametrize(
    "change", ["a threshold", "a threshold by one float32", "a leaf", "a feature", "classes"]
)  # fmt: skip
def test_a_wrong_graph_is_refused(change: str) -> None:
    compiling = Compiling(fitted("forest"))
    method = "predict" if change == "classes" else "predict_proba"
    with pytest.raises(proving.NotEqual):
        compiling.proven(method, tampered(change))


def test_a_graph_that_is_wrong_about_missing_numbers_alone_answers_the_others() -> None:
    engine = Compiling(fitted("forest")).proven("predict_proba", tampered("missing ones"))
    lacking = np.where(X[:3] == X[0, 0], np.nan, X[:3])
    with pytest.raises(ValueError, match="beyond what the graph was proven on"):
        engine.call(lacking)
    assert compiled("forest").engines["predict_proba"].call(lacking).shape == (3, 2)
    assert np.array_equal(engine.call(X), fitted("forest").call("predict_proba", X=FRAME))


def test_a_right_graph_is_taken() -> None:
    engine = Compiling(fitted("forest")).proven("predict_proba", tampered("nothing"))
    assert engine.name == "onnx"
    assert engine.call(X[:2]).shape == (2, 2)


def test_a_coefficient_that_is_a_little_off_is_refused() -> None:
    from modelyard.objects.engines._onnx.sklearn import candidates

    model = fitted("linear")
    proto = next(iter(candidates(model.object, FRAME)))[1]()
    matrix = next(t for t in proto.graph.initializer if t.dims and t.dims[0] == 4)
    values = numpy_helper.to_array(matrix).copy()
    values.flat[1] *= 1.0001
    matrix.CopyFrom(numpy_helper.from_array(values, matrix.name))
    with pytest.raises(proving.NotEqual, match="apart from the model's"):
        Compiling(model).proven("predict", proto)


def test_generated_rows_are_what_they_say() -> None:
    model = fitted("forest, missing numbers")
    feed = feeding.feed_of(model.signature("predict").args["X"].type)
    hints = hints_of(model.object, tampered("nothing"), feed.names)
    assert set(hints.numbers) == {0, 1, 2, 3}
    rows = Rows(feed, None, hints, 0)
    made = np.concatenate(list(rows.pieces(5000, 1000, Domain(missing=True))))
    assert made.shape == (5000, 4)
    assert np.isnan(made).any()
    assert (np.abs(made[~np.isnan(made)]) >= 1e29).any()
    on = [np.isin(made[:, i], hints.numbers[i]).sum() for i in range(4)]
    assert min(on) > 100
    again = np.concatenate(
        list(Rows(feed, None, hints, 0).pieces(5000, 1000, Domain(missing=True)))
    )
    assert np.array_equal(made, again, equal_nan=True)


# -- what is not compiled at all


def reasons(model: Model, **options: Any) -> set[str]:
    made = compile_model(model, **options)
    assert not made.engines
    return set(made.reasons.values())


def test_missing_libraries_are_named_with_their_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "onnxruntime" else found(name, *a)
    )  # fmt: skip
    [reason] = reasons(fitted("forest"))
    assert "onnxruntime is not installed" in reason
    assert "pip install 'modelyard[onnx]'" in reason


def test_steps_of_ones_own_are_not_compiled() -> None:
    model = fitted("forest")
    stepped = replace(model, card=model.card.but(steps={"preprocess": {}}))
    assert reasons(stepped) == {"it has steps of its own (preprocess)"}


def test_functions_are_not_compiled() -> None:
    assert reasons(live_model(lambda x: x + 1, 3)) == {"callable models are not converted"}


class Doubled(LinearRegression):
    """Somebody's own."""

    def predict(self, X: Any) -> Any:
        return 2 * super().predict(X)


def test_a_class_of_ones_own_is_not_taken_for_another() -> None:
    [reason] = reasons(live_model(Doubled().fit(FRAME, BINARY), FRAME))
    assert "Doubled" in reason


def test_a_method_of_ones_own_is_noticed() -> None:
    model = LinearRegression().fit(FRAME, BINARY)
    own = model.predict
    model.predict = lambda X: own(X) + 0.1
    [reason] = reasons(live_model(model, FRAME))
    assert "apart" in reason


def test_off_does_nothing() -> None:
    assert compile_model(fitted("forest"), mode="off") == Compiled()
    with pytest.raises(InvalidInput, match="'fast' is none of 'auto', 'off'"):
        compile_model(fitted("forest"), mode="fast")


def test_only_some_methods() -> None:
    made = compile_model(fitted("tree"), methods=["predict_proba"])
    assert (list(made.engines), dict(made.reasons)) == (["predict_proba"], {})


def test_it_stops_when_nobody_waits() -> None:
    stop = threading.Event()
    stop.set()
    assert not compile_model(fitted("tree"), stop=stop).engines


def test_without_a_sample_rows_are_made_of_the_schema() -> None:
    model = live_model(scaled(LogisticRegression()).fit(FRAME, BINARY), FRAME)
    bare = replace(model, card=model.card.but(sample=None))
    assert set(compile_model(bare).engines) == {"predict", "predict_proba", "decision_function"}


def test_lines_name_methods_and_reasons_once() -> None:
    made = compiled("several targets of classes")
    first, *others = made.lines("two")
    assert "two: predict not compiled: " in first
    assert any("two: predict_proba not compiled: it answers with a list" in line for line in others)
    assert compiled("tree").lines("oak")[0] == "oak: predict, predict_proba compiled by onnx"
    assert forest().n_estimators == 12
