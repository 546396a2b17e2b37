"""Log predictions beside serving: answers never wait for the log, and what is lost is counted exactly.

Answers are put into a bounded queue; one thread turns them into rows and writes them in batches. When the log is slow,
hangs or fails, the queue fills and further rows are dropped: ``served = logged + dropped`` always holds (P10).
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelyard.base.clock import now_ms
from modelyard.base.errors import ModelyardError
from modelyard.predictions.interface import Prediction, PredictionLog
from modelyard.serving.execution import Method, encode
from modelyard.serving.forms import as_records
from modelyard.serving.interface import Json, Request
from modelyard.types.binary import binary
from modelyard.types.interface import DataType

logger = logging.getLogger("modelyard.serving")

BATCH_ROWS = 500
"""Written in one transaction."""
RETRY_SECONDS = (0.2, 1.0)
"""Pauses before a failed write is tried again; then its rows are dropped."""


@dataclass(frozen=True, slots=True)
class Served:
    """One answered request, as it waits to be logged."""

    method: Method
    request: Request
    value: Any
    latency_ms: float
    at_ms: int
    error: str = ""


class Recorder:
    """Writes to one log from one thread. ``logged``, ``dropped`` and `pending` count records."""

    def __init__(
        self,
        log: PredictionLog,
        *,
        queue_rows: int = 50_000,
        on_logged: Callable[[int], object] = lambda rows: None,
        on_dropped: Callable[[int], object] = lambda rows: None,
    ) -> None:
        self.logged = 0
        self.dropped = 0
        self._log = log
        self._queue_rows = queue_rows
        self._on_logged = on_logged
        self._on_dropped = on_dropped
        self._queue: deque[Served] = deque()
        self._pending = 0
        self._closing = threading.Event()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)
        self._thread.start()

    @property
    def pending(self) -> int:
        """Records that are neither logged nor dropped yet."""
        return self._pending

    def put(
        self, method: Method, request: Request, value: Any, latency_ms: float, error: str = ""
    ) -> None:
        """Take one answer, or drop it when the queue is full. Never waits for the log."""
        served = Served(method, request, value, latency_ms, now_ms(), error)
        with self._changed:
            full = self._pending and self._pending + request.rows > self._queue_rows
            if full or self._closing.is_set():
                self._drop(request.rows)
                return
            self._queue.append(served)
            self._pending += request.rows
            self._changed.notify()

    def close(self, timeout: float = 10.0) -> None:
        """Write what waits, for at most ``timeout`` seconds; what is left then is dropped, and counted."""
        with self._changed:
            self._closing.set()
            self._changed.notify()
        self._thread.join(timeout)
        with self._changed:
            if self._pending:
                logger.warning("%d predictions were not logged in time and are lost", self._pending)
                self._drop(self._pending)
                self._pending = 0
                self._queue.clear()

    def _drop(self, rows: int) -> None:
        self.dropped += rows
        self._on_dropped(rows)

    def _run(self) -> None:
        while batch := self._next():
            rows = sum(served.request.rows for served in batch)
            kept = self._write(batch)
            with self._changed:
                if not self._pending:  # given up by `close`, and counted there
                    return
                self._pending -= rows
                if kept:
                    self.logged += rows
                    self._on_logged(rows)
                else:
                    self._drop(rows)

    def _next(self) -> list[Served]:
        """The next batch; empty when closing and nothing is left."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closing.is_set())
            batch: list[Served] = []
            rows = 0
            while self._queue and (not batch or rows + self._queue[0].request.rows <= BATCH_ROWS):
                batch.append(self._queue.popleft())
                rows += batch[-1].request.rows
            return batch

    def _write(self, batch: Sequence[Served]) -> bool:
        for pause in (*RETRY_SECONDS, None):
            try:
                self._log.record([row for served in batch for row in predictions_of(served)])
            except Exception as error:  # noqa: BLE001  whatever the log raises, serving goes on
                logger.warning("the prediction log failed: %s: %s", type(error).__name__, error)
                if pause is None or self._closing.wait(pause):
                    return False
            else:
                return True
        return False


def predictions_of(served: Served) -> list[Prediction]:
    """The rows of the log for one answered request: one a record, or one when its answer is not one value a record.

    A table's record is logged as its columns when nothing else was sent, else every argument under its name.
    """
    method, request = served.method, served.request
    inputs = _input_rows(method, request)
    outputs = served.value
    if request.native and not served.error:
        outputs = encode(method, outputs)
    outputs = _log_form(method.signature.returns, outputs)
    one_each = isinstance(outputs, list) and len(outputs) == len(inputs) and method.items is None
    if not served.error and not one_each:
        inputs = [_spelled(method, request)]
        outputs = [outputs]
    ids = _ids(request, len(inputs))
    provenance = method.model.provenance
    return [
        Prediction(
            at_ms=served.at_ms,
            model=method.identity,
            method=method.name,
            request_id=request.request_id,
            row=row,
            reference_id=ids[row],
            inputs=values,
            outputs=None if served.error else outputs[row],
            model_version_id=provenance.get("model_version_id"),
            dataset_id=provenance.get("dataset_id"),
            latency_ms=served.latency_ms,
            caller=request.caller,
            error=served.error,
            digest=method.digest,
        )
        for row, values in enumerate(inputs)
    ]


def _ids(request: Request, rows: int) -> Sequence[str]:
    """An id a record; without any, the request's own, which came back with the answer: outcomes can be told by it."""
    ids = request.reference_ids
    if len(ids) != rows:
        ids = [ids[0] if len(ids) == 1 else ""] * rows
    return [given or request.request_id for given in ids]


def _spelled(method: Method, request: Request) -> dict[str, Any]:
    return {name: _json(method, name, value) for name, value in request.arguments.items()}


def _json(method: Method, name: str, value: Any) -> Any:
    declared = method.type_of(name)
    if isinstance(value, Json):
        return _log_form(declared, value.value)
    return value if declared is None else _log_form(declared, declared.encode(value))


def _input_rows(method: Method, request: Request) -> Sequence[Mapping[str, Any]]:
    spelled = _spelled(method, request)
    name = method.records
    if name is None or name not in spelled:
        return [spelled]
    records = as_records(spelled[name], method.columns)
    others = {other: value for other, value in spelled.items() if other != name}
    if not others and all(isinstance(record, dict) for record in records):
        return records
    return [{name: record, **others} for record in records]


def _log_form(declared: DataType | None, value: Any) -> Any:
    """What the log keeps of an argument or answer in its JSON form: of a file its digest and size, not its bytes."""
    kind = binary(declared)
    if kind is None or value is None:
        return value
    try:
        content = kind.json_to_bytes(value)
    except (ModelyardError, ValueError, TypeError, KeyError):
        return value if not isinstance(value, (str, bytes)) else None
    named = {"name": value["name"]} if isinstance(value, dict) and "name" in value else {}
    return {**named, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
