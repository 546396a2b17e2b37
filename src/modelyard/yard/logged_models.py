"""Models of runs: saved and kept with the run that made them, and opened again as ``models:/m-<id>`` or
``runs:/<run_id>/<name>``.

The files of a logged model are those of a saved object called ``model``: its card and its artifact; MLflow's clients
keep a folder of their own form in the same place, and that is read too. A run is no registry: that a model was logged is no
reason to run its code, so one that runs code when loaded is loaded where it was saved, or with ``trust=``, or once registered.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from modelyard.base.clock import new_id
from modelyard.base.errors import FileMissing, InvalidInput, NotFound, NotReady
from modelyard.base.names import check_name
from modelyard.base.paths import artifact_segments
from modelyard.base.refs import LoggedModelRef as Reference
from modelyard.base.refs import RunRef
from modelyard.objects.card_file import SUFFIX
from modelyard.objects.opening import Place, source_at
from modelyard.objects.save import flavor_or_none, save
from modelyard.objects.source import Source
from modelyard.stores.folders.interface import Entry
from modelyard.tracking.interface import Batch, Columns, LoggedModel, ModelLink
from modelyard.tracking.records import (
    ModelBegun,
    ModelEnded,
    ModelRegistered,
    RunLogged,
)
from modelyard.yard import current_run
from modelyard.yard.logged_values import step_of, texts_of

if TYPE_CHECKING:
    from modelyard.yard.active_run import ActiveRun
    from modelyard.yard.versions import ModelVersion
    from modelyard.yard.yard import Yard

OBJECT = "model"
"""What the saved object among the files of a logged model is called."""
WAIT_SECONDS = 30.0
"""Whoever opens what this process has just logged waits no longer for it to arrive."""


@dataclass(frozen=True, slots=True)
class LoggedModelRef:
    """A model that was logged: ``metrics`` may name it (``log_metric(…, model_id=ref.model_id)``)."""

    model_id: str
    name: str
    run_id: str
    digest: str = ""

    @property
    def uri(self) -> str:
        """What loads it."""
        return f"models:/{self.model_id}"

    @property
    def model_uri(self) -> str:
        """The same, as MLflow's users call it."""
        return self.uri


def log_model(
    run: ActiveRun,
    model: Any,
    name: str,
    sample_data: Any,
    register: str | None,
    params: Mapping[str, Any],
    tags: Mapping[str, Any],
    step: int,
    save_options: Mapping[str, Any],
) -> LoggedModelRef:
    """Save a model into the spool of a run, and tell of it."""
    for said, value in (("name", name), ("register", register or "")):
        if not isinstance(value, str):
            raise InvalidInput(
                f"{said} is a {type(value).__name__}, not a text", hint="log_model(model, name)"
            )
    artifact_segments(name)
    if register is not None:
        check_name(register)
    texts = texts_of(params, "param"), texts_of(tags, "tag")
    step = step_of(step)
    model_id = f"m-{new_id()}"
    if run.silent:
        return LoggedModelRef(model_id, name, run.run_id)
    with tempfile.TemporaryDirectory(prefix="modelyard-") as folder:
        card = _saved(model, Path(folder), sample_data, save_options)
        run.add(
            ModelBegun(
                model_id,
                run.run_id,
                run.experiment,
                name,
                card.flavor,
                params=texts[0],
                tags=texts[1],
            )
        )
        files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
        for path in files:
            run.add_file(path.relative_to(folder).as_posix(), path, f"model:{model_id}")
    run.add(ModelEnded(model_id))
    run.add(RunLogged(run.run_id, Batch(model_outputs=[ModelLink(model_id, step)])))
    if register is not None:
        run.add(ModelRegistered(model_id, register, run.run_id))
    return LoggedModelRef(model_id, name, run.run_id, card.digest)


def _saved(model: Any, folder: Path, sample_data: Any, options: Mapping[str, Any]) -> Any:
    if flavor_or_none(model, options.get("methods") or options.get("preprocess")) is None:
        raise InvalidInput(
            f"{type(model).__name__} is not a model",
            hint="log_input tells of data, log_table keeps it",
        )
    return save(model, folder / OBJECT, sample_data=sample_data, storage="", **options)


# Opening


class OwnedFolder:
    """The files of a run or logged model, as a `Folder`."""

    def __init__(self, yard: Yard, owner: str, ref: str) -> None:
        self._artifacts, self._owner, self._ref = yard.artifacts, owner, ref

    @property
    def label(self) -> str:
        """``models:/m-…``."""
        return self._ref

    def ref(self, path: str) -> str:
        """What stands at a path."""
        return f"{self._ref}/{path}" if self._ref.startswith("runs:") and path else self._ref

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Who logged it."""
        return {"logged": self._ref}

    def entry(self, path: str) -> Entry | None:
        """What stands at a path."""
        found = self._artifacts.stat(self._owner, path)
        return None if found is None else Entry(path, None if found.is_folder else found.size)

    def list(self, path: str = "") -> Sequence[Entry]:
        """What is directly in a folder."""
        found: list[Entry] = []
        after: str | None = None
        while True:
            page = self._artifacts.list(self._owner, path, after=after)
            found += [Entry(e.path, None if e.is_folder else e.size) for e in page.entries]
            if (after := page.after) is None:
                break
        if not found and (self.entry(path) is None and path):
            raise FileMissing(f"no folder {path!r} in {self.label}")
        return found

    def open(self, path: str) -> IO[bytes]:
        """A file."""
        return self._artifacts.open(self._owner, path)

    def fetch(self, paths: Sequence[str]) -> None:
        """They come one by one."""


def logged_source(yard: Yard, ref: Reference | RunRef) -> Source:
    """The model that a run logged, not loaded yet. `NotFound`; `NotReady` while its files are on the way."""
    for run in current_run.open_runs():
        run.flush(WAIT_SECONDS)
    if isinstance(ref, Reference):
        return _of_model(yard, yard.tracker.model(ref.id))
    run = yard.tracker.run(ref.run_id, Columns((), (), (), inputs=True))
    folder = OwnedFolder(yard, f"run:{ref.run_id}", f"runs:/{ref.run_id}")
    if folder.entry(ref.path + SUFFIX) is not None or folder.entry(ref.path) is not None:
        return source_at(Place(folder, ref.path))
    for link in reversed(run.model_outputs):
        found = yard.tracker.model(link.model_id)
        if found.name == ref.path:
            return _of_model(yard, found)
    names = sorted({yard.tracker.model(link.model_id).name for link in run.model_outputs})
    raise NotFound(
        f"run {run.name!r} has no model {ref.path!r}",
        hint=f"it logged {', '.join(names[:10])}" if names else "it logged none",
    )


def _of_model(yard: Yard, model: LoggedModel) -> Source:
    if model.status != "READY":
        raise NotReady(
            f"logged model {model.name!r} ({model.model_id}) is {model.status}",
            hint="its files are on the way" if model.status == "PENDING" else "log it again",
        )
    folder = OwnedFolder(yard, f"model:{model.model_id}", f"models:/{model.model_id}")
    ours = folder.entry(OBJECT + SUFFIX) is not None
    return source_at(Place(folder, OBJECT if ours else ""))


def register_logged(
    yard: Yard, model_id: str, name: str, *, run_id: str | None = None
) -> ModelVersion:
    """Register a model that has arrived, as `log_model` was asked to: the same again is the same version."""
    source = logged_source(yard, Reference(model_id))
    return yard.models.add(source, name, run=run_id)
