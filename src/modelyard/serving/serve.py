"""Serve: references or live models, answered by a server of choice until told to stop."""

from __future__ import annotations

from typing import Any, cast

from modelyard.base import plugins
from modelyard.objects.load import CheckEnv
from modelyard.predictions.interface import PredictionLog
from modelyard.serving.interface import Server
from modelyard.yard.verbs import open_model


def serve(
    model: Any,
    *,
    server: str = "fastapi",
    host: str = "127.0.0.1",
    port: int = 8080,
    log: PredictionLog | None = None,
    trust: str | None = None,
    check_env: CheckEnv = "warn",
    project: str | None = None,
    rev: str | None = None,
    **options: Any,
) -> None:
    """Serve one model or several: references, registered versions or live objects. Returns after SIGTERM or Ctrl+C.

    ``log`` is where predictions are kept (``yard.predictions.log``). ``options`` are those of the server.
    """
    several = list(model) if isinstance(model, list | tuple) else [model]
    opened = [
        open_model(one, trust=trust, check_env=check_env, project=project, rev=rev)
        for one in several
    ]
    chosen = cast(Server, plugins.load("servers", server))
    chosen.serve(opened, host=host, port=port, log=log, **options)
