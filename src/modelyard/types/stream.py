"""Answers that come piece by piece: what a generator yields, an asynchronous one too.

A card says ``{type: stream, items: string}``. Wherever the whole is wanted (JSON, ``my.apply``, a client) a stream is the list of its
items; who can take them one at a time gets them as they come.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any

from modelyard.types.container import ListType
from modelyard.types.interface import DataType

SAMPLE_ITEMS = 8
"""How many items of a stream a sample run looks at: it may never end."""


class StreamType(ListType):
    """``{type: stream, items: string}``: any number of items of one type, one after the other."""

    kind = "stream"

    def _listed(self, value: Any, where: str) -> list[Any]:
        return super()._listed(whole(value), where)

    def rows(self, value: Any) -> int | None:
        return None


def is_stream(value: Any) -> bool:
    """Whether a value is an iterator: used up by being read. An open file is one too, but is a file first."""
    return isinstance(value, (Iterator, AsyncIterator)) and not isinstance(value, io.IOBase)


def whole(value: Any) -> Any:
    """A stream as the list of its items; any other value as it is.

    >>> whole(c for c in "abc"), whole("abc")
    (['a', 'b', 'c'], 'abc')
    """
    return list(iterate(value)) if is_stream(value) else value


def beginning(value: Any, count: int = SAMPLE_ITEMS) -> Any:
    """The first items of a stream as a list, the stream closed after them; any other value as it is.

    >>> from itertools import count
    >>> beginning(count(), 3)
    [0, 1, 2]
    """
    if not is_stream(value):
        return value
    items = iterate(value)
    try:
        return list(islice(items, count))
    finally:
        close(items)


def close(items: Any) -> None:
    """End a stream that is not read to its end: its ``finally`` runs now, not when memory is cleared."""
    end = getattr(items, "close", None)
    if callable(end):
        end()


def iterate(stream: Any) -> Iterator[Any]:
    """The items one by one, also of an asynchronous iterator, which then runs on a loop of its own."""
    return _iterate_async(stream) if isinstance(stream, AsyncIterator) else iter(stream)


def _iterate_async(stream: AsyncIterator[Any]) -> Iterator[Any]:
    run, end = _runner()
    try:
        with suppress(StopAsyncIteration):
            while True:
                yield run(stream.__anext__())
    finally:
        try:
            if hasattr(stream, "aclose"):
                run(stream.aclose())  # type: ignore[attr-defined]  # of asynchronous generators
        finally:
            end()


def _runner() -> tuple[Callable[[Any], Any], Callable[[], None]]:
    """What runs awaitables on a fresh loop, and what closes it. In a notebook a loop runs in this thread already: then
    a thread is made for ours."""
    import asyncio

    loop = asyncio.new_event_loop()

    async def finish(awaitable: Any) -> Any:
        return await awaitable

    def run(awaitable: Any) -> Any:
        return loop.run_until_complete(finish(awaitable))

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return run, loop.close
    from concurrent.futures import ThreadPoolExecutor

    thread = ThreadPoolExecutor(1)

    def end() -> None:
        thread.shutdown()
        loop.close()

    return lambda awaitable: thread.submit(run, awaitable).result(), end


KINDS: Mapping[str, type[DataType]] = {StreamType.kind: StreamType}


def claims(value: Any) -> bool:
    return is_stream(value)


def infer(value: Any) -> DataType:
    """A stream of anything: to say more it would have to be used up."""
    return StreamType()
