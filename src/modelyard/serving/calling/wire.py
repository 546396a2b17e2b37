"""Connections to one server: kept and used again, by any thread, in any process and on any event loop.

`BlockingWire` and `AwaitedWire` carry plans out; all they do themselves is send and wait.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from asyncio import sleep as wait_awaited
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep as wait
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import quote, urlsplit

from modelyard.base.errors import InvalidInput
from modelyard.base.loopback import is_local
from modelyard.serving.calling.plans import Patience, Pause, Plan, Send

if TYPE_CHECKING:
    import httpx2

CONNECT_SECONDS = 5.0
KEPT_SECONDS = 4.0
"""How long an unused connection is kept: servers close theirs after five seconds and more."""
CONNECTIONS = 100

Verify = bool | str | os.PathLike[str] | ssl.SSLContext
Cert = str | os.PathLike[str] | tuple[str | os.PathLike[str], ...]
_T = TypeVar("_T")


@dataclass(frozen=True)
class Address:
    """Where a server is, and what opens its door. Shows no secret."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    verify: Verify = True
    cert: Cert | None = None
    patience: Patience = field(default_factory=Patience)

    @property
    def local(self) -> bool:
        """Whether it is this machine itself."""
        return is_local(urlsplit(self.url).hostname or "")

    def options(self) -> dict[str, Any]:
        """What httpx is told."""
        import httpx2

        return {
            "headers": {**self.headers, **({"accept-encoding": "identity"} if self.local else {})},
            "verify": self._trusted(),
            # A proxy of the environment is not asked for this machine itself.
            "trust_env": not self.local,
            "follow_redirects": False,
            "limits": httpx2.Limits(
                max_connections=CONNECTIONS,
                max_keepalive_connections=CONNECTIONS // 2,
                keepalive_expiry=KEPT_SECONDS,
            ),
        }

    def _trusted(self) -> ssl.SSLContext | bool:
        if isinstance(self.verify, ssl.SSLContext):
            return self.verify
        if self.local and self.url.startswith("http://"):
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # never used; the real one takes 20 ms
        if self.cert is None and isinstance(self.verify, bool):
            return self.verify
        try:
            context = _context(self.verify)
            if self.cert is not None:
                chain = self.cert if isinstance(self.cert, tuple) else (self.cert,)
                context.load_cert_chain(*(os.fspath(part) for part in chain))
        except OSError as error:
            said = error.strerror or error
            raise InvalidInput(f"the certificates of verify= and cert= cannot be read: {said}") from error  # fmt: skip
        return context


def _context(verify: bool | str | os.PathLike[str]) -> ssl.SSLContext:
    if isinstance(verify, bool):
        context = ssl.create_default_context()
        if not verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context
    if Path(verify).is_dir():
        return ssl.create_default_context(capath=os.fspath(verify))
    return ssl.create_default_context(cafile=os.fspath(verify))


def address_of(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    token: str | None = None,
    api_key: str | None = None,
    verify: Verify = True,
    cert: Cert | None = None,
) -> Address:
    """Checked. No message says a secret."""
    url = url.rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise InvalidInput(f"{url!r} is no http:// or https:// URL")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise InvalidInput(f"this is no URL: {error}") from error
    if parts.username is not None or parts.password is not None:
        raise InvalidInput("an address holds no password", hint="token= or api_key= take secrets")
    if parts.query or parts.fragment or not parts.hostname:
        raise InvalidInput(f"{url!r} is not the address of a server")
    sent = {k.lower(): v for k, v in (headers or {}).items()}
    for name, secret, spelled in (
        ("authorization", token, f"Bearer {token}"),
        ("x-api-key", api_key, api_key),
    ):
        if secret is not None:
            if not secret.isascii() or not secret.isprintable() or not secret or " " in secret:
                raise InvalidInput(f"what is given for {name!r} is no token: it has other characters than ASCII, or spaces")  # fmt: skip
            sent[name] = str(spelled)
    return Address(url, sent, verify, cert)


class _Wire:
    def __init__(self, address: Address) -> None:

        self.address = address
        self._urls: dict[str, httpx2.URL] = {}

    @property
    def url(self) -> str:
        """Where the server is."""
        return self.address.url

    def _asked(self, effect: Send) -> dict[str, Any]:
        import httpx2

        request = effect.request
        url = self._urls.get(request.path)
        if url is None:
            try:
                url = httpx2.URL(self.url + quote(request.path))
            except httpx2.InvalidURL as error:
                raise InvalidInput(f"{self.url!r} is no URL: {error}") from error
            self._urls[request.path] = url
        seconds = effect.seconds
        return {
            "method": request.verb,
            "url": url,
            "content": request.body,
            "headers": {**request.headers, "x-request-timeout": f"{seconds:.3f}"},
            "timeout": httpx2.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS)),
        }


class BlockingWire(_Wire):
    """Calls that return when they are answered. Threads may share it, and it goes on working after a fork."""

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self._opened: dict[int, httpx2.Client] = {}

    def run(self, plan: Plan[_T]) -> _T:
        """Carry a plan out."""
        try:
            effect = next(plan)
            while True:
                try:
                    told = self._do(effect)
                except Exception as error:  # noqa: BLE001  the plan decides
                    effect = plan.throw(error)
                else:
                    effect = plan.send(told)
        except StopIteration as end:
            return cast(_T, end.value)

    def close(self) -> None:
        """Close the connections. A closed wire opens again when it is used."""
        opened = self._opened.pop(os.getpid(), None)
        if opened is not None:
            opened.close()

    def _do(self, effect: Send | Pause) -> Any:
        if isinstance(effect, Pause):
            wait(effect.seconds)
            return None
        client = self._client()
        request = client.build_request(**self._asked(effect))
        return client.send(request, stream=effect.request.streamed)

    def _client(self) -> httpx2.Client:
        import httpx2

        # By process: connections of a parent are not ours to write to. No lock: a fork could copy it locked.
        opened = self._opened.get(os.getpid())
        if opened is None:
            opened = self._opened.setdefault(os.getpid(), httpx2.Client(**self.address.options()))
        return opened


class AwaitedWire(_Wire):
    """The same for `asyncio`. It may be used on one event loop after the other."""

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self._opened: tuple[asyncio.AbstractEventLoop, int, httpx2.AsyncClient] | None = None

    async def run(self, plan: Plan[_T]) -> _T:
        """Carry a plan out."""
        try:
            effect = next(plan)
            while True:
                try:
                    told = await self._do(effect)
                except Exception as error:  # noqa: BLE001  the plan decides
                    effect = plan.throw(error)
                else:
                    effect = plan.send(told)
        except StopIteration as end:
            return cast(_T, end.value)

    async def close(self) -> None:
        """Close the connections. A closed wire opens again when it is used."""
        opened, self._opened = self._opened, None
        if opened is not None and opened[:2] == (asyncio.get_running_loop(), os.getpid()):
            await opened[2].aclose()

    async def _do(self, effect: Send | Pause) -> Any:
        if isinstance(effect, Pause):
            await wait_awaited(effect.seconds)
            return None
        client = self._client()
        request = client.build_request(**self._asked(effect))
        return await client.send(request, stream=effect.request.streamed)

    def _client(self) -> httpx2.AsyncClient:
        import httpx2

        here = (asyncio.get_running_loop(), os.getpid())
        if self._opened is None or self._opened[:2] != here:
            self._opened = (*here, httpx2.AsyncClient(**self.address.options()))
        return self._opened[2]


Wire = BlockingWire | AwaitedWire
