"""A server that does nothing but copy: a body into a file, the file into an answer. The limit of what HTTP can do here.

``python -m benchmarks.raw_copy FOLDER PORT``
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import uvicorn

FILE = "copied"
CHUNK = 1 << 20


async def app(scope: Any, receive: Any, send: Any) -> None:
    """ASGI: PUT writes, flushed to the disk as a store must; GET reads."""
    if scope["type"] != "http":
        return
    path = Path(sys.argv[1], FILE)
    if scope["method"] == "PUT":
        with path.open("wb") as file:
            more = True
            while more:
                message = await receive()
                file.write(message.get("body", b""))
                more = message.get("more_body", False)
            file.flush()
            os.fsync(file.fileno())
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["method"] == "GET" and path.exists():
        with path.open("rb") as file:
            while piece := file.read(CHUNK):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[2]), log_level="error", lifespan="off")
