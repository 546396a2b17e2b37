"""Estimators and pipelines of scikit-learn, by skl2onnx; boosters inside pipelines by onnxmltools."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from modelyard.base.errors import MissingExtra
from modelyard.objects.formats._onnx.inputs import Layout, layouts


def attempts(
    model: Any,
    value: Any,
    wanted: Mapping[str, Any] | None = None,
    read: Sequence[Layout] | None = None,
) -> Iterator[tuple[str, Callable[[], Any]]]:
    """One matrix or one input a column, in the precision that the model computes in, then in the other. ``wanted`` are
    further options of a classifier's conversion (``raw_scores``), ``read`` other ways to read the sample."""
    try:
        import skl2onnx  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtra("converting scikit-learn models to ONNX", "onnx", missing=error.name) from error  # fmt: skip
    register()
    model = getattr(model, "best_estimator_", model)  # a search answers as what it found
    for layout in layouts(value, narrow=_rounds(model)) if read is None else read:
        yield layout.word, lambda layout=layout: _convert(model, layout, {}, wanted or {})
        if any(kind == "str" for _, kind, _ in layout.ports) and (texts := _vectorizers(model)):
            # Lower-casing asks the machine for a locale, by default for one that slim machines lack.
            options = {id(part): {"locale": "C.UTF-8"} for part in texts}
            yield layout.word, lambda layout=layout, o=options: _convert(model, layout, o, wanted or {})  # fmt: skip


def _convert(
    model: Any, layout: Layout, options: dict[int, dict[str, Any]], wanted: Mapping[str, Any]
) -> Any:
    from skl2onnx import __max_supported_opset__, to_onnx
    from skl2onnx.common import data_types

    kinds = {
        "float64": data_types.DoubleTensorType,
        "float32": data_types.FloatTensorType,
        "int64": data_types.Int64TensorType,
        "bool": data_types.BooleanTensorType,
        "str": data_types.StringTensorType,
    }
    inputs = [(name, kinds[kind]([None, width])) for name, kind, width in layout.ports]
    options = {**options, **{id(part): _options(part, wanted) for part in _classifiers(model)}}
    # The set of operators for trees that onnxmltools knows as well.
    versions = {"": __max_supported_opset__, "ai.onnx.ml": 3}
    return to_onnx(model, initial_types=inputs, options=options or None, target_opset=versions)


def _rounds(model: Any) -> bool:
    """Whether a model looks at its rows in float32: scikit-learn's trees do, and a threshold may lie between."""
    from modelyard.objects.flavors.sklearn import last_step

    trees = ("sklearn.tree.", "sklearn.ensemble._forest", "sklearn.ensemble._gb", "sklearn.ensemble._iforest")  # fmt: skip
    return type(last_step(model)).__module__.startswith(trees)


def _vectorizers(model: Any) -> list[Any]:
    """The parts that turn texts into numbers, however deep they stand."""
    parts = [model, *getattr(model, "get_params", dict)().values()]
    found = [part for part in parts if hasattr(part, "build_analyzer")]
    for part in parts:  # a ColumnTransformer fits copies of what it was given
        for _, fitted, _ in getattr(part, "transformers_", ()):
            found += _vectorizers(fitted)
    return found


def _classifiers(model: Any) -> list[Any]:
    """What gives probabilities at the end: one array of them, no list of dicts."""
    from sklearn.base import is_classifier

    from modelyard.objects.flavors.sklearn import last_step

    last = last_step(model)
    return [last] if not isinstance(last, str) and is_classifier(last) else []


def _options(part: Any, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """No list of dicts, where a converter would make one."""
    from skl2onnx._supported_operators import sklearn_operator_name_map
    from skl2onnx.common._registration import get_converter

    alias = sklearn_operator_name_map.get(type(part))
    known = get_converter(alias).get_allowed_options() if alias else {"zipmap"}
    return {**({"zipmap": False} if "zipmap" in (known or ()) else {}), **wanted}


@functools.cache
def register() -> None:
    """Lets skl2onnx convert boosters of the libraries that are here, and histogram boosting with any protobuf."""
    for kind in ("Classifier", "Regressor"):
        _mend(f"SklearnHistGradientBoosting{kind}")
    if importlib.util.find_spec("onnxmltools") is None:
        return
    for library in ("xgboost", "lightgbm"):
        if importlib.util.find_spec(library) is not None:
            _register(library)


def _mend(alias: str) -> None:
    """Its converter gives booleans where the format has integers, which protobuf takes no longer."""
    from skl2onnx.common._registration import get_converter, register_converter

    convert = get_converter(alias)

    def converting(scope: Any, operator: Any, container: Any) -> None:
        convert(scope, operator, _IntegersForBooleans(container))

    options = convert.get_allowed_options()
    register_converter(alias, converting, overwrite=True, options=options)


class _IntegersForBooleans:
    """What converters add nodes to."""

    def __init__(self, container: Any) -> None:
        self._container = container

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def add_node(self, *arguments: Any, **attributes: Any) -> Any:
        """With integers where a list has booleans."""
        made = {name: _integers(value) for name, value in attributes.items()}
        return self._container.add_node(*arguments, **made)


def _integers(value: Any) -> Any:
    if isinstance(value, list) and any("bool" in type(item).__name__ for item in value):
        return [int(item) for item in value]
    return value


def _register(library: str) -> None:
    from skl2onnx import update_registered_converter
    from skl2onnx.common import shape_calculator

    if library == "xgboost":
        from onnxmltools.convert.xgboost.operator_converters.XGBoost import (
            convert_xgboost as convert,  # fmt: skip
        )
        from xgboost import XGBClassifier as Classifier
        from xgboost import XGBRegressor as Regressor
    else:
        from lightgbm import LGBMClassifier as Classifier
        from lightgbm import LGBMRegressor as Regressor
        from onnxmltools.convert.lightgbm.operator_converters.LightGbm import (
            convert_lightgbm as convert,  # fmt: skip
        )
    for cls, shapes, options in (
        (Classifier, shape_calculator.calculate_linear_classifier_output_shapes, {"zipmap": [True, False, "columns"], "nocl": [True, False]}),
        (Regressor, shape_calculator.calculate_linear_regressor_output_shapes, {}),
    ):  # fmt: skip
        update_registered_converter(cls, f"Modelyard{cls.__name__}", shapes, convert, options=options)  # fmt: skip
