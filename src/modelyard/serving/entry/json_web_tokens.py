"""JSON Web Tokens, checked against keys that stand in a file here; nothing is fetched.

::

    auth.jwt.keys = "jwks.json"          # a JWKS, or public keys or certificates as PEM
    auth.jwt.secret = "env:JWT_SECRET"   # in place of keys, for HS256
    auth.jwt.audience = "models"
    auth.jwt.issuer = "https://login.example"

A token must be signed by one of the keys with an algorithm that belongs to that kind of key (so no public key is ever taken
for a secret, and ``none`` is none), must say when it ends, and must be for the audience and from the issuer that are set.
What a token's header names as the place of a key (``jku``, ``x5u``, ``jwk``) is not looked at.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from modelyard.base.errors import (
    InvalidSetting,
    MissingExtra,
    ModelyardError,
    Unauthenticated,
    did_you_mean,
)
from modelyard.base.secrets import file_of, read_file, read_secret
from modelyard.serving.asking import Caller
from modelyard.serving.entry.files_watched import Watched

logger = logging.getLogger("modelyard.serving")

ALGORITHMS: Mapping[str, Sequence[str]] = {
    "RSA": ("RS256", "RS384", "RS512", "PS256"),
    "EC P-256": ("ES256",),
    "EC P-384": ("ES384",),
    "OKP Ed25519": ("EdDSA",),
    "secret": ("HS256", "HS384", "HS512"),
}
"""Kind of key -> what may be signed with it."""

SHORTEST_SECRET = 32
SHORTEST_RSA = 2048
LONGEST = 8192
"""Characters of a token."""
MOST_CHECKED = 2000
"""Tokens that are remembered as right."""


@dataclass(frozen=True, slots=True)
class JwtSettings:
    """Which tokens are taken."""

    keys: str = ""
    secret: str = ""
    audience: str | Sequence[str] | None = None
    issuer: str | Sequence[str] | None = None
    algorithms: Sequence[str] = ()
    """Fewer than the keys allow."""
    leeway: float = 10.0
    """Seconds that clocks may differ."""
    caller: str = "sub"
    """The claim that says who asks."""
    models: str = ""
    """The claim with patterns of the models they may use; a token without it may use none."""

    @staticmethod
    def read(table: Mapping[str, Any]) -> JwtSettings:
        """From a table of settings."""
        known = [f.name for f in fields(JwtSettings)]
        for key in table:
            if key not in known:
                hint = did_you_mean(key, known) or f"known: {', '.join(known)}"
                raise InvalidSetting(f"auth.jwt has no setting {key!r}", hint=hint)
        words = dict(table)
        if isinstance(words.get("algorithms"), str):
            words["algorithms"] = words["algorithms"].split(",")
        found = JwtSettings(**words)
        if bool(found.keys) == bool(found.secret):
            raise InvalidSetting(
                "auth.jwt needs 'keys' (a file of public keys) or 'secret' (HS256)"
            )
        if not isinstance(found.leeway, int | float) or not 0 <= found.leeway <= 600:
            raise InvalidSetting("auth.jwt.leeway is a number of seconds, up to 600")
        for algorithm in found.algorithms:
            every = [a for names in ALGORITHMS.values() for a in names]
            if algorithm not in every:
                raise InvalidSetting(
                    f"auth.jwt.algorithms: {algorithm!r} is not taken", hint=f"{', '.join(every)}"
                )
        return found


@dataclass(frozen=True, slots=True)
class _Key:
    kid: str | None
    key: Any
    algorithms: Sequence[str]


class Tokens:
    """Checks tokens. Raises `MissingExtra` without PyJWT, `InvalidSetting` for keys that cannot be read."""

    def __init__(self, settings: JwtSettings) -> None:
        self._jwt = _library()
        self._settings = settings
        if settings.secret:
            path = file_of(settings.secret, "auth.jwt.secret")
        else:
            path = Path(settings.keys.removeprefix("file:")).expanduser()
        self._keys = Watched([path] if path else [], self._read, _keep_the_old)
        self._checked: dict[bytes, tuple[Caller, float]] = {}
        self._checked_with: Sequence[_Key] = ()

    def check(self, token: str) -> Caller:
        """Whose token it is; `Unauthenticated` says what is wrong with it, and no more."""
        if len(token) > LONGEST or not token.isascii():
            raise _refused("cannot be read")
        if self._checked_with is not self._keys.value or len(self._checked) > MOST_CHECKED:
            self._checked, self._checked_with = {}, self._keys.value
        # A signature costs more than many a prediction; one that was right is right until its token ends.
        digest = hashlib.blake2b(token.encode()).digest()
        caller, until = self._checked.get(digest, (None, 0.0))
        if caller is not None and time.time() < until:
            return caller
        caller, until = self._judged(token)
        self._checked[digest] = caller, until
        return caller

    def _judged(self, token: str) -> tuple[Caller, float]:
        try:
            claims = self._claims(token)
            return self._caller(claims), float(claims["exp"])
        except ModelyardError:
            raise
        except self._jwt.ExpiredSignatureError:
            raise _refused("has expired") from None
        except self._jwt.ImmatureSignatureError:
            raise _refused("is not in force yet") from None
        except self._jwt.InvalidAudienceError:
            raise _refused("is for another audience") from None
        except self._jwt.InvalidIssuerError:
            raise _refused("is from another issuer") from None
        except self._jwt.MissingRequiredClaimError as error:
            raise _refused(f"lacks the claim {error.claim!r}") from None
        except Exception:  # noqa: BLE001  whatever a strange token makes libraries raise, it is no token of ours
            raise _refused("is not valid here") from None

    def _claims(self, token: str) -> Mapping[str, Any]:
        header = self._jwt.get_unverified_header(token)
        algorithm, kid = header.get("alg"), header.get("kid")
        if "crit" in header:
            raise _refused("asks for what is not known here")
        fitting = [k for k in self._keys.value if algorithm in k.algorithms]
        named = [k for k in fitting if k.kid is not None and k.kid == kid]
        # A key without an id may have signed it, one with another id has not.
        for key in named or [k for k in fitting if kid is None or k.kid is None]:
            try:
                return self._decode(token, key, str(algorithm))
            except self._jwt.InvalidSignatureError:
                continue
        raise _refused("is not signed by a key that is known here")

    def _decode(self, token: str, key: _Key, algorithm: str) -> Mapping[str, Any]:
        wanted = self._settings
        return self._jwt.decode(
            token,
            key.key,
            algorithms=[algorithm],
            audience=wanted.audience,
            issuer=wanted.issuer,
            leeway=wanted.leeway,
            options={
                "require": ["exp", wanted.caller],
                "verify_sub": False,  # looked at below, whichever claim says who asks
                "strict_aud": False,
            },
        )

    def _caller(self, claims: Mapping[str, Any]) -> Caller:
        name = claims.get(self._settings.caller)
        if not isinstance(name, str) or not 0 < len(name) <= 200 or not name.isprintable():
            raise _refused(f"does not say who asks in {self._settings.caller!r}")
        if not self._settings.models:
            return Caller(name)
        models = claims.get(self._settings.models)
        models = models.split() if isinstance(models, str) else models
        if (
            not isinstance(models, list)
            or not models
            or not all(isinstance(m, str) for m in models)
        ):
            raise _refused(f"names no models in {self._settings.models!r}")
        return Caller(name, tuple(models))

    def _read(self) -> list[_Key]:
        if self._settings.secret:
            found = [_secret(read_secret(self._settings.secret, "auth.jwt.secret"))]
        else:
            path = Path(self._settings.keys.removeprefix("file:")).expanduser()
            text = read_file(path, "auth.jwt.keys")
            found = list(_of_pem(text) if "-----BEGIN" in text else _of_jwks(text))
        only = self._settings.algorithms
        if only:
            found = [_Key(k.kid, k.key, [a for a in k.algorithms if a in only]) for k in found]
        if not any(key.algorithms for key in found):
            raise InvalidSetting("auth.jwt: there is no key that a token could be checked with")
        return found


def _library() -> Any:
    try:
        import cryptography  # noqa: F401  PyJWT works without it, and then knows HS256 alone
        import jwt
    except ImportError as error:
        raise MissingExtra("checking JSON Web Tokens", "jwt", missing=error.name) from error
    return jwt


def _secret(secret: str) -> _Key:
    if len(secret) < SHORTEST_SECRET:
        raise InvalidSetting(f"auth.jwt.secret: a secret has at least {SHORTEST_SECRET} characters")
    return _Key(None, secret.encode(), ALGORITHMS["secret"])


def _of_jwks(text: str) -> Iterator[_Key]:
    from jwt import PyJWK
    from jwt.exceptions import PyJWTError

    try:
        listed = json.loads(text)["keys"]
        keys = [dict(entry) for entry in listed]
    except (ValueError, KeyError, TypeError):
        raise InvalidSetting("auth.jwt.keys is neither a JWKS nor PEM") from None
    for entry in keys:
        kind = " ".join(str(entry[part]) for part in ("kty", "crv") if part in entry)
        # What is for encryption, of an unknown kind, or a shared secret among public keys, verifies nothing.
        if entry.get("use", "sig") != "sig" or kind not in ALGORITHMS:
            continue
        stated = entry.get("alg")
        algorithms = [a for a in ALGORITHMS[kind] if stated in (None, a)]
        if not algorithms:
            continue
        try:
            key = PyJWK(entry, algorithm=algorithms[0]).key
        except (PyJWTError, ValueError, TypeError):
            raise InvalidSetting(
                f"auth.jwt.keys: key {entry.get('kid')!r} cannot be read"
            ) from None
        kid = entry.get("kid")
        yield _Key(kid if isinstance(kid, str) else None, _strong(_public(key)), algorithms)


def _of_pem(text: str) -> Iterator[_Key]:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from cryptography.x509 import load_pem_x509_certificate

    for block in text.split("-----BEGIN ")[1:]:
        pem = f"-----BEGIN {block}".encode()
        if "PRIVATE KEY" in block:
            raise InvalidSetting("auth.jwt.keys holds a private key: tokens are checked with public ones")  # fmt: skip
        try:
            certificate = block.startswith("CERTIFICATE")
            key = load_pem_x509_certificate(pem).public_key() if certificate else load_pem_public_key(pem)  # fmt: skip
        except ValueError:
            raise InvalidSetting("auth.jwt.keys: a PEM block cannot be read") from None
        yield _Key(None, _strong(key), ALGORITHMS.get(_kind(key), ()))


def _public(key: Any) -> Any:
    return key.public_key() if hasattr(key, "public_key") else key


def _strong(key: Any) -> Any:
    if _kind(key) == "RSA" and key.key_size < SHORTEST_RSA:
        raise InvalidSetting(f"auth.jwt.keys: an RSA key has at least {SHORTEST_RSA} bits")
    return key


def _kind(key: Any) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, rsa.RSAPublicKey):
        return "RSA"
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "OKP Ed25519"
    curves = {"secp256r1": "EC P-256", "secp384r1": "EC P-384"}
    return curves.get(key.curve.name, "") if isinstance(key, ec.EllipticCurvePublicKey) else ""


def _refused(why: str) -> Unauthenticated:
    return Unauthenticated(f"the token {why}", token=True)


def _keep_the_old(error: Exception) -> None:
    logger.warning("the keys of tokens cannot be read again, those known before hold on: %s", error)
