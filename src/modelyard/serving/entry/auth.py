"""Who asks: by an API key, or by a token that somebody else issued. One check for all protocols.

HTTP has ``Authorization: Bearer …`` or ``X-API-Key: …``; gRPC has metadata of the same names. What says whether a server
lives stays open (`OPEN`): a key must not break a probe.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelyard.base.errors import InvalidSetting, Unauthenticated, did_you_mean
from modelyard.serving.asking import NOBODY, Caller
from modelyard.serving.entry.json_web_tokens import JwtSettings, Tokens
from modelyard.serving.entry.keys import Keys

OPEN = frozenset(
    ["/healthz", "/readyz", "/livez", "/ping", "/health", "/v2/health/live", "/v2/health/ready"]
)
"""Paths that are never asked for a key, with GET and HEAD: probes."""
OPEN_READY = re.compile(r"/v2/models/[^/]+(/versions/[^/]+)?/ready")
"""The probe of one model."""

GROUPS: Mapping[str, frozenset[str]] = {
    "metrics": frozenset(["/metrics"]),
    "docs": frozenset(
        [
            "/",
            "/docs",
            "/redoc",
            "/openapi.json",
            "/docs/oauth2-redirect",
            "/page/page.js",
            "/page/page.css",
        ]
    ),
    "description": frozenset(["/interface.json", "/version", "/v2"]),
}
"""What ``auth.open`` may name, and the paths it opens."""

CHALLENGE = b'Bearer realm="modelyard"'
TOKEN = re.compile(rb"[\x21-\x7e]{1,8192}")


@dataclass(frozen=True, slots=True)
class AuthSettings:
    """The table ``auth`` of a server's options; empty is: nobody has to say who they are."""

    keys: Any = None
    jwt: Mapping[str, Any] | None = None
    open: Sequence[str] = ()
    """Which of `GROUPS` need no key."""

    @staticmethod
    def read(table: Mapping[str, Any]) -> AuthSettings:
        """From a table of settings; `InvalidSetting` names what is not known."""
        known = ("keys", "jwt", "open")
        if not isinstance(table, Mapping):  # what it is instead may be a key
            raise InvalidSetting("auth is a table", hint="as in auth.keys.ci = 'env:CI_KEY'")
        for key in table:
            if key not in known:
                hint = did_you_mean(key, known) or f"known: {', '.join(known)}"
                raise InvalidSetting(f"auth has no setting {key!r}", hint=hint)
        words = table.get("open", ())
        opened = [w.strip() for w in words.split(",")] if isinstance(words, str) else list(words)
        for word in opened:
            if word not in GROUPS:
                hint = did_you_mean(str(word), GROUPS) or f"one of: {', '.join(GROUPS)}"
                raise InvalidSetting(f"auth.open has {word!r}", hint=hint)
        jwt = table.get("jwt")
        if jwt is not None and not isinstance(jwt, Mapping):
            raise InvalidSetting("auth.jwt is a table", hint="as in auth.jwt.keys = 'jwks.json'")
        return AuthSettings(table.get("keys"), jwt, tuple(opened))


class Authenticator:
    """Tells who sent some headers."""

    def __init__(self, settings: AuthSettings) -> None:
        self._keys = None if settings.keys is None else Keys(settings.keys)
        self._tokens = None if settings.jwt is None else Tokens(JwtSettings.read(settings.jwt))
        self._open = OPEN.union(*(GROUPS[group] for group in settings.open))

    def is_open(self, verb: str, path: str) -> bool:
        """Whether anybody may ask this."""
        return is_open(verb, path, self._open)

    def authenticate(self, headers: Mapping[bytes, bytes]) -> Caller:
        """Who asks, by headers (or metadata) with lower-case names. `Unauthenticated` when they do not say, or wrongly."""
        given = headers.get(b"x-api-key")
        scheme, secret = b"", given or b""
        if given is None:
            scheme, _, secret = headers.get(b"authorization", b"").strip().partition(b" ")
            secret = secret.strip()
            if not secret or scheme.lower() != b"bearer":
                raise Unauthenticated("this server wants to know who asks", hint=self._hint)
        if TOKEN.fullmatch(secret) is None:
            raise Unauthenticated("the key cannot be read", hint=self._hint, token=True)
        found = None if self._keys is None else self._keys.find(secret)
        if found is not None:
            return found
        if self._tokens is not None and scheme and secret.count(b".") == 2:
            return self._tokens.check(secret.decode("ascii"))
        raise Unauthenticated("this key is not known here", hint=self._hint, token=True)

    @property
    def _hint(self) -> str:
        return (
            "send a token as Authorization: Bearer"
            if self._keys is None
            else "send a key as Authorization: Bearer, or as X-API-Key"
        )


def is_open(verb: str, path: str, paths: frozenset[str] = OPEN) -> bool:
    """Whether anybody may ask this, as often as they like: a probe."""
    if verb not in ("GET", "HEAD"):
        return False
    return path in paths or (path.endswith("/ready") and OPEN_READY.fullmatch(path) is not None)


def authenticator(auth: AuthSettings | Mapping[str, Any] | None) -> Authenticator | None:
    """What checks requests by a server's ``auth`` option; None where nobody has to say who they are."""
    settings = auth if isinstance(auth, AuthSettings) else AuthSettings.read(auth or {})
    wanted = settings.keys is not None or settings.jwt is not None
    if settings.open and not wanted:
        raise InvalidSetting("auth.open without auth.keys or auth.jwt means nothing")
    return Authenticator(settings) if wanted else None


def challenge(error: Unauthenticated) -> bytes:
    """The value of ``WWW-Authenticate``."""
    return CHALLENGE + (b', error="invalid_token"' if error.details.get("token") else b"")


__all__ = [
    "GROUPS",
    "NOBODY",
    "OPEN",
    "AuthSettings",
    "Authenticator",
    "Caller",
    "authenticator",
    "challenge",
    "is_open",
]
