"""Who may do what: users, tokens, roles, scopes."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from modelyard.base.clock import now_ms
from modelyard.base.errors import AlreadyExists, InvalidInput, NotFound, Unauthenticated
from modelyard.hub import accounts
from modelyard.hub.app import Hub, create_app
from modelyard.hub.interface import HubSettings
from modelyard.hub.permissions import LEAST_ROLE, PUBLIC, ROLES, may
from modelyard.hub.tables import tokens, users
from modelyard.yard.yard import Yard

API = "/api/v1"


@pytest.fixture
def yard(database_uri: str) -> Iterator[Yard]:
    """On each kind of database."""
    with Yard(database_uri) as opened:
        yield opened


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


def basic(user: str, secret: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()}


def test_a_token_is_kept_as_its_sha256_alone(yard: Yard) -> None:
    accounts.add_user(yard.database, "ana", "admin")
    told = accounts.create_token(yard.database, "ana", name="laptop")
    secret = told["secret"]
    assert secret.startswith("my_")
    assert len(secret) == 46  # 256 bits
    with yard.database.read() as connection:
        row = connection.execute(select(tokens)).mappings().one()
    assert secret not in str(dict(row))
    assert row["digest"] == accounts.digest_of(secret)
    assert secret.startswith(row["start"])
    assert "secret" not in accounts.list_tokens(yard.database)[0]
    events = yard.audit.list(records=True)
    assert [e["kind"] for e in events] == ["user.added", "token.created"]
    assert secret not in str(events)


def test_a_token_says_who_it_is(yard: Yard) -> None:
    accounts.add_user(yard.database, "ana", "promoter")
    secret = accounts.create_token(yard.database, "ana", scopes=["churn*"])["secret"]
    who = accounts.authenticate(yard.database, secret)
    assert (who.actor, who.role, who.scopes) == ("ana", "promoter", ("churn*",))
    used = accounts.list_tokens(yard.database)[0]["last_used_at"]
    assert used is not None
    accounts.authenticate(yard.database, secret, "ana")
    for user, wrong in (("bob", secret), (None, secret + "x"), (None, ""), (None, "my_"), ("ana", "\ud800")):  # fmt: skip
        with pytest.raises(Unauthenticated):
            accounts.authenticate(yard.database, wrong, user)


def test_a_token_ends_by_its_time_its_revocation_and_its_user(yard: Yard) -> None:
    accounts.add_user(yard.database, "ana")
    brief = accounts.create_token(yard.database, "ana", expires_ms=now_ms() + 150)["secret"]
    told = accounts.create_token(yard.database, "ana")
    lasting = accounts.create_token(yard.database, "ana")["secret"]
    accounts.authenticate(yard.database, brief)
    time.sleep(0.2)
    accounts.revoke_token(yard.database, told["id"])
    for secret in (brief, told["secret"]):
        with pytest.raises(Unauthenticated):
            accounts.authenticate(yard.database, secret)
    accounts.authenticate(yard.database, lasting)
    accounts.remove_user(yard.database, "ana")
    with pytest.raises(Unauthenticated):
        accounts.authenticate(yard.database, lasting)
    with yard.database.read() as connection:
        assert connection.execute(select(users)).all() == []


def test_a_token_is_never_more_than_its_user(yard: Yard) -> None:
    accounts.add_user(yard.database, "ana", "admin")
    secret = accounts.create_token(yard.database, "ana", role="admin")["secret"]
    less = accounts.create_token(yard.database, "ana", role="viewer")["secret"]
    accounts.change_role(yard.database, "ana", "editor")
    assert accounts.authenticate(yard.database, secret).role == "editor"
    assert accounts.authenticate(yard.database, less).role == "viewer"


def test_what_cannot_be_meant_is_refused(yard: Yard) -> None:
    accounts.add_user(yard.database, "ana")
    with pytest.raises(AlreadyExists):
        accounts.add_user(yard.database, "ANA")
    with pytest.raises(InvalidInput, match="editr") as refused:
        accounts.add_user(yard.database, "bob", "editr")
    assert refused.value.hint == "did you mean 'editor'?"
    for wrong in ("", "a/b", "a:b", "a\nb"):
        with pytest.raises(InvalidInput):
            accounts.add_user(yard.database, wrong)
    with pytest.raises(NotFound):
        accounts.create_token(yard.database, "bob")
    with pytest.raises(NotFound):
        accounts.revoke_token(yard.database, 99)
    with pytest.raises(InvalidInput):
        accounts.create_token(yard.database, "ana", expires_ms=1)


def test_roles_only_add() -> None:
    for permission in LEAST_ROLE:
        allowed = [may(role, permission) for role in ROLES]
        assert allowed == sorted(allowed)
        assert allowed[-1]
    assert not may("admin", "everything")


@pytest.fixture
def guarded(tmp_path) -> Iterator[tuple[TestClient, dict[str, str]]]:
    """A hub with a user of each role; a client, and role -> token."""
    with Yard(tmp_path / "yard.db") as yard:
        secrets = {}
        for role in ROLES:
            accounts.add_user(yard.database, role, role)
            secrets[role] = accounts.create_token(yard.database, role)["secret"]
        app = create_app(HubSettings(access_log=False), yard)
        with TestClient(app, base_url="http://127.0.0.1") as client:
            yield client, secrets


def operations(app: Hub) -> list[tuple[str, str, str]]:
    """Method, path with values, permission of every route there is."""
    filled = {"{name}": "none", "{version}": "1", "{stage}": "prod", "{stage:path}": "prod", "{path:path}": "x", "{alias}": "a", "{sha256}": "0" * 64, "{id}": "99"}  # fmt: skip
    found = []
    for route in app.inner.router.routes:
        path, methods = route.path, getattr(getattr(route, "route", route), "methods", {"GET"})  # type: ignore[attr-defined]
        for word, value in filled.items():
            path = path.replace(word, value)
        found += [(m, path, route.permission) for m in methods if m != "HEAD"]  # type: ignore[attr-defined]
    return found


def test_every_route_lets_in_whom_its_permission_says_and_nobody_else(
    guarded: tuple[TestClient, dict[str, str]],
) -> None:
    client, secrets = guarded
    routes = operations(client.app)  # type: ignore[arg-type]
    assert len(routes) > 40
    for method, path, permission in routes:
        if path.endswith("/stream"):
            continue  # it would not end; the tests of the stream have it
        nobody = client.request(method, path)
        if permission == PUBLIC:
            assert nobody.status_code < 400 or nobody.status_code == 404, (method, path)
            continue
        assert nobody.status_code == 401, (method, path)
        assert nobody.headers["www-authenticate"].startswith("Bearer")
        for role in ROLES[:-1]:
            answer = client.request(method, path, headers=bearer(secrets[role]))
            told = (method, path, permission, role, answer.text)
            assert (answer.status_code == 403) == (not may(role, permission)), told
            assert answer.status_code != 401, told


@pytest.mark.parametrize(
    "header",
    [
        *(
            "Bearer",
            "Bearer ",
            "Bearer my_wrong",
            "Basic",
            "Basic !!!",
            "Basic YQ==",
            "Token x",
            "x",
        ),
        *("Digest username=ana", "Bearer \u00e9", "Negotiate YII="),
    ],
)
def test_what_is_no_token_lets_nobody_in(
    guarded: tuple[TestClient, dict[str, str]], header: str
) -> None:
    client, _ = guarded
    answer = client.get(f"{API}/models", headers={"authorization": header.encode("latin-1")})
    assert answer.status_code == 401


def test_a_token_in_the_address_is_none(guarded: tuple[TestClient, dict[str, str]]) -> None:
    client, secrets = guarded
    for name in ("token", "access_token", "authorization"):
        answer = client.get(f"{API}/models", params={name: secrets["admin"]})
        assert answer.status_code == 401


def test_basic_and_bearer_are_the_same(guarded: tuple[TestClient, dict[str, str]]) -> None:
    client, secrets = guarded
    for headers in (bearer(secrets["viewer"]), basic("viewer", secrets["viewer"]), basic("", secrets["viewer"])):  # fmt: skip
        assert client.get(f"{API}/server", headers=headers).json()["actor"] == "viewer"
    wrong = client.get(f"{API}/server", headers=basic("admin", secrets["viewer"]))
    assert wrong.status_code == 401


def test_who_did_it_is_in_the_history(guarded: tuple[TestClient, dict[str, str]]) -> None:
    client, secrets = guarded
    client.post(f"{API}/models", json={"name": "churn"}, headers=bearer(secrets["editor"]))
    (event,) = client.get(f"{API}/events?kind=model.created", headers=bearer(secrets["viewer"])).json()["items"]  # fmt: skip
    assert event["actor"] == "editor"


def test_a_revoked_token_is_dead_at_the_next_request(
    guarded: tuple[TestClient, dict[str, str]],
) -> None:
    client, secrets = guarded
    admin = bearer(secrets["admin"])
    made = client.post(f"{API}/tokens", json={"user": "editor"}, headers=admin).json()
    assert client.get(f"{API}/server", headers=bearer(made["secret"])).json()["actor"] == "editor"
    assert client.delete(f"{API}/tokens/{made['id']}", headers=admin).json()["revoked_at"]
    assert client.get(f"{API}/server", headers=bearer(made["secret"])).status_code == 401


def test_a_token_with_scopes_sees_and_changes_those_names_only(
    guarded: tuple[TestClient, dict[str, str]],
) -> None:
    client, secrets = guarded
    admin = bearer(secrets["admin"])
    for name in ("churn", "churn-eu", "iris", "other"):
        client.post(f"{API}/models", json={"name": name}, headers=admin)
    made = client.post(
        f"{API}/tokens", json={"user": "editor", "scopes": ["churn*"]}, headers=admin
    )
    mine = bearer(made.json()["secret"])
    listed = client.get(f"{API}/models", params={"limit": 1}, headers=mine).json()
    rest = client.get(f"{API}/models", params={"page": listed["next"]}, headers=mine).json()
    assert [m["name"] for m in listed["items"] + rest["items"]] == ["churn", "churn-eu"]
    assert rest["next"] is None
    change = {"description": "x"}
    assert client.patch(f"{API}/models/churn", json=change, headers=mine).status_code == 200
    for method, path, body in (
        ("PATCH", "models/iris", change),
        ("GET", "models/iris", None),
        ("GET", "models/absent", None),
        ("POST", "models", {"name": "new"}),
        ("POST", "models/churn/rename", {"name": "iris2"}),
        ("POST", "models/churn/versions", {"source": "iris@1"}),
        ("GET", "events", None),
        ("GET", "predictions", None),
    ):
        answer = client.request(method, f"{API}/{path}", json=body, headers=mine)
        assert answer.status_code == 403, (method, path)


def test_a_hub_that_others_reach_lets_nobody_in_when_its_last_user_is_gone(tmp_path) -> None:
    with Yard(tmp_path / "yard.db") as yard:
        for settings, status in (
            (HubSettings(host="0.0.0.0"), 403),
            (HubSettings(allowed_hosts=["hub.example"]), 403),
            (HubSettings(host="0.0.0.0", insecure=True), 200),
            (HubSettings(), 200),
        ):
            with TestClient(create_app(settings, yard), base_url="http://127.0.0.1") as client:
                assert client.get(f"{API}/models").status_code == status, settings
