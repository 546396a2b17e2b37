"""What crosses the line between protocols and the service, and how to add a protocol.

A protocol parses what a client sent into a `Request`, calls `Service.infer`, and writes the `Answer` in its own words. One that can
send an answer piece by piece reads `Service.stream` instead.
Everything else (checking data, batching, limits, logging, metrics) is behind that call, once for all protocols.

How to add one that speaks HTTP: write ``protocols/<name>.py`` with

* ``routes(service) -> Sequence[BaseRoute]``: Starlette routes; `edge` reads bodies within limits and writes errors;
* ``openapi(service) -> Mapping[str, Any]``: the ``paths`` it adds to ``/openapi.json``.

A protocol on a port of its own (gRPC, a broker) awaits `Service.infer` in its handlers just the same. A server, the thing
that owns ports and signals, is a file in ``servers/`` with ``serve(models, *, …)``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Json:
    """An argument that is still parsed JSON.

    The worker decodes it, off the event loop and together with the other requests of its batch: one table is built
    for thirty-two requests, not thirty-two.
    """

    value: Any


@dataclass(frozen=True, slots=True)
class Request:
    """One call of one method of one model."""

    model: str
    method: str
    arguments: Mapping[str, Any]
    """Argument name -> native value, or `Json`."""
    request_id: str
    rows: int = 1
    """Records it holds, as far as can be told before decoding; what limits and batches count."""
    reference_ids: Sequence[str] = ()
    """The caller's own ids: one a record, or one for the whole request."""
    caller: str = ""
    deadline: float | None = None
    """`time.monotonic()` after which nobody waits for the answer any more."""
    native: bool = False
    """Answer with the model's own value instead of its JSON form."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model said."""

    value: Any
    """JSON-able, or the model's own value for a ``native`` request."""
    identity: str
    """``name@version`` of the model that said it."""
    latency_ms: float
    request_id: str
    reference_ids: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a server takes on. Beyond it: 413 for what is too large, 429 for what is too much at once."""

    body_bytes: int = 8 << 20
    """Of one request, after decompression."""
    decoded_bytes: int = 128 << 20
    """What a table in a compressed format of its own (Parquet, Arrow) may become; a cell counts for 8 bytes at least."""
    file_bytes: int = 32 << 20
    """The same where files are sent as they are, to a method that takes files."""
    depth: int = 64
    """Of nested lists and objects in JSON."""
    requests: int = 1000
    """Being read, waiting or being answered at one time."""
    rows: int = 1_000_000
    """Records of one request."""
    queued_rows: int = 20_000
    """Waiting for one model. A single larger request is still taken when nothing else waits."""
    wait_seconds: float = 30.0
    """The longest a request waits for its turn."""
    read_seconds: float = 30.0
    """The longest a body may take to arrive."""
    repeat_seconds: float = 300.0
    """How long a request with an idempotency key is remembered: sent again, it gets the same answer. 0: not at all."""
    repeat_bytes: int = 64 << 20
    """Of answers that are kept for that."""
    streams: int = 16
    """Streaming answers of one model at one time. Each runs in a thread of its own, beside the model's workers."""
    stream_seconds: float = 600.0
    """The longest a streaming answer may take."""
    stream_items: int = 100_000
    """Of a streaming answer that is asked for as a whole."""
    send_seconds: float = 30.0
    """The longest a client may take to read the next piece of a streaming answer."""
    answer_seconds: float = 0.0
    """The longest a call of the model may take until who asked is told 504; what it answers later is thrown away. 0 is any
    time."""
    stuck_seconds: float = 300.0
    """A model that works on one call for longer than this while others wait is stuck: ``/healthz`` says so. 0 is never."""
    rate: float = 0.0
    """Requests a second of one caller: of a key, or of an address where there are no keys. Each process counts for itself.
    0 is any number."""
    burst: int = 0
    """How many of them at once; 0 is as many as in a second."""
    call_seconds: float = 300.0
    """The longest one call of an isolated model may take: then its process is ended. 0 is for ever."""
    memory_bytes: int = 0
    """What an isolated model may take of memory beyond what it took to load; 0 is any."""


@dataclass(frozen=True, slots=True)
class Batching:
    """How requests are joined into one call of the model.

    A call starts at once when a worker is free; what arrives while all are busy is joined, up to ``rows`` records.
    So nothing ever waits for a batch to fill.
    """

    enabled: bool = True
    rows: int = 1024
    workers: int = 1
    """Threads for each model. More than one helps models that release the interpreter lock."""


@dataclass(frozen=True, slots=True)
class Jobs:
    """Requests that are answered later. Beyond what may wait: 429; what is finished goes, the oldest first."""

    folder: str = ""
    """Where jobs and their results are kept over restarts, and found by other processes; empty is a temporary one."""
    running: int = 1
    """Of one model at one time, beside the requests that somebody waits for."""
    queued: int = 100
    """Waiting, or running, at one time."""
    queued_bytes: int = 64 << 20
    """Of what they were sent."""
    kept: int = 1000
    """Finished ones."""
    kept_bytes: int = 1 << 30
    """Of their results."""
    keep_seconds: float = 86_400.0
    """After they finished."""
    seconds: float = 3600.0
    """The longest one may run."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that takes requests now: what ``on_ready`` is told."""

    url: str
    docs_url: str
    curl: str
    """A command that works as pasted into a shell."""
    models: Sequence[str] = field(default_factory=tuple[str, ...])
    grpc: str = ""
    """Host and port of gRPC, where it is answered."""


class Server(Protocol):
    """A module in ``servers/``."""

    def serve(self, models: Any, **options: Any) -> None:
        """Answer requests until told to stop; then finish what was begun."""
        ...
