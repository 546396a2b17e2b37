"""OpenAPI of jobs: sent like the typed REST's calls, asked for by their ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from modelyard.serving.execution import Method
from modelyard.serving.openapi import ERROR_SCHEMA, method_operations
from modelyard.serving.service import Service

_TIME = {"type": "string", "format": "date-time"}
JOB_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["id", "status", "model", "method", "created"],
    "properties": {
        "id": {"type": "string"},
        "status": {"enum": ["queued", "running", "done", "failed", "cancelled"]},
        "model": {"type": "string", "description": "`name@version`"},
        "method": {"type": "string"},
        **dict.fromkeys(("created", "started", "finished"), _TIME),
        "progress": {
            "type": "object",
            "properties": {"done": {"type": "integer"}, "total": {"type": ["integer", "null"]}},
        },
        "error": {"type": "object"},
        "result": {"type": "string", "description": "Where the answer is."},
    },
}
_WAIT = {
    "name": "wait",
    "in": "query",
    "schema": {"type": "number", "minimum": 0},
    "description": "Seconds to hold the answer back for, while the job is not finished: 60 at most.",
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    "description": "A retry with the same key gets the same job.",
}
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}


def job_operations(service: Service, path_of: Callable[[Method], str]) -> Mapping[str, Any]:
    """``paths`` and ``components`` of jobs."""
    calls = method_operations(service, path_of)["paths"]
    paths: dict[str, Any] = {p: {"post": _sending(call["post"])} for p, call in calls.items()}
    not_there = {"404": _error("There is no such job, or no more.")}
    wrong = {"400": _error("`wait` is no number of seconds.")}
    paths["/jobs"] = {
        "get": {
            "operationId": "jobs_list",
            "summary": "Jobs of this caller, the newest first",
            "tags": ["jobs"],
            "responses": {"200": _json(_all(), "Jobs.")},
        }
    }
    paths["/jobs/{id}"] = {
        "parameters": [_ID],
        "get": {
            "operationId": "jobs_get",
            "summary": "How a job stands",
            "tags": ["jobs"],
            "parameters": [_WAIT],
            "responses": {"200": _job("The job."), **not_there, **wrong},
        },
        "delete": {
            "operationId": "jobs_cancel",
            "summary": "Cancel a job",
            "tags": ["jobs"],
            "responses": {"200": _job("The job as it is now."), **not_there, **wrong},
        },
    }
    failed = "The job failed with this."
    paths["/jobs/{id}/result"] = {
        "parameters": [_ID],
        "get": {
            "operationId": "jobs_result",
            "summary": "What a job answered, in the form of Accept",
            "tags": ["jobs"],
            "parameters": [_WAIT],
            "responses": {
                "200": {"description": "As the method itself answers."},
                "409": _error("It is not done, or was cancelled."),
                **not_there,
                **wrong,
                **{status: _error(failed) for status in ("413", "422", "429", "500", "503")},
            },
        },
    }
    return {"paths": paths, "components": {"schemas": {"Error": ERROR_SCHEMA, "Job": JOB_SCHEMA}}}


def _sending(call: Mapping[str, Any]) -> dict[str, Any]:
    errors = {s: r for s, r in call["responses"].items() if s not in ("200", "500")}
    located = {"Location": {"schema": {"type": "string"}, "description": "`/jobs/<id>`"}}
    taken = {**_job("Taken: ask for it where `Location` says."), "headers": located}
    return {
        **call,
        "operationId": f"job_{call['operationId']}",
        "summary": f"{call['summary']}, later",
        "tags": ["jobs"],
        "parameters": [*call["parameters"], _KEY, _WAIT],
        "responses": {
            "200": {**_job("It is finished already."), "headers": located},
            "202": taken,
            **errors,
            "409": _error("The Idempotency-Key was used for another request."),
            "503": _error("The server is about to stop."),
        },
    }


def _all() -> dict[str, Any]:
    jobs = {"type": "array", "items": {"$ref": "#/components/schemas/Job"}}
    return {"type": "object", "required": ["jobs"], "properties": {"jobs": jobs}}


def _job(description: str) -> dict[str, Any]:
    return _json({"$ref": "#/components/schemas/Job"}, description)


def _error(description: str) -> dict[str, Any]:
    return _json({"$ref": "#/components/schemas/Error"}, description)


def _json(schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
