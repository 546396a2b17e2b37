from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from serving_cases.models import function_model, iris, records
from serving_cases.server import serving
from serving_cases.typed_program import models


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


def ask_all(http: httpx2.Client) -> dict[str, int]:
    """Ask every operation as its document shows: how many examples there were of each path's first word."""
    asked: dict[str, int] = {}
    for path, operations in http.get("/openapi.json").json()["paths"].items():
        if "{" in path:
            continue  # what is there is for others to know
        if "get" in operations:
            assert http.get(path).status_code == 200, path
        content = operations.get("post", {}).get("requestBody", {}).get("content", {})
        for media, shown in content.items():
            if "example" not in shown:
                continue
            example = shown["example"]
            sent = {"json": example} if media == "application/json" else {"content": example}
            answer = http.post(path, **sent, headers={"Content-Type": media})
            expected = 202 if path.startswith("/jobs/") else 200
            assert answer.status_code == expected, (path, media, answer.text)
            assert expected == 200 or answer.headers["location"].startswith("/jobs/")
            first = path.split("/")[1]
            asked[first] = asked.get(first, 0) + 1
    return asked


def test_every_example_answers_as_shown(both: httpx2.Client, document: dict[str, Any]) -> None:
    assert ask_all(both) == {"jobs": 5, "v2": 2, "iris": 4, "numbers": 1}
    assert body_of(document, "/iris/predict")["application/json"]["example"] == records(2)
    assert "example" not in body_of(document, "/invocations")["application/json"]


def test_every_example_of_every_kind_of_data_answers_as_shown() -> None:
    every = models()
    with serving(every) as http:
        asked = ask_all(http)
    table = {"iris": 2, "price": 2}
    text = {"shout": 2, "words": 2}
    one = dict.fromkeys([m.name for m in every], 1)
    methods = {**one, **table, **text}
    assert asked == {**methods, "jobs": sum(methods.values()), "v2": len(every)}


def test_the_example_of_the_only_model_is_for_its_scoring_path_too() -> None:
    with serving(iris()) as http:
        asked = ask_all(http)
        content = body_of(http.get("/openapi.json").json(), "/invocations")
        answer = http.post("/invocations", json=content["application/json"]["example"])
    assert asked["invocations"] == 2
    assert answer.json() == {"predictions": [1, 1]}


def test_tensors_are_typed_by_their_protocol_with_the_sample_as_example(
    both: httpx2.Client, document: dict[str, Any]
) -> None:
    body = body_of(document, "/v2/models/iris/infer")["application/json"]
    assert body["schema"] == {"$ref": "#/components/schemas/InferRequest"}
    assert [tensor["name"] for tensor in body["example"]["inputs"]] == ["length", "width"]
    answer = both.post("/v2/models/iris/infer", json=body["example"]).json()
    assert answer["outputs"][0]["data"] == [1, 1]
    known = {"/v2", "/v2/health/ready", "/v2/models/{model}", "/v2/repository/models/{model}/load"}
    assert known <= set(document["paths"])


def test_what_is_refused_is_so_in_the_schema(document: dict[str, Any]) -> None:
    schema = body_of(document, "/iris/predict")["application/json"]["schema"]
    forms = {form["title"]: form for form in schema["anyOf"]}
    assert forms["records"]["minItems"] == 1
    assert forms["columns"]["additionalProperties"] is False
    assert forms["columns"]["properties"]["length"]["minItems"] == 1
    assert forms["split"]["properties"]["columns"]["items"]["enum"] == ["length", "width", "reference_id"]  # fmt: skip
    assert forms["records"]["items"]["properties"]["reference_id"]["maxLength"] == 256
