"""MLflow's scoring protocol: tables split, arguments beyond the first as params."""

from __future__ import annotations

import json
from typing import Any

import httpx2

from modelyard.testing.protocols import KINDS, Answered, Case, Question, Refused


def body_of(question: Question) -> dict[str, Any]:
    """The JSON that MLflow's client would send, and where it has no words for it, what its servers take."""
    first, *others = question.arguments
    value = question.arguments[first]
    if isinstance(value, list) and value and isinstance(value[0], dict):
        names = list(dict.fromkeys(name for record in value for name in record))
        rows = [[record.get(name) for name in names] for record in value]
        return {"dataframe_split": {"index": [*range(len(rows))], "columns": names, "data": rows}}
    if isinstance(value, list):
        return {"inputs": value}
    params = {name: question.arguments[name] for name in others}
    return {"inputs": {first: value}, **({"params": params} if params else {})}


def read(answer: httpx2.Response) -> Answered | Refused:
    """What an answer says."""
    if answer.status_code == 200:
        told = answer.headers
        value = answer.json()["predictions"]
        return Answered(value, told["x-modelyard-model"], told["x-request-id"])
    error = answer.json()
    assert error["error_code"].isupper()
    wait = answer.headers.get("retry-after")
    return Refused(
        KINDS[answer.status_code], error["message"], None if wait is None else float(wait)
    )


def case(http: httpx2.Client) -> Case:
    def ask(question: Question) -> Answered | Refused:
        headers = {"Content-Type": "application/json"}
        if question.request_id:
            headers["X-Request-ID"] = question.request_id
        query = {"model": question.model}
        if question.method != "predict":
            query["method"] = question.method
        body = json.dumps(body_of(question)).encode()
        return read(http.post("/invocations", params=query, content=body, headers=headers))

    return Case(ask)
