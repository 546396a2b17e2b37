"""A streaming answer over HTTP: one event or one line an item, as the model makes them.

* ``text/event-stream``: ``data: <JSON>`` for each item, then ``event: end`` with their number; while nothing comes a comment
  keeps the connection open;
* ``application/x-ndjson``: one line of JSON an item.

A failure before the first item is answered like any other, with its own status. Later it is the last thing to come, as
``event: error`` or as a line ``{"error": …}``, in the words of all errors.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any

from modelyard.serving.edge import Headers, Reply, dump_json, error_reply

FIRST_SECONDS = 5.0
"""How long a first item is waited for before the answer begins: a refusal until then has its own status."""
SILENCE_SECONDS = 15.0
"""After so long without an item a comment is sent: proxies close what is silent for longer."""
HEADERS = [(b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]
"""Nothing on the way may wait for the rest."""


@dataclass(frozen=True, slots=True)
class Form:
    """How items are written."""

    content_type: bytes
    item: Callable[[bytes], bytes]
    error: Callable[[bytes], bytes]
    end: Callable[[int], bytes]
    silence: bytes = b""


EVENTS = Form(
    b"text/event-stream; charset=utf-8",
    lambda item: b"data: %s\n\n" % item,
    lambda error: b"event: error\ndata: %s\n\n" % error,
    lambda items: b'event: end\ndata: {"items":%d}\n\n' % items,
    silence=b": nothing yet\n\n",
)
LINES = Form(
    b"application/x-ndjson",
    lambda item: item + b"\n",
    lambda error: error + b"\n",
    lambda items: b"",
)
FORMS = {b"text/event-stream": EVENTS, b"application/x-ndjson": LINES}
"""Media type that is asked for -> what is written."""


class Streamed:
    """The body of a streaming answer. Close it; ``status`` is what came of it."""

    def __init__(self, items: AsyncGenerator[Any], form: Form, request_id: str) -> None:
        self.status = 200
        self._items = items
        self._form = form
        self._request_id = request_id
        self._next: asyncio.Task[Any] | None = None

    async def begin(self, headers: Headers = ()) -> Reply:
        """The reply whose body this is; a failure that comes soon is raised instead."""
        self._next = task = asyncio.create_task(_after(self._items))
        try:
            await asyncio.wait({task}, timeout=FIRST_SECONDS)
            if task.done() and task.exception() is not None:
                raise task.exception() or AssertionError
        except BaseException:
            await self.aclose()
            raise
        return Reply(b"", self._form.content_type, [*HEADERS, *headers], stream=self)

    async def pieces(self) -> AsyncGenerator[bytes]:
        """The bytes, as they come."""
        count = 0
        try:
            while (item := await self._following()) is not _END:
                if item is _NOTHING:
                    yield self._form.silence
                else:
                    yield self._form.item(dump_json(item))
                    count += 1
        except Exception as error:  # noqa: BLE001  whatever it is, it is told in the answer
            reply = error_reply(error, self._request_id)
            self.status = reply.status
            yield self._form.error(reply.body)
        else:
            yield self._form.end(count)

    async def aclose(self) -> None:
        """Nobody reads on: stop what is under way, and close the model's generator."""
        if self._next is not None:
            self._next.cancel()
            with contextlib.suppress(BaseException):
                await self._next
        await self._items.aclose()

    async def _following(self) -> Any:
        if self._next is None:
            # Closing waits for this task, and it must be ours to stop: a generator is not closed while it runs.
            self._next = asyncio.create_task(_after(self._items))
        await asyncio.wait({self._next}, timeout=SILENCE_SECONDS if self._form.silence else None)
        if not self._next.done():
            return _NOTHING
        task, self._next = self._next, None
        return task.result()


_END, _NOTHING = object(), object()


async def _after(items: AsyncGenerator[Any]) -> Any:
    try:
        return await anext(items)
    except StopAsyncIteration:
        return _END
