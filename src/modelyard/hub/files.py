"""Users' files as answers: attachments that a browser saves and never runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO
from urllib.parse import quote

from fastapi.responses import StreamingResponse

from modelyard.hub.outgoing import FILE_HEADERS

CHUNK = 1 << 20


def file_response(stream: IO[bytes], path: str, size: int, sha256: str = "") -> StreamingResponse:
    """A file, streamed."""
    name = path.rpartition("/")[2]
    headers = {
        **FILE_HEADERS,
        "content-length": str(size),
        "content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
    }
    if sha256:
        headers["etag"] = f'"{sha256}"'
    return StreamingResponse(
        _chunks(stream), headers=headers, media_type="application/octet-stream"
    )


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    with stream:
        while chunk := stream.read(CHUNK):
            yield chunk
