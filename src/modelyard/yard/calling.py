"""Call a model on records and keep what was asked and answered: mlops-lite's result shape, one row a record."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from modelyard.base.clock import new_id, now_ms
from modelyard.base.errors import InvalidInput, ModelFailed, ModelyardError
from modelyard.base.events import caller
from modelyard.objects.model import Model
from modelyard.objects.sampling import required_arguments
from modelyard.predictions.interface import Prediction, PredictionLog
from modelyard.types.interface import DataType

REFERENCE = "reference_id"


def predict_and_log(
    model: Model,
    data: Any,
    *,
    log: PredictionLog | None = None,
    reference_id: str | None = None,
    method: str | None = None,
) -> list[dict[str, Any]]:
    """One result a record, in order; with ``log`` each is kept first. What the model raises is kept too, and raised."""
    chosen = model.method(method) if method else scoring_method(model)
    argument, kind = _input(model, chosen)
    features, references = without_references(data, reference_id)
    value = kind.check(as_argument(features, kind), argument)
    records = as_records(value, kind, argument)
    if log is not None:
        references = [r if r is not None else new_id() for r in references]
    started, at = time.perf_counter(), now_ms()
    try:
        outputs = results_of(model, chosen, model.call(chosen, **{argument: value}), len(records))
    except ModelyardError:
        raise
    except Exception as error:
        if log is not None:
            failed = [None] * len(records)
            log.record(_rows(model, chosen, at, records, references, failed, 0.0, _text(error)))
        raise ModelFailed(f"{model.identity}: {chosen} raised {_text(error)}") from error
    if log is not None:
        took = (time.perf_counter() - started) * 1000
        log.record(_rows(model, chosen, at, records, references, outputs, took, ""))
    return [{REFERENCE: r, "results": o} for r, o in zip(references, outputs, strict=True)]


def scoring_method(model: Model) -> str:
    """Probabilities where the model is a classifier that has them, else its default method."""
    return "predict_proba" if "predict_proba" in model.methods else model.default_method


def _input(model: Model, method: str) -> tuple[str, DataType]:
    signature = model.signature(method)
    names = required_arguments(signature)
    if not names:
        raise InvalidInput(f"{model.name}.{method} takes no data")
    return names[0], signature.args[names[0]].type


def without_references(data: Any, given: str | None) -> tuple[Any, list[str | None]]:
    """The features alone, and the reference of each record (None where there is none)."""
    if isinstance(data, Mapping):
        data = [data]
    if hasattr(data, "columns"):
        if REFERENCE in data.columns:
            return data.drop(columns=[REFERENCE]), [str(r) for r in data[REFERENCE].tolist()]
        return data, [given] * len(data)
    if isinstance(data, Sequence) and data and all(isinstance(r, Mapping) for r in data):
        records = [{k: v for k, v in r.items() if k != REFERENCE} for r in data]
        found = [r.get(REFERENCE, given) for r in data]
        return records, [None if r is None else str(r) for r in found]
    if isinstance(data, Sequence | tuple) and not data:
        raise InvalidInput("there are no records to predict for")
    return data, [given] * (len(data) if hasattr(data, "__len__") else 1)


def as_argument(features: Any, kind: DataType) -> Any:
    """Records in the form the argument takes: a model fitted on arrays gets the values in the records' order."""
    if kind.table.kind != "array":
        return features
    if hasattr(features, "to_numpy"):
        return features.to_numpy()
    if isinstance(features, list) and features and isinstance(features[0], Mapping):
        return [list(record.values()) for record in features]
    return features


def as_records(value: Any, kind: DataType, argument: str) -> list[dict[str, Any]]:
    """A checked input as one JSON-able mapping a record: a table's row as it is, else the value by its argument's name."""
    encoded = kind.encode(value)
    records = encoded if isinstance(encoded, list) else [encoded]
    return [r if isinstance(r, dict) else {argument: r} for r in records]


def results_of(model: Model, method: str, output: Any, rows: int) -> list[Any]:
    """The output as one JSON-able value a record: class -> probability, a number, or whatever the method gives."""
    returns = model.signature(method).returns
    plain = returns.encode(output) if returns is not None else output
    if not isinstance(plain, list) or len(plain) != rows:
        return [plain] if rows == 1 else [plain] * rows
    classes = getattr(getattr(model.object, "model", model.object), "classes_", None)
    if method in ("predict_proba", "predict_log_proba") and classes is not None:
        names = [_class_name(c) for c in list(classes)]
        return [dict(zip(names, row, strict=True)) for row in plain]
    return plain


def _class_name(label: Any) -> str:
    return str(label.item() if hasattr(label, "item") else label)


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:1000]


def _rows(
    model: Model,
    method: str,
    at: int,
    records: Sequence[Any],
    references: Sequence[str | None],
    outputs: Sequence[Any],
    took_ms: float,
    error: str,
) -> list[Prediction]:
    request = new_id(at)
    return [
        Prediction(
            at_ms=at,
            model=model.identity,
            method=method,
            request_id=request,
            row=row,
            reference_id=reference or "",
            inputs=record,
            outputs=output,
            model_version_id=model.provenance.get("model_version_id"),
            dataset_id=model.provenance.get("dataset_id"),
            latency_ms=took_ms,
            caller=caller().actor,
            error=error,
            digest=model.card.digest.removeprefix("sha256:"),
        )
        for row, (record, reference, output) in enumerate(
            zip(records, references, outputs, strict=True)
        )
    ]
