"""Serve: references or live models, answered by a server of choice until told to stop."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from modelyard.base import plugins
from modelyard.base.config import settings
from modelyard.base.errors import InvalidInput, InvalidSetting, did_you_mean
from modelyard.base.project import find_root
from modelyard.objects.load import CheckEnv
from modelyard.predictions.interface import PredictionLog
from modelyard.serving.interface import Server
from modelyard.serving.plan import Plan, portable, run, run_several
from modelyard.serving.supervisor import MOST_WORKERS
from modelyard.yard.pinning import pinned
from modelyard.yard.places import elsewhere

_OURS = frozenset(["models", "log", "opener", "on_ready", "run", "seat", "stop"])
"""Parameters of a server that are no options: values that only a program has."""


def serve(
    model: Any,
    *,
    server: str | None = None,
    host: str | None = None,
    port: int | None = None,
    workers: int | None = None,
    isolate: bool | None = None,
    log: PredictionLog | None = None,
    trust: str | None = None,
    check_env: CheckEnv = "warn",
    project: str | None = None,
    rev: str | None = None,
    **options: Any,
) -> None:
    """Serve one model or several: references, registered versions or live objects. Returns after SIGTERM or Ctrl+C.

    By default ``fastapi`` on 127.0.0.1, port 8080; the project's ``serve`` settings say otherwise, and arguments have
    the last word. ``workers`` is the number of processes on the port; with ``isolate``, which is the default where there are
    several, the model runs in a process of its own beside each, so that one that crashes takes no connection with it. ``log`` is where predictions are kept (``yard.predictions.log``). ``options`` are those of the
    server: ``limits``, ``batching``, ``drain_seconds``, ``allowed_hosts`` …
    """
    given = {"server": server, "host": host, "port": port, "workers": workers, "isolate": isolate}
    wanted = merged(
        configured(project), {**{k: v for k, v in given.items() if v is not None}, **options}
    )
    name = wanted.pop("server", "fastapi")
    workers, isolate, hang_seconds = _processes(wanted)
    check_options(name, cast(Server, plugins.load("servers", name)), wanted)
    several = list(model) if isinstance(model, list | tuple) else [model]
    several = [_pinned(one, project, rev) for one in several]
    if elsewhere(project, rev):
        project = rev = None  # the references say it now
    opening = {"trust": trust, "check_env": check_env, "project": project, "rev": rev}
    plan = Plan(name, several, wanted, opening, log, isolate, workers)
    if workers == 1 and not isolate:
        run(plan)
        return
    with portable(plan) as plan:
        if workers > 1:
            run_several(plan, hang_seconds=hang_seconds)
        else:
            run(plan)


def _processes(wanted: dict[str, Any]) -> tuple[int, bool, float]:
    """Take what is no option of a server, but says how many processes there are and which."""
    workers = wanted.pop("workers", 1)
    isolate = wanted.pop("isolate", None)
    hang_seconds = wanted.pop("hang_seconds", 60.0)
    if type(workers) is not int or not 1 <= workers <= MOST_WORKERS:
        raise InvalidSetting(f"workers is {workers!r}", hint=f"a number from 1 to {MOST_WORKERS}")
    if isolate is not None and type(isolate) is not bool:
        raise InvalidSetting(f"isolate is {isolate!r}", hint="true or false")
    if type(hang_seconds) not in (int, float) or hang_seconds < 0:
        raise InvalidSetting(f"hang_seconds is {hang_seconds!r}", hint="seconds, or 0 for never")
    return workers, workers > 1 if isolate is None else isolate, float(hang_seconds)


def _pinned(model: Any, project: str | None, rev: str | None) -> Any:
    """All processes serve the same, also one that is started again after a branch or a stage moved on."""
    return pinned(model, project=project, rev=rev) if isinstance(model, str) else model


def configured(project: str | None = None) -> dict[str, Any]:
    """The ``serve`` settings of a project; a dotted option stands in a table. One that is elsewhere has none here."""
    folder = Path(project) if project is not None and not elsewhere(project, None) else None
    found: dict[str, Any] = {}
    for key, value in (settings(find_root(folder)).get("serve") or {}).items():
        for word in reversed(key.split(".")):
            value = {word: value}
        found = merged(found, value)
    return found


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Options over options; of two tables each key counts by itself, and so on inwards.

    >>> merged({"port": 1, "limits": {"depth": 8}}, {"limits": {"requests": 9}})
    {'port': 1, 'limits': {'depth': 8, 'requests': 9}}
    """
    joined = dict(below)
    for key, value in above.items():
        old = joined.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            joined[key] = merged(old, value)
        else:
            joined[key] = value
    return joined


def check_options(name: str, server: Server, options: Mapping[str, Any]) -> None:
    """Refuse options that the server does not have, with the nearest ones."""
    known = [p for p in inspect.signature(server.serve).parameters if p not in _OURS]
    for option in options:
        if option not in known:
            raise InvalidInput(
                f"the server {name} has no option {option!r}",
                hint=did_you_mean(option, known) or f"it has: {', '.join(known)}",
            )
