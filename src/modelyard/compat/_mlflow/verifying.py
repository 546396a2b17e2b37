"""Both sides read again and compared: every run with all its points and the bytes of its files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from modelyard.base.errors import ModelyardError, NotAllowed, NotFound
from modelyard.compat._mlflow.comparing import (
    expected_model,
    expected_run,
    model_differences,
    points_differ,
    run_differences,
)
from modelyard.compat._mlflow.filing import digests
from modelyard.compat._mlflow.homes import Homes, home_differences
from modelyard.compat._mlflow.interface import FoundRun, Home, Source, in_order, run_id_of
from modelyard.compat._mlflow.moving_runs import history_there, models_there, runs_there
from modelyard.compat._mlflow.registering import (
    model_differences as registered_differ,
)
from modelyard.compat._mlflow.registering import stage_of, version_differences
from modelyard.compat.mlflow_rest.stages import Stages
from modelyard.tracking.interface import Metric, Run
from modelyard.yard.yard import Yard


class Verifying:
    """What differs, a line each; none for a good migration."""

    def __init__(self, source: Source, yard: Yard, homes: Homes, seen: Collection[str], unopened: Callable[[str], object]) -> None:  # fmt: skip
        """``unopened`` is told of files that may not be opened: they are not compared."""
        self._source, self._yard, self._homes = source, yard, homes
        self._seen, self._unopened = seen, unopened

    def differences(self, homes: Sequence[Home], *, registry: bool) -> Iterator[str]:
        """Of these experiments, and of the registry."""
        for home in homes:
            there = self._homes.found(home)
            if there is None:
                yield f"experiment {home.name!r} is missing"
                continue
            for line in home_differences(home, there):
                yield f"experiment {home.name!r}: {line}"
            for page in self._source.runs(home):
                yield from self._runs(home, there.id, page)
            yield from self._models(home, there.id)
        if registry:
            yield from self._registry()

    # Runs

    def _runs(self, home: Home, number: int, page: Sequence[FoundRun]) -> Iterator[str]:
        there = runs_there(self._yard.tracker, [run_id_of(found.run.run_id) for found in page])
        points = self._source.histories(page)
        for found in page:
            known = found.run.parent_run_id
            run = expected_run(found, number, there=bool(known) and run_id_of(known or "") in self._seen)  # fmt: skip
            subject = f"run {run.run_id}"
            if run.run_id not in there:
                yield f"{subject} ({run.name}) is missing"
                continue
            deleted = None if home.deleted else found.deleted
            for line in run_differences(run, there[run.run_id], deleted):
                yield f"{subject}: {line}"
            for line in self._points(there[run.run_id], points[found.run.run_id]):
                yield f"{subject}: {line}"
            yield from self._files(subject, found.files, f"run:{run.run_id}", run_id=found.run.run_id)  # fmt: skip

    def _points(self, there: Run, points: Sequence[Metric]) -> Iterator[str]:
        theirs = [
            point
            for metric in there.metrics
            for point in history_there(self._yard.tracker, there.run_id, metric.key)
        ]
        return points_differ(in_order(points), theirs)

    def _files(self, subject: str, uri: str, owner: str, **which: str) -> Iterator[str]:
        try:
            folder = self._source.folder(uri, **which) if uri else None
            mine = dict(digests(folder)) if folder is not None else {}
        except NotAllowed as error:
            self._unopened(f"{subject}: its files are not compared: {error.message}")
            return
        except (ModelyardError, OSError) as error:
            yield f"{subject}: its files cannot be read over there: {error}"
            return
        try:
            theirs = {e.path: (e.sha256, e.size) for e in self._yard.artifacts.walk(owner)}
        except NotFound:  # a hub hands out nothing of a deleted model
            self._unopened("files of deleted logged models are not compared through a hub")
            return
        for path in sorted(mine.keys() | theirs.keys()):
            if path not in theirs:
                yield f"{subject}: file {path!r} is missing"
            elif path not in mine:
                yield f"{subject}: file {path!r} is too much"
            elif mine[path] != theirs[path]:
                yield f"{subject}: file {path!r} has other content"
            else:
                yield from self._damage(subject, owner, path)

    def _damage(self, subject: str, owner: str, path: str) -> Iterator[str]:
        try:
            with self._yard.artifacts.open(owner, path) as stream:
                while stream.read(1 << 20):
                    pass
        except ModelyardError as error:
            yield f"{subject}: file {path!r} cannot be read here: {error.message}"

    # Models and registry

    def _models(self, home: Home, number: int) -> Iterator[str]:
        there = None
        for page in self._source.models(home):
            there = models_there(self._yard.tracker, number) if there is None else there
            for found in page:
                model = expected_model(found, number, found.model.run_id in self._seen)
                subject = f"logged model {model.model_id}"
                if model.model_id not in there:
                    yield f"{subject} ({model.name}) is missing"
                    continue
                for line in model_differences(model, there[model.model_id], found.deleted):
                    yield f"{subject}: {line}"
                yield from self._files(subject, found.files, f"model:{model.model_id}", model_id=found.model.model_id)  # fmt: skip

    def _registry(self) -> Iterator[str]:
        stages = Stages(self._yard.stage_names)
        for model in self._source.registered():
            state = self._yard.models.registry.state(model.name)
            subject = f"registered model {model.name!r}"
            if not state.exists:
                yield f"{subject} is missing"
                continue
            for line in registered_differ(model, state):
                yield f"{subject}: {line}"
            numbers = {str(version.number) for version in model.versions}
            for label in state.versions.keys() - numbers:
                yield f"{subject}: version {label} is too much"
            for version in model.versions:
                known = state.versions.get(str(version.number))
                if known is None or not known.active:
                    yield f"{subject}: version {version.number} is missing"
                    continue
                for line in version_differences(version, known):
                    yield f"{subject} version {version.number}: {line}"
                stage = stage_of(stages, state, known)
                if stage != version.stage:
                    yield f"{subject} version {version.number}: it is in stage {stage}, not {version.stage}"
