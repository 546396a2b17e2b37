"""A model of ours called the way MLflow calls a Python function: a table, an array or values in, the answer out.

It travels in the folders that `build mlflow` writes, and stands in for nothing of MLflow: `predict` is all there is.

An argument that holds many records takes MLflow's input whole. A method of single values (two numbers, a text, a dict)
has one column an argument, and is called once a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelyard.base.errors import InvalidInput, SchemaMismatch, did_you_mean
from modelyard.objects.embedded import open_embedded
from modelyard.objects.formats._mlflow.signatures import write_input
from modelyard.objects.model import Model
from modelyard.objects.sampling import required_arguments
from modelyard.types.interface import DataType
from modelyard.types.schema import Signature

if TYPE_CHECKING:
    import pandas as pd

METHOD = "method"
"""The parameter that chooses a method."""


def open_function(folder: str) -> Called:
    """The model in a folder with ``card.json``."""
    return Called(open_embedded(Path(folder)))


class Called:
    """A model whose methods are reached through one ``predict``."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def predict(self, model_input: Any, params: Mapping[str, Any] | None = None) -> Any:
        """The answer of the default method, or of the one that ``params`` name under ``method``."""
        given = dict(params or {})
        method = self.model.method(given.pop(METHOD, None))
        signature = self.model.signature(method)
        options = _options(given, signature, self.model)
        batch = batch_argument(signature)
        if batch is not None:
            value = taken(model_input, signature.args[batch].type, batch)
            return answer(signature, self.model.call(method, **{batch: value}, **options))
        rows = _rows(model_input, required_arguments(signature))
        return [
            answer(signature, self.model.call(method, **_row(row, signature), **options))
            for row in rows
        ]

    def get_raw_model(self) -> Any:
        """The model itself, with all its methods."""
        return self.model.object


def batch_argument(signature: Signature) -> str | None:
    """The one argument that takes a whole batch; None when each row is a call of its own."""
    names = required_arguments(signature)
    if len(names) != 1 or write_input(signature.args[names[0]].type.to_dict()) is None:
        return None
    return names[0]


def taken(value: Any, kind: DataType, name: str) -> Any:
    """MLflow's input as the argument's own type, else `SchemaMismatch`."""
    if hasattr(value, "iloc") and hasattr(value, "columns"):
        value = _from_frame(value, kind)
    try:
        return kind.check(value, name)
    except SchemaMismatch as error:
        try:
            return kind.decode(_plain(value), name)
        except SchemaMismatch:
            raise error from None


def answer(signature: Signature, value: Any) -> Any:
    """A result that MLflow's server can write: numpy and pandas as they are, all else in its JSON form."""
    if type(value).__module__.partition(".")[0] in ("numpy", "pandas") or signature.returns is None:
        return value
    return signature.returns.encode(value)


def _options(given: dict[str, Any], signature: Signature, model: Model) -> dict[str, Any]:
    """Further arguments; MLflow sends the defaults of all methods, so another method's are passed over."""
    known = {n for s in model.card.methods.values() for n in s.args}
    for name in given:
        if name not in known:
            raise InvalidInput(f"there is no parameter {name!r}", hint=did_you_mean(name, known))
    optional = {n: a for n, a in signature.args.items() if not a.required and n in given}
    return {n: argument.type.decode(given[n], n) for n, argument in optional.items()}


def _from_frame(frame: pd.DataFrame, kind: DataType) -> Any:
    """A frame as the nearest that the type takes."""
    spelled = kind.to_dict()
    if kind.kind == "list":
        items = spelled.get("items")
        named = isinstance(items, Mapping) and items["type"] in ("dict", "record")
        return _records(frame) if named else frame.iloc[:, 0].tolist()
    if kind.kind in ("series", "polars_series") or len(spelled.get("shape", ())) == 1:
        fields = isinstance(spelled.get("dtype"), Mapping)
        return frame.to_records(index=False) if fields else frame.iloc[:, 0].to_numpy()
    if kind.kind in ("array", "sparse"):
        return frame.to_numpy()
    for name, column in spelled.get("columns", {}).items():
        optional = isinstance(column, Mapping) and column.get("nullable")
        if optional and name not in map(str, frame.columns):
            frame = frame.assign(**{name: None})
    return frame


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    frame = frame.astype(object).where(frame.notna(), None)
    return frame.rename(columns=str).to_dict("records")


def _plain(value: Any) -> Any:
    """The input as JSON would have brought it."""
    if hasattr(value, "columns"):
        return _records(value)
    return value.tolist() if hasattr(value, "tolist") else value


def _rows(value: Any, names: list[str]) -> list[dict[str, Any]]:
    if hasattr(value, "columns"):
        return _records(value if len(names) != 1 else value.set_axis(names, axis=1))
    if isinstance(value, dict):
        return [value]
    values = value.tolist() if hasattr(value, "tolist") else value
    return [{names[0]: item} for item in (values if isinstance(values, list) else [values])]


def _row(row: Mapping[str, Any], signature: Signature) -> dict[str, Any]:
    return {n: taken(row[n], signature.args[n].type, n) for n in required_arguments(signature)}
