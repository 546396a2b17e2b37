"""A remote behind HTTP, by the standard library alone: connections are kept open from object to object.

What a server redirects to gets no password of ours. Bytes are taken only when their md5 is right, so that a server can
refuse or fail, but not deceive.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import os
import ssl
import threading
import weakref
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import IO
from urllib.parse import SplitResult, urljoin, urlsplit

from modelyard.base.errors import (
    FileMissing,
    InvalidInput,
    NotAllowed,
    NotSupported,
    Unreachable,
)
from modelyard.base.outbound import leads_inside
from modelyard.stores.dvc.config import RemoteSettings
from modelyard.stores.dvc.names import ObjectId
from modelyard.stores.dvc.policy import Honoured
from modelyard.stores.dvc.remotes import copied, side_by_side, without_secrets

_REDIRECTS = frozenset([301, 302, 303, 307, 308])
_MOST_REDIRECTS = 5
_SHORT = 64 << 10
"""What of an answer is read to its end only to keep the connection."""


class HttpRemote:
    """Objects below a URL: GET, HEAD, and to push POST or what ``method`` says."""

    jobs = 16

    def __init__(self, settings: RemoteSettings, told: Honoured) -> None:
        self.name, self.shown = settings.name, without_secrets(settings.url)
        self._base = settings.url.rstrip("/")
        self._method = told.options.get("method", "POST").upper()
        self._headers = _authorization(settings, told)
        self._seconds = float(told.options.get("read_timeout", "60"))
        self._context = _tls(told) if settings.scheme == "https" else None
        self._idle: list[tuple[str, http.client.HTTPConnection]] = []
        self._lock = threading.Lock()
        weakref.finalize(self, _close_all, self._idle)

    def fetch(self, oid: ObjectId, target: Path) -> str:
        with self._answer("GET", oid) as answer, target.open("xb") as file:
            try:
                md5 = copied(answer, file)
            except (OSError, http.client.HTTPException) as error:
                raise Unreachable(f"{self.shown} broke off: {error}") from error
            length = answer.getheader("Content-Length")
            if length is not None and length.isdecimal() and file.tell() != int(length):
                raise Unreachable(f"{self.shown} broke off after {file.tell()} of {length} bytes")
            return md5

    def sizes(self, oids: Sequence[ObjectId], jobs: int) -> dict[ObjectId, int]:
        found = side_by_side(self._size, oids, jobs)
        return {oid: size for oid, size in zip(oids, found, strict=True) if size is not None}

    def _size(self, oid: ObjectId) -> int | None:
        try:
            with self._answer("HEAD", oid) as answer:
                return int(answer.getheader("Content-Length") or 0)
        except FileMissing:
            return None

    def send(self, oid: ObjectId, source: Path) -> None:
        with source.open("rb") as body, self._answer(self._method, oid, body):
            return

    @contextlib.contextmanager
    def _answer(
        self, method: str, oid: ObjectId, body: IO[bytes] | None = None
    ) -> Generator[http.client.HTTPResponse]:
        url, headers = f"{self._base}/{oid.place}", self._headers
        for _ in range(_MOST_REDIRECTS + 1):
            connection, answer = self._asked(method, urlsplit(url), headers, body)
            target = answer.getheader("Location") if answer.status in _REDIRECTS else None
            if target is None:
                break
            self._give_back(connection, url, answer)
            before, url = urlsplit(url), urljoin(url, target)
            if leads_inside(before.geturl(), url):
                raise NotAllowed(
                    f"{self.shown} redirects to {urlsplit(url).hostname}, an address of this machine or its network"
                )
            if (before.scheme, before.netloc) != urlsplit(url)[:2]:
                headers = {}
            if before.scheme == "https" and urlsplit(url).scheme != "https":
                raise NotAllowed(
                    f"{self.shown} redirects from https to http, which is not followed"
                )
        else:
            raise Unreachable(f"{self.shown} redirects more than {_MOST_REDIRECTS} times")
        try:
            self._judged(answer, method, oid)
            yield answer
        finally:
            self._give_back(connection, url, answer)

    def _judged(self, answer: http.client.HTTPResponse, method: str, oid: ObjectId) -> None:
        if 200 <= answer.status < 300:
            return
        told = f"{self.shown} answered {answer.status} to {method}"
        if answer.status in (404, 410):
            raise FileMissing(f"no {oid.text} in {self.shown}")
        if answer.status in (401, 403):
            raise NotAllowed(
                told,
                hint=f"dvc remote modify --local {self.name} auth basic, and user and password alike",
            )
        raise Unreachable(told)

    def _asked(
        self, method: str, at: SplitResult, headers: dict[str, str], body: IO[bytes] | None
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        if at.scheme not in ("http", "https") or not at.hostname:
            raise InvalidInput(f"{self.shown} leads to {at.scheme}://, which is not followed")
        path = (at.path or "/") + (f"?{at.query}" if at.query else "")
        sent = {"User-Agent": "modelyard", "Accept-Encoding": "identity", **headers}
        if body is not None:
            body.seek(0)
            sent["Content-Length"] = str(os.fstat(body.fileno()).st_size)
        while True:
            connection, kept = self._connection(at)
            try:
                connection.request(method, path, body=body, headers=sent)
                return connection, connection.getresponse()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                if not kept:  # one that was kept may have been closed in the meantime
                    raise Unreachable(
                        f"no answer from {self.shown}: {error or type(error).__name__}"
                    ) from error
                if body is not None:
                    body.seek(0)

    def _connection(self, at: SplitResult) -> tuple[http.client.HTTPConnection, bool]:
        """One that was kept from before, or a new one."""
        key = f"{at.scheme}://{at.netloc}"
        with self._lock:
            for number, (place, connection) in enumerate(self._idle):
                if place == key:
                    del self._idle[number]
                    return connection, True
        host, port = str(at.hostname), at.port
        if at.scheme == "https":
            context = self._context or ssl.create_default_context()
            made = http.client.HTTPSConnection(host, port, timeout=self._seconds, context=context)
            return made, False
        return http.client.HTTPConnection(host, port, timeout=self._seconds), False

    def _give_back(
        self, connection: http.client.HTTPConnection, url: str, answer: http.client.HTTPResponse
    ) -> None:
        """For the next object; unless something is left in it, which would stand before the next answer."""
        parts = urlsplit(url)
        if not answer.isclosed() and answer.length is not None and answer.length <= _SHORT:
            with contextlib.suppress(OSError, http.client.HTTPException):
                answer.read()
        if answer.isclosed() and connection.sock is not None:
            with self._lock:
                self._idle.append((f"{parts.scheme}://{parts.netloc}", connection))
        else:
            answer.close()
            connection.close()


def _close_all(idle: list[tuple[str, http.client.HTTPConnection]]) -> None:
    for _, connection in idle:
        connection.close()


def _authorization(settings: RemoteSettings, told: Honoured) -> dict[str, str]:
    kind = (told.options.get("auth") or "").lower()
    user, password = told.options.get("user", ""), told.options.get("password", "")
    if told.flag("ask_password") and not password:
        raise NotSupported(
            f"the remote {settings.name!r} wants to ask for its password",
            hint=f"dvc remote modify --local {settings.name} password …",
        )
    if kind == "basic" and password:
        word = base64.b64encode(f"{user}:{password}".encode()).decode()
        return {"Authorization": f"Basic {word}"}
    if kind == "custom" and password and (name := told.options.get("custom_auth_header")):
        return {_header(name, settings): password}
    if kind == "digest":
        raise NotSupported(
            f"the remote {settings.name!r} uses digest authentication, which only DVC itself does",
            hint="pip install 'modelyard[dvc]'",
        )
    return {}


def _header(name: str, settings: RemoteSettings) -> str:
    if not all(c.isalnum() or c == "-" for c in name) or not name.isascii():
        raise InvalidInput(
            f"custom_auth_header of the remote {settings.name!r} is no header's name"
        )
    return name


def _tls(told: Honoured) -> ssl.SSLContext:
    verify = told.options.get("ssl_verify", "true")
    if verify.lower() in ("false", "0", "no"):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context
    file = None if verify.lower() in ("true", "1", "yes") else verify
    try:
        return ssl.create_default_context(cafile=file)
    except OSError as error:
        raise InvalidInput(f"ssl_verify: {file} cannot be read: {error}") from None
