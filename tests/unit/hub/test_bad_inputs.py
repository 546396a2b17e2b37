"""What clients must not be able to do, sent as bytes over a socket, as no client library would: refused at once, nothing
changed, nothing told that is not theirs."""

from __future__ import annotations

import gzip
import hashlib
import json
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from hub_cases.server import Running, client, hub, request, send

API = "/api/v1"
CANARY = b"canary-of-the-test"


@dataclass
class Scene:
    """A hub with a run that has a file, a registered model, and a file beside the yard that nobody may see."""

    hub: Running
    folder: Path
    run: str
    sha256: str

    def state(self) -> str:
        """Everything that could have changed."""
        with client(self.hub) as c:
            listed = [c.get(f"{API}/{what}").json() for what in ("events", "models", "runs", "experiments", "users", f"artifacts/run:{self.run}")]  # fmt: skip
        files = sorted(
            (str(p.relative_to(self.folder)), p.stat().st_size)
            for p in self.folder.rglob("*")
            if not p.name.startswith("yard.db")
        )
        return json.dumps([listed, files])


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("bad")
    (folder / "canary").write_bytes(CANARY)
    (folder / "project").mkdir()
    with hub(cwd=folder / "project") as running, client(running) as c:
        run = c.post(f"{API}/runs", json={}).json()["run_id"]
        assert c.put(f"{API}/artifacts/run:{run}/a/b.txt", content=b"fine").status_code == 201
        data = b"model"
        digest = hashlib.sha256(data).hexdigest()
        c.put(f"{API}/blobs/{digest}", content=data)
        card = {
            "yard": 1,
            "kind": "model",
            "flavor": "callable",
            "format": {"name": "cloudpickle", "tier": 2},
            "artifact": [{"path": "m", "size": len(data), "sha256": digest}],
            "methods": {
                "predict": {"args": {"x": {"type": "number"}}, "returns": {"type": "number"}}
            },
        }
        answer = c.post(f"{API}/models/churn/versions", json={"card": card})
        assert answer.status_code == 201, answer.text
        yield Scene(running, folder, run, digest)


def refused(scene: Scene, data: bytes, *, within: float = 2.0) -> tuple[int, bytes]:
    """The answer to something that must be refused: 4xx, soon, without a word of what is inside."""
    began = time.monotonic()
    status, answer = send(scene.hub.port, data)
    seconds = time.monotonic() - began
    assert 400 <= status < 500, (status, data[:200], answer[:500])
    assert seconds < within, (seconds, data[:200])
    for word in (CANARY, b"root:", b"Traceback", b"SELECT", b"sqlite", str(scene.folder).encode()):
        assert word not in answer, (word, data[:200])
    return status, answer


PATHS = [
    *("../../canary", "..%2f..%2fcanary", "%2e%2e/%2e%2e/canary", "%252e%252e%252fcanary", "a/../../canary"),
    *("..%5ccanary", "C:%5cx", "C:/x", "%5c%5ch%5cs", ".", "./.", "%2e", "a/.", "a/..", "//etc/passwd", "/etc/passwd", "a//b"),
    *("a%00b", "a%0a", "a%0d%0ab", "%ef%bc%8e%ef%bc%8e/canary", "a" * 300, "/".join(["a"] * 2000), "%ff%fe", "a%7f"),
    *("con", "a/nul.txt", "a%20", "a.", "a%e2%80%ae", "a%3fb", "a%2ab", "~%3a", "%c0%ae%c0%ae/canary"),
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS, ids=lambda p: p[:30])
def test_paths(scene: Scene, path: str) -> None:
    before = scene.state()
    place = f"{API}/artifacts/run:{scene.run}/"
    for method in ("GET", "PUT", "DELETE"):
        refused(scene, request(method, place + path, body=b"bad" if method == "PUT" else b""))
    refused(scene, request("GET", f"{API}/models/churn/versions/1/files/{path}"))
    if path not in (".", "./."):
        folder = quote(path, safe="%")
        refused(scene, request("GET", f"{API}/artifacts/run:{scene.run}?folder={folder}"))
    assert scene.state() == before


def test_an_empty_path_removes_nothing(scene: Scene) -> None:
    before = scene.state()
    for path in ("", "/", "%2f"):
        refused(scene, request("DELETE", f"{API}/artifacts/run:{scene.run}/{path}"))
    assert scene.state() == before


@pytest.mark.parametrize(
    "owner", ["run:..", "run:../x", "file:%2fetc", "run:", "model:m-x", "run:" + "A" * 32, "blob:x", "%2e%2e", "run:" + "0" * 32 + "%0a"]
)  # fmt: skip
def test_owners(scene: Scene, owner: str) -> None:
    for method in ("GET", "PUT", "DELETE"):
        refused(scene, request(method, f"{API}/artifacts/{owner}/x", body=b"x" if method == "PUT" else b""))  # fmt: skip


LOCATIONS = [
    *("file:///etc/passwd", "FILE:/etc/passwd", "http:///#/../../etc", "gopher://x/", "s3://someone-else/x", "/etc/passwd"),
    *("runs:/../../etc", "models:/m/../../x", "../../canary", "models/churn", "git+https://h.example/o/r#x", "\\\\h\\s"),
]  # fmt: skip


@pytest.mark.parametrize("location", LOCATIONS)
def test_locations_are_never_opened(scene: Scene, location: str) -> None:
    before = scene.state()
    body = json.dumps({"source": location}).encode()
    refused(scene, request("POST", f"{API}/models/churn/versions", "Content-Type: application/json", body=body))  # fmt: skip
    assert scene.state() == before


HEADERS = [
    ("Host: evil.example",),
    ("Host: 10.evil.com",),
    ("Host: 127.0.0.1.evil.example",),
    ("Host: 127.0.0.1@evil.example",),
    ("Host: ",),
    ("Host: 127.0.0.1", "Host: evil.example"),
    ("Host: 127.0.0.1", "Origin: null"),
    ("Host: 127.0.0.1", "Origin: http://evil.example"),
    ("Host: 127.0.0.1", "Sec-Fetch-Site: cross-site"),
    ("Host: 127.0.0.1", "Content-Type: application/x-www-form-urlencoded"),
    ("Host: 127.0.0.1", "Content-Type: text/plain"),
    ("Host: 127.0.0.1", "Content-Type: multipart/form-data; boundary=" + "x" * 5000),
    ("Host: 127.0.0.1", "Content-Type: application/json", "Content-Length: 99999999999999999999"),
    ("Host: 127.0.0.1", "Content-Type: application/json", "Content-Length: -1"),
    ("Host: 127.0.0.1", "Content-Type: application/json", "Content-Encoding: br"),
    ("Host: 127.0.0.1", "Content-Type: application/json", "Content-Encoding: gzip, gzip"),
    ("Host: 127.0.0.1", *(f"X-{n}: a" for n in range(200))),
    ("Host: 127.0.0.1", "X-Long: " + "a" * 40_000),
    ("Host: 127.0.0.1", "X-Long: " + "a" * 200_000),
]


@pytest.mark.parametrize("headers", HEADERS, ids=lambda h: h[-1][:40])
def test_headers(scene: Scene, headers: tuple[str, ...]) -> None:
    before = scene.state()
    refused(scene, request("POST", f"{API}/models", *headers, body=b'{"name": "bad"}'))
    assert scene.state() == before


def test_a_request_without_a_host_is_refused(scene: Scene) -> None:
    refused(scene, b"GET /api/v1/models HTTP/1.1\r\nConnection: close\r\n\r\n")
    refused(scene, b"GET /api/v1/models HTTP/1.0\r\n\r\n")
    refused(scene, b"GET http://evil.example/api/v1/models HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")  # fmt: skip


def bomb(size: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    piece = b" " * (1 << 20)
    return b"".join(packer.compress(piece) for _ in range(size >> 20)) + packer.flush()


BODIES = [
    b"[" * 100_000,
    b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    b'{"name": "' + b"a" * 5000 + b'"}',
    b'{"name": "' + b"a" * 900_000 + b'"}',
    b'{"name": "bad", "tags": {' + b",".join(b'"%d": "x"' % n for n in range(5000)) + b"}}",
    b'{"name": "bad", "description": 1e999}',
    b'{"name": NaN}',
    b'{"name": "a\\u0000b"}',
    b'{"name": "\\ud800"}',
    b'{"name": "a/b"}',
    b'{"name": ".."}',
    b'{"name": "a\\u202eb"}',
    b'{"name": "bad "}',
    b'{"name": "Churn"}',
    b'{"name": "\xef\xbd\x83hurn"}',
    b'{"name": ""}',
    b'{"name": ["x"]}',
    b'{"name": {"__proto__": 1}}',
    b'"name"',
    b"null",
    b"\xff\xfe\x00",
    b'{"name": "bad", "unknown": 1}',
]


@pytest.mark.parametrize("body", BODIES, ids=lambda b: ascii(b[:30]))
def test_bodies(scene: Scene, body: bytes) -> None:
    before = scene.state()
    refused(scene, request("POST", f"{API}/models", "Content-Type: application/json", body=body))
    assert scene.state() == before


def test_bombs(scene: Scene) -> None:
    before = scene.state()
    for packed in (bomb(1 << 30), gzip.compress(bomb(64 << 20))):
        headers = ("Content-Type: application/json", "Content-Encoding: gzip")
        refused(scene, request("POST", f"{API}/models", *headers, body=packed))
    chunks = b"".join(b"10000\r\n" + b"a" * 65536 + b"\r\n" for _ in range(200))
    endless = request("POST", f"{API}/models", "Content-Type: application/json", "Transfer-Encoding: chunked") + chunks  # fmt: skip
    refused(scene, endless)
    assert scene.state() == before


NUMBERS = ["0", "-1", "1001", str(2**31), str(2**63), "1e3", "NaN", "", "1.5", "０", "1" * 5000]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda n: n[:10] or "empty")
def test_page_sizes(scene: Scene, number: str) -> None:
    for listing in ("models", "events", "runs", "experiments", "datasets", "predictions"):
        refused(scene, request("GET", f"{API}/{listing}?limit={quote(number)}"))


@pytest.mark.parametrize(
    "target",
    [
        f"{API}/experiments/{2**63}",
        f"{API}/experiments/-1",
        f"{API}/tokens/{2**63}",
        f"{API}/runs/{'g' * 32}",
        f"{API}/runs/{'0' * 33}",
        f"{API}/logged-models/m-{'0' * 31}",
        f"{API}/blobs/{'0' * 63}",
        f"{API}/events?since=1e20",
        f"{API}/events?since=99999-01-01",
        f"{API}/events?page=%00",
        f"{API}/models/churn/versions/{2**63}",
        f"{API}/models/churn/versions/-1",
        f"{API}/models/churn/versions/0",
        f"{API}/models/churn/versions/@..",
        f"{API}/models/churn/versions/%23..%2f",
        f"{API}/models/churn/stages/..",
        f"{API}/models/churn/stages/prod?at=1e999",
        f"{API}/models/churn%0a",
        f"{API}/models/churn%00",
        f"{API}/models/{'a' * 5000}",
        f"{API}/datasets/iris/{2**63}",
        f"{API}/predictions?model=%00",
        f"{API}/predictions?since=1e20",
        f"{API}/runs/{'0' * 32}/metrics/history?key=..",
        f"{API}/nothing",
        "/api/v2/models",
        "/static/../../../etc/passwd",
        "/api/docs/../../canary",
        "//etc/passwd",
        "/%2e%2e/%2e%2e/canary",
        "/.git/config",
        "/yard.db",
    ],
)
def test_addresses(scene: Scene, target: str) -> None:
    refused(scene, request("GET", target))


def test_ranges_cost_nothing(scene: Scene) -> None:
    ranges = "Range: bytes=" + ",".join(f"{n}-{n}" for n in range(1000))
    status, answer = send(scene.hub.port, request("GET", f"{API}/artifacts/run:{scene.run}/a/b.txt", ranges))  # fmt: skip
    assert (status, answer.endswith(b"fine")) == (200, True)


def test_it_still_answers(scene: Scene) -> None:
    with client(scene.hub) as c:
        assert c.get("/readyz").status_code == 200
    assert not [line for line in scene.hub.said if "Traceback" in line]
