"""XGBoost: boosters, and the estimators with scikit-learn's methods.

Written as UBJ, the library's own format: data, no code. What an estimator knows beyond its booster (constructor's
parameters, classes, the history of its training) stands beside it as plain values; an estimator of one's own class, or one
with functions among its parameters, is code and goes to the next format.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelyard.base.errors import Corrupted, InvalidInput, UnsupportedType
from modelyard.objects import plain_values
from modelyard.objects.flavors import _ubj
from modelyard.objects.flavors._boosted_trees import check_xgboost
from modelyard.objects.formats._strict_json import loads_strictly
from modelyard.objects.interface import Files
from modelyard.objects.native import NativeFormat

NAME = "xgboost"
EXTRA = "xgboost"
FORMATS = ("ubj", "cloudpickle")

METHODS = ("predict", "predict_proba", "apply")

MODEL, WRAPPER = "model.ubj", "wrapper.json"


def claims(obj: Any) -> bool:
    """Boosters and estimators; a DMatrix is data."""
    import xgboost

    return isinstance(obj, (xgboost.Booster, xgboost.XGBModel))


def methods(obj: Any) -> Mapping[str, Callable[..., Any]]:
    """`InvalidInput` for what was not fitted. A booster takes tables and arrays too, not only a DMatrix."""
    import xgboost

    if isinstance(obj, xgboost.Booster):
        if not _is_trained(obj):
            raise InvalidInput("this Booster holds no trees", hint="train it before you save it")
        return {"predict": _predict_of(obj)}
    if not hasattr(obj, "_Booster"):
        raise InvalidInput(
            f"this {type(obj).__name__} is not fitted", hint="call fit() before you save it"
        )
    names = [n for n in METHODS if n != "apply" or obj.booster != "gblinear"]
    found = {name: getattr(obj, name, None) for name in names}
    return {name: method for name, method in found.items() if callable(method)}


def _is_trained(booster: Any) -> bool:
    import xgboost

    try:
        return bool(booster.num_features())
    except xgboost.core.XGBoostError:  # it knows no features yet
        return False


def _predict_of(booster: Any) -> Callable[..., Any]:
    import xgboost

    def predict(data: Any, **options: Any) -> Any:
        if not isinstance(data, xgboost.DMatrix):
            data = xgboost.DMatrix(data, enable_categorical=True)
        return booster.predict(data, **options)

    own = inspect.signature(booster.predict)
    parameters = [
        p.replace(annotation=p.empty) if name == "data" else p.replace(kind=p.KEYWORD_ONLY)
        for name, p in own.parameters.items()
    ]
    predict.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    return predict


def labels(obj: Any) -> Sequence[str]:
    """``gradient-boosting``, ``random-forest`` or ``linear``; ``dart`` and ``ranking`` where it is so."""
    learner = _config(obj)
    kind = learner["gradient_booster"]["name"]
    forest = type(obj).__name__.startswith("XGBRF")
    found = [
        "random-forest" if forest else "linear" if kind == "gblinear" else "gradient-boosting",
        "dart" if kind == "dart" else "",
        "ranking" if learner["objective"]["name"].startswith("rank:") else "",
    ]
    return [word for word in found if word]


def _config(obj: Any) -> Any:
    import json

    import xgboost

    booster = obj if isinstance(obj, xgboost.Booster) else obj.get_booster()
    return json.loads(booster.save_config())["learner"]


def system(obj: Any) -> Sequence[str]:
    """None: its wheels carry OpenMP with them."""
    return ()


def _classes() -> Sequence[type]:
    """The estimators that a file may name."""
    from xgboost import sklearn

    return (
        sklearn.XGBClassifier,
        sklearn.XGBRegressor,
        sklearn.XGBRanker,
        sklearn.XGBRFClassifier,
        sklearn.XGBRFRegressor,
        sklearn.XGBModel,
    )


def _dump(obj: Any, folder: Path) -> None:
    import xgboost

    if isinstance(obj, xgboost.Booster):
        if type(obj) is not xgboost.Booster or set(vars(obj)) - {"handle"}:
            name = f"{type(obj).__module__}.{type(obj).__qualname__}"
            raise UnsupportedType(f"ubj cannot hold all of this {name}", types=[name])
        if not _is_trained(obj):
            raise UnsupportedType("a Booster without trees has no UBJ")
        (folder / MODEL).write_bytes(_ubj_of(obj))
        return
    if not hasattr(obj, "_Booster"):
        raise UnsupportedType(f"a {type(obj).__name__} that is not fitted has no UBJ")
    state = {name: value for name, value in vars(obj).items() if name != "_Booster"}
    wrapper = plain_values.dump_attributes(state, type(obj), _classes())
    (folder / MODEL).write_bytes(_ubj_of(obj.get_booster()))
    (folder / WRAPPER).write_bytes(wrapper)


def _ubj_of(booster: Any) -> bytes:
    """The bytes of a booster; `UnsupportedType` for one that would not be read again."""
    data = bytes(booster.save_raw("ubj"))
    try:
        check_xgboost(_ubj.loads(data))
    except ValueError as error:
        raise UnsupportedType(f"ubj cannot hold this Booster: {error}") from error
    return data


def _load(files: Files) -> Any:
    """A file that XGBoost itself wrote, UBJ or JSON, gives when it comes alone what it was written from: a Booster, or a
    classifier, regressor or ranker as far as the file knows it."""
    names = list(files.names())
    alone = names[0] if len(names) == 1 else MODEL
    if alone not in names or set(names) - {alone, WRAPPER}:
        raise InvalidInput(f"an XGBoost model is one file, not {', '.join(names) or 'none'}")
    if WRAPPER not in names:
        return _told_by(_booster(files.read(alone), alone))
    model, state = plain_values.load_attributes(files.read(WRAPPER), WRAPPER, _classes())
    vars(model).update(state, _Booster=_booster(files.read(alone), alone))
    return model


def _told_by(booster: Any) -> Any:
    """The estimator whose ``save_model`` wrote a booster's file, where it did; else the booster."""
    import json

    from xgboost import sklearn

    classes = {"classifier": sklearn.XGBClassifier, "regressor": sklearn.XGBRegressor, "ranker": sklearn.XGBRanker}  # fmt: skip
    try:
        role = json.loads(booster.attr("scikit_learn") or "{}").get("_estimator_type")
    except (ValueError, AttributeError):
        return booster
    if role not in classes:
        return booster
    model = classes[role]()
    model.load_model(bytearray(booster.save_raw("ubj")))
    return model


def _booster(data: bytes, name: str) -> Any:
    import xgboost

    data = data.lstrip() if data[:1].isspace() else data
    try:
        # Looked at first: the library ends the process over an empty file, and over trees that are none.
        check_xgboost(_parsed(data))
        return xgboost.Booster(model_file=bytearray(data))
    except xgboost.core.XGBoostError as error:
        reason = str(error).partition("\n")[0].rpartition("] ")[2]
        raise Corrupted(f"{name}: XGBoost cannot read it: {reason}") from error
    except ValueError as error:
        raise Corrupted(f"{name}: this is no sound model of XGBoost: {error}") from error


def _parsed(data: bytes) -> Any:
    """The content of a model file, which is JSON, binary or in text."""
    if data[:1] != b"{":
        raise ValueError("it is neither UBJ nor JSON")
    if data[1:2] in b'"' or data[1:2].isspace():
        return loads_strictly(data, "the JSON")
    return _ubj.loads(data)


NATIVE = (NativeFormat("ubj", 0, ".ubj", _dump, _load),)
