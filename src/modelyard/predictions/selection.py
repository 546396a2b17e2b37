"""What a query means, for every log: the two sides of a model's text, and which predictions it selects."""

from __future__ import annotations

import re
from collections.abc import Sequence

from modelyard.base.errors import InvalidInput, NotFound
from modelyard.predictions.interface import Prediction, PredictionQuery

MAX_REFERENCE = 2048
"""Bytes of a reference: what an index takes on every database."""

_VERSION = re.compile(r"\d+|v\d+\.\d+\.\d+[0-9A-Za-z.+-]*|sha256:[0-9a-f]*")


def split_model(text: str) -> tuple[str, str]:
    """``name@version`` as name and version; what has no version at its end is a name, ``@`` or not.

    >>> split_model("churn@3"), split_model("churn"), split_model("team@home")
    (('churn', '3'), ('churn', ''), ('team@home', ''))
    """
    name, at, version = text.rpartition("@")
    return (name, version) if at and _VERSION.fullmatch(version) else (text, "")


def join_model(name: str, version: str) -> str:
    """The text again."""
    return f"{name}@{version}" if version else name


def selects(query: PredictionQuery, prediction: Prediction) -> bool:
    """Whether a prediction meets all conditions of a query; paging aside."""
    name, version = split_model(prediction.model)
    wanted_name, wanted_version = split_model(query.model or "")
    return (
        (query.model is None or (name == wanted_name and wanted_version in ("", version)))
        and (query.since_ms is None or prediction.at_ms >= query.since_ms)
        and (query.until_ms is None or prediction.at_ms < query.until_ms)
        and query.reference_id in (None, prediction.reference_id)
        and query.request_id in (None, prediction.request_id)
    )


def refuse_everything(query: PredictionQuery) -> None:
    """Erasing needs a condition: nobody empties a log by leaving one out."""
    conditions: Sequence[object] = (
        query.model,
        query.since_ms,
        query.until_ms,
        query.reference_id,
        query.request_id,
    )
    if all(condition is None for condition in conditions):
        raise InvalidInput(
            "erasing needs a condition: a model, a time, a reference or a request",
            hint="since_ms=0 means all of them",
        )


def refuse_no_reference(reference_id: str) -> None:
    """Feedback needs a reference: predictions without one have nothing in common."""
    if not reference_id:
        raise InvalidInput("feedback needs the reference of a prediction; this one is empty")


def gone(prediction_id: int) -> NotFound:
    """The error for a page that begins after a prediction which is no longer there."""
    return NotFound(
        f"no prediction {prediction_id} to go on from", hint="begin at the newest again"
    )
