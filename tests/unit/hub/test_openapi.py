"""The description of the API: complete, true, and nothing that fits it breaks the hub."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import jsonschema
import pytest
from hypothesis import HealthCheck, Phase, settings
from starlette.testclient import TestClient

from modelyard.base.clock import from_rfc3339
from modelyard.hub.permissions import LEAST_ROLE, PUBLIC


def operations(client: TestClient) -> Iterator[tuple[str, str, dict[str, Any]]]:
    schema = client.get("/api/v1/openapi.json").json()
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_it_is_an_openapi_with_everything_in_it(client: TestClient) -> None:
    schema = client.get("/api/v1/openapi.json").json()
    assert schema["openapi"].startswith("3.1")
    ids = [operation["operationId"] for _, _, operation in operations(client)]
    assert len(ids) == len(set(ids)) > 60
    for path, method, operation in operations(client):
        where = f"{method} {path}"
        assert operation["summary"], where
        assert operation["tags"], where
        assert operation["x-permission"] in (*LEAST_ROLE, PUBLIC), where
        assert "422" not in operation["responses"], where
        assert "default" in operation["responses"], where
        good = [status for status in operation["responses"] if status.startswith("2")]
        assert good, where
        if operation["x-permission"] != PUBLIC:
            assert operation["security"], where


def test_every_reference_leads_somewhere(client: TestClient) -> None:
    schema = client.get("/api/v1/openapi.json").json()

    def references(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                yield node["$ref"]
            for value in node.values():
                yield from references(value)
        elif isinstance(node, list):
            for value in node:
                yield from references(value)

    known = schema["components"]["schemas"]
    for reference in references(schema):
        assert reference.removeprefix("#/components/schemas/") in known, reference


def test_examples_are_what_their_schema_says(client: TestClient) -> None:
    schema = client.get("/api/v1/openapi.json").json()
    seen = 0
    for name, told in schema["components"]["schemas"].items():
        for field, facts in told.get("properties", {}).items():
            for example in facts.get("examples", ()):
                jsonschema.validate(example, {**facts, "components": schema["components"]})
                seen += 1
                assert name, field
    assert seen > 20


def test_listings_are_pages(client: TestClient) -> None:
    """`{"items", "next"}` everywhere: frozen."""
    for path, method, operation in operations(client):
        ok = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
        reference = ok.get("schema", {}).get("$ref", "")
        if method == "get" and "Page_" in reference:
            told = client.get("/api/v1/openapi.json").json()["components"]["schemas"]
            assert set(told[reference.rpartition("/")[2]]["properties"]) == {"items", "next"}, path


def test_times_are_rfc_3339_with_z(client: TestClient) -> None:
    client.post("/api/v1/models", json={"name": "churn"})
    told = client.get("/api/v1/models/churn").json()
    for field in ("created_at", "updated_at"):
        assert told[field].endswith("Z")
        assert from_rfc3339(told[field]) > 0


@pytest.mark.slow
def test_nothing_that_is_sent_breaks_the_hub(client: TestClient) -> None:
    """Schemathesis over every operation, with what fits the description and what does not: never a 5xx."""
    import schemathesis

    client.post("/api/v1/models", json={"name": "churn"})
    schema = schemathesis.openapi.from_dict(client.get("/api/v1/openapi.json").json())
    asked = 0

    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path.endswith("/stream") or operation.path.endswith("/users"):
            continue  # the one never ends; a user would lock us out

        def send(case: Any) -> None:
            nonlocal asked
            asked += 1
            told = case.as_transport_kwargs(base_url="http://127.0.0.1")
            kept = {k: told[k] for k in ("method", "url", "params", "json", "content", "data", "headers", "cookies") if k in told and told[k] is not None}  # fmt: skip
            headers = {k: str(v) for k, v in dict(kept.pop("headers", {})).items()}
            headers.pop("User-Agent", None)
            if isinstance(kept.get("data"), str | bytes):
                kept["content"] = kept.pop("data")
            try:
                answer = client.request(headers=headers, **kept)
            except (UnicodeError, ValueError, TypeError, httpx2.InvalidURL):
                return  # no HTTP client could send it
            assert answer.status_code < 500, (case.method, kept["url"], answer.text)

        test = schemathesis_test(operation, send)
        test()
    assert asked > 300


def schemathesis_test(operation: Any, send: Any) -> Any:
    from hypothesis import given
    from schemathesis import GenerationMode

    strategies = [operation.as_strategy(generation_mode=mode) for mode in GenerationMode]
    from hypothesis import strategies as st

    limits = settings(
        max_examples=8,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    return limits(given(st.one_of(strategies))(send))
