"""MLflow's REST over a yard, so that a stock client works with it: ``MLFLOW_TRACKING_URI=http://hub:5000``.

`routes` is what the hub mounts. Each file holds the endpoints of one kind of thing as a table; `wire` reads requests as
clients send them, `errors` says in MLflow's words what is wrong, `routing` makes routes of the tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.routing import Route

    from modelyard.yard.yard import Yard


def routes(yard: Yard) -> list[Route]:
    """All routes; each has the attributes ``permission`` (the word for what it does), ``body_limit`` and
    ``error_response``."""
    from modelyard.compat.mlflow_rest import (
        artifacts,
        experiments,
        logged_models,
        
        metrics,
        model_versions,
        registered_models,
        routing,
        runs,
        server,
        webhooks,
        writing,
    )

    tables = (
        experiments, runs,  metrics, logged_models, registered_models, model_versions,
        webhooks, artifacts, server,
    )  # fmt: skip
    endpoints = [endpoint for table in tables for endpoint in table.ENDPOINTS]
    return [*routing.routes_of(yard, endpoints), *artifacts.routes_of(yard)]
