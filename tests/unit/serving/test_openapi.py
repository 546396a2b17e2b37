from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from serving_cases.models import function_model, iris, records
from serving_cases.server import serving


def predict(x: float, by: int = 2) -> list[float]:
    return [x * by]


@pytest.fixture(scope="module")
def both() -> Iterator[httpx2.Client]:
    numbers = function_model("numbers", 1.0, predict=predict)
    numbers.card = numbers.card.but(sample=3.0)
    with serving([iris(), numbers]) as http:
        yield http


@pytest.fixture(scope="module")
def document(both: httpx2.Client) -> dict[str, Any]:
    return both.get("/openapi.json").json()


def body_of(document: dict[str, Any], path: str) -> dict[str, Any]:
    return document["paths"][path]["post"]["requestBody"]["content"]


def test_it_is_about_the_models(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert document["info"]["title"] == "iris, numbers"
    assert "Flowers by their petals." in document["info"]["description"]
    assert {"/iris/predict", "/iris/predict_proba", "/numbers/predict", "/healthz"} <= set(
        document["paths"]
    )
    assert document["paths"]["/iris/predict"]["post"]["operationId"] == "iris_predict"


def test_requests_are_typed_in_all_their_forms(document: dict[str, Any]) -> None:
    schema = body_of(document, "/iris/predict")["application/json"]["schema"]
    forms = {form["title"]: form for form in schema["anyOf"]}
    assert set(forms) == {"records", "columns", "split", "arguments by name"}
    record = forms["records"]["items"]
    assert set(record["properties"]) == {"length", "width", "reference_id"}
    assert record["required"] == ["length", "width"]
    assert record["additionalProperties"] is False
    assert "text/csv" in body_of(document, "/iris/predict")


def test_plain_arguments_have_their_types_and_defaults(document: dict[str, Any]) -> None:
    content = body_of(document, "/numbers/predict")
    bare, named = content["application/json"]["schema"]["anyOf"]
    assert bare["title"] == "x"
    assert named["required"] == ["x"]
    assert named["properties"]["by"]["default"] == 2
    assert "text/csv" not in content


def test_answers_and_errors_are_typed(document: dict[str, Any]) -> None:
    responses = document["paths"]["/numbers/predict"]["post"]["responses"]
    assert responses["200"]["content"]["application/json"]["schema"]["type"] == "array"
    assert set(responses) == {"200", "400", "413", "415", "422", "429", "500", "504"}
    reference = responses["422"]["content"]["application/json"]["schema"]["$ref"]
    assert reference.split("/")[-1] in document["components"]["schemas"]


def test_every_example_answers_as_shown(both: httpx2.Client, document: dict[str, Any]) -> None:
    asked = 0
    for path, operations in document["paths"].items():
        content = operations.get("post", {}).get("requestBody", {}).get("content", {})
        for media, shown in content.items():
            if shown["schema"].get("format") == "binary":
                continue  # bytes, of which a document shows none
            if path == "/invocations":
                continue  # which of several models is meant stands in no body
            example = shown["example"]
            sent = {"json": example} if media == "application/json" else {"content": example}
            answer = both.post(path, **sent, headers={"Content-Type": media})
            expected = 202 if path.startswith("/jobs/") else 200
            assert answer.status_code == expected, (path, media, answer.text)
            asked += 1
    assert asked == 10
    assert body_of(document, "/iris/predict")["application/json"]["example"] == records(2)
