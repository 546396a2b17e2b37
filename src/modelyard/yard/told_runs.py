"""Runs of a yard that cannot be reached now: what a script logs is kept in this user's spool, and sent when it can be."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from modelyard.base.clock import new_id, now_ms
from modelyard.tracking.checks import check_key, check_run_id, check_status, check_texts
from modelyard.tracking.interface import ENDED, Batch, Run
from modelyard.tracking.naming import run_name
from modelyard.tracking.records import RunBegun, RunEnded, RunLogged
from modelyard.yard.current_run import user
from modelyard.yard.starting import Destination, recorder_of


class ToldRuns:
    """``start``, ``write`` and ``end`` as `Runs` has them; what the yard refuses is known later only."""

    def __init__(self, to: Destination) -> None:
        self._recorder = recorder_of(to)

    def start(
        self,
        name: str = "",
        *,
        experiment: str | int = 0,
        tags: Mapping[str, str] | None = None,
        parent: str | None = None,
    ) -> Run:
        """A new run."""
        check_texts(tags or {}, "tag")
        if parent is not None:
            check_run_id(parent)
        begun = RunBegun(
            new_id(), experiment, name or run_name(), user(), now_ms(), dict(tags or {}), parent
        )
        self._recorder.add(begun)
        return Run(
            begun.run_id,
            0,
            begun.name,
            user=begun.user,
            started_ms=begun.at_ms,
            parent_run_id=parent,
            tags=begun.tags,
        )

    def write(self, run_id: str, batch: Batch) -> None:
        """Log values to a run, all of them or none."""
        for metric in batch.metrics:
            check_key(metric.key)
        check_texts(batch.params, "param")
        check_texts(batch.tags, "tag")
        self._recorder.add(RunLogged(check_run_id(run_id), batch))

    def end(self, run_id: str, status: str = "FINISHED") -> Run:
        """The run is over."""
        word, at_ms = check_status(status), now_ms()
        self._recorder.add(RunEnded(check_run_id(run_id), word, at_ms))
        return Run(run_id, 0, status=word, ended_ms=at_ms if word in ENDED else None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._recorder.close(0)
