"""The pages for a browser: served as they were built, to everybody, and never in the place of something else."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from modelyard.hub import accounts
from modelyard.hub.app import create_app
from modelyard.hub.interface import HubSettings
from modelyard.yard.yard import Yard

PAGE = "<!doctype html><script type=module src=/assets/index-a1.js></script>"
SCRIPT = "show();" * 400


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    (folder / "assets" / "index-a1.js").write_text(SCRIPT)
    (folder / "assets" / "index-a1.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    (folder / "built-from").write_text("0" * 64)
    return folder


def opened(yard: Yard, site: Path) -> TestClient:
    app = create_app(HubSettings(access_log=False), yard, site=site)
    return TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False)


@pytest.fixture
def browser(yard: Yard, site: Path) -> Iterator[TestClient]:
    with opened(yard, site) as client:
        yield client


@pytest.mark.parametrize(
    "path",
    ["/", "/runs", "/runs/0123", "/experiments/7", "/models", "/models/a%2Fb", "/models/x/3"],
)
def test_every_page_is_the_one_page(browser: TestClient, path: str) -> None:
    answer = browser.get(path)
    assert (answer.status_code, answer.text) == (200, PAGE)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    "path",
    [
        *("/api", "/api/v1", "/api/v1/run", "/api/v1/models/none", "/ajax-api/2.0/none", "/run", "/x"),
        *("/index.html", "/static/index.html", "/built-from", "/assets", "/assets/", "/modelsx"),
        *("/assets/none.js", "/assets/built-from", "/assets/index-a1.js.gz", "/assets/..%2Fbuilt-from"),
    ],
)  # fmt: skip
def test_nothing_else_is_answered_with_it(browser: TestClient, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] in ("not_found", "model_not_found") or "error_code" in answer.json()  # fmt: skip
    assert PAGE not in answer.text


def test_what_was_there_before_is_there_still(browser: TestClient) -> None:
    assert browser.get("/healthz").json() == {"status": "ok"}
    assert browser.get("/api/v1/models").json() == {"items": [], "next": None}
    assert "Modelyard hub: REST" in browser.get("/api/docs").text


def test_a_file_comes_packed_and_is_kept_for_ever(browser: TestClient) -> None:
    packed = browser.get("/assets/index-a1.js", headers={"accept-encoding": "gzip"})
    plain = browser.get("/assets/index-a1.js", headers={"accept-encoding": "identity"})
    assert packed.text == plain.text == SCRIPT
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(SCRIPT) / 10
    assert "content-encoding" not in plain.headers
    for answer in (packed, plain):
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["vary"] == "accept-encoding"


def test_the_page_is_asked_for_again_and_is_sent_when_it_changed(browser: TestClient) -> None:
    first = browser.get("/")
    assert first.headers["cache-control"] == "no-cache"
    again = browser.get("/", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert browser.get("/", headers={"if-none-match": '"another"'}).status_code == 200


def test_only_reading_is_answered(browser: TestClient) -> None:
    head = browser.head("/")
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) == len(PAGE)
    refused = browser.post("/")
    assert (refused.status_code, set(refused.headers["allow"].split(", "))) == (
        405,
        {"GET", "HEAD"},
    )


def test_the_pages_are_for_everybody_and_what_they_show_is_not(yard: Yard, site: Path) -> None:
    accounts.add_user(yard.database, "ana", "viewer")
    with opened(yard, site) as browser:
        assert browser.get("/").text == PAGE
        assert browser.get("/assets/index-a1.js").status_code == 200
        assert browser.post("/api/v1/runs/search", json={}).status_code == 401


def test_without_pages_one_line_says_what_to_do(yard: Yard, tmp_path: Path) -> None:
    with opened(yard, tmp_path / "nothing") as browser:
        answer = browser.get("/")
        assert answer.status_code == 404
        assert answer.text.count("\n") == 1
        assert "make ui" in answer.text
        assert "/api/docs" in answer.text
        assert browser.get("/models").text == answer.text
        assert browser.get("/assets/index-a1.js").status_code == 404
        assert browser.get("/healthz").status_code == 200
