"""Where a server is, and what opens its door."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
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
