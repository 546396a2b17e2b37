"""What is sent, as a stream that a function in a thread reads while it arrives: nothing is gathered first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import IO, TypeVar, cast

from fastapi import Request

from modelyard.base.errors import InvalidInput
from modelyard.serving.arriving import Arriving

T = TypeVar("T")


async def read_in_thread(request: Request, function: Callable[[IO[bytes]], T]) -> T:
    """Run a function on the body of a request. It reads as the body comes, and no faster; when the client is gone
    it gets an error, never an early end."""
    arriving = Arriving(request.stream())
    try:
        return await asyncio.to_thread(function, cast(IO[bytes], arriving))
    finally:
        await arriving.release()


def told_length(request: Request) -> int | None:
    """The length that the client told, which its stream then has; None when it told none."""
    told = request.headers.get("content-length", "")
    if not told:
        return None
    if not told.isdecimal() or len(told) > 18:
        raise InvalidInput("the Content-Length is no length")
    return int(told)
