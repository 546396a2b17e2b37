"""MLflow's scoring protocol: ``POST /invocations``, ``GET /ping``, ``GET /health``. What is read and answered: `serving.scoring`.

``GET /version`` is the server's own: MLflow's client takes any text. Two things differ on purpose: a model that raises is 500
here, where MLflow says 400, and params that the method does not take are refused, where MLflow drops them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.routing import BaseRoute

from modelyard.serving.scoring import common_routes, ping_route
from modelyard.serving.scoring_docs import ping_operation, scoring_paths
from modelyard.serving.service import Service


def routes(service: Service) -> Sequence[BaseRoute]:
    return [*common_routes(service), ping_route(service, "/health")]


def openapi(service: Service) -> Mapping[str, Any]:
    paths = {**scoring_paths(service), "/health": {"get": ping_operation("health")}}
    return {"paths": paths, "components": {"schemas": {}}}
