"""What every request passes first."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from modelyard.base.errors import InvalidInput, ModelyardError, NotAllowed
from modelyard.hub.app import create_app
from modelyard.hub.hosts import Hosts, exposes, parse_host
from modelyard.hub.incoming import JSON_BYTES
from modelyard.hub.interface import HubSettings
from modelyard.yard.yard import Yard

API = "/api/v1"


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.0.0.1:5000", "localhost", "LOCALHOST:80", "[::1]", "[::1]:5000"),
        *("hub.example", "hub.example:443", "hub.example.", "127.1.2.3"),
    ],
)
def test_its_own_names_are_answered(host: str) -> None:
    Hosts("127.0.0.1", ["hub.example"]).check("GET", {b"host": host.encode()}, 1)


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "10.evil.com", "hub.example.evil.com", "xhub.example", "localhost.evil"),
        *("192.168.1.1", "0.0.0.0", "127.0.0.1.nip.io", "*", "hub.examplex", "[::2]"),
    ],
)
def test_other_names_are_not(host: str) -> None:
    with pytest.raises(NotAllowed):
        Hosts("127.0.0.1", ["hub.example"]).check("GET", {b"host": host.encode()}, 1) if host != "*" else _bad(host)  # fmt: skip


def _bad(host: str) -> None:
    with pytest.raises(InvalidInput):
        parse_host(host)
    raise NotAllowed("refused")


@pytest.mark.parametrize(
    "host",
    ["", " ", "a b", "user@127.0.0.1", "127.0.0.1:x", "127.0.0.1:5000:1", "[::1", "::1", "a/b", "a\\b", "[zz]", "-a", "127.0.0.1,evil"],
)  # fmt: skip
def test_a_host_that_is_none_is_refused(host: str) -> None:
    with pytest.raises(InvalidInput):
        parse_host(host)


@given(st.text())
def test_any_text_as_a_host_is_a_name_or_refused(text: str) -> None:
    try:
        name, port = parse_host(text)
    except InvalidInput:
        return
    assert name
    assert name == name.lower()
    assert port is None or port >= 0


def test_an_address_in_figures_is_answered_where_it_listens_for_others() -> None:
    open_to_all = Hosts("0.0.0.0")
    open_to_all.check("GET", {b"host": b"192.168.1.7:5000"}, 1)
    for name in (b"10.evil.com", b"evil.example"):
        with pytest.raises(NotAllowed):
            open_to_all.check("GET", {b"host": name}, 1)


def test_what_exposes_a_hub() -> None:
    assert not exposes("127.0.0.1", [])
    assert not exposes("::1", ["localhost", "127.0.0.1:99"])
    assert exposes("0.0.0.0", [])
    assert exposes("192.168.1.7", [])
    assert exposes("127.0.0.1", ["hub.example"])  # a proxy passes others on


def test_patterns_of_hosts_are_not_taken() -> None:
    for pattern in ("*.example", "*", "hub.*"):
        with pytest.raises(InvalidInput):
            Hosts("127.0.0.1", [pattern])


FOREIGN = [
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1.evil.example"},
    {"Origin": "http://127.0.0.1:99"},
    {"Origin": ""},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


def routes_that_change(client: TestClient) -> list[tuple[str, str]]:
    paths = client.app.inner.openapi()["paths"]  # type: ignore[attr-defined]
    filled = {"{name}": "churn", "{version}": "1", "{path}": "x", "{stage}": "prod", "{alias}": "a", "{sha256}": "0" * 64, "{id}": "1"}  # fmt: skip
    found = []
    for path, operations in paths.items():
        for word, value in filled.items():
            path = path.replace(word, value)
        found += [(method.upper(), path) for method in operations if method != "get"]
    return found


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_no_route_that_changes_is_called_from_another_origin(
    registered: TestClient, headers: dict[str, str]
) -> None:
    before = registered.get(f"{API}/events").json()
    routes = routes_that_change(registered)
    assert len(routes) > 15
    for method, path in [*routes, ("DELETE", "/nothing/here"), ("PROPFIND", f"{API}/models")]:
        answer = registered.request(method, path, headers=headers)
        assert answer.status_code == 403, (method, path)
        assert answer.json()["error"]["code"] == "not_allowed"
        assert "access-control-allow-origin" not in answer.headers
    assert registered.get(f"{API}/events").json() == before


def test_its_own_pages_may(client: TestClient) -> None:
    for n, headers in enumerate(
        [{"Origin": "http://127.0.0.1"}, {"Origin": "https://127.0.0.1"}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {}]
    ):  # fmt: skip
        body = {"name": f"m{n}"}
        assert client.post(f"{API}/models", json=body, headers=headers).status_code == 201


def test_nobody_gets_cors(client: TestClient) -> None:
    headers = {"Origin": "http://evil.example", "Access-Control-Request-Method": "DELETE"}
    for method in ("OPTIONS", "GET"):
        answer = client.request(method, f"{API}/models/churn", headers=headers)
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_every_answer_has_the_headers_of_safety(client: TestClient) -> None:
    for path in ("/healthz", "/api/docs", f"{API}/models", "/nothing", f"{API}/models/none"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["content-security-policy"].startswith("default-src 'self'; frame-ancestors 'none'"), path  # fmt: skip
        assert headers["referrer-policy"] == "no-referrer", path
        assert len(headers["x-request-id"]) == 32, path


def test_a_request_keeps_its_id_when_it_is_a_plain_one(client: TestClient) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"  # fmt: skip
    odd = client.get("/healthz", headers={"X-Request-ID": "a b\tc"})
    assert odd.headers["x-request-id"] != "a b\tc"
    failed = client.get(f"{API}/models/x", headers={"X-Request-ID": "abc-2"})
    assert failed.json()["error"]["request_id"] == "abc-2"


def test_long_json_is_packed_for_who_takes_it(client: TestClient) -> None:
    for n in range(20):
        client.post(f"{API}/models", json={"name": f"m{n}"})
    packed = client.get(f"{API}/models", headers={"accept-encoding": "gzip"})
    plain = client.get(f"{API}/models", headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.json() == plain.json()
    assert int(packed.headers["content-length"]) < len(plain.content) / 4
    short = client.get("/healthz", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in short.headers


def test_a_packed_body_is_unpacked(client: TestClient) -> None:
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    body = gzip.compress(json.dumps({"name": "packed"}).encode())
    assert client.post(f"{API}/models", content=body, headers=headers).status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"no gzip", id="never packed"),
        pytest.param(gzip.compress(b'{"name": "x"}')[:-3], id="cut off"),
        pytest.param(gzip.compress(b'{"name": "x"}') + b"more", id="more behind it"),
        pytest.param(gzip.compress(b'{"name": "x"}') + gzip.compress(b"more"), id="two in one"),
        pytest.param(b"", id="empty"),
    ],
)
def test_a_packed_body_that_is_damaged_is_refused(client: TestClient, body: bytes) -> None:
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    answer = client.post(f"{API}/models", content=body, headers=headers)
    assert answer.status_code == 400
    assert client.get(f"{API}/models").json()["items"] == []


def test_a_bomb_is_stopped_at_the_limit(client: TestClient) -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(b" " * (1 << 20)) for _ in range(300)) + packer.flush()
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    answer = client.post(f"{API}/models", content=bomb, headers=headers)
    assert answer.status_code == 413
    assert answer.json()["error"]["details"]["limit"] == JSON_BYTES


def test_a_body_over_the_limit_is_refused_by_its_length_or_on_the_way(client: TestClient) -> None:
    headers = {"content-type": "application/json"}
    big = b'{"name": "' + b"a" * JSON_BYTES + b'"}'
    assert client.post(f"{API}/models", content=big, headers=headers).status_code == 413
    pieces = (big[n : n + 65536] for n in range(0, len(big), 65536))
    assert client.post(f"{API}/models", content=pieces, headers=headers).status_code == 413


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        (b"[" * 100_000, "deep"),
        (b'{"a":' * 100_000, "deep"),
        (b"[" * 65 + b"]" * 65, "64"),
        (b'{"name": NaN}', "null"),
        (b'{"name": Infinity}', "null"),
        (b'{"name": "a"', ""),
        (b"\xff\xfe", ""),
        (b"", ""),
    ],
)
def test_json_that_is_none_is_refused(client: TestClient, body: bytes, hint: str) -> None:
    answer = client.post(f"{API}/models", content=body, headers={"content-type": "application/json"})  # fmt: skip
    assert answer.status_code == 400
    assert hint in answer.text


@pytest.mark.parametrize(
    "kind",
    ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x", "", "application/jsonx", "text/json"],
)  # fmt: skip
def test_a_form_is_no_json(client: TestClient, kind: str) -> None:
    body = b'{"name": "x"}'
    answer = client.post(f"{API}/models", content=body, headers={"content-type": kind} if kind else {})  # fmt: skip
    assert answer.status_code == 415
    assert client.get(f"{API}/models").json()["items"] == []


def test_heads_have_limits(client: TestClient) -> None:
    assert client.get("/healthz", headers={f"X-{n}": "a" for n in range(120)}).status_code == 400
    assert client.get("/healthz", headers={"X-A": "a" * 20_000}).status_code == 413
    assert client.get("/healthz?" + "a" * 9000).status_code == 413
    assert client.get("/" + "a" * 9000).status_code == 413


def test_another_method_is_told_which_there_are(client: TestClient) -> None:
    answer = client.post(f"{API}/models/churn")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "DELETE, GET, PATCH"
    headers = {"X-HTTP-Method-Override": "DELETE", "X-Method-Override": "DELETE"}
    client.post(f"{API}/models", json={"name": "churn"})
    assert client.get(f"{API}/models/churn", headers=headers).status_code == 200


def test_what_we_did_not_expect_says_nothing_but_its_id(
    yard: Yard,
    client: TestClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret /etc/passwd SELECT * FROM my_users")

    monkeypatch.setattr(yard.models.registry, "page", broken)
    answer = client.get(f"{API}/models")
    assert answer.status_code == 500
    assert set(answer.json()["error"]) == {"code", "message", "hint", "request_id"}
    for word in ("secret", "passwd", "SELECT", "Traceback", "RuntimeError"):
        assert word not in answer.text
    assert "secret" in caplog.text
    assert answer.json()["error"]["request_id"] in caplog.text


def test_errors_of_ours_do_not_say_where_the_yard_is(
    yard: Yard, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ModelyardError(f"{yard.database.address.path} is damaged")

    monkeypatch.setattr(yard.models.registry, "page", broken)
    answer = client.get(f"{API}/models")
    assert str(yard.path) not in answer.text
    assert "is damaged" in answer.text


def test_a_hub_that_is_full_says_come_again(client: TestClient) -> None:
    client.app.house.in_flight = 512  # type: ignore[attr-defined]
    answer = client.get(f"{API}/models")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    client.app.house.in_flight = 0  # type: ignore[attr-defined]
    assert client.get(f"{API}/models").status_code == 200


def test_a_hub_opens_the_yard_it_is_told_and_closes_it(tmp_path: Path) -> None:
    app = create_app(HubSettings(uri=str(tmp_path / "a.db"), access_log=False))
    with TestClient(app, base_url="http://localhost") as client:
        client.post(f"{API}/models", json={"name": "churn"})
    assert not (tmp_path / "a.db-wal").exists()
    with Yard(tmp_path / "a.db") as yard:
        assert yard.models.names() == ["churn"]
