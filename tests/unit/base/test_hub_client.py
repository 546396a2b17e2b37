"""Requests to a hub: what is sent again and what never is, refusals as the errors they are, and whom a token is shown."""

from __future__ import annotations

import socket
import time

import pytest

from hub_cases.pretender import Answer, failure, pretender
from modelyard.base import hub_client
from modelyard.base.errors import (
    TABLE,
    InvalidInput,
    MissingExtra,
    ModelyardError,
    NotAllowed,
    NotFound,
    Overloaded,
    Unreachable,
)
from modelyard.base.hub_client import HubClient, hub_address, path_of


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_client, "FIRST_PAUSE", 0.01)


@pytest.mark.parametrize("cls", [cls for cls in TABLE if cls is not MissingExtra])
def test_each_refusal_is_the_error_it_would_be_here(cls: type[ModelyardError]) -> None:
    row = TABLE[cls]
    status = 400 if row.http_status in (429, 503) else row.http_status
    told = failure(row.code, "what is wrong", hint="what to do", details={"field": "x"})
    with (
        pretender(lambda *_: Answer(status, told)) as there,
        HubClient(there.url) as client,
        pytest.raises(cls, match="what is wrong") as caught,
    ):
        client.ask("GET", "models")
    assert type(caught.value) is cls
    assert (caught.value.hint, caught.value.details) == ("what to do", {"field": "x"})


def test_who_is_busy_is_asked_again_when_it_says_and_not_forever() -> None:
    busy = Answer(429, failure("overloaded"), {"retry-after": "1"})
    started = time.monotonic()
    with (
        pretender(lambda m, p, number: busy if number == 0 else Answer(200, {"ok": 1})) as there,
        HubClient(there.url) as client,
    ):
        assert client.ask("POST", "models", json={}) == {"ok": 1}
    assert time.monotonic() - started >= 1
    with pretender(lambda *_: Answer(503, failure("overloaded"))) as there:
        with HubClient(there.url) as client, pytest.raises(Overloaded):
            client.ask("GET", "models")
        assert len(there.asked) == hub_client.ATTEMPTS
    late = Answer(429, failure("overloaded"), {"retry-after": "3600"})
    with pretender(lambda *_: late) as there, HubClient(there.url) as client:
        with pytest.raises(Overloaded):
            client.ask("GET", "models")
        assert len(there.asked) == 1


@pytest.mark.parametrize("lost", [Answer(drop=True), Answer(502), Answer(504)])
def test_what_may_have_happened_is_sent_again_only_under_a_key(lost: Answer) -> None:
    def answer(method: str, path: str, number: int) -> Answer:
        return lost if number == 0 else Answer(200, {"ok": 1})

    with pretender(answer) as there, HubClient(there.url) as client:
        with pytest.raises(ModelyardError):
            client.ask("POST", "models", json={})
        assert len(there.asked) == 1
    for method in ("GET", "PUT"):
        with pretender(answer) as there, HubClient(there.url) as client:
            assert client.ask(method, "models") == {"ok": 1}
    with pretender(answer) as there, HubClient(there.url) as client:
        assert client.ask("POST", "runs", json={}, once=True) == {"ok": 1}
        first, second = there.keys()
        assert first == second is not None


def test_nobody_there_is_said_soon() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        started = time.monotonic()
        with HubClient(url) as client, pytest.raises(Unreachable, match=f"no hub answers at {url}"):
            client.ask("GET", "server")
    assert time.monotonic() - started < 3


def test_who_does_not_answer_is_given_up_within_the_time() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        started = time.monotonic()
        with HubClient(url, timeout=0.3) as client, pytest.raises(Unreachable, match="timed out"):
            client.ask("GET", "server")
    assert time.monotonic() - started < 10


def test_a_closed_client_opens_again() -> None:
    with pretender(lambda *_: Answer(200, {"ok": 1})) as there:
        client = HubClient(there.url)
        client.ask("GET", "server")
        client.close()
        assert client.ask("GET", "server") == {"ok": 1}
        client.close()


def test_other_servers_are_told_from_a_hub() -> None:
    page = Answer(200, b"<html>", {"content-type": "text/html"})
    with (
        pretender(lambda *_: page) as there,
        HubClient(there.url) as client,
        pytest.raises(Unreachable, match="does not answer as a hub does"),
    ):
        client.ask("GET", "server")
    away = Answer(302, b"", {"location": "http://127.0.0.1:1/"})
    with pretender(lambda *_: away) as there, HubClient(there.url) as client:
        with pytest.raises(Unreachable, match="is not the hub itself: it leads to"):
            client.ask("GET", "server")
        assert len(there.asked) == 1
    with (
        pretender(lambda *_: Answer(404, b"nope")) as there,
        HubClient(there.url) as client,
        pytest.raises(ModelyardError, match="answered 404: nope"),
    ):
        client.ask("GET", "server")


def test_a_token_is_not_shown_on_the_way() -> None:
    with pytest.raises(NotAllowed, match="anybody on the way could read it"):
        HubClient("http://hub.example", "my_secret")
    HubClient("http://hub.example", "my_secret", open_wire=True).close()
    HubClient("https://hub.example", "my_secret").close()
    with pretender(lambda *_: Answer(200, {})) as there, HubClient(there.url, "my_x") as client:
        client.ask("GET", "server")
        assert there.asked[0][2]["authorization"] == "Bearer my_x"


@pytest.mark.parametrize("word", ["", ".", "..", "\ud800"])
def test_a_name_cannot_be_a_way_through_the_paths(word: str) -> None:
    with pytest.raises(InvalidInput):
        path_of("models", word)


def test_any_other_name_stays_one_segment() -> None:
    with pretender(lambda *_: Answer(404, failure("not_found"))) as there:
        with HubClient(there.url) as client, pytest.raises(NotFound):
            client.ask("GET", "models", "../a/b?c#d é", "versions", "#prod")
        assert there.asked[0][1] == "/api/v1/models/..%2Fa%2Fb%3Fc%23d%20%C3%A9/versions/%23prod"


@pytest.mark.parametrize("text", ["ftp://x", "http://", "http://u@x", "http://x:y", "http://x/a"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(InvalidInput):
        hub_address(text)
