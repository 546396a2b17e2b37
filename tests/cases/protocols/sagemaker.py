"""SageMaker's container protocol: instances, and headers that say which model and method."""

from __future__ import annotations

import json

import httpx2

from cases.protocols.mlflow import read
from modelyard.testing.protocols import Answered, Case, Question, Refused


def case(http: httpx2.Client) -> Case:
    def ask(question: Question) -> Answered | Refused:
        headers = {
            "Content-Type": "application/json",
            "X-Amzn-SageMaker-Target-Model": f"{question.model}.tar.gz",
            "X-Amzn-SageMaker-Custom-Attributes": "trace=1",
        }
        if question.request_id:
            headers["X-Request-ID"] = question.request_id
        if question.method != "predict":
            headers["X-Amzn-SageMaker-Custom-Attributes"] += f",modelyard-method={question.method}"
        one = question.arguments.get("X")
        body = {"instances": one} if one is not None else dict(question.arguments)
        if one and all(isinstance(record, dict) for record in one):  # a record a line
            headers["Content-Type"] = "application/jsonlines"
            content = "\n".join(map(json.dumps, one))
        else:
            content = json.dumps(body)
        answer = http.post("/invocations", content=content.encode(), headers=headers)
        assert (
            answer.status_code != 200
            or answer.headers["x-amzn-sagemaker-custom-attributes"]
            == headers["X-Amzn-SageMaker-Custom-Attributes"]
        )
        return read(answer)

    return Case(ask)
