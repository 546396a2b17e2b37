"""Where a server is, and what opens its door."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from modelyard.base.errors import InvalidInput
from modelyard.base.loopback import is_local
from modelyard.serving.calling.plans import Patience

KEPT_SECONDS = 4.0
"""How long an unused connection is kept: servers close theirs after five seconds and more."""
CONNECTIONS = 100

Verify = bool | str | os.PathLike[str] | ssl.SSLContext
Cert = str | os.PathLike[str] | tuple[str | os.PathLike[str], ...]


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
        context = ssl.create_default_context()
        if self.verify is False:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        elif not isinstance(self.verify, bool):
            _read("verify", self.verify, context.load_verify_locations)
        if self.cert is not None:
            chain = self.cert if isinstance(self.cert, tuple) else (self.cert,)
            _read(
                "cert",
                chain[0],
                lambda _: context.load_cert_chain(*[os.fspath(part) for part in chain]),
            )
        return context


def _read(name: str, path: str | os.PathLike[str], load: Callable[[str], object]) -> None:
    try:
        load(os.fspath(path))
    except OSError as error:  # errors of ssl are such, too
        raise InvalidInput(f"{name}: {path} holds no certificates: {error}") from error


def address_of(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    key: str | None = None,
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
        raise InvalidInput("an address holds no password", hint="key= takes a secret")
    if parts.query or parts.fragment or not parts.hostname:
        raise InvalidInput(f"{url!r} is not the address of a server")
    sent = {k.lower(): v for k, v in (headers or {}).items()}
    if key is not None:
        if not key.isascii() or not key.isprintable() or not key or " " in key:
            raise InvalidInput("key= is neither an API key nor a token: those are of ASCII without spaces")  # fmt: skip
        sent["authorization"] = f"Bearer {key}"
    return Address(url, sent, verify, cert)
