"""Answers that come piece by piece, read as they come."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelyard.base.errors import ModelyardError, Unreachable
from modelyard.serving.calling.plans import Outgoing, Patience, Pause, Send, answered
from modelyard.serving.calling.refusals import error_from
from modelyard.types.interface import DataType

if TYPE_CHECKING:
    import httpx2

EVENTS = "text/event-stream"


@dataclass(slots=True)
class Reading:
    """To be done outside: read on. The plan goes on with the next bytes, None at the end, or what httpx raised."""

    response: httpx2.Response
    pieces: Any = None
    """The iterator of its bytes, kept here by who reads."""


@dataclass(frozen=True, slots=True)
class Item:
    """To be given to whoever asked: one item."""

    value: Any


ItemPlan = Generator[Send | Pause | Reading | Item, Any, None]


class Events:
    """Server-sent events out of bytes that come in any pieces."""

    def __init__(self) -> None:
        self._rest = b""
        self._name = ""
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> Iterator[tuple[str, bytes]]:
        """The events that are complete now: name and data."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            line = line.removesuffix(b"\r")
            field, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if not line:
                if self._data:
                    yield self._name, b"\n".join(self._data)
                self._name, self._data = "", []
            elif field == b"event":
                self._name = value.decode("utf-8", "replace")
            elif field == b"data":
                self._data.append(value)


def streamed(
    request: Outgoing, patience: Patience, address: str, items: DataType | None
) -> ItemPlan:
    """The items of a streaming answer, each as soon as it is there. What breaks off is `Unreachable`."""
    import httpx2
    import orjson

    reading = Reading((yield from answered(request, patience, address)))
    events, count = Events(), 0
    while True:
        try:
            piece = yield reading
        except httpx2.TransportError as error:
            raise _broken(address, count) from error
        if piece is None:
            raise _broken(address, count)
        for name, data in events.feed(piece):
            if name == "end":
                return
            value = orjson.loads(data)
            if name == "error":
                raise _told(value)
            yield Item(value if items is None else items.decode(value, f"[{count}]"))
            count += 1


def _broken(address: str, count: int) -> Unreachable:
    return Unreachable(f"{address} broke off its answer after {count} items", items=count)


def _told(value: Any) -> ModelyardError:
    try:
        return error_from(value["error"], 200)
    except (KeyError, TypeError):
        return ModelyardError("the server's stream ended with an error")
