"""``grpc.health.v1``: whether the server takes requests, as load balancers and Kubernetes ask for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from modelyard.base.errors import NotFound
from modelyard.serving.health import Readiness
from modelyard.serving.rpc.packages import Package, Rpc
from modelyard.serving.service import Service

WATCH_SECONDS = 0.5
"""How often a watcher's answer is looked at anew."""

HEALTH = Package(
    "grpc.health.v1",
    "Health",
    [
        Rpc("Check", "HealthCheckRequest", "HealthCheckResponse"),
        Rpc("Watch", "HealthCheckRequest", "HealthCheckResponse", answers_many=True),
    ],
    {
        "HealthCheckRequest": "service:string=1",
        "HealthCheckResponse": "status:HealthCheckResponse.ServingStatus=1",
    },
    {
        "HealthCheckResponse.ServingStatus": (
            *("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"),
        )
    },
)
_SERVING, _NOT_SERVING, _UNKNOWN = 1, 2, 3


class Health:
    """Answers for the server as a whole and for the services on it."""

    def __init__(self, service: Service, names: frozenset[str]) -> None:
        self._service = service
        self._names = names | {""}
        self._readiness = Readiness(service)

    async def _status(self, name: str) -> int:
        if name not in self._names:
            return _UNKNOWN
        status, _ = await self._readiness.report()
        return _SERVING if status == "ready" else _NOT_SERVING

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802  as in the protocol
        """Now."""
        status = await self._status(request.service)
        if status == _UNKNOWN:
            raise NotFound(f"no service named {request.service!r} is here")
        return HEALTH.message("HealthCheckResponse")(status=status)

    async def Watch(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802
        """Now, and whenever it changes, until the server stops."""
        told = None
        while True:
            status = await self._status(request.service)
            if status != told:
                told = status
                yield HEALTH.message("HealthCheckResponse")(status=status)
            if self._service.draining:
                return
            await asyncio.sleep(WATCH_SECONDS)
