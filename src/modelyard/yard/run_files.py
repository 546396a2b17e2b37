"""The contract of files in which another tool kept its runs.

How to add one: write ``compat/run_files/<name>.py`` with ``claims(path)`` and ``runs(path)``. Nothing that stands in such
files is carried out, names in them are data, and whatever is damaged or has no place here is told in the notes of the run,
never raised: the rest still comes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from modelyard.tracking.interface import Metric, Status


@dataclass(frozen=True, slots=True)
class Log:
    """Points of metrics, in a file that only grows."""

    key: str
    """Its name: the same whenever and wherever the run is read, and no other log of the run has it."""
    records: Iterator[tuple[int, Sequence[Metric]]]
    """Numbers that rise, and what stands there. The same points have the same number when the file has grown."""


@dataclass(slots=True)
class State:
    """What is known of a run besides its curves, as it is now."""

    params: dict[str, str] = field(default_factory=dict[str, str])
    tags: dict[str, str] = field(default_factory=dict[str, str])
    summary: dict[str, float] = field(default_factory=dict[str, float])
    """Numbers of the whole run, which are no curves."""
    status: Status = Status.FINISHED
    ended_ms: int | None = None
    files: dict[str, Path | bytes] = field(default_factory=dict[str, "Path | bytes"])
    """By their path within the run."""
    notes: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class Origin:
    """Which run it is, and how it begins here."""

    id: str
    """The same whenever and wherever it is read."""
    source: str
    """Where it stands, for people."""
    name: str = ""
    experiment: str = ""
    user: str = ""
    started_ms: int = 0
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    rewritten: bool = False
    """The tool writes the next run over this one: the same place with other values is another run."""


class KeptRun(Protocol):
    """One run."""

    @property
    def origin(self) -> Origin: ...

    def logs(self) -> Iterator[Log]:
        """Read from the start, each time it is asked for."""
        ...

    def state(self) -> State:
        """Asked for after the logs were read to their end."""
        ...


class RunFiles(Protocol):
    """A plugin of the group ``run_files``: a module."""

    def claims(self, path: Path) -> bool:
        """Whether a file or folder is, or directly holds, runs of this tool; by names and a few bytes."""
        ...

    def runs(self, path: Path) -> Iterator[KeptRun]:
        """The runs there, oldest first."""
        ...
