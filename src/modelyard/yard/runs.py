"""Runs of a yard: searched as a table, compared, begun and logged to by hand, deleted, restored, moved and exported."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelyard.base.clock import now_ms, to_rfc3339
from modelyard.base.digests import CHUNK
from modelyard.base.errors import InvalidInput
from modelyard.base.names import LOGGED_MODEL
from modelyard.base.paths import replacing
from modelyard.stores.tree import Entry
from modelyard.tracking.checks import check_status
from modelyard.tracking.interface import (
    EVERYTHING,
    Batch,
    Columns,
    Metric,
    Run,
    Search,
    View,
)
from modelyard.tracking.runs import files_of_run
from modelyard.yard.comparison import Comparison, differs
from modelyard.yard.display import POINTS
from modelyard.yard.frames import listing

if TYPE_CHECKING:
    import pandas

    from modelyard.yard.yard import Yard

COLUMNS = (
    "run_id", "experiment", "name", "status", "user", "start_time", "end_time", "duration",
)  # fmt: skip
"""Of listings, in this order; ``metrics.x``, ``params.x`` and ``tags.x`` follow."""

NO_VALUES = Columns((), (), (), inputs=False)
PAGE = 1000
MOST = 1_000_000
"""Runs of a search at most."""


class Runs:
    """``yard.runs``."""

    def __init__(self, yard: Yard) -> None:
        self._yard = yard

    # Finding

    def search(
        self,
        filter: str = "",
        *,
        order_by: Sequence[str] | str = (),
        experiments: Sequence[str | int] | str | int | None = None,
        view: str = "active",
        limit: int = 1000,
        columns: Columns = EVERYTHING,
        records: bool = False,
    ) -> pandas.DataFrame | list[dict[str, Any]]:
        """One row a run: ``metrics.x`` are the latest values, ``params.x`` and ``tags.x`` texts.

        ``filter`` is as in ``metrics.acc > 0.9 and params.depth IN ('3','5')``; ``order_by`` as in
        ``metrics.acc DESC``; ``experiments`` are names or ids, all of them when left out; ``view`` is ``active``,
        ``deleted`` or ``all``.
        """
        found = self.iterate(
            filter,
            order_by=order_by,
            experiments=experiments,
            view=view,
            limit=limit,
            columns=columns,
        )
        names = _Names(self._yard)
        rows = [run_row(run, names[run.experiment_id]) for run in found]
        return listing(rows, columns_of(rows), records=records)

    def iterate(
        self,
        filter: str = "",
        *,
        order_by: Sequence[str] | str = (),
        experiments: Sequence[str | int] | str | int | None = None,
        view: str = "active",
        limit: int = 1000,
        columns: Columns = EVERYTHING,
    ) -> Iterator[Run]:
        """The runs themselves, a page at a time. The same arguments as `search`."""
        if not 0 <= limit <= MOST:
            raise InvalidInput(f"limit={limit}: from 0 to {MOST:,}")
        order = [order_by] if isinstance(order_by, str) else list(order_by)
        where, page, left = self._experiments(experiments), None, limit
        while left:
            search = Search(filter, order, where, _view(view), min(left, PAGE), page, columns)
            found = self._yard.tracker.search(search)
            yield from found.items
            left, page = left - len(found.items), found.next
            if page is None:
                return

    def _experiments(self, named: Sequence[str | int] | str | int | None) -> list[int] | None:
        if named is None:
            return None
        several = [named] if isinstance(named, str | int) else named
        return [self._yard.tracker.experiment(which).id for which in several]

    def get(self, run_id: str) -> Run:
        """One run with all it logged. `NotFound`."""
        return self._yard.tracker.run(run_id)

    def compare(self, run_ids: Sequence[str], *, differing: bool = False) -> Comparison:
        """A row a param, metric and attribute, a column a run; ``differing`` leaves out what is the same in all. A
        list of dicts, which a notebook shows as a table."""
        names = _Names(self._yard)
        rows = [run_row(run, names[run.experiment_id]) for run in map(self.get, run_ids)]
        fields = [field for field in columns_of(rows) if field != "run_id"]
        table = [
            {"field": field, **{row["run_id"]: row.get(field) for row in rows}} for field in fields
        ]
        kept = (row for row in table if not differing or differs(row))
        return Comparison(kept, {row["run_id"]: row["name"] for row in rows}, self._curve)

    def _curve(self, run_id: str, key: str) -> list[float]:
        """As many values of a metric as a small curve needs."""
        buckets = self._yard.tracker.curve(run_id, key, buckets=POINTS)
        return [bucket.low / 2 + bucket.high / 2 for bucket in buckets]

    # Logging by hand

    def start(
        self,
        name: str = "",
        *,
        experiment: str | int = 0,
        tags: Mapping[str, str] | None = None,
        parent: str | None = None,
    ) -> Run:
        """A new run; an experiment that is named and not there yet is made."""
        tracker = self._yard.tracker
        home = (
            tracker.ensure_experiment(experiment).id if isinstance(experiment, str) else experiment
        )
        return tracker.create_run(
            home, name=name, user=self._yard.actor, tags=tags or {}, parent_run_id=parent
        )

    def log(
        self,
        run_id: str,
        *,
        metrics: Mapping[str, float] | None = None,
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str | None] | None = None,
        step: int = 0,
    ) -> None:
        """Log values to a run, all of them or none."""
        at_ms = now_ms()
        points = [Metric(key, value, at_ms, step) for key, value in (metrics or {}).items()]
        self.write(run_id, Batch(points, params or {}, tags or {}))

    def write(self, run_id: str, batch: Batch) -> None:
        """The same, of several steps."""
        self._yard.tracker.write(run_id, batch)

    def end(self, run_id: str, status: str = "FINISHED") -> Run:
        """The run is over."""
        return self._yard.tracker.update_run(run_id, status=check_status(status))

    def import_files(
        self,
        paths: Sequence[str | Path] | str | Path,
        *,
        tool: str | None = None,
        experiment: str | None = None,
        dry_run: bool = False,
    ) -> list[dict[str, Any]]:
        """Bring runs that other tools kept in files and folders, and say of each what came: ``from``, ``name``,
        ``run_id``, ``outcome`` (``new``, ``more``, ``unchanged``, ``refused``), ``points``, ``files``, ``notes``.

        ``tool`` is ``dvclive``, ``tensorboard``, ``wandb`` or ``neptune``; all of them look when it is left out. What
        came before does not come again.
        """
        from modelyard.yard.importing_runs import importing

        several = [paths] if isinstance(paths, str | Path) else paths
        done = importing(self._yard, several, tool=tool, experiment=experiment, dry_run=dry_run)
        return [one.row() for one in done]

    # Files

    def owner_of(self, id: str) -> str:
        """Who owns the files of a run, or of a logged model (``m-…``). `NotFound` when there is none."""
        if LOGGED_MODEL.fullmatch(id):
            return f"model:{self._yard.tracker.model(id).model_id}"
        return files_of_run(self._yard.tracker.run(id, NO_VALUES).run_id)

    def files(self, owner: str, folder: str = "", *, recursive: bool = False) -> Iterator[Entry]:
        """Files and folders of one folder, or all files below it."""
        artifacts = self._yard.artifacts
        if recursive:
            yield from artifacts.walk(owner, folder)
            return
        after: str | None = None
        while True:
            page = artifacts.list(owner, folder, after=after)
            yield from page.entries
            if (after := page.after) is None:
                return

    # Changing

    def delete(self, run_ids: Sequence[str] | str) -> None:
        """Out of sight; `restore` brings them back, `purge` removes them for good."""
        self._yard.tracker.delete_runs(_several(run_ids))

    def restore(self, run_ids: Sequence[str] | str) -> None:
        """Deleted runs come back."""
        self._yard.tracker.restore_runs(_several(run_ids))

    def purge(self, run_ids: Sequence[str] | str) -> None:
        """Deleted runs go for good, with all they logged; `modelyard db gc` then frees the room of their files."""
        self._yard.tracker.purge_runs(_several(run_ids))

    def move(self, run_ids: Sequence[str] | str, experiment: str | int) -> None:
        """To another experiment, with all they logged."""
        home = self._yard.tracker.experiment(experiment).id
        self._yard.tracker.move_runs(_several(run_ids), home)

    def copy(self, run_id: str, experiment: str | int) -> Run:
        """A second run with all that the first logged, its files too."""
        return self._yard.tracker.copy_run(run_id, self._yard.tracker.experiment(experiment).id)

    def export(self, run_id: str, folder: str | Path) -> Path:
        """Write a run's files into a new or empty folder."""
        target = Path(folder)
        if target.exists() and any(target.iterdir()):
            raise InvalidInput(f"{target} is not empty", hint="name a new folder")
        owner = self.owner_of(run_id)
        for entry in self._yard.artifacts.walk(owner):
            self.download(owner, entry.path, target / entry.path)
        return target

    def download(self, owner: str, path: str, target: Path) -> Path:
        """Write one file, verified; the target has it whole or is as it was."""
        with (
            self._yard.artifacts.open(owner, path) as stream,
            replacing(target) as temporary,
            temporary.open("wb") as file,
        ):
            shutil.copyfileobj(stream, file, CHUNK)
        return target


def run_row(run: Run, experiment: str) -> dict[str, Any]:
    """A run as a line of a listing."""
    return {
        "run_id": run.run_id,
        "experiment": experiment,
        "name": run.name,
        "status": run.status.value,
        "user": run.user,
        "start_time": to_rfc3339(run.started_ms),
        "end_time": None if run.ended_ms is None else to_rfc3339(run.ended_ms),
        "duration": None if run.duration_ms is None else run.duration_ms / 1000,
        **{f"metrics.{metric.key}": metric.value for metric in run.metrics},
        **{f"params.{key}": value for key, value in run.params.items()},
        **{f"tags.{key}": value for key, value in run.tags.items()},
    }


def columns_of(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Columns of a listing: facts of the runs, then all metrics, params and tags, each as first met.

    >>> columns_of([{"tags.a": "1", "metrics.b": 2.0}, {"metrics.c": 1.0}])[-3:]
    ['metrics.b', 'metrics.c', 'tags.a']
    """
    more = dict.fromkeys(name for row in rows for name in row if name not in COLUMNS)
    return [*COLUMNS, *sorted(more, key=lambda name: name.partition(".")[0])]


class _Names(dict[int, str]):
    """Names of experiments, each asked for once."""

    def __init__(self, yard: Yard) -> None:
        self._yard = yard

    def __missing__(self, experiment_id: int) -> str:
        self[experiment_id] = self._yard.tracker.experiment(experiment_id).name
        return self[experiment_id]


def _several(run_ids: Sequence[str] | str) -> list[str]:
    return [run_ids] if isinstance(run_ids, str) else list(run_ids)


def _view(word: str) -> View:
    try:
        return View(word)
    except ValueError:
        raise InvalidInput(f"no view {word!r}", hint="active, deleted or all") from None
