"""The Open Inference Protocol over HTTP, spoken with JSON tensors that a model's metadata describes."""

from __future__ import annotations

import json
from typing import Any

import httpx2

from modelyard.testing.protocols import KINDS, Answered, Case, Question, Refused
from serving_cases.tensors import Sent, tensors_of, value_of


def case(http: httpx2.Client) -> Case:
    def metadata(question: Question) -> dict[str, Any]:
        path = f"/v2/models/{question.model}"
        found = http.get(path, params={"method": question.method})
        return found.json() if found.status_code == 200 else {"inputs": [], "outputs": []}

    def ask(question: Question) -> Answered | Refused:
        known = metadata(question)
        sent = tensors_of(question.arguments, {p["name"]: p for p in known["inputs"]})
        body = {
            "inputs": [
                {"name": t.name, "datatype": t.datatype, "shape": t.shape, "data": t.data}
                for t in sent
            ],
            "parameters": {"method": question.method},
        }
        headers = {"X-Request-ID": question.request_id} if question.request_id else {}
        path = f"/v2/models/{question.model}/infer"
        answer = http.post(path, content=json.dumps(body).encode(), headers=headers)
        if answer.status_code == 200:
            told = answer.headers
            outputs = [
                Sent(o["name"], o["datatype"], o["shape"], o["data"])
                for o in answer.json()["outputs"]
            ]
            value = value_of(outputs, known["outputs"])
            return Answered(value, told["x-modelyard-model"], told["x-request-id"])
        assert list(answer.json()) == ["error"]
        wait = answer.headers.get("retry-after")
        kind = KINDS[answer.status_code]
        return Refused(kind, answer.json()["error"], None if wait is None else float(wait))

    return Case(ask)
