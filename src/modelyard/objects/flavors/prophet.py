"""Prophet: forecasts of time series, with holidays, seasons and regressors of one's own.

Written as the library's own JSON: data, no code. What was left of the sampler is not in it, since no forecast needs it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelyard.base.errors import Corrupted, InvalidInput, UnsupportedType
from modelyard.objects import equality
from modelyard.objects.interface import Files
from modelyard.objects.native import NativeFormat

NAME = "prophet"
EXTRA = "prophet"
FORMATS = ("prophet_json", "cloudpickle")

MODEL = "model.json"


def claims(obj: Any) -> bool:
    import prophet

    return isinstance(obj, prophet.Prophet)


def methods(obj: Any) -> Mapping[str, Callable[..., Any]]:
    """``predict``, which takes a table with the dates in ``ds``. `InvalidInput` for a model that was not fitted."""
    if obj.history is None:
        raise InvalidInput("this Prophet is not fitted", hint="call fit() before you save it")
    return {"predict": obj.predict}


def labels(obj: Any) -> Sequence[str]:
    return ["forecast", f"{obj.growth}-growth"]


def system(obj: Any) -> Sequence[str]:
    """None: its wheels carry what they need."""
    return ()


def same_output(a: Any, b: Any) -> bool:
    """Equal forecasts. The bounds of the trend and of the forecast are drawn by lot, each time anew."""
    return equality.same_output(_fixed(a), _fixed(b)) and list(a) == list(b)


def _fixed(forecast: Any) -> Any:
    drawn = [f"{name}_{bound}" for name in ("yhat", "trend") for bound in ("lower", "upper")]
    return forecast.drop(columns=drawn, errors="ignore")


def _dump(obj: Any, folder: Path) -> None:
    import prophet
    from prophet import serialize

    if type(obj) is not prophet.Prophet:
        name = f"{type(obj).__module__}.{type(obj).__qualname__}"
        raise UnsupportedType(f"{name} is none of the library's own classes", types=[name])
    if obj.history is None:
        raise UnsupportedType("a Prophet that is not fitted has no JSON")
    predicted = [n for n, p in obj.extra_regressors.items() if p.get("predictor") is not None]
    if predicted:  # the library would write the model without them
        names = ", ".join(predicted)
        raise UnsupportedType(
            f"Prophet's JSON leaves out what predicts the regressor {names}",
            types=[f"predictor of {names}"],
        )
    try:
        text = serialize.model_to_json(obj)
    except (TypeError, ValueError) as error:
        raise UnsupportedType(f"Prophet's JSON cannot hold it: {error}") from error
    (folder / MODEL).write_text(text, "utf-8", newline="\n")


def _load(files: Files) -> Any:
    from prophet import serialize

    names = list(files.names())
    if len(names) != 1:
        raise InvalidInput(f"a Prophet model is one file, not {', '.join(names) or 'none'}")
    try:
        text = files.read(names[0]).decode()
        if text[:1] == '"':  # the text of a model, as JSON once more
            text = json.loads(text)
        return serialize.model_from_json(text)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise Corrupted(
            f"{names[0]}: Prophet cannot read it: {type(error).__name__}: {error}"
        ) from error


NATIVE = (NativeFormat("prophet_json", 0, ".json", _dump, _load),)
