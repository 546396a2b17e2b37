"""CatBoost: classifiers, regressors, rankers and plain models.

Written as cbm, the library's own format: data, no code. It tells classes, categories and the training's parameters, but not
which of the library's Python classes it was, and not what its constructor was given: these stand beside it as plain values.
A model of one's own class, or with functions among its parameters, is code and goes to the next format.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelyard.base.errors import Corrupted, InvalidInput, UnsupportedType
from modelyard.objects import plain_values
from modelyard.objects.interface import Files
from modelyard.objects.native import NativeFormat

NAME = "catboost"
EXTRA = "catboost"
FORMATS = ("cbm", "cloudpickle")

METHODS = ("predict", "predict_proba", "predict_log_proba")

MODEL, WRAPPER = "model.cbm", "wrapper.json"

_TOLD_BY_CBM = ("_object", "_is_fitted_", "_random_seed", "_learning_rate", "_tree_count")


def claims(obj: Any) -> bool:
    """Models; a Pool is data."""
    import catboost

    return isinstance(obj, catboost.CatBoost)


def methods(obj: Any) -> Mapping[str, Callable[..., Any]]:
    """`InvalidInput` for a model that was not fitted."""
    if not obj.is_fitted():
        raise InvalidInput(
            f"this {type(obj).__name__} is not fitted", hint="call fit() before you save it"
        )
    found = {name: getattr(obj, name, None) for name in METHODS}
    return {name: method for name, method in found.items() if callable(method)}


def labels(obj: Any) -> Sequence[str]:
    """``gradient-boosting``, and ``ranking`` where it is so."""
    return ["gradient-boosting", *(["ranking"] if _role(obj) == "CatBoostRanker" else [])]


def system(obj: Any) -> Sequence[str]:
    """None: its wheels carry what they need."""
    return ()


def _classes() -> Mapping[str, type]:
    """The classes that a file may name."""
    import catboost

    found = (
        catboost.CatBoostClassifier,
        catboost.CatBoostRegressor,
        catboost.CatBoostRanker,
        catboost.CatBoost,
    )
    return {cls.__name__: cls for cls in found}


def _dump(obj: Any, folder: Path) -> None:
    if not obj.is_fitted():
        raise UnsupportedType(f"a {type(obj).__name__} that is not fitted has no cbm")
    state = {name: value for name, value in vars(obj).items() if name not in _TOLD_BY_CBM}
    wrapper = plain_values.dump_attributes(state, type(obj), list(_classes().values()))
    obj.save_model(str(folder / MODEL), format="cbm")
    (folder / WRAPPER).write_bytes(wrapper)


def _load(files: Files) -> Any:
    """A file that CatBoost itself wrote gives a classifier, regressor or ranker, as it was trained."""
    names = list(files.names())
    alone = names[0] if len(names) == 1 else MODEL
    if alone not in names or set(names) - {alone, WRAPPER}:
        raise InvalidInput(f"a CatBoost model is one file, not {', '.join(names) or 'none'}")
    classes = _classes()
    if WRAPPER not in names:
        model = _read(classes["CatBoost"](), files, alone)
        return _read(classes[_role(model)](), files, alone)
    model, state = plain_values.load_attributes(
        files.read(WRAPPER), WRAPPER, list(classes.values())
    )
    vars(_read(model, files, alone)).update(state)
    return model


def _read(model: Any, files: Files, name: str) -> Any:
    import catboost

    path = files.local(name, private=False)
    with path.open("rb") as stream:  # JSON is the other format that the library reads again
        form = "json" if stream.read(1) == b"{" else "cbm"
    try:
        return model.load_model(str(path), format=form)
    except catboost.CatBoostError as error:
        raise Corrupted(f"{name}: CatBoost cannot read it: {error}") from error


def _role(model: Any) -> str:
    """The class that a model of this loss is trained with."""
    from catboost import core

    loss = str(model.get_all_params().get("loss_function", "RMSE"))
    if core.is_classification_objective(loss):
        return "CatBoostClassifier"
    # Losses such as RMSE measure rankings too; a ranker is trained with one that does nothing else.
    if core.is_ranking_metric(loss) and not core.is_regression_objective(loss):
        return "CatBoostRanker"
    return "CatBoostRegressor"


NATIVE = (NativeFormat("cbm", 0, ".cbm", _dump, _load),)
