"""Typed REST, spoken as JSON by name."""

from __future__ import annotations

import json

import httpx2

from modelyard.testing.protocols import KINDS, Answered, Case, Question, Refused


def case(http: httpx2.Client) -> Case:
    def ask(question: Question) -> Answered | Refused:
        headers = {"Content-Type": "application/json"}
        if question.request_id:
            headers["X-Request-ID"] = question.request_id
        body = json.dumps(question.arguments)  # also NaN, which is no JSON
        path = f"/{question.model}/{question.method}"
        answer = http.post(path, content=body.encode(), headers=headers)
        if answer.status_code == 200:
            told = answer.headers
            return Answered(answer.json(), told["x-modelyard-model"], told["x-request-id"])
        error = answer.json()["error"]
        wait = answer.headers.get("retry-after")
        message = " ".join(str(error.get(k, "")) for k in ("code", "message", "hint", "field"))
        return Refused(KINDS[answer.status_code], message, None if wait is None else float(wait))

    return Case(ask)
