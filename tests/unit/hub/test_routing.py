"""Routes say their permission, or nothing starts; other protocols' routes too."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from modelyard.base import plugins
from modelyard.base.errors import InvalidSetting, ModelyardError, NotFound
from modelyard.hub import accounts
from modelyard.hub.app import create_app
from modelyard.hub.interface import HubSettings
from modelyard.hub.routes import RESOURCES
from modelyard.hub.routing import Router, check_declared, needs
from modelyard.yard.yard import Yard


def test_a_route_without_a_permission_stops_the_start(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    def silent(router: APIRouter, **options: Any) -> None:
        @router.get("/forgotten", **options)
        def forgotten() -> None: ...

    forgetful = Router("forgetful")
    silent(forgetful)
    unknown = Router("unknown")
    silent(unknown, **needs("forgotten.read"))
    for router in (forgetful, unknown, APIRouter()):
        if not router.routes:
            silent(router)
        monkeypatch.setitem(
            sys.modules, "modelyard.hub.routes.forgetful", SimpleNamespace(router=router)
        )
        monkeypatch.setattr("modelyard.hub.app.RESOURCES", (*RESOURCES, "forgetful"))
        with pytest.raises(InvalidSetting, match="/forgotten"):
            create_app(HubSettings(), yard)


def test_a_foreign_route_without_a_permission_stops_it_too(
    yard: Yard, stand_in: SimpleNamespace
) -> None:
    del stand_in.route.permission
    with pytest.raises(InvalidSetting, match="/foreign"):
        create_app(HubSettings(), yard, protocols=["stand_in"])


def test_all_there_are_have_one(yard: Yard) -> None:
    check_declared(create_app(HubSettings(), yard).inner.router.routes)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Another protocol, as a folder of ``compat`` would offer it."""

    async def answer(request: Request) -> Response:
        body = await request.body()
        if body == b"absent":
            raise NotFound("nothing of that name")
        if body == b"broken":
            raise RuntimeError("secret")
        return PlainTextResponse(f"{request.path_params['name']} {len(body)}")

    def error_response(error: Exception) -> Response:
        if not isinstance(error, ModelyardError):
            return JSONResponse({"error_code": "INTERNAL"}, 500)
        return JSONResponse({"error_code": error.code, "message": error.message}, 404)

    route: Any = Route("/foreign/{name}", answer, methods=["POST"])
    route.permission, route.body_limit, route.named = "run.write", 5000, True
    route.error_response = error_response
    module = SimpleNamespace(route=route, routes=lambda yard: [route])
    found = plugins.find
    monkeypatch.setattr(
        plugins, "find", lambda group, name: module if name == "stand_in" else found(group, name)
    )
    return module


@pytest.fixture
def client(yard: Yard, stand_in: SimpleNamespace) -> Iterator[TestClient]:
    app = create_app(HubSettings(access_log=False), yard, protocols=["stand_in"])
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as opened:
        yield opened


def test_another_protocol_is_judged_like_our_own(client: TestClient, yard: Yard) -> None:
    assert client.post("/foreign/a", content=b"x" * 5000).text == "a 5000"
    assert client.post("/foreign/a", content=b"x" * 5001).status_code in (404, 413)
    assert client.post("/foreign/a", headers={"Origin": "null"}).status_code == 403
    assert client.get("/foreign/a").status_code == 405
    accounts.add_user(yard.database, "ana", "viewer")
    secret = accounts.create_token(yard.database, "ana")["secret"]
    accounts.add_user(yard.database, "bob", "editor")
    scoped = accounts.create_token(yard.database, "bob", scopes=["churn"])["secret"]
    nobody, viewer, other, right = (
        client.post(
            f"/foreign/{name}", headers={"authorization": f"Bearer {token}"} if token else {}
        )
        for name, token in (("a", ""), ("a", secret), ("a", scoped), ("churn", scoped))
    )
    assert [a.json()["error_code"] for a in (nobody, viewer, other)] == ["unauthenticated", "not_allowed", "not_allowed"]  # fmt: skip
    assert right.text == "churn 0"


def test_another_protocol_has_its_own_words_for_errors(client: TestClient) -> None:
    told = client.post("/foreign/a", content=b"absent").json()
    assert told == {"error_code": "not_found", "message": "nothing of that name"}
    broken = client.post("/foreign/a", content=b"broken")
    assert (broken.status_code, broken.json()) == (500, {"error_code": "INTERNAL"})


def test_what_another_protocol_runs_is_started_and_stopped(
    yard: Yard, stand_in: SimpleNamespace
) -> None:
    seen: list[str] = []
    worker = SimpleNamespace(start=lambda: seen.append("start"), stop=lambda: seen.append("stop"))
    stand_in.workers = lambda yard: [worker]
    app = create_app(HubSettings(access_log=False), yard, protocols=["stand_in"])
    with TestClient(app, base_url="http://127.0.0.1"):
        assert seen == ["start"]
    assert seen == ["start", "stop"]
