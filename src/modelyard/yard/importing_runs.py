"""Runs that other tools kept in files, brought into the yard: what is new, once.

Each log of a run is a spool of its own, with where its records end as numbers, so that a file that has grown brings its new
points only. All else of a run is set as it is found, when it was never found so before: what was changed here meanwhile stays.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from modelyard.base import plugins
from modelyard.base.digests import canonical_json, sha256_bytes, sha256_stream
from modelyard.base.errors import InvalidInput, ModelyardError, NotFound
from modelyard.tracking.checks import check_experiment_name
from modelyard.tracking.interface import Batch, Columns, Metric, Run
from modelyard.tracking.records import RunBegun, RunEnded, RunLogged
from modelyard.tracking.runs import files_of_run
from modelyard.yard.run_files import KeptRun, Log, Origin, RunFiles, State

if TYPE_CHECKING:
    from modelyard.yard.yard import Yard

GROUP = "run_files"
AT_ONCE = 5000
"""Points of a request."""
MOST_COPIES = 1000
"""Runs that one place may have held, one after the other."""

_PARAMS = Columns((), None, (), inputs=False)


@dataclass
class Imported:
    """What came of one run."""

    tool: str
    source: str
    run_id: str
    name: str
    experiment: str
    outcome: str = "unchanged"
    """``new``, ``more``, ``unchanged``, or ``refused``."""
    points: int = 0
    files: int = 0
    notes: list[str] = field(default_factory=list[str])

    def row(self) -> dict[str, Any]:
        """As a line of a listing."""
        return {("from" if name == "tool" else name): value for name, value in asdict(self).items()}


def importing(
    yard: Yard,
    paths: Sequence[str | Path],
    *,
    tool: str | None = None,
    experiment: str | None = None,
    dry_run: bool = False,
) -> Iterator[Imported]:
    """Bring the runs of some files and folders, one at a time."""
    if experiment is not None:
        check_experiment_name(experiment)
    for path in map(Path, paths):
        for name in _tools(path, tool):
            reader = cast(RunFiles, plugins.load(GROUP, name))
            for run in reader.runs(path):
                yield _Bringing(yard, name, run, experiment, dry_run).bring()


def _tools(path: Path, tool: str | None) -> list[str]:
    """Whose runs are there."""
    if not path.exists():
        raise NotFound(f"there is nothing at {path}")
    known = plugins.names(GROUP)
    asked = known if tool is None else [tool]
    found = [name for name in asked if cast(RunFiles, plugins.load(GROUP, name)).claims(path)]
    if not found:
        whose = f"no runs of {tool}" if tool else "no runs that another tool kept"
        raise InvalidInput(f"{path} holds {whose}", hint=f"known: {', '.join(known)}")
    return found


class _Bringing:
    """One run on its way."""

    def __init__(
        self, yard: Yard, tool: str, run: KeptRun, experiment: str | None, dry_run: bool
    ) -> None:
        self._yard, self._tool, self._run, self._dry = yard, tool, run, dry_run
        self._origin: Origin = run.origin
        home = experiment or _experiment(self._origin.experiment)
        self.done = Imported(tool, self._origin.source, "", self._origin.name, home)

    def bring(self) -> Imported:
        """Everything that is new of it. What the yard refuses is told of this run, and others go on."""
        done = self.done
        try:
            done.run_id, there = self._place()
            if there is not None and there.deleted_ms is not None:
                done.outcome = "refused"
                done.notes.append("it was deleted here; modelyard runs restore brings it back")
                return done
            if there is None:
                done.outcome = "new"
                self._begin()
            for log in self._run.logs():
                done.points += self._log(log)
            changed = self._settle(self._run.state())
        except (ModelyardError, OSError) as error:
            done.outcome = "refused"
            done.notes.append(str(error).splitlines()[0])
            return done
        if there is not None and (done.points or changed):
            done.outcome = "more"
        return done

    # Which run it is here

    def _place(self) -> tuple[str, Run | None]:
        """Its id, and the run when it came before. A run that was purged, or whose place holds another one by now, is a
        new run."""
        last: str | None = None
        for copy in range(MOST_COPIES):
            run_id = _digest(self._tool, self._origin.id, str(copy))[:32]
            if self._yard.tracker.received(self._spool(run_id, "begun")):
                last = run_id
                continue
            there = None if last is None else self._found(last)
            if there is not None and last is not None and self._goes_on(last, there):
                return last, there
            return run_id, None
        raise InvalidInput(f"{self._origin.source} held more than {MOST_COPIES:,} runs")

    def _found(self, run_id: str) -> Run | None:
        try:
            return self._yard.tracker.run(run_id, _PARAMS)
        except NotFound:
            return None

    def _goes_on(self, run_id: str, there: Run) -> bool:
        """Whether what stands in the files begins with what was brought before."""
        if not self._origin.rewritten:
            return True
        for log in self._run.logs():
            brought = self._yard.tracker.received(self._spool(run_id, log.key))
            reached, points = 0, dict[str, list[tuple[int, str]]]()
            for number, metrics in log.records:
                if number <= brought:
                    reached = number
                    for metric in metrics:
                        points.setdefault(metric.key, []).append((metric.step, repr(metric.value)))
            if reached != brought or any(not self._is_history(run_id, *one) for one in points.items()):  # fmt: skip
                return False
        params = self._run.state().params
        return all(there.params.get(key, text) == text for key, text in params.items())

    def _is_history(self, run_id: str, key: str, points: list[tuple[int, str]]) -> bool:
        page, at = None, 0
        while at < len(points):
            found = self._yard.tracker.history(run_id, key, page=page)
            told = [(metric.step, repr(metric.value)) for metric in found.items]
            if told[: len(points) - at] != points[at : at + len(told)] or not told:
                return False
            at, page = at + len(told), found.next
            if page is None:
                break
        return at >= len(points)

    def _spool(self, run_id: str, what: str) -> str:
        return f"{self._tool}:{run_id}:{_digest(what)[:32]}"

    # What is brought

    def _begin(self) -> None:
        done, origin = self.done, self._origin
        tags = {**origin.tags, "modelyard.imported_from": f"{self._tool} {origin.source}"}
        begun = RunBegun(
            done.run_id, done.experiment, origin.name, origin.user, origin.started_ms, tags
        )
        if not self._dry:
            self._yard.tracker.receive(self._spool(done.run_id, "begun"), 0, [(1, begun)])

    def _log(self, log: Log) -> int:
        """The points that are new, some thousands at once; how many."""
        spool, count = self._spool(self.done.run_id, log.key), 0
        at = self._yard.tracker.received(spool)
        waiting, last = list[Metric](), at
        for number, metrics in log.records:
            if number <= at:
                continue
            waiting += metrics
            last = number
            if len(waiting) >= AT_ONCE:
                count += len(waiting)
                at, waiting = self._send(spool, at, last, waiting), []
        if waiting:
            count += len(waiting)
            self._send(spool, at, last, waiting)
        return count

    def _send(self, spool: str, after: int, number: int, metrics: Sequence[Metric]) -> int:
        if self._dry:
            return number
        logged = RunLogged(self.done.run_id, Batch(metrics))
        now = self._yard.tracker.receive(spool, after, [(number, logged)])
        if now < number:
            raise InvalidInput("another import of the same run goes on", hint="try again later")
        return now

    def _settle(self, state: State) -> bool:
        """Params, tags, files and status as they are now, unless they were found just so before."""
        done, run_id = self.done, self.done.run_id
        done.notes += state.notes
        digests = {path: _content(file) for path, file in state.files.items()}
        facts = {
            "params": state.params,
            "tags": state.tags,
            "summary": {key: repr(value) for key, value in state.summary.items()},
            "status": state.status.value,
            "ended_ms": state.ended_ms,
            "files": digests,
        }
        spool = self._spool(run_id, sha256_bytes(canonical_json(facts)))
        if self._yard.tracker.received(spool):
            return False
        there = None if self._dry else self._yard.tracker.run(run_id, _PARAMS)
        done.files = self._files(state, digests)
        if there is None:
            return True
        params = self._params(state, there)
        at_ms = state.ended_ms or self._origin.started_ms
        summary = [Metric(key, value, at_ms) for key, value in sorted(state.summary.items())]
        ended = RunEnded(run_id, state.status, state.ended_ms or 0)
        batch = Batch(summary, params, state.tags)
        self._yard.tracker.receive(spool, 0, [(1, RunLogged(run_id, batch)), (2, ended)])
        return True

    def _params(self, state: State, there: Run) -> dict[str, str]:
        """Those that are not there yet: a param is written once."""
        for key, text in state.params.items():
            if there.params.get(key, text) != text:
                self.done.notes.append(f"param {key} was {there.params[key]!r} here, and stays so")
        return {key: text for key, text in state.params.items() if key not in there.params}

    def _files(self, state: State, digests: dict[str, str]) -> int:
        owner, count, artifacts = files_of_run(self.done.run_id), 0, self._yard.artifacts
        for path, content in state.files.items():
            if not self._dry:
                entry = artifacts.stat(owner, path)
                if entry is not None and entry.sha256 == digests[path]:
                    continue
                with (
                    io.BytesIO(content)
                    if isinstance(content, bytes)
                    else content.open("rb") as file
                ):
                    artifacts.put(owner, path, file)
            count += 1
        return count


def _content(file: Path | bytes) -> str:
    if isinstance(file, bytes):
        return sha256_bytes(file)
    with file.open("rb") as stream:
        return sha256_stream(stream)[0]


def _experiment(name: str) -> str:
    """What the tool calls it, where that can be a name here."""
    try:
        return check_experiment_name(name)
    except ModelyardError:
        return "Default"


def _digest(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode("utf-8", "surrogatepass")).hexdigest()
