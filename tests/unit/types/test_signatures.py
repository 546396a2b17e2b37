"""Signatures from hints, defaults and a sample."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modelyard import types
from modelyard.base.errors import InvalidInput, ModelFailed, UnsupportedType
from modelyard.types.schema import MISSING
from modelyard.types.signatures import by_name, infer_signature
from modelyard.types.spelling import signature_to_dict


def spelled(function: Any, sample: Any = MISSING, *, run: bool = True) -> dict[str, Any]:
    return signature_to_dict(infer_signature(function, sample, run=run)[0])


def args(function: Any, sample: Any = MISSING) -> dict[str, Any]:
    return spelled(function, sample)["args"]


class TestDefaults:
    def test_a_default_of_none_leaves_the_hinted_type_possible(self) -> None:
        def f(x: float, k: int | None = None, n: int = None) -> float:  # type: ignore[assignment]  # noqa: RUF013
            return x

        found = args(f, 1.5)
        assert found["k"] == {"type": "optional", "of": "integer", "default": None}
        assert found["n"] == {"type": "optional", "of": "integer", "default": None}

    def test_without_a_hint_a_default_of_none_says_nothing(self) -> None:
        def f(x, k=None):
            return x

        assert args(f, 1)["k"] == {"type": "any", "default": None}

    def test_without_a_hint_a_default_gives_the_type(self) -> None:
        def f(x, a=3, b=0.5, c="mean", d=True, e=(1, "x"), g=math.nan):
            return x

        found = args(f, 1)
        assert found["a"] == {"type": "integer", "default": 3}
        assert found["b"] == {"type": "number", "default": 0.5}
        assert found["c"] == {"type": "string", "default": "mean"}
        assert found["d"] == {"type": "boolean", "default": True}
        assert found["e"] == {"type": "tuple", "items": ["integer", "string"], "default": [1, "x"]}
        assert found["g"] == {"type": "number", "default": "NaN"}

    def test_a_hint_is_wider_than_its_default(self) -> None:
        def f(x: float = 1) -> float:
            return x

        assert args(f) == {"x": {"type": "number", "default": 1.0}}

    def test_a_sample_widens_what_only_the_default_said(self) -> None:
        def f(x, k=1):
            return x

        assert args(f, (1, 2.5))["k"] == {"type": "number", "default": 1.0}
        assert args(f, {"x": 1, "k": None})["k"] == {
            "type": "optional",
            "of": "integer",
            "default": 1,
        }

    def test_a_sentinel_is_shown_as_null_and_the_argument_stays_optional(self) -> None:
        def f(x, k=object()):  # noqa: B008
            return x

        assert args(f, 1)["k"] == {"type": "any", "default": None}


class TestHints:
    def test_hints_win_where_they_are_wider(self) -> None:
        def f(
            x: list[float], y: int | str, z: Mapping[str, float], m: Literal["a", "b"]
        ) -> list[float]:
            return x

        found = spelled(f, ([1, 2], 3, {"a": 1}, "a"))
        assert found["args"] == {
            "x": {"type": "list", "items": "number"},
            "y": {"type": "union", "of": ["integer", "string"]},
            "z": {"type": "dict", "keys": "string", "values": "number"},
            "m": {"type": "choice", "of": ["a", "b"]},
        }
        assert found["returns"] == {"type": "list", "items": "number"}

    def test_the_function_runs_on_what_its_hints_make_of_the_sample(self) -> None:
        """Served, 2 arrives as 2.0; were the answer learnt from 2, later ones would be refused."""

        def f(x: float):
            return {"double": x * 2}

        signature, result = infer_signature(f, 2)
        assert result == {"double": 4.0}
        assert signature.returns == types.parse(
            {"type": "dict", "keys": "string", "values": "number"}
        )

    def test_the_sample_fills_in_what_hints_leave_open(self) -> None:
        def f(
            frame: pd.DataFrame,
            array: np.ndarray,
            rows: list,
            table: dict,
            other: Any,
            opt: list | None = None,
        ):
            return array

        sample = (pd.DataFrame({"a": [1.5]}), np.zeros((2, 3)), [1], {"k": 1, "v": "x"}, "t", [1.5])
        found = spelled(f, sample)
        assert found["args"] == {
            "frame": {"type": "dataframe", "columns": {"a": "float64"}},
            "array": {"type": "array", "dtype": "float64", "shape": [None, 3]},
            "rows": {"type": "list", "items": "integer"},
            "table": {"type": "dict", "fields": {"k": "integer", "v": "string"}},
            "other": {"type": "string"},
            "opt": {"type": "optional", "of": {"type": "list", "items": "number"}, "default": None},
        }

    def test_a_hint_that_the_sample_contradicts_gives_way(self) -> None:
        def f(x: int):
            return x

        assert args(f, 2.5) == {"x": {"type": "number"}}

    def test_hints_alone_are_enough(self) -> None:
        def f(x: Sequence[int], y: Annotated[str, "a name"] = "") -> bool:
            raise AssertionError("there is nothing to run it on")

        assert spelled(f) == {
            "args": {
                "x": {"type": "list", "items": "integer"},
                "y": {"type": "string", "default": ""},
            },
            "returns": {"type": "boolean"},
        }

    def test_a_type_of_ours_as_a_hint_is_taken_as_it_stands(self) -> None:
        columns = types.parse({"type": "dataframe", "columns": {"a": "float64"}})

        def f(x):
            return len(x)

        f.__annotations__ = {"x": columns}
        assert args(f) == {"x": columns.to_dict()}

    def test_a_hint_that_cannot_be_looked_up_harms_only_itself(self) -> None:
        def f(x: "Nowhere", y: "int" = 1):  # type: ignore[name-defined]  # noqa: F821, UP037
            return x

        assert args(f, 1.5) == {"x": {"type": "number"}, "y": {"type": "integer", "default": 1}}

    def test_records(self) -> None:
        @dataclass
        class Person:
            name: str
            age: float = 0.0

        class Point(NamedTuple):
            x: float

        def f(p: Person, q: Point) -> str:
            return f"{p.name} {q.x}"

        f.__annotations__ = {"p": Person, "q": Point, "return": str}
        signature, result = infer_signature(f, (Person("ana", 3), Point(1)))
        assert result == "ana 1"
        person = signature.args["p"].type
        assert person.to_dict()["fields"] == {"name": "string", "age": "number"}
        assert person.decode({"name": "bob", "age": 4}) == Person("bob", 4.0)


class TestSamples:
    def test_a_dict_of_argument_names_is_by_name(self) -> None:
        def f(a, b=2):
            return b

        signature, result = infer_signature(f, {"b": 5, "a": "x"})
        assert result == 5
        assert list(signature.args) == ["a", "b"]

    def test_any_other_dict_is_the_value(self) -> None:
        def f(record):
            return len(record)

        assert args(f, {"age": 3}) == {
            "record": {"type": "dict", "keys": "string", "values": "integer"}
        }

    def test_a_dict_is_the_value_where_the_hint_says_dict(self) -> None:
        def f(record: dict[str, int]):
            return record["record"]

        assert infer_signature(f, {"record": 3})[1] == 3

    def test_a_tuple_is_several_arguments(self) -> None:
        def f(a, b):
            return a - b

        assert infer_signature(f, (5, 3))[1] == 2

    def test_a_tuple_is_the_value_where_the_hint_says_tuple(self) -> None:
        def f(pair: tuple[int, int]):
            return sum(pair)

        assert infer_signature(f, (5, 3))[1] == 8

    def test_too_many_values_are_refused(self) -> None:
        def f(a):
            return a

        with pytest.raises(InvalidInput, match="the sample has 2 values, and the method takes 1"):
            infer_signature(f, (1, 2))

    def test_too_few_values_are_refused(self) -> None:
        def f(a, b):
            return a

        with pytest.raises(InvalidInput, match="the sample for 'f' has no value for 'b'"):
            infer_signature(f, 1)

    def test_a_function_without_arguments_runs_without_a_sample(self) -> None:
        signature, result = infer_signature(lambda: 42)
        assert (dict(signature.args), result) == ({}, 42)

    def test_a_function_that_needs_arguments_does_not(self) -> None:
        signature, result = infer_signature(lambda x: 1 / 0)
        assert result is MISSING
        assert signature.returns is None

    def test_run_false_never_runs(self) -> None:
        signature, result = infer_signature(lambda x: 1 / 0, 1, run=False)
        assert result is MISSING
        assert signature.args["x"].type == types.parse("integer")

    def test_a_method_that_raises_is_named(self) -> None:
        def f(x):
            raise KeyError("boom")

        with pytest.raises(
            ModelFailed, match="'f' raised KeyError on the sample: 'boom'"
        ) as caught:
            infer_signature(f, 1)
        assert isinstance(caught.value.__cause__, KeyError)

    def test_an_asynchronous_function_is_refused(self) -> None:
        async def f(x):
            return x

        with pytest.raises(UnsupportedType, match="'f' is asynchronous"):
            infer_signature(f, 1)

    def test_a_result_without_a_description_is_unknown(self) -> None:
        signature, result = infer_signature(lambda x: object(), 1)
        assert signature.returns is None
        assert result is not MISSING

    def test_a_sample_without_a_description_is_refused(self) -> None:
        with pytest.raises(UnsupportedType, match=r"no data type describes a builtins\.object"):
            infer_signature(lambda x: x, object())

    def test_a_list_in_the_answer_has_no_length(self) -> None:
        found = spelled(lambda rows: [len(r) for r in rows], [[1], [2, 3]])
        assert found["returns"] == {"type": "list", "items": "integer"}


class TestKindsOfArguments:
    def test_keywords_stars_and_places(self) -> None:
        def f(a, /, b: int, *more: float, c: str = "x", **rest: int):
            return (a, b, more, c, rest)

        found = spelled(f, ("p", 1, 2, 3))
        assert found["args"] == {
            "a": {"type": "string"},
            "b": {"type": "integer"},
            "more": {"type": "list", "items": "number", "default": []},
            "c": {"type": "string", "default": "x"},
        }
        assert found["extra"] == {"type": "integer"}

    def test_they_are_called_by_name(self) -> None:
        def f(a, /, b, *more, c="x", **rest):
            return (a, b, more, c, rest)

        call = by_name(f)
        assert call(a=1, b=2) == (1, 2, (), "x", {})
        assert call(a=1, b=2, more=[3, 4], c="y", d=5) == (1, 2, (3, 4), "y", {"d": 5})

    def test_a_function_that_takes_names_is_left_alone(self) -> None:
        def f(a, b=1):
            return a

        assert by_name(f) is f

    def test_builtins(self) -> None:
        assert args(math.hypot, (3, 4)) == {"x0": {"type": "integer"}, "x1": {"type": "integer"}}
        assert infer_signature(math.hypot, (3, 4))[1] == 5.0
        assert by_name(math.hypot)(x0=3, x1=4) == 5.0
        assert by_name(len)(obj=[1, 2]) == 2

    def test_partials_and_callable_objects(self) -> None:
        def f(x: float, k: int) -> float:
            return x * k

        assert args(functools.partial(f, k=3), 1) == {
            "x": {"type": "number"},
            "k": {"type": "integer", "default": 3},
        }

        class Model:
            def __call__(self, x: float, n: int = 3) -> float:
                return x * n

        assert args(Model(), 1) == {"x": {"type": "number"}, "n": {"type": "integer", "default": 3}}

    def test_bound_and_static_methods(self) -> None:
        class Model:
            def predict(self, x: list[float]) -> float:
                return sum(x)

            @staticmethod
            def double(x: float) -> float:
                return 2 * x

            @classmethod
            def make(cls, n: int) -> int:
                return n

        assert args(Model().predict, [1]) == {"x": {"type": "list", "items": "number"}}
        assert args(Model.double, 1) == {"x": {"type": "number"}}
        assert args(Model.make, 1) == {"n": {"type": "integer"}}


class TestScikitLearn:
    X, y = load_iris(return_X_y=True, as_frame=True)
    FRAME = types.infer(X).to_dict()

    def test_estimator(self) -> None:
        model = RandomForestClassifier(5, random_state=0).fit(self.X, self.y)
        assert spelled(model.predict, self.X) == {
            "args": {"X": self.FRAME},
            "returns": {"type": "array", "dtype": "int64", "shape": [None]},
        }
        assert spelled(model.predict_proba, self.X)["returns"]["shape"] == [None, 3]

    def test_transformer(self) -> None:
        scaler = StandardScaler().fit(self.X)
        assert spelled(scaler.transform, self.X)["args"] == {
            "X": self.FRAME,
            "copy": {"type": "any", "default": None},
        }

    def test_pipeline(self) -> None:
        model = make_pipeline(StandardScaler(), LogisticRegression()).fit(self.X, self.y)
        found = spelled(model.predict, self.X)
        assert found["args"] == {"X": self.FRAME}
        assert found["extra"] == {"type": "any"}

    def test_text_labels(self) -> None:
        model = RandomForestClassifier(5).fit(self.X, self.y.map({0: "a", 1: "b", 2: "c"}))
        signature, result = infer_signature(model.predict, self.X)
        assert signature.returns is not None
        assert signature.returns.encode(result)[:2] == ["a", "a"]
