"""Call a hub: its address, the user's token for it, requests that are sent again where that does no harm, and its
refusals as the errors they are.

Tokens stand in the user's own configuration (``tokens.<address>``) or in ``MODELYARD_TOKEN``; one is sent to the address
it was kept for and to no other.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from modelyard.base.clock import new_id
from modelyard.base.config import set_setting, settings, user_settings
from modelyard.base.digests import CHUNK
from modelyard.base.errors import (
    TABLE,
    InvalidInput,
    MissingExtra,
    ModelyardError,
    NotAllowed,
    Unreachable,
)
from modelyard.base.loopback import is_local

if TYPE_CHECKING:
    import httpx2

DEFAULT_URL = "http://127.0.0.1:5000"
PREFIX = "/api/v1"
TIMEOUT = 60.0
"""Seconds that an answer may take to begin, or to go on."""
CONNECT_TIMEOUT = 5.0
ATTEMPTS = 4
RETRY_SECONDS = 15.0
"""A request is not begun again later than this."""
FIRST_PAUSE = 0.2
MOST_PAUSE = 5.0

_SETTLED = frozenset(["GET", "HEAD", "PUT"])
"""Methods that may come twice: the second changes nothing."""
_TURNED_AWAY = frozenset([429, 503])
"""The hub did nothing."""
_LOST = frozenset([502, 504])
"""Something in between does not know what the hub did."""
_CLASSES = {row.code: cls for cls, row in TABLE.items() if cls is not MissingExtra}


def is_hub_address(uri: str) -> bool:
    """Whether an address is that of a hub, not of a database or file."""
    return uri.startswith(("http://", "https://"))


def hub_address(text: str) -> str:
    """An address as tokens are kept for it: scheme, host and port, nothing else.

    >>> hub_address("https://Hub.example/")
    'https://hub.example'
    """
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        _ = parts.port
    except ValueError:
        raise InvalidInput(f"{text[:200]!r} is not the address of a hub") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise InvalidInput(
            f"{text!r} is not the address of a hub", hint="as in https://hub.example"
        )
    if parts.path not in ("", "/"):
        raise InvalidInput(f"{text!r} has a path", hint=f"{parts.scheme}://{parts.netloc}")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def known_hub(given: str | None = None) -> str:
    """The hub that is meant: the one given, the project's ``uri`` when it is one, the only one with a token, else the
    one on this machine."""
    if given:
        return hub_address(given)
    uri = settings().get("uri")
    if isinstance(uri, str) and is_hub_address(uri):
        return hub_address(uri)
    kept = list(user_settings().get("tokens", {}))
    return kept[0] if len(kept) == 1 else DEFAULT_URL


def token_for(address: str) -> str | None:
    """The user's token for an address, or None."""
    if found := os.environ.get("MODELYARD_TOKEN"):
        return found
    kept = user_settings().get("tokens", {})
    return kept.get(address)


def keep_token(address: str, token: str) -> Path:
    """Keep a token in the user's configuration, readable by nobody else. Returns the file."""
    return set_setting(f"tokens.{address}", token, "user")


def path_of(*segments: str | int) -> str:
    """A path of the hub's own REST; a segment may have any characters.

    >>> path_of("models", "a/b c", "versions", 3)
    '/api/v1/models/a%2Fb%20c/versions/3'
    """
    words = [str(segment) for segment in segments]
    for word in words:
        if word in ("", ".", ".."):
            raise InvalidInput(f"{word!r} is no name")
    try:
        return "/".join([PREFIX, *(quote(word, safe="") for word in words)])
    except UnicodeEncodeError:
        raise InvalidInput("a name has half a character (a lone surrogate)") from None


class HubClient:
    """A hub behind an address. Threads may share it; its connections are kept and used again."""

    def __init__(
        self,
        address: str,
        token: str | None = None,
        timeout: float = TIMEOUT,
        *,
        open_wire: bool = False,
    ) -> None:
        """``open_wire`` lets a token go over plain http to another machine: whoever calls has said so."""
        import httpx2

        self.address = hub_address(address)
        if token and not open_wire and _readable_on_the_way(self.address):
            raise NotAllowed(
                f"a token is not sent to {self.address}: anybody on the way could read it",
                hint="use https://",
            )
        headers = {"authorization": f"Bearer {token}"} if token else {}
        limit = httpx2.Timeout(timeout, connect=min(timeout, CONNECT_TIMEOUT))
        # A closed one opens again when it is used: what was found through it may be read later.
        self._open = lambda: httpx2.Client(base_url=self.address, headers=headers, timeout=limit)
        self._made_of = address, token, timeout, open_wire
        self._opened: httpx2.Client | None = None
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, self._made_of  # in another process, with connections of its own

    @property
    def _client(self) -> httpx2.Client:
        with self._lock:
            if self._opened is None:
                self._opened = self._open()
            return self._opened

    # Requests

    def call(
        self,
        method: str,
        path: str,
        *,
        content: bytes | IO[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        once: bool = False,
    ) -> httpx2.Response:
        """One request, sent again when it was lost or turned away and that does no harm; ``once`` gives it a key under
        which the hub does it once. What the hub refuses is raised as the error it would be here."""
        if not path.startswith("/") or path.startswith("//"):
            raise InvalidInput(f"{path!r} is not a path", hint="as in /api/v1/models")
        sent = dict(headers or {})
        if once:
            sent.setdefault("Idempotency-Key", new_id())
        safe = method in _SETTLED or "Idempotency-Key" in sent
        start = content.tell() if content is not None and not isinstance(content, bytes) else 0

        def attempt() -> httpx2.Response:
            body = (
                content if content is None or isinstance(content, bytes) else _from(content, start)
            )
            return self._client.request(
                method, path, content=body, headers=sent, params=_asked(query)
            )

        return self._checked(self._attempts(attempt, safe=safe))

    def ask(
        self,
        method: str,
        *segments: str | int,
        json: Any = None,
        query: Mapping[str, Any] | None = None,
        key: str | None = None,
        once: bool = False,
    ) -> Any:
        """A request to the hub's own REST, in JSON both ways; None where the answer is empty."""
        headers = {"accept": "application/json"}
        body = None
        if json is not None:
            headers["content-type"] = "application/json"
            body = _json(json)
        if key is not None:
            headers["Idempotency-Key"] = key
        answer = self.call(
            method, path_of(*segments), content=body, headers=headers, query=query, once=once
        )
        return _plain(answer) if answer.content else None

    def pages(self, *segments: str | int, query: Mapping[str, Any] | None = None) -> Iterator[Any]:
        """All items of a listing, a page at a time."""
        page: str | None = None
        while True:
            asked = {"limit": 1000, **(query or {}), "page": page}
            found = self.ask("GET", *segments, query=asked)
            yield from found["items"]
            if (page := found["next"]) is None:
                return

    @contextmanager
    def download(self, path: str, at_once: int | None = CHUNK) -> Generator[Iterator[bytes]]:
        """The bytes of an answer as they come, so many ``at_once``, or each as soon as it is here (None). What breaks off
        in between is `Unreachable`."""
        import httpx2

        request = self._client.build_request("GET", path, headers={"accept-encoding": "identity"})
        answer = self._attempts(lambda: self._client.send(request, stream=True), safe=True)
        try:
            if answer.status_code >= 300:
                answer.read()
            yield self._checked(answer).iter_bytes(at_once)
        except httpx2.HTTPError as error:
            raise Unreachable(f"{self.address} broke off while it sent a file: {error}") from error
        finally:
            answer.close()

    # What may happen

    def _attempts(self, attempt: Callable[[], httpx2.Response], *, safe: bool) -> httpx2.Response:
        import httpx2

        begun = time.monotonic()
        for number in range(1, ATTEMPTS + 1):
            try:
                answer = attempt()
            except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
                failed, again, told = error, True, None
            except httpx2.TransportError as error:
                failed, again, told = error, safe, None
            else:
                status = answer.status_code
                if status not in _TURNED_AWAY and not (safe and status in _LOST):
                    return answer
                failed, again, told = None, True, answer
            pause = _pause(number, told)
            if again and number < ATTEMPTS and time.monotonic() + pause - begun < RETRY_SECONDS:
                if told is not None:
                    told.close()
                time.sleep(pause)
                continue
            if told is not None:
                return told
            raise Unreachable(
                f"no hub answers at {self.address}: {failed}",
                hint="modelyard hub starts one",
            ) from failed
        raise AssertionError("the last attempt ends it")

    def _checked(self, answer: httpx2.Response) -> httpx2.Response:
        if answer.status_code >= 400:
            raise error_of(answer, self.address)
        if answer.status_code >= 300:
            raise Unreachable(
                f"{self.address} is not the hub itself: it leads to {answer.headers.get('location')}",
                hint="name the address that it leads to",
            )
        return answer

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    def __enter__(self) -> HubClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def error_of(answer: httpx2.Response, address: str) -> ModelyardError:
    """A hub's refusal as an error of ours."""
    try:
        told: Any = answer.json()["error"]
        cls = _CLASSES.get(told["code"], ModelyardError)
        return cls(str(told["message"]), hint=told.get("hint"), **(told.get("details") or {}))
    except (ValueError, KeyError, TypeError):
        return ModelyardError(f"{address} answered {answer.status_code}: {answer.text[:200]}")


def _plain(answer: httpx2.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        raise Unreachable(
            f"{answer.url.host} does not answer as a hub does", hint="is that its address?"
        ) from None


def _json(value: Any) -> bytes:
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"this cannot be sent: {error}") from None


def _asked(query: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if query is None else {k: v for k, v in query.items() if v is not None}


def _from(stream: IO[bytes], start: int) -> Iterator[bytes]:
    stream.seek(start)
    while piece := stream.read(CHUNK):
        yield piece


def _pause(number: int, answer: httpx2.Response | None) -> float:
    """Seconds until the next attempt: as long as the hub says, else longer each time, and never all clients at once."""
    told = "" if answer is None else answer.headers.get("retry-after", "")
    if told.isdecimal():
        return float(told[:6])
    return min(MOST_PAUSE, FIRST_PAUSE * 2 ** (number - 1)) * random.uniform(0.5, 1.0)


def _readable_on_the_way(address: str) -> bool:
    return address.startswith("http://") and not is_local(urlsplit(address).hostname or "")


def _again(address: str, token: str | None, timeout: float, open_wire: bool) -> HubClient:
    return HubClient(address, token, timeout, open_wire=open_wire)
