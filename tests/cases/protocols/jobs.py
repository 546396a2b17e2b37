"""Jobs: a call that is taken, waited for, and asked for its answer."""

from __future__ import annotations

import json

import httpx2

from modelyard.testing.protocols import KINDS, Answered, Case, Question, Refused


def case(http: httpx2.Client) -> Case:
    def ask(question: Question) -> Answered | Refused:
        headers = {"Content-Type": "application/json"}
        own = {"X-Request-ID": question.request_id} if question.request_id else {}
        body = json.dumps(question.arguments)  # also NaN, which is no JSON
        path = f"/jobs/{question.model}/{question.method}?wait=60"
        answer = http.post(path, content=body.encode(), headers={**headers, **own})
        if answer.status_code == 200:
            answer = http.get(f"{answer.headers['location']}/result", headers=own)
            if answer.status_code == 200:
                told = answer.headers
                return Answered(answer.json(), told["x-modelyard-model"], told["x-request-id"])
        error = answer.json()["error"]
        wait = answer.headers.get("retry-after")
        message = " ".join(str(error.get(k, "")) for k in ("code", "message", "hint", "field"))
        return Refused(KINDS[answer.status_code], message, None if wait is None else float(wait))

    return Case(ask)
