"""From a fitted scikit-learn model to a PMML document that gives the same answers."""

from __future__ import annotations

import subprocess
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelyard.base.errors import InvalidInput, MissingExtra, ModelyardError, UnsupportedType
from modelyard.objects.flavors import find
from modelyard.objects.formats._pmml import document, java, scoring

RELATIVE, ABSOLUTE = 1e-6, 1e-9
"""How far a number may be from the model's."""


def converted(obj: Any, sample: Mapping[str, Any]) -> Any:
    """The document's model, compared with the original on the sample. A model of PMML is one already."""
    flavor = find(obj)
    if flavor.NAME == "pypmml":
        return obj
    if flavor.NAME not in ("sklearn", "xgboost", "lightgbm"):
        raise UnsupportedType(
            f"there is no conversion to pmml of {flavor.NAME} models such as this {type(obj).__name__}",
            hint="save it without format=",
        )
    if not sample:
        raise InvalidInput("a conversion to pmml needs sample_data: the answers are compared on it")
    text = _write(obj)
    document.read(text)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.pmml")
        path.write_bytes(text)
        model = java.model_of(path, text)
    _compare(flavor.methods(obj), model, next(iter(sample.values())))
    return model


def _write(obj: Any) -> bytes:
    try:
        from sklearn2pmml import sklearn2pmml
    except ModuleNotFoundError as error:
        raise MissingExtra("conversions to PMML", "pmml", missing="sklearn2pmml") from error
    java.require_java()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.pmml")
        printed = _Printed()
        try:
            with warnings.catch_warnings(), printed:
                warnings.simplefilter("ignore")
                sklearn2pmml(obj, str(path))
            return path.read_bytes()
        except (RuntimeError, OSError, TypeError, ValueError, subprocess.SubprocessError) as error:
            reason = printed.reason() or str(error)
            raise UnsupportedType(
                f"this {type(obj).__name__} cannot be converted to pmml: {reason}",
                hint="save it without format=, in the format of its own library",
            ) from error


class _Printed:
    """What the converter prints, kept from the terminal; its Java exception says what is wrong."""

    def __enter__(self) -> None:
        import contextlib
        import io

        self.text = io.StringIO()
        self._stack = contextlib.ExitStack()
        self._stack.enter_context(contextlib.redirect_stdout(self.text))
        self._stack.enter_context(contextlib.redirect_stderr(self.text))

    def __exit__(self, *_: Any) -> None:
        self._stack.close()

    def reason(self) -> str:
        lines = self.text.getvalue().splitlines()
        found = [line.partition("Exception: ")[2] for line in lines if "Exception: " in line]
        return found[0][:300] if found else ""


def _compare(methods: Mapping[str, Any], model: Any, value: Any) -> None:
    """`UnsupportedType` unless labels are the model's exactly, and numbers nearly."""
    import numpy as np

    method = next(iter(methods.values()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = np.asarray(method(value))
    try:
        answer = scoring.predict(model, value)
    except ModelyardError as error:
        raise UnsupportedType(f"its PMML cannot score the sample: {error.message}") from error
    columns = [c for c in answer.columns if str(c).startswith("predicted")] or list(answer.columns)
    found = answer[columns].to_numpy()
    expected = expected.reshape(len(expected), -1)
    if found.shape != expected.shape:
        found = found[:, : expected.shape[1]]
    same = (
        _close(found, expected)
        if expected.dtype.kind in "fc"
        else (found.astype(str) == expected.astype(str)).all()
    )
    if not same:
        raise UnsupportedType("its PMML answers differently on the sample", types=())


def _close(found: Any, expected: Any) -> bool:
    import numpy as np

    return found.shape == expected.shape and bool(
        np.allclose(found.astype(float), expected, RELATIVE, ABSOLUTE, equal_nan=True)
    )
