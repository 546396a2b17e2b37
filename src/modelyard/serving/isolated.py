"""A model in a process of its own, its side: load, then answer one batch after the other until the other side is gone.

Requests come as they were parsed and answers leave in their JSON form: decoding, the call and encoding all happen here, so that the
process that holds the clients' connections never touches the model's libraries.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
import socket
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelyard.base.errors import ModelFailed, ModelyardError
from modelyard.objects.card import Card
from modelyard.objects.model import Model
from modelyard.serving.channel import Channel
from modelyard.serving.interface import Json, Request

if TYPE_CHECKING:
    from modelyard.serving.execution import Method
    from modelyard.serving.housing import Housed

KILL_ME_FIRST = 500
"""Of 1000, for the kernel that looks for somebody to end when memory is short: rather the model than who holds the connections."""


@dataclass(frozen=True)
class Hello:
    """What the other side needs to know of a loaded model."""

    card: Card
    name: str
    version: str
    provenance: Any
    methods: Sequence[str]
    engines: Mapping[str, str]
    """Method -> what answers it, where that is not the method itself."""
    joins: frozenset[str]
    """Methods of which one call may answer several requests."""


def work(
    channel: Channel,
    open_one: Callable[[], Model],
    memory_bytes: int,
    door: int,
    compile: str = "off",
) -> None:
    """Load what ``open_one`` opens, say `Hello` (or why not), and answer. Who wants a stream hands a channel of its own in by the
    door, a socket."""
    # Ctrl+C and a service manager's SIGTERM may come to all processes: we end when nobody asks any more.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_when_left, args=(channel,), daemon=True).start()
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(KILL_ME_FIRST))
    # What this process counts is not the server's; and where it counts, another process of its number does.
    os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
    try:
        model = open_one()
    except ModelyardError as error:
        channel.send(pack_error(error))
        return
    housed = _housed(model)
    methods = housed.methods
    if memory_bytes:
        _limit_memory(memory_bytes)
    gc.collect()
    gc.freeze()
    told = _ways(methods)
    provenance = dict(model.provenance)
    hello = Hello(model.card, model.name, model.version, provenance, model.methods, *told)
    channel.send(hello)
    _compile(housed, compile)
    streaming = socket.socket(fileno=door)
    threading.Thread(target=_answer_streams, args=(streaming, methods), daemon=True).start()
    with contextlib.suppress(EOFError, OSError):
        _answer_all(channel, methods, told)


def _housed(model: Model) -> Housed:
    from modelyard.serving.housing import Housed, choose_engines

    housed = Housed(model)
    choose_engines(model, housed.methods)
    return housed


def _compile(housed: Housed, mode: str) -> None:
    if mode != "off":
        from modelyard.serving.compiling import BackgroundCompiler

        BackgroundCompiler(mode).add(housed)


Ways = tuple[Mapping[str, str], frozenset[str]]
"""How methods are called: the engines, and those that join."""


def _ways(methods: Mapping[str, Method]) -> Ways:
    engines = {name: m.engine.name for name, m in methods.items() if m.engine is not None}
    return engines, frozenset(name for name, m in methods.items() if m.joins)


def _answer_all(channel: Channel, methods: Mapping[str, Method], told: Ways) -> None:
    """Answers go with the ways, when these are others than were ``told``."""
    from modelyard.serving.execution import answer

    while True:
        name, asked = channel.receive()
        method = methods[name]
        requests = [unpack_request(method.model.name, name, fields) for fields in asked]
        outcomes = [pack_error(o) if isinstance(o, ModelyardError) else o for o in answer(method, requests)]  # fmt: skip
        ways = _ways(methods)
        changed, told = ways if ways != told else None, ways
        try:
            channel.send((outcomes, changed))
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001  an answer that cannot be pickled, of whatever kind
            channel.send(([_stays(method, error)] * len(outcomes), changed))


def _stays(method: Method, error: Exception) -> PackedError:
    return pack_error(
        ModelFailed(
            f"what model '{method.model.name}' answered in {method.name} cannot leave its process: {type(error).__name__}",
            hint="serve it without isolate, or let it answer with plain values",
        )
    )


def _answer_streams(door: socket.socket, methods: Mapping[str, Method]) -> None:
    while True:
        _, fds, _, _ = socket.recv_fds(door, 1, 1)
        if not fds:
            return
        channel = Channel(socket.socket(fileno=fds[0]))
        threading.Thread(target=_stream, args=(channel, methods), daemon=True).start()


def _stream(channel: Channel, methods: Mapping[str, Method]) -> None:
    with contextlib.closing(channel), contextlib.suppress(EOFError, OSError):
        name, fields = channel.receive()
        method = methods[name]
        try:
            # Closed when nobody reads any more: then sending fails, and the generator ends here.
            request = unpack_request(method.model.name, name, fields)
            with contextlib.closing(_items(method, request)) as items:
                for item in items:
                    channel.send((item,))
            channel.send(None)
        except ModelyardError as error:
            channel.send(pack_error(error))
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001  an item that cannot be pickled
            channel.send(_stays(method, error))


def _limit_memory(more: int) -> None:
    import resource

    # What is loaded counts as well: the limit is for what calls take.
    data = next(
        int(line.split()[1]) << 10
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmData:")
    )
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (data + more, hard))


def _end_when_left(channel: Channel) -> None:
    channel.wait_for_end()
    os._exit(0)


def _items(method: Method, request: Request) -> Generator[Any]:
    """The items of a stream; of any other method its one answer."""
    from modelyard.serving.execution import answer, stream

    if method.items is not None:
        yield from stream(method, request)
        return
    [outcome] = answer(method, [request])
    if isinstance(outcome, ModelyardError):
        raise outcome
    yield outcome


@dataclass(frozen=True)
class PackedError:
    """An error on its way: rebuilt without calling its class, since each class takes what it likes."""

    module: str
    name: str
    message: str
    hint: str | None
    details: Any


def pack_error(error: ModelyardError) -> PackedError:
    """An error of ours for the way to another process; its cause stays behind, in the log."""
    cls = type(error)
    return PackedError(
        cls.__module__, cls.__qualname__, error.message, error.hint, dict(error.details)
    )


def unpack_error(packed: PackedError) -> ModelyardError:
    """The error, as good as it was."""
    cls = getattr(importlib.import_module(packed.module), packed.name)
    error: ModelyardError = cls.__new__(cls, packed.message)
    error.message, error.hint, error.details = packed.message, packed.hint, packed.details
    return error


def pack_request(request: Request) -> tuple[Any, ...]:
    """What the model's side needs of a request, as plain values: they cross quickest."""
    sent = [(n, type(v) is Json, v.value if type(v) is Json else v) for n, v in request.arguments.items()]  # fmt: skip
    return sent, request.request_id, request.rows, request.native


def unpack_request(model: str, method: str, fields: tuple[Any, ...]) -> Request:
    """The request again."""
    sent, request_id, rows, native = fields
    arguments = {name: Json(value) if parsed else value for name, parsed, value in sent}
    return Request(model, method, arguments, request_id, rows=rows, native=native)
