"""LightGBM: boosters, and the estimators with scikit-learn's methods.

Written as the library's own text: data, no code. What the text leaves out (the best round, the constructor's parameters,
classes, the history of its training) stands beside it as plain values; an estimator of one's own class, or one with
functions among its parameters, is code and goes to the next format.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelyard.base.errors import Corrupted, InvalidInput, UnsupportedType
from modelyard.objects import plain_values
from modelyard.objects.flavors._boosted_trees import NoTrees
from modelyard.objects.flavors._lightgbm_text import check_lightgbm
from modelyard.objects.interface import Files
from modelyard.objects.native import NativeFormat

NAME = "lightgbm"
EXTRA = "lightgbm"
FORMATS = ("lightgbm_text", "cloudpickle")

METHODS = ("predict", "predict_proba")

MODEL, WRAPPER = "model.txt", "wrapper.json"

_OF_BOOSTER = ("best_iteration", "best_score", "params", "_train_data_name")
"""What a booster knows that its text does not tell."""


def claims(obj: Any) -> bool:
    """Boosters and estimators; a Dataset is data."""
    import lightgbm

    return isinstance(obj, (lightgbm.Booster, lightgbm.LGBMModel))


def methods(obj: Any) -> Mapping[str, Callable[..., Any]]:
    """`InvalidInput` for what was not fitted. A booster also takes a Dataset that still has its data."""
    import lightgbm

    if isinstance(obj, lightgbm.Booster):
        return {"predict": _answering(obj.predict)}
    if not obj.__sklearn_is_fitted__():
        raise InvalidInput(
            f"this {type(obj).__name__} is not fitted", hint="call fit() before you save it"
        )
    found = {name: getattr(obj, name, None) for name in METHODS}
    return {name: _answering(method) for name, method in found.items() if callable(method)}


def _answering(method: Callable[..., Any]) -> Callable[..., Any]:
    """The method with the arguments that its signature names: any further word would set a parameter of the library,
    which is nothing for those who send requests."""
    own = inspect.signature(method)
    kept = [p for p in own.parameters.values() if p.kind is not p.VAR_KEYWORD]
    first = kept[0].replace(annotation=inspect.Parameter.empty)
    others = [p for p in kept[1:] if p.name != "data_has_header"]
    signature = own.replace(parameters=[first, *others])

    def call(*args: Any, **named: Any) -> Any:
        given = dict(signature.bind(*args, **named).arguments)
        return method(_raw(given.pop(first.name)), **given)

    call.__name__ = method.__name__
    call.__signature__ = signature  # type: ignore[attr-defined]
    return call


def _raw(data: Any) -> Any:
    """The rows in a Dataset, which the library itself does not predict from."""
    import lightgbm

    if not isinstance(data, lightgbm.Dataset):
        return data
    if data.data is None:
        raise InvalidInput(
            "this Dataset has freed its rows",
            hint="give the table itself, or make it with lightgbm.Dataset(…, free_raw_data=False)",
        )
    return data.data


def labels(obj: Any) -> Sequence[str]:
    """``gradient-boosting`` or ``random-forest``; ``dart`` and ``ranking`` where it is so."""
    import lightgbm

    booster = obj if isinstance(obj, lightgbm.Booster) else obj.booster_
    kind = next((v for k, v in booster.params.items() if k in _BOOSTING), "gbdt")
    objective = str(booster.params.get("objective"))
    found = [
        "random-forest" if kind in ("rf", "random_forest") else "gradient-boosting",
        "dart" if kind == "dart" else "",
        "ranking" if objective.startswith(("lambdarank", "rank_xendcg")) else "",
    ]
    return [word for word in found if word]


_BOOSTING = ("boosting", "boosting_type", "boost")


def system(obj: Any) -> Sequence[str]:
    """OpenMP, which its wheels take from the system and slim images lack."""
    return ("libgomp1",)


def _classes() -> Sequence[type]:
    """The classes that a file may name."""
    import lightgbm

    return (
        lightgbm.LGBMClassifier,
        lightgbm.LGBMRegressor,
        lightgbm.LGBMRanker,
        lightgbm.LGBMModel,
    )


class _Booster:
    """Stands for `lightgbm.Booster` in a file, which cannot be made without its text."""


_Booster.__name__ = "Booster"


def _dump(obj: Any, folder: Path) -> None:
    import lightgbm

    if isinstance(obj, lightgbm.Booster):
        if type(obj) is not lightgbm.Booster:
            name = f"{type(obj).__module__}.{type(obj).__qualname__}"
            raise UnsupportedType(f"{name} is none of the library's own classes", types=[name])
        booster, wrapper = obj, plain_values.dump_attributes(_told(obj), _Booster, [_Booster])
    else:
        if not obj.__sklearn_is_fitted__():
            raise UnsupportedType(f"a {type(obj).__name__} that is not fitted has no text")
        booster = obj.booster_
        state = {**vars(obj), "_Booster": _told(booster)}
        state.pop("_class_map", None)  # made of the encoder's classes again
        if state.get("_le") is not None:
            state["_le"] = state["_le"].classes_
        wrapper = plain_values.dump_attributes(state, type(obj), _classes())
    # Without a number only the rounds up to the best one would be written.
    text = booster.model_to_string(num_iteration=-1)
    try:
        check_lightgbm(text)
    except NoTrees as error:
        raise UnsupportedType(f"the text cannot hold this model: {error}") from error
    (folder / MODEL).write_text(text, "utf-8", newline="\n")
    (folder / WRAPPER).write_bytes(wrapper)


def _told(booster: Any) -> dict[str, Any]:
    known = vars(booster)
    return {name: known[name] for name in _OF_BOOSTER if name in known}


def _load(files: Files) -> Any:
    """A file that LightGBM itself wrote gives a Booster when it comes alone."""
    names = list(files.names())
    alone = names[0] if len(names) == 1 else MODEL
    if alone not in names or set(names) - {alone, WRAPPER}:
        raise InvalidInput(f"a LightGBM model is one file, not {', '.join(names) or 'none'}")
    booster = _booster(files, alone)
    if WRAPPER not in names:
        return booster
    classes = (*_classes(), _Booster)
    model, state = plain_values.load_attributes(files.read(WRAPPER), WRAPPER, classes)
    if isinstance(model, _Booster):
        vars(booster).update(state)
        return booster
    vars(booster).update(state.pop("_Booster", {}))
    if state.get("_le") is not None:
        state |= _encoder(state["_le"])
    vars(model).update(state, _Booster=booster)
    return model


def _encoder(classes: Any) -> dict[str, Any]:
    """The encoder of a classifier's labels, and the map that is made of it."""
    from sklearn.preprocessing import LabelEncoder

    encoder = LabelEncoder()
    encoder.classes_ = classes
    codes = encoder.transform(classes)
    return {"_le": encoder, "_class_map": dict(zip(classes, codes, strict=True))}


def _booster(files: Files, name: str) -> Any:
    import lightgbm

    try:
        text = files.read(name).decode()
        check_lightgbm(text)  # the library would follow whatever the numbers say
        return lightgbm.Booster(model_str=text)
    except (lightgbm.basic.LightGBMError, ValueError) as error:
        raise Corrupted(f"{name}: this is no sound model of LightGBM: {error}") from error


NATIVE = (NativeFormat("lightgbm_text", 0, ".txt", _dump, _load),)
