"""A request that is sent again is answered again, not carried out again.

A client that lost an answer sends its request once more under the same ``Idempotency-Key``. Answers to requests with such a key
are kept for a while (`Limits.repeat_seconds`, at most `Limits.repeat_bytes` of them), so the second one gets what the first
was told: the model is not asked twice, and the log has one row. While the first is still being answered, the second waits
for the same answer. Refusals that say "later" (429, 503, 504) are not kept.

The memory is that of one process: a retry that reaches another worker is carried out there.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from modelyard.base.errors import Conflict, InvalidInput
from modelyard.serving.edge import OFF_LOOP_BYTES, Call, Handler, Reply
from modelyard.serving.interface import Limits

KEY = b"idempotency-key"
MAX_KEY = 255
GRACE_SECONDS = 5.0
"""How long a request is answered on when its client has hung up: whoever sends it again should find it done."""
ENTRY_BYTES = 1024
"""What a kept answer counts for beside its body."""
REPEATED = (b"idempotent-replayed", b"true")
"""The header of an answer that was given before."""
_LATER = frozenset([429, 503, 504])
_STREAMS = (b"text/event-stream", b"application/x-ndjson")
_WHOSE = (b"authorization", b"x-api-key")
_WHAT = (b"content-type", b"accept", b"x-reference-id")

WriteError = Callable[[BaseException, str], Reply]


class Repeats:
    """What was answered lately, by key. Belongs to one event loop."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._known: dict[bytes, _Known] = {}  # the oldest first
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._known)

    async def answer(self, call: Call, handle: Handler, write_error: WriteError) -> Reply:
        """What the handler says to a call, or said to it before.

        Raises `Conflict` for a key that stands for another request.
        """
        key = call.headers.get(KEY)
        accept = call.headers.get(b"accept", b"")
        streams = any(s in accept for s in _STREAMS)
        if key is None or call.method != "POST" or streams or not self._limits.repeat_seconds:
            return await handle(call)
        if not 0 < len(key) <= MAX_KEY:
            raise InvalidInput(f"an idempotency key has 1 to {MAX_KEY} characters")
        whose, what = _place(call, key), await _digest(call)
        self._forget_old()
        known = self._known.get(whose)
        if known is None:
            known = self._begin(whose, what, call, handle, write_error)
        elif known.what != what:
            raise Conflict(
                "this idempotency key was sent with another request",
                hint="a new request needs a new key",
            )
        return await self._reply(whose, known)

    async def _reply(self, whose: bytes, known: _Known) -> Reply:
        """The answer, as soon as there is one. When nobody waits for it any more, the work is given up after a while."""
        if known.answered is not None:
            return known.answered
        task = known.task
        assert task is not None, "what is neither answered nor at work is not kept"
        known.waiting += 1
        try:
            return await asyncio.shield(task)
        finally:
            known.waiting -= 1
            if not known.waiting and not task.done():
                loop = asyncio.get_running_loop()
                loop.call_later(GRACE_SECONDS, self._give_up, whose, known)

    def _give_up(self, whose: bytes, known: _Known) -> None:
        if not known.waiting and known.task is not None:
            # Forgotten first: who comes now begins anew instead of sharing the end of this one.
            self._forget(whose, known)
            known.task.cancel()

    def _begin(
        self, whose: bytes, what: bytes, call: Call, handle: Handler, write_error: WriteError
    ) -> _Known:
        async def work() -> Reply:
            try:
                return await handle(call)
            except Exception as error:  # noqa: BLE001  a failure is an answer, and kept like one
                return write_error(error, call.request_id)

        known = self._known[whose] = _Known(what, time.monotonic())
        known.task = asyncio.get_running_loop().create_task(work())
        known.task.add_done_callback(lambda task: self._done(whose, known, task))
        return known

    def _done(self, whose: bytes, known: _Known, task: asyncio.Task[Reply]) -> None:
        known.task = None
        reply = None if task.cancelled() else task.result()
        kept = reply is not None and reply.stream is None and reply.status not in _LATER
        if reply is None or not kept or len(reply.body) > self._limits.repeat_bytes:
            self._forget(whose, known)
            return
        known.answered = replace(reply, headers=[*reply.headers, REPEATED])
        known.size = len(reply.body) + ENTRY_BYTES
        self._bytes += known.size
        while self._bytes > self._limits.repeat_bytes:
            self._forget(*next(pair for pair in self._known.items() if pair[1].task is None))

    def _forget_old(self) -> None:
        until = time.monotonic() - self._limits.repeat_seconds
        while self._known:
            place, oldest = next(iter(self._known.items()))
            if oldest.since > until or oldest.task is not None:
                return
            self._forget(place, oldest)

    def _forget(self, whose: bytes, known: _Known) -> None:
        if self._known.get(whose) is known:
            del self._known[whose]
            self._bytes -= known.size


@dataclass(slots=True, eq=False)
class _Known:
    """One request with a key, running or answered."""

    what: bytes
    since: float
    task: asyncio.Task[Reply] | None = None
    """What answers it, until it is answered."""
    answered: Reply | None = None
    waiting: int = 0
    size: int = 0


def _place(call: Call, key: bytes) -> bytes:
    """Keys of one caller mean nothing to another: nobody reads answers by guessing."""
    return _hash([key, call.path.encode(), *(call.headers.get(name, b"") for name in _WHOSE)])


async def _digest(call: Call) -> bytes:
    told = [call.query, *(call.headers.get(name, b"") for name in _WHAT), call.body]
    if len(call.body) > OFF_LOOP_BYTES:
        return await asyncio.to_thread(_hash, told)
    return _hash(told)


def _hash(parts: list[bytes]) -> bytes:
    digest = hashlib.blake2b(digest_size=20)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()
