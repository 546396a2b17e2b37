"""JSON Web Tokens: which are taken, and all the ways in which one is not."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import threading
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from jwt import algorithms

from modelyard.base.errors import InvalidSetting, Unauthenticated
from modelyard.serving.asking import Caller
from modelyard.serving.entry import files_watched, json_web_tokens
from modelyard.serving.entry.auth import Authenticator, AuthSettings
from modelyard.serving.entry.json_web_tokens import JwtSettings, Tokens
from serving_cases.certificates import authority

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
SECRET = "a secret of thirty-two characters, or more"
AUDIENCE, ISSUER = "models", "https://login.example"


def jwk(kid: str, key: Any, **more: Any) -> dict[str, Any]:
    kinds = {"r": algorithms.RSAAlgorithm, "e": algorithms.ECAlgorithm}
    spelled = kinds.get(kid[0], algorithms.OKPAlgorithm).to_jwk(key.public_key(), as_dict=True)
    return {**spelled, "kid": kid, **more}


def pem(key: Any) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def claims(**more: Any) -> dict[str, Any]:
    now = int(time.time())
    return {"sub": "ada", "exp": now + 3600, "aud": AUDIENCE, "iss": ISSUER, **more}


def token(key: Any = RSA, algorithm: str = "RS256", kid: str | None = "r1", **more: Any) -> str:
    body = {k: v for k, v in claims(**more).items() if v is not None}
    return jwt.encode(body, key, algorithm, headers=None if kid is None else {"kid": kid})


@pytest.fixture(scope="module")
def jwks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("jwks") / "jwks.json"
    oct_key = base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("=")
    keys = [
        jwk("r1", RSA, use="sig"),
        jwk("e1", EC),
        jwk("o1", ED),
        jwk("r2", RSA, use="enc"),
        {"kty": "oct", "k": oct_key, "kid": "s1"},
        {"kty": "strange", "kid": "x"},
    ]
    file.write_text(json.dumps({"keys": keys}))
    return file


def settings(**words: Any) -> JwtSettings:
    return JwtSettings.read({"audience": AUDIENCE, "issuer": ISSUER, **words})


@pytest.fixture(scope="module")
def tokens(jwks: Path) -> Tokens:
    return Tokens(settings(keys=str(jwks)))


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"),
    [
        (RSA, "RS256", "r1"),
        (RSA, "PS256", "r1"),
        (EC, "ES256", "e1"),
        (ED, "EdDSA", "o1"),
        (RSA, "RS256", None),
    ],
    ids=["RS256", "PS256", "ES256", "EdDSA", "RS256 without a kid"],
)
def test_a_token_says_who_asks(tokens: Tokens, key: Any, algorithm: str, kid: str | None) -> None:
    assert tokens.check(token(key, algorithm, kid)) == Caller("ada")


def test_a_secret_by_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", SECRET)
    tokens = Tokens(settings(secret="env:JWT_SECRET"))
    assert tokens.check(token(SECRET, "HS256", None)) == Caller("ada")
    with pytest.raises(Unauthenticated, match=r"not valid here|not signed"):
        tokens.check(token(SECRET + "x", "HS256", None))
    with pytest.raises(Unauthenticated, match="not signed by a key that is known"):
        tokens.check(token(RSA, "RS256", None))


@pytest.mark.parametrize("form", ["public key", "certificate", "both"])
def test_pem_in_place_of_a_jwks(form: str, tmp_path: Path) -> None:
    made = authority(tmp_path / "ca")
    text = {"public key": pem(RSA), "certificate": Path(made.file).read_text()}
    file = tmp_path / "keys.pem"
    file.write_text(text.get(form) or "\n".join(text.values()))
    tokens = Tokens(settings(keys=f"file:{file}"))
    if form != "certificate":
        assert tokens.check(token(kid=None)) == Caller("ada")
    if form != "public key":
        assert tokens.check(token(made.key, "ES256", "any")) == Caller("ada")


def unsigned(header: dict[str, Any], body: dict[str, Any], signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(body).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def hmac_with_the_public_key() -> str:
    """The classic: an HS256 token whose secret is the text of the public key."""
    head = unsigned({"alg": "HS256", "kid": "r1"}, claims())[:-1]
    return unsigned(
        {"alg": "HS256", "kid": "r1"},
        json.loads(base64.urlsafe_b64decode(head.split(".")[1] + "===")),
        hmac.digest(pem(RSA).encode(), head.encode(), hashlib.sha256),
    )


def cut(spelled: str) -> str:
    head, body, signature = spelled.split(".")
    return f"{head}.{body}.{'A' + signature[1:] if signature[0] != 'A' else 'B' + signature[1:]}"


def bad_tokens() -> dict[str, tuple[str, str]]:
    past = int(time.time()) - 3600
    return {
        "expired": (token(exp=past), "has expired"),
        "without an end": (token(exp=None), "lacks the claim 'exp'"),
        "not yet": (token(nbf=int(time.time()) + 3600), "not in force yet"),
        "another audience": (token(aud="others"), "another audience"),
        "no audience": (token(aud=None), "lacks the claim 'aud'"),
        "another issuer": (token(iss="https://evil.example"), "another issuer"),
        "no issuer": (token(iss=None), "lacks the claim 'iss'"),
        "nobody": (token(sub=None), "lacks the claim 'sub'"),
        "an empty name": (token(sub=""), "does not say who asks"),
        "a name with a line end": (token(sub="ada\nroot"), "does not say who asks"),
        "a name that is none": (token(sub=["ada"]), "does not say who asks|not valid here"),
        "none": (unsigned({"alg": "none", "kid": "r1"}, claims()), "not signed by a key"),
        "None": (unsigned({"alg": "None"}, claims()), "not signed by a key"),
        "no alg": (unsigned({"kid": "r1"}, claims()), "not valid here|not signed"),
        "hmac with the public key": (hmac_with_the_public_key(), "not signed by a key"),
        "a secret of the jwks": (token(SECRET, "HS256", "s1"), "not signed by a key"),
        "a key for encryption": (token(RSA, "RS256", "r2"), "not signed by a key"),
        "another kid": (token(RSA, "RS256", "nobody's"), "not signed by a key"),
        "another's signature": (
            token(rsa.generate_private_key(public_exponent=65537, key_size=2048)),
            "not signed by a key",
        ),
        "a changed signature": (cut(token()), "not signed by a key"),
        "crit": (
            jwt.encode(claims(), RSA, "RS256", headers={"crit": ["exp"], "kid": "r1"}),
            "not known here|not valid here",
        ),
        "a key of its own": (
            jwt.encode(claims(), EC, "ES256", headers={"jwk": jwk("e9", EC), "kid": "e9"}),
            "not signed by a key",
        ),
        "too long": ("a." * 5000 + "b", "cannot be read"),
        "no token": ("a.b.c", "not valid here"),
        "deep": (unsigned({"alg": "RS256"}, {"x": 1}).replace(".", ".W1tb", 1), "not"),
    }


BAD = bad_tokens()


@pytest.mark.parametrize("what", BAD)
def test_a_token_is_refused_that_is(what: str, tokens: Tokens) -> None:
    spelled, says = BAD[what]
    with pytest.raises(Unauthenticated, match=says) as refused:
        tokens.check(spelled)
    assert spelled not in str(refused.value)


def test_a_token_that_was_right_is_not_when_its_time_is_up(jwks: Path) -> None:
    tokens = Tokens(settings(keys=str(jwks), leeway=0))
    spelled = token(exp=int(time.time()) + 2)
    assert tokens.check(spelled) == tokens.check(spelled) == Caller("ada")
    while time.time() < json.loads(base64.urlsafe_b64decode(spelled.split(".")[1] + "==="))["exp"]:
        threading.Event().wait(0.05)
    with pytest.raises(Unauthenticated, match="has expired"):
        tokens.check(spelled)


def test_not_more_tokens_are_remembered_than_a_process_can_hold(
    tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_web_tokens, "MOST_CHECKED", 5)
    for n in range(20):
        tokens.check(token(sub=f"u{n}"))
        assert len(tokens._checked) <= 7


def test_clocks_may_differ_a_little(jwks: Path) -> None:
    just_over = token(exp=int(time.time()) - 30)
    assert Tokens(settings(keys=str(jwks), leeway=60)).check(just_over) == Caller("ada")


def test_without_an_audience_set_a_token_for_somebody_is_refused(jwks: Path) -> None:
    anybody = Tokens(JwtSettings.read({"keys": str(jwks)}))
    assert anybody.check(token(aud=None)) == Caller("ada")
    with pytest.raises(Unauthenticated, match="another audience"):
        anybody.check(token())


def test_another_claim_may_say_who_asks_and_which_models(jwks: Path) -> None:
    tokens = Tokens(settings(keys=str(jwks), caller="email", models="models"))
    spelled = token(email="ada@example.org", models=["churn*"], sub=None)
    assert tokens.check(spelled) == Caller("ada@example.org", ("churn*",))
    assert tokens.check(token(email="a", models="x y")) == Caller("a", ("x", "y"))
    for wrong in (None, [], [1], ""):
        with pytest.raises(Unauthenticated, match="names no models"):
            tokens.check(token(email="a", models=wrong))


def test_fewer_algorithms(jwks: Path) -> None:
    tokens = Tokens(settings(keys=str(jwks), algorithms="ES256"))
    assert tokens.check(token(EC, "ES256", "e1")) == Caller("ada")
    with pytest.raises(Unauthenticated):
        tokens.check(token())


def test_keys_are_exchanged_while_the_server_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files_watched, "LOOK_SECONDS", -1.0)
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [jwk("r1", RSA)]}))
    tokens = Tokens(settings(keys=str(file)))
    file.write_text(json.dumps({"keys": [jwk("e1", EC)]}))
    assert tokens.check(token(EC, "ES256", "e1")) == Caller("ada")
    with pytest.raises(Unauthenticated):
        tokens.check(token())


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is neither a JWKS nor PEM"),
        ("[]", "is neither a JWKS nor PEM"),
        ('{"keys": []}', "no key that a token could be checked with"),
        ('{"keys": [{"kty": "RSA", "kid": "r"}]}', "key 'r' cannot be read"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "cannot be read"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "holds a private key"),
        (
            pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)),
            "at least 2048 bits",
        ),
    ],
    ids=["empty", "list", "no keys", "half a key", "broken pem", "private", "short"],
)
def test_files_without_good_keys_are_refused(content: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(content)
    with pytest.raises(InvalidSetting, match=says):
        Tokens(settings(keys=str(tmp_path / "keys")))


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({}, "needs 'keys'"),
        ({"keys": "a", "secret": "env:B"}, "needs 'keys'"),
        ({"keys": "a", "issuerr": "x"}, "no setting 'issuerr'"),
        ({"keys": "a", "algorithms": ["none"]}, "'none' is not taken"),
        ({"keys": "a", "leeway": "x"}, "leeway"),
        ({"keys": "a", "leeway": 1e9}, "leeway"),
    ],
)
def test_wrong_settings(table: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidSetting, match=says):
        JwtSettings.read(table)


def test_a_secret_that_is_written_down_or_short_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(InvalidSetting, match="no reference") as refused:
        Tokens(settings(secret=SECRET))
    assert SECRET not in str(refused.value)
    monkeypatch.setenv("SHORT", "tooshort1")
    with pytest.raises(InvalidSetting, match="at least 32 characters") as refused:
        Tokens(settings(secret="env:SHORT"))
    assert "tooshort1" not in str(refused.value)


JSON = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.sampled_from(["ada", [], {}, ["a"], {"a": 1}, [[[]]], 2**70, -1, "models"]),
)
NAMES = st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jku", "jwk", "x5u", "zip", "enc"])
ALGS = st.sampled_from(["RS256", "ES256", "HS256", "EdDSA", "none", "", "PS256", "A128KW"])


@examples(max_examples=60)
@given(
    st.dictionaries(NAMES, JSON | ALGS),
    st.dictionaries(st.sampled_from(["sub", "exp", "aud", "iss", "nbf", "iat", "jti"]), JSON),
    st.binary(max_size=80),
)
def test_no_token_made_up_is_taken_or_breaks_anything(
    tokens: Tokens, header: dict[str, Any], body: dict[str, Any], signature: bytes
) -> None:
    with pytest.raises(Unauthenticated):
        tokens.check(unsigned(header, body, signature))


@examples(max_examples=60)
@given(st.dictionaries(st.sampled_from(["sub", "exp", "aud", "iss", "nbf", "iat", "jti"]), JSON))
def test_whatever_our_own_key_signs_is_judged_and_never_an_accident(
    tokens: Tokens, body: dict[str, Any]
) -> None:
    part = json.dumps(body).encode()
    spelled = jwt.PyJWS().encode(part, RSA, "RS256", headers={"kid": "r1"})
    with contextlib.suppress(Unauthenticated):
        assert tokens.check(spelled).name == body["sub"]


@given(st.text(max_size=200))
def test_text_is_no_token(tokens: Tokens, text: str) -> None:
    with pytest.raises(Unauthenticated):
        tokens.check(text)


def test_a_token_comes_as_bearer_beside_keys(jwks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI_KEY", "k" * 20)
    table = {"keys": str(jwks), "audience": AUDIENCE, "issuer": ISSUER}
    both = Authenticator(AuthSettings.read({"keys": {"ci": "env:CI_KEY"}, "jwt": table}))
    assert both.authenticate({b"authorization": f"Bearer {token()}".encode()}) == Caller("ada")
    assert both.authenticate({b"authorization": b"Bearer " + b"k" * 20}) == Caller("ci")
    with pytest.raises(Unauthenticated):
        both.authenticate({b"x-api-key": token().encode()})
