"""Runs and logged models of one source into a yard: those it lacks, and what it lacks of those it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modelyard.base.errors import ModelyardError, NotAllowed
from modelyard.compat._mlflow.comparing import (
    Changes,
    changes_of,
    expected_model,
    expected_run,
    points_lacking,
    says,
)
from modelyard.compat._mlflow.filing import Filing
from modelyard.compat._mlflow.homes import Homes
from modelyard.compat._mlflow.interface import Folder, FoundModel, FoundRun, Home, Source, run_id_of
from modelyard.compat._mlflow.report import Report
from modelyard.compat._mlflow.telling import PART, Telling, parts
from modelyard.tracking.interface import (
    ENDED,
    Batch,
    LoggedModel,
    Metric,
    Run,
    Search,
    Status,
    Tracker,
    View,
)
from modelyard.tracking.records import (
    FileAdded,
    ModelBegun,
    ModelEnded,
    Record,
    RunBegun,
    RunEnded,
    RunLogged,
)
from modelyard.yard.yard import Yard

DELETED_AT_ONCE = 1000
PAGE = 500


def runs_there(tracker: Tracker, ids: Sequence[str]) -> dict[str, Run]:
    """Those of some runs that a yard has."""
    found: dict[str, Run] = {}
    for at in range(0, len(ids), PAGE):
        some = ", ".join(f"'{run_id}'" for run_id in ids[at : at + PAGE])
        search = Search(f"attributes.run_id IN ({some})", view=View.ALL, limit=PAGE)
        while True:
            page = tracker.search(search)
            found |= {run.run_id: run for run in page.items}
            if page.next is None:
                break
            search = Search(search.filter, view=View.ALL, limit=PAGE, page=page.next)
    return found


def models_there(tracker: Tracker, experiment: int) -> dict[str, LoggedModel]:
    """The logged models of an experiment, deleted ones too."""
    found: dict[str, LoggedModel] = {}
    page: str | None = None
    while True:
        search = Search(experiments=[experiment], view=View.ALL, limit=PAGE, page=page)
        answer = tracker.search_models(search)
        found |= {model.model_id: model for model in answer.items}
        if (page := answer.next) is None:
            return found


def history_there(tracker: Tracker, run_id: str, key: str) -> list[Metric]:
    """All points of a series that a yard has."""
    points: list[Metric] = []
    page: str | None = None
    while True:
        answer = tracker.history(run_id, key, page=page)
        points += answer.items
        if (page := answer.next) is None:
            return points


class Moving:
    """What goes over. Runs and models first, then what links them, and at last what is deleted."""

    def __init__(self, source: Source, yard: Yard, homes: Homes, report: Report) -> None:
        self._source, self._yard, self._homes, self._report = source, yard, homes, report
        self._tracker: Tracker = yard.tracker
        self._filing = Filing(yard)
        self._telling = Telling(self._tracker, source.key, report)
        self.seen: set[str] = set()
        """Ids of all runs over there, as they are here."""
        self._linked: list[tuple[int, str, Batch]] = []
        self._nested: list[Run] = []
        self._to_delete: dict[str, list[str]] = {"run": [], "model": []}
        self._to_restore: list[str] = []

    def close(self) -> None:
        """End the threads."""
        self._filing.close()

    # Runs

    def runs(self, home: Home) -> None:
        """All runs of an experiment."""
        number = self._homes.numbers.get(home.id)
        for page in self._source.runs(home):
            self.seen.update(run_id_of(found.run.run_id) for found in page)
            self._report.counts["runs"].found += len(page)
            if number is not None:
                self._page(number, page)
                self._report.progress(f"{self._report.counts['runs'].found} runs")

    def _page(self, home: int, page: Sequence[FoundRun]) -> None:
        count = self._report.counts["runs"]
        ids = [run_id_of(found.run.run_id) for found in page]
        there = runs_there(self._tracker, ids)
        new = [found for found, mine in zip(page, ids, strict=True) if mine not in there]
        count.new += len(new)
        points = {} if self._report.dry_run else self._source.histories(new)
        for found, mine in zip(page, ids, strict=True):
            run = expected_run(found, home, there=True)
            if mine in there:
                self._again(found, run, there[mine])
            elif self._report.dry_run:
                self._folder(found.files, f"run:{mine}", run_id=found.run.run_id)
            else:
                self._new(found, run, points[found.run.run_id])

    def _new(self, found: FoundRun, run: Run, points: Sequence[Metric]) -> None:
        home, run_id = run.experiment_id, run.run_id
        self._homes.awake(home)
        if found.run.status in ENDED and found.run.ended_ms is None:
            self._report.note("a run is over and has no end: it is when it began")
        if run.parent_run_id:
            self._nested.append(run)
        begun = RunBegun(run_id, home, run.name, run.user, run.started_ms, run.tags)
        batches = parts(points) if len(points) > PART else [Batch(metrics=points)]
        first = Batch(batches[0].metrics, run.params, inputs=run.inputs)
        records: list[Record] = [begun]
        records += [RunLogged(run_id, b) for b in (first, *batches[1:]) if says(b)]
        records += self._files(found.files, f"run:{run_id}", run_id=found.run.run_id)
        if run.status is not Status.RUNNING:
            records.append(RunEnded(run_id, run.status, run.ended_ms or 0))
        self._telling.tell(records)
        self._link(home, run)
        if found.deleted:
            self._to_delete["run"].append(run_id)

    def _link(self, home: int, run: Run) -> None:
        links = Batch(model_inputs=run.model_inputs, model_outputs=run.model_outputs)
        if says(links):
            self._linked.append((home, run.run_id, links))

    def _again(self, found: FoundRun, run: Run, there: Run) -> None:
        """A run that is here: what came to it since, or was not sent before somebody stopped us."""
        changes = changes_of(run, there)
        files = self._files_since(found, run, bool(changes))
        turned = found.deleted != (there.deleted_ms is not None)
        alive = bool(changes) or there.deleted_ms is None
        if changes.parent and run.parent_run_id and alive and not self._report.dry_run:
            self._nested.append(run)
        count = self._report.counts["runs"]
        if not (changes or files or turned):
            count.unchanged += 1
            return
        count.changed += 1
        for line in changes.wrong:
            self._report.failed(f"run:{run.run_id}", line)
        if self._report.dry_run:
            return
        if changes or files:
            self._homes.awake(run.experiment_id)
            if there.deleted_ms is not None:
                self._tracker.restore_runs([run.run_id])
            self._tell_changes(found, run, changes, files)
        if found.deleted:
            self._to_delete["run"].append(run.run_id)
        elif there.deleted_ms is not None:
            self._to_restore.append(run.run_id)

    def _tell_changes(self, found: FoundRun, run: Run, changes: Changes, files: Sequence[FileAdded]) -> None:  # fmt: skip
        points: list[Metric] = []
        if changes.series:
            for key in sorted(changes.series):
                mine = [p for p in self._source.histories([found])[found.run.run_id] if p.key == key]  # fmt: skip
                points += points_lacking(mine, history_there(self._tracker, run.run_id, key))
        batch = changes.batch
        told = [Batch(params=batch.params, tags=batch.tags, inputs=batch.inputs), *parts(points)]
        records: list[Record] = [RunLogged(run.run_id, one) for one in told if says(one)]
        records += files
        if changes.ended:
            records.append(RunEnded(run.run_id, run.status, run.ended_ms or 0))
        self._telling.tell(records)
        links = Batch(model_inputs=batch.model_inputs, model_outputs=batch.model_outputs)
        if says(links):
            self._linked.append((run.experiment_id, run.run_id, links))

    def _files_since(self, found: FoundRun, run: Run, changed: bool) -> list[FileAdded]:
        """Files that came to a run that is here. One that is over and like ours has had all of its own."""
        if self._report.dry_run or not (changed or run.status not in ENDED):
            return []
        owner = f"run:{run.run_id}"
        told = self._files(found.files, owner, run_id=found.run.run_id)
        known = {entry.path: entry.sha256 for entry in self._yard.artifacts.walk(owner)}
        return [one for one in told if known.get(one.path) != one.sha256]

    # Files

    def _folder(self, uri: str, owner: str, **which: str) -> Folder | None:
        try:
            return self._source.folder(uri, **which) if uri else None
        except NotAllowed as error:
            self._report.failed(f"{owner} files", error.message + (f" ({error.hint})" if error.hint else ""))  # fmt: skip
        except (ModelyardError, OSError) as error:
            self._report.failed(f"{owner} files", getattr(error, "message", str(error)))
        return None

    def _files(self, uri: str, owner: str, **which: str) -> list[FileAdded]:
        folder = self._folder(uri, owner, **which)
        if folder is None:
            return []
        refused: list[str] = []
        try:
            added = self._filing.added(owner, folder, refused)
        except OSError as error:
            self._report.failed(f"{owner} files", str(error))
            return []
        for line in refused:
            self._report.failed(f"{owner} files", line)
        self._report.counts["files"].found += len(added)
        self._report.counts["files"].new += len(added)
        return added

    # Logged models

    def models(self, home: Home) -> None:
        """All logged models of an experiment."""
        number = self._homes.numbers.get(home.id)
        if number is None:
            return
        there: Mapping[str, LoggedModel] | None = None
        for page in self._source.models(home):
            if there is None:
                self._telling.flush()
                there = {} if number < 0 else models_there(self._tracker, number)
            for found in page:
                known = found.model.run_id in self.seen
                model = expected_model(found, number, known)
                self._model(found, model, there.get(model.model_id))

    def _model(self, found: FoundModel, model: LoggedModel, there: LoggedModel | None) -> None:
        count, owner = self._report.counts["logged models"], f"model:{model.model_id}"
        count.found += 1
        pending = there is not None and there.status == "PENDING" != model.status
        if there is not None and not pending:
            tags = {k: v for k, v in model.tags.items() if there.tags.get(k) != v}
            turned = found.deleted and there.deleted_ms is None
            count.changed += bool(tags or turned)
            count.unchanged += not (tags or turned)
            if tags and not self._report.dry_run and there.deleted_ms is None:
                self._tracker.update_model(model.model_id, tags=tags)
        else:
            count.new += 1
            if self._report.dry_run:
                self._folder(found.files, owner, model_id=found.model.model_id)
                return
            self._homes.awake(model.experiment_id)
            records: list[Record] = [] if pending else [_begun(model)]
            records += self._files(found.files, owner, model_id=found.model.model_id)
            if model.status != "PENDING":
                records.append(ModelEnded(model.model_id, model.status))
            self._telling.tell(records)
        if found.deleted and (there is None or there.deleted_ms is None):
            self._to_delete["model"].append(model.model_id)

    # What comes last

    def finish(self) -> None:
        """Links between runs and models, and what is deleted over there."""
        for run in self._nested:
            home, parent = run.experiment_id, run.parent_run_id
            if parent in self.seen:
                self._homes.awake(home)
                begun = RunBegun(run.run_id, home, user=run.user, parent_run_id=parent)
                self._telling.tell([begun])
            else:
                self._report.note("a run is nested in one that is not there: its tag alone says so")
        for home, run_id, links in self._linked:
            self._homes.awake(home)
            self._telling.tell([RunLogged(run_id, links)])
        self._telling.flush()
        for at in range(0, len(self._to_restore), DELETED_AT_ONCE):
            self._tracker.restore_runs(self._to_restore[at : at + DELETED_AT_ONCE])
        gone = [i for i in self._to_delete["run"] if f"run:{i}" not in self._report.failures]
        for at in range(0, len(gone), DELETED_AT_ONCE):
            self._tracker.delete_runs(gone[at : at + DELETED_AT_ONCE])
        for model_id in self._to_delete["model"]:
            if f"model:{model_id}" not in self._report.failures:
                self._tracker.delete_model(model_id)
        if gone or self._to_delete["model"]:
            self._report.note("what was deleted over there is deleted here as of now")


def _begun(model: LoggedModel) -> ModelBegun:
    return ModelBegun(
        model.model_id,
        model.run_id,
        model.experiment_id,
        model.name,
        model.type,
        model.created_ms,
        model.params,
        model.tags,
    )
