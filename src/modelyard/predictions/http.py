"""The prediction log of a hub."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from modelyard.base.clock import from_rfc3339, to_rfc3339
from modelyard.base.errors import NotSupported
from modelyard.base.hub_client import HubClient
from modelyard.predictions.interface import Prediction, PredictionQuery

AT_ONCE = 1000
"""Records that are sent in one request; a call with more is several, each whole or not at all."""

_SENT = (
    "model", "method", "reference_id", "inputs", "outputs", "latency_ms", "request_id", "row", "arm", "error",
    "model_version_id", "dataset_id", "digest",
)  # fmt: skip


class HttpPredictionLog:
    """Predictions that a hub keeps. Who called is whoever the hub knows."""

    def __init__(self, client: HubClient) -> None:
        self._client = client

    def record(self, predictions: Sequence[Prediction]) -> None:
        """Keep them all."""
        for start in range(0, len(predictions), AT_ONCE):
            part = predictions[start : start + AT_ONCE]
            self._client.ask("POST", "predictions", json={"items": [_sent(one) for one in part]})

    def list(self, query: PredictionQuery) -> Iterator[Prediction]:
        """Newest first, fetched by page."""
        if query.before_id is not None:
            raise NotSupported("before_id= is not possible through a hub", hint="use limit=")
        asked = _asked(query)
        if query.limit is not None:
            asked["limit"] = str(max(1, min(query.limit, 1000)))
        return map(_from, islice(self._client.pages("predictions", query=asked), query.limit))

    def count(self, query: PredictionQuery) -> int:
        """How many there are."""
        told = self._client.ask("GET", "predictions", "count", query=_asked(query))
        return int(told["count"])

    def feedback(self, reference_id: str, actual: Any) -> int:
        """What turned out to be true; returns how many predictions it concerns."""
        told = {"reference_id": reference_id, "actual": actual}
        return int(self._client.ask("POST", "predictions", "feedback", json=told)["count"])

    def erase(self, query: PredictionQuery) -> int:
        """Not through a hub."""
        raise NotSupported(
            "predictions are not erased through a hub",
            hint="on the hub's machine: modelyard predictions erase",
        )


def _asked(query: PredictionQuery) -> dict[str, Any]:
    """The conditions as the hub takes them."""
    return {
        "model": query.model,
        "since": None if query.since_ms is None else to_rfc3339(query.since_ms),
        "until": None if query.until_ms is None else to_rfc3339(query.until_ms),
        "reference_id": query.reference_id,
        "request_id": query.request_id,
    }


def _sent(prediction: Prediction) -> dict[str, Any]:
    told = {name: getattr(prediction, name) for name in _SENT}
    return {"at": to_rfc3339(prediction.at_ms), **told, "inputs": dict(prediction.inputs)}


def _from(told: Mapping[str, Any]) -> Prediction:
    values = {name: told[name] for name in (*_SENT, "id", "actual", "caller")}
    return Prediction(at_ms=from_rfc3339(told["at"]), **values)
