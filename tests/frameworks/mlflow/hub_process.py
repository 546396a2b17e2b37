"""The routes of MLflow's protocol over a yard, served by a process of its own: ``python hub_process.py YARD PORT``."""

from __future__ import annotations

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from modelyard.compat.mlflow_rest import routes, workers
from modelyard.yard.yard import Yard


def main(uri: str, port: int) -> None:
    """Serve until it is ended."""
    with Yard(uri) as yard:
        found = routes(yard, local_webhooks=True)
        for path, text in (("/health", "OK"), ("/version", "3.17.2")):
            found.append(Route(path, lambda _, text=text: PlainTextResponse(text)))
        running = workers(yard, local_webhooks=True)
        for worker in running:
            worker.start()
        uvicorn.run(Starlette(routes=found), port=port, log_level="warning")
        for worker in running:
            worker.stop()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
