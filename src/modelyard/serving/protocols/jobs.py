"""Jobs: ``POST /jobs/<method>`` takes what the typed REST takes, and answers at once with where to ask for the answer.

* ``POST /jobs/<method>`` (``/jobs/<model>/<method>`` beside other models): 202, ``Location: /jobs/<id>``. An ``Idempotency-Key``
  gives a retry the same job;
* ``GET /jobs/<id>``: how it stands; ``GET /jobs/<id>/result``: the answer, in the form of ``Accept``; 409 before it is there;
* ``DELETE /jobs/<id>`` cancels; ``GET /jobs`` lists those of the same caller.

``?wait=SECONDS`` (or ``Prefer: wait=SECONDS``) holds an answer back until the job is finished, for a minute at most.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, quote

import orjson
from starlette.routing import BaseRoute, Match

from modelyard.base.clock import to_rfc3339
from modelyard.base.errors import Conflict, InvalidInput, NotFound, UnknownMethod, did_you_mean
from modelyard.serving.edge import JSON, Call, Exchange, Receive, Reply, Scope, Send, dump_json
from modelyard.serving.execution import Method, decode
from modelyard.serving.interface import Answer
from modelyard.serving.isolation import IsolatedModel
from modelyard.serving.job_openapi import job_operations
from modelyard.serving.job_store import Job
from modelyard.serving.paths import ExactPaths
from modelyard.serving.protocols.rest import RestMethod
from modelyard.serving.service import Service

MOST_WAIT = 60.0
MOST_LISTED = 100
_ID = re.compile(r"[0-9a-f]{32}")
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_WAIT = re.compile(r"(?:^|[,;\s])wait=\"?([0-9.]{1,10})")


def path_of(service: Service, method: Method) -> str:
    """The path that takes jobs for a method."""
    inner = f"{method.model.name}/{method.name}" if service.prefixed else method.name
    return f"/jobs/{inner}"


def routes(service: Service) -> Sequence[BaseRoute]:
    return [_Jobs(service)]


def openapi(service: Service) -> Mapping[str, Any]:
    return job_operations(service, lambda method: path_of(service, method))


class _Jobs(BaseRoute):
    """Everything at or below ``/jobs``: what is sent by the method's path, all else by a job's id."""

    def __init__(self, service: Service) -> None:
        self._sent = ExactPaths(service, lambda: _sending(service))
        labels = ("", "jobs")
        self._read = Exchange(service, _Reading(service), labels=labels, methods=("GET", "DELETE"))
        self._lost = Exchange(service, self._unknown, labels=labels)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """A full match below ``/jobs``."""
        path = scope.get("path", "")
        ours = scope["type"] == "http" and (path == "/jobs" or path.startswith("/jobs/"))
        return (Match.FULL if ours else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        answers = self._read
        if scope["method"] == "POST":
            answers = self._sent.exchanges.get(scope["path"], self._lost)
        await answers(scope, receive, send)

    async def _unknown(self, call: Call) -> Reply:
        paths = list(self._sent.exchanges)
        hint = did_you_mean(call.path, paths) or f"there are: {', '.join(paths)}"
        raise UnknownMethod("no method takes jobs at this path", hint=hint)


def _sending(service: Service) -> dict[str, Exchange]:
    found: dict[str, Exchange] = {}
    for method in service.methods:
        rest = RestMethod(service, method)
        labels = (method.model.name, f"jobs/{method.name}")
        handle = _Sending(service, method, rest)
        found[path_of(service, method)] = Exchange(
            service, handle, labels=labels, body_limit=rest.body_limit
        )
    return found


class _Sending:
    """Takes a job for one method."""

    def __init__(self, service: Service, method: Method, rest: RestMethod) -> None:
        self._jobs = service.jobs
        self._method = method
        self._rest = rest

    async def __call__(self, call: Call) -> Reply:
        key, wait = _key(call.headers), _seconds(call)
        request = replace(await self._rest.read(call), native=False)
        if not isinstance(self._method.model, IsolatedModel):
            # What does not fit is refused now, not after its turn came; unless only another process can tell.
            await asyncio.to_thread(decode, self._method, request)
        sent = hashlib.sha256(call.headers.get(b"content-type", b"") + b"\n" + call.body)
        place = f"{self._method.model.name}/{self._method.name}\n".encode()
        digest = hashlib.sha256(place + sent.digest()).hexdigest()
        job = await self._jobs.submit(self._method, request, len(call.body), key=key, digest=digest)
        if wait:
            job = await self._jobs.get(job.id, wait)
        headers = [(b"location", f"/jobs/{job.id}".encode())]
        if not job.finished:
            headers.append((b"retry-after", b"1"))
        return Reply(dump_json(spelled(job)), JSON, headers, status=200 if job.finished else 202)


class _Reading:
    """Answers what is asked of a job, or of all."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, call: Call) -> Reply:
        words = call.path.split("/")[2:]
        if not words:
            return await self._all(call)
        if not _ID.fullmatch(words[0]) or words[1:] not in ([], ["result"]):
            raise NotFound(
                f"there is no job {'/'.join(words)!r}"[:200], hint="as in /jobs/<id>/result"
            )
        if call.method == "DELETE":
            if words[1:]:
                raise InvalidInput("a result is not deleted by itself", hint="DELETE /jobs/<id>")
            self._service.require((await self._service.jobs.get(words[0])).model)
            return Reply(dump_json(spelled(await self._service.jobs.cancel(words[0]))))
        job = await self._service.jobs.get(words[0], _seconds(call))
        self._service.require(job.model)
        return await self._result(call, job) if words[1:] else _state(job)

    async def _all(self, call: Call) -> Reply:
        if call.method != "GET":
            raise InvalidInput("which job?", hint="DELETE /jobs/<id>")
        jobs = await self._service.jobs.list(call.caller, MOST_LISTED)
        return Reply(dump_json({"jobs": [spelled(job) for job in jobs]}))

    async def _result(self, call: Call, job: Job) -> Reply:
        if job.error is not None:
            return Reply(job.error, status=job.error_status or 500)
        if job.status == "cancelled":
            raise Conflict("the job was cancelled: there is no result")
        if job.status != "done":
            reply = Conflict(
                f"the job is {job.status}: there is no result yet",
                hint="ask again, with ?wait=60 to be told when it is done",
                retry_after=1,
            )
            raise reply
        value = orjson.loads(await self._service.jobs.result(job.id))
        ids = orjson.loads(job.reference_ids)
        answer = Answer(value, job.identity, 0.0, call.request_id, ids)
        reply = await self._written(call, job, answer)
        identity = quote(job.identity, safe="@:+/").encode()
        headers = [*reply.headers, (b"x-modelyard-model", identity)]
        return Reply(reply.body, reply.content_type, headers, reply.status)

    async def _written(self, call: Call, job: Job, answer: Answer) -> Reply:
        try:
            method = self._service.find(job.model, job.method)
        except NotFound:  # it is served no more; its answer is still here
            return Reply(dump_json(answer.value))
        return await RestMethod(self._service, method).write_spelled(call, answer)


def _state(job: Job) -> Reply:
    headers = [] if job.finished else [(b"retry-after", b"1")]
    return Reply(dump_json(spelled(job)), headers=headers)


def spelled(job: Job) -> dict[str, Any]:
    """A job as JSON; what is not known is left out."""
    times = {"created": job.created_ms, "started": job.started_ms, "finished": job.finished_ms}
    facts: dict[str, Any] = {
        "id": job.id,
        "status": job.status,
        "model": job.identity,
        "method": job.method,
        **{name: to_rfc3339(at) for name, at in times.items() if at is not None},
    }
    if job.done or job.total is not None:
        facts["progress"] = {"done": job.done, "total": job.total}
    if job.error is not None:
        facts["error"] = orjson.loads(job.error)["error"]
    if job.status == "done":
        facts["result"] = f"/jobs/{job.id}/result"
    return facts


def _key(headers: Mapping[bytes, bytes]) -> str | None:
    given = headers.get(b"idempotency-key")
    if given is None:
        return None
    key = given.decode("latin-1").strip()
    if not _KEY.fullmatch(key):
        raise InvalidInput(
            "Idempotency-Key is no plain text of up to 255 characters", field="Idempotency-Key"
        )
    return key


def _seconds(call: Call) -> float:
    """How long the caller is ready to wait."""
    given = [v for n, v in parse_qsl(call.query[:2000].decode("latin-1")) if n == "wait"]
    asked = given[-1] if given else ""
    if not asked:
        found = _WAIT.search(call.headers.get(b"prefer", b"").decode("latin-1"))
        asked = found[1] if found else "0"
    try:
        seconds = float(asked)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise InvalidInput(f"wait={asked!r} is no number of seconds", field="wait")
    return min(seconds, MOST_WAIT)
