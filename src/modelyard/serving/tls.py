"""TLS: a certificate and its key, and whose certificates clients must have."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from modelyard.base.errors import InvalidSetting


@dataclass(frozen=True, slots=True)
class Tls:
    """Paths of PEM files. What they hold never passes through settings."""

    cert: str
    """The server's certificate, followed by those it was issued with."""
    key: str
    """Its private key, without a password."""
    client_ca: str | None = None
    """The authorities of clients: with it, who has no certificate of theirs is not let in."""


def tls_options(cert: str | None, key: str | None, client_ca: str | None) -> Tls | None:
    """The options of a server as one, tried; None without TLS."""
    if cert and key:
        tls = Tls(cert, key, client_ca)
        server_context(tls)
        return tls
    if cert or key or client_ca:
        raise InvalidSetting(
            "TLS needs tls_cert and tls_key", hint="--tls-cert FILE --tls-key FILE"
        )
    return None


def server_context(tls: Tls) -> ssl.SSLContext:
    """What a socket needs: TLS 1.2 and newer. `InvalidSetting` says which file is wrong, and nothing of what is in it."""
    for what, path in (
        ("tls_cert", tls.cert),
        ("tls_key", tls.key),
        ("tls_client_ca", tls.client_ca),
    ):
        if path is not None:
            _readable(what, path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(tls.cert, tls.key, password=_no_password)
    except (ssl.SSLError, ValueError) as error:
        hint = "the key must be that of the certificate, both as PEM, the key without a password"
        why = getattr(error, "reason", None) or "PEM cannot be read"
        raise InvalidSetting(f"tls_cert and tls_key do not work together: {why}", hint=hint) from None  # fmt: skip
    if tls.client_ca is not None:
        try:
            context.load_verify_locations(tls.client_ca)
        except ssl.SSLError:
            raise InvalidSetting(f"tls_client_ca: {tls.client_ca} holds no certificates") from None
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _no_password() -> str:
    # Without this, OpenSSL would ask at the terminal and a server without one would hang.
    raise ValueError("the key has a password")


def _readable(what: str, path: str) -> None:
    try:
        with Path(path).open("rb") as file:
            file.read(1)
    except OSError as error:
        raise InvalidSetting(f"{what}: {path} cannot be read: {error.strerror}") from None
