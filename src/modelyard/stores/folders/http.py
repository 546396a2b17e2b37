"""A folder behind a URL: its files are found by their names, and cannot be listed.

Whoever is called, and where it may send us on, is judged by `base.outbound`. A query (a signature, a shared access
token) goes with every request to the same host, and is shown to nobody.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import IO, Any, cast
from urllib.parse import quote, urlsplit

from modelyard.base.config import user_settings
from modelyard.base.errors import (
    FileMissing,
    ModelyardError,
    NotAllowed,
    NotSupported,
    Unauthenticated,
    Unreachable,
)
from modelyard.base.loopback import is_local
from modelyard.base.outbound import Answer, answered
from modelyard.base.paths import safe_segments
from modelyard.stores.folders.holding import Held
from modelyard.stores.folders.interface import Entry

SECONDS = 60.0
SLOWEST = 50_000
"""Bytes a second below which a server is given up."""
_UNKNOWN_SIZE = 1 << 30


class HttpFolder:
    """Files below a URL. ``local=False`` keeps it to addresses of the internet."""

    def __init__(self, url: str, query: str = "", *, local: bool = True) -> None:
        self._url, self._query, self._local = url.rstrip("/"), query, local
        self._held = Held()

    def __repr__(self) -> str:
        return f"HttpFolder({self._url!r})"

    @property
    def label(self) -> str:
        return self._url

    @property
    def provenance(self) -> Mapping[str, Any]:
        return {"url": self._url}

    def ref(self, path: str) -> str:
        return f"{self._url}/{_quoted('/'.join(safe_segments(path)))}" if path else self._url

    def entry(self, path: str) -> Entry | None:
        if not path:
            return Entry("", None)
        if (size := self._held.size(path)) is not None:
            return Entry(path, size)
        for method in ("HEAD", "GET"):
            with self._asked(path, method) as answer:
                # Who signs URLs, or is a simple program, may know GET alone.
                known = answer.status in (200, 404, 410) or _is_folder(answer)
                if method == "HEAD" and not known:
                    continue
                if answer.status in (404, 410):
                    return None
                if _is_folder(answer):
                    return Entry(path, None)
                self._accepted(path, answer)
                if answer.length is not None or method == "GET":
                    return Entry(path, -1 if answer.length is None else answer.length)
        raise AssertionError("a GET is answered")

    def list(self, path: str = "") -> Sequence[Entry]:
        raise NotSupported(
            f"{self.ref(path)} cannot be listed: a web server does not say what it has",
            hint="name the object itself, as in https://host/models/churn",
        )

    def open(self, path: str) -> IO[bytes]:
        if (held := self._held.open(path)) is not None:
            return held
        with ExitStack() as opening:
            answer = opening.enter_context(self._asked(path))
            self._accepted(path, answer)
            coming = _Coming(answer, opening.pop_all())
        return cast(IO[bytes], io.BufferedReader(coming, 1 << 18))

    def fetch(self, paths: Sequence[str]) -> None:
        self._held.bring(paths, self._whole)

    def _whole(self, path: str) -> Iterator[bytes]:
        with self._asked(path) as answer:
            self._accepted(path, answer)
            while piece := answer.read():
                yield piece

    def pieces(self, path: str, start: int, length: int) -> Iterator[bytes]:
        """See `remote.Ranged`."""
        end = start + length - 1
        with self._asked(path, range=f"bytes={start}-{end}", size=length) as answer:
            self._accepted(path, answer)
            told = re.fullmatch(r"bytes (\d{1,18})-(\d{1,18})/.*", answer.header("Content-Range"))
            if answer.status != 206 or told is None:
                raise NotSupported(f"{self.ref(path)} is given whole only")
            if (int(told[1]), int(told[2])) != (start, end):
                raise Unreachable(f"{self.ref(path)} answered with another part than was asked for")
            left = length
            while left and (piece := answer.read()):
                if len(piece) > left:
                    raise Unreachable(f"{self.ref(path)} answered with more than was asked for")
                left -= len(piece)
                yield piece
            if left:
                raise Unreachable(f"{self.ref(path)} broke off {left} bytes before the end")

    # Requests

    def _asked(
        self, path: str, method: str = "GET", range: str = "", size: int = _UNKNOWN_SIZE
    ) -> AbstractContextManager[Answer]:
        query = f"?{self._query}" if self._query else ""
        seconds = SECONDS + size / SLOWEST

        def headers(url: str) -> dict[str, str]:
            """A token goes to the address that the user kept it for, and never where others could read it on the way."""
            sent = {"Range": range} if range else {}
            address = _origin(url)
            plain = address.startswith("http:") and not is_local(str(urlsplit(url).hostname))
            token = None if plain else user_settings().get("tokens", {}).get(address)
            return {**sent, "Authorization": f"Bearer {token}"} if token else sent

        url = f"{self.ref(path)}{query}"
        return answered(url, method, headers, seconds=seconds, local=self._local)

    def _accepted(self, path: str, answer: Answer) -> None:
        """Raise what a status means."""
        status, where = answer.status, self.ref(path)
        if answer.header("Content-Encoding") not in ("", "identity"):
            raise Unreachable(f"{where} answers compressed, though asked not to")
        if _is_folder(answer):
            raise FileMissing(f"{where} is a folder")
        if status in (200, 206):
            return
        if status == 401:
            hint = f"your own config.toml may hold a token: [tokens] '{_origin(where)}' = …"
            raise Unauthenticated(f"{where} answered 401: it wants to know who asks", hint=hint)
        kind, why = _REFUSED.get(status, (Unreachable, "it cannot be read now"))
        raise kind(f"{where} answered {status}: {why}")


_REFUSED: Mapping[int, tuple[type[ModelyardError], str]] = {
    403: (NotAllowed, "it may not be read"),
    404: (FileMissing, "nothing is there"),
    410: (FileMissing, "nothing is there any more"),
    416: (Unreachable, "it is shorter than was asked for"),
}


class _Coming(io.RawIOBase):
    """An answer as a stream; closing it ends the connection."""

    def __init__(self, answer: Answer, ending: ExitStack) -> None:
        self._answer, self._ending = answer, ending

    def readable(self) -> bool:
        return True

    def readall(self) -> bytes:
        return b"".join(iter(self._answer.read, b""))

    def readinto(self, buffer: Any, /) -> int:
        piece = self._answer.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        self._ending.close()
        super().close()


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _quoted(path: str) -> str:
    return quote(path, safe="/~!$&'()*+,;=:@")


def _is_folder(answer: Answer) -> bool:
    """A server sends from ``/churn`` on to ``/churn/`` where that is a folder."""
    return answer.url.partition("?")[0].endswith("/")
