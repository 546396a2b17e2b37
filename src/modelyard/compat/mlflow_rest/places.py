"""Where MLflow's clients find files: URIs that name a run, a logged model or a version, and nothing else.

``mlflow-artifacts:/<experiment>/<run>/artifacts/…``, ``mlflow-artifacts:/<experiment>/models/<model>/artifacts/…`` and
``mlflow-artifacts:/versions/<id>/artifacts/…``. The ids alone decide: a run that moved to another experiment is found under
its old URI too. Files of a version are those it had when it was registered, and cannot be changed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from modelyard.base.errors import FileMissing, InvalidPath
from modelyard.base.paths import artifact_segments

SCHEME = "mlflow-artifacts"
_RUN = re.compile(r"[0-9a-f]{32}")
_MODEL = re.compile(r"m-[0-9a-f]{32}")
_VERSION = re.compile(r"[0-9a-f]{32}|[0-9a-f]{64}")
_URI = re.compile(rf"{SCHEME}:(?://[A-Za-z0-9.:\[\]-]*)?/(?P<path>[^?#]*)")


@dataclass(frozen=True, slots=True)
class Place:
    """A file or folder: whose, and its path there."""

    owner: str
    path: str = ""

    @property
    def kind(self) -> str:
        """``run``, ``model``, ``version`` or ``view``."""
        return self.owner.partition(":")[0]

    @property
    def id(self) -> str:
        """Of the run, model or version."""
        return self.owner.partition(":")[2]


def of_run(run_id: str, path: str = "") -> Place:
    """The files of a run."""
    return Place(f"run:{run_id}", checked(path))


def of_model(model_id: str, path: str = "") -> Place:
    """The files of a logged model."""
    return Place(f"model:{model_id}", checked(path))


def checked(path: str) -> str:
    """A path inside such a place; ``""`` is all of it. `InvalidPath` otherwise."""
    return "/".join(artifact_segments(path)) if path else ""


def run_root(experiment_id: int, run_id: str) -> str:
    """The URI of a run's files."""
    return f"{SCHEME}:/{experiment_id}/{run_id}/artifacts"


def model_root(experiment_id: int, model_id: str) -> str:
    """The URI of a logged model's files."""
    return f"{SCHEME}:/{experiment_id}/models/{model_id}/artifacts"


def version_root(files: str) -> str:
    """The URI of a version's files."""
    return f"{SCHEME}:/versions/{files}/artifacts"


def place_of(path: str) -> Place:
    """The place that a path of such a URI means. `InvalidPath` for what is no path, `FileMissing` for what is nobody's."""
    segments = artifact_segments(path)
    match segments:
        case [experiment, "models", model_id, "artifacts", *rest] if experiment.isdecimal():
            if _MODEL.fullmatch(model_id):
                return Place(f"model:{model_id}", "/".join(rest))
        case ["versions", files, "artifacts", *rest]:
            if _VERSION.fullmatch(files):
                kind = "version" if len(files) == 32 else "view"
                return Place(f"{kind}:{files}", "/".join(rest))
        case [experiment, run_id, "artifacts", *rest] if experiment.isdecimal():
            if _RUN.fullmatch(run_id):
                return Place(f"run:{run_id}", "/".join(rest))
        case _:
            pass
    raise FileMissing(f"nothing is kept at {path!r}")


def place_of_uri(uri: str) -> Place | None:
    """The place that a URI of ours means; None for any other."""
    match = _URI.fullmatch(uri)
    if match is None:
        return None
    try:
        return place_of(unquote(match["path"], errors="strict").rstrip("/"))
    except (FileMissing, InvalidPath, UnicodeDecodeError):
        return None
