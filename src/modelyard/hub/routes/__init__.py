"""One file a kind of thing; each has ``router``. Handlers read a request, call a function of a layer below, and shape
what it gives."""

from __future__ import annotations

from collections.abc import Sequence

RESOURCES: Sequence[str] = (
    "server",
    "experiments",
    "runs",
    "spools",
    "metrics",
    "logged_models",
    "artifacts",
    "uploads",
    "models",
    "versions",
    "stages",
    "states",
    "datasets",
    "predictions",
    "blobs",
    "events",
    "users",
)
"""The files, in the order of the documentation."""
