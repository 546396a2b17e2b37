"""Answers packed with gzip, for whoever takes that."""

from __future__ import annotations

import asyncio
import gzip

from modelyard.serving.accept import quality

LEVEL = 4
OFF_LOOP_BYTES = 128 << 10
"""From this size on it is done in a thread."""


def takes_gzip(accept_encoding: bytes) -> bool:
    """Whether an ``Accept-Encoding`` allows gzip.

    >>> takes_gzip(b"gzip, deflate"), takes_gzip(b"gzip;q=0"), takes_gzip(b"")
    (True, False, False)
    """
    return b"gzip" in accept_encoding.lower() and quality(accept_encoding.lower(), b"gzip") > 0


async def pack(body: bytes, level: int = LEVEL) -> bytes:
    """The body as gzip; equal bodies give equal bytes."""
    if len(body) < OFF_LOOP_BYTES:
        return gzip.compress(body, level, mtime=0)
    return await asyncio.to_thread(gzip.compress, body, level, mtime=0)
