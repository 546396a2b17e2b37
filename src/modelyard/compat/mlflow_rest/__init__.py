"""MLflow's REST over a yard, so that a stock client works with it: ``MLFLOW_TRACKING_URI=http://hub:5000``.

`routes` is what the hub mounts, `workers` what it runs beside them. Each file holds the endpoints of one kind of thing as
a table; `wire` reads requests as clients send them, `errors` says in MLflow's words what is wrong, `routing` makes routes
of the tables.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.routing import Route

    from modelyard.compat.mlflow_rest.deliveries import Deliveries
    from modelyard.yard.yard import Yard


def routes(yard: Yard, *, local_webhooks: bool = False) -> list[Route]:
    """All routes; each has the attributes ``permission`` (the word for what it does), ``body_limit`` and
    ``error_response``. Webhooks lead to addresses of the internet, unless ``local_webhooks``."""
    from modelyard.compat.mlflow_rest import (
        artifacts,
        deliveries,
        experiments,
        logged_models,
        metrics,
        model_versions,
        registered_models,
        routing,
        runs,
        server,
        transfers,
        webhooks,
        writing,
    )

    tables = (
        experiments.ENDPOINTS,
        runs.ENDPOINTS,
        writing.ENDPOINTS,
        metrics.ENDPOINTS,
        logged_models.ENDPOINTS,
        registered_models.ENDPOINTS,
        model_versions.ENDPOINTS,
        artifacts.ENDPOINTS,
        transfers.ENDPOINTS,
        server.ENDPOINTS,
        webhooks.endpoints(
            partial(deliveries.send_example, local=local_webhooks), local=local_webhooks
        ),
    )
    endpoints = [endpoint for table in tables for endpoint in table]
    known = [*routing.routes_of(yard, endpoints), *artifacts.routes_of(yard)]
    return [*known, *routing.unknown_routes()]


def workers(yard: Yard, *, local_webhooks: bool = False) -> list[Deliveries]:
    """What runs in the background while the routes are served; each has ``start`` and ``stop``."""
    from modelyard.compat.mlflow_rest.deliveries import Deliveries

    return [Deliveries(yard, local=local_webhooks)]
