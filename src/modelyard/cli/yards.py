"""The yard that a command works on. Looking never makes one: only what adds to it does."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from modelyard.base.errors import NotFound, Unreachable
from modelyard.base.notes import note
from modelyard.base.project import find_root
from modelyard.yard.resolving import opened_yard, project_folder

if TYPE_CHECKING:
    from modelyard.yard.runs import Runs
    from modelyard.yard.told_runs import ToldRuns
    from modelyard.yard.yard import Yard


@contextlib.contextmanager
def yard_if_any(project: str | None) -> Iterator[Yard | None]:
    """The project's yard, or None when there is none yet."""
    with opened_yard(project_folder(project, None), None) as yard:
        yield yard


@contextlib.contextmanager
def existing_yard(project: str | None) -> Iterator[Yard]:
    """The project's yard; `NotFound` when there is none yet."""
    with yard_if_any(project) as yard:
        if yard is None:
            raise NotFound(
                f"there is no yard in {find_root(project_folder(project, None))} yet",
                hint="modelyard register PATH and modelyard data add FILE make one",
            )
        yield yard


@contextlib.contextmanager
def new_or_existing_yard(project: str | None) -> Iterator[Yard]:
    """The project's yard, made when there is none."""
    from modelyard.yard.yard import Yard

    with Yard(project=project_folder(project, None)) as yard:
        yield yard


@contextlib.contextmanager
def runs_to_log_to(project: str | None, *, new: bool = False) -> Iterator[Runs | ToldRuns]:
    """The runs of the project's yard; behind a hub that is away they are kept here, and told to it later."""
    with contextlib.ExitStack() as stack:
        opened = new_or_existing_yard if new else existing_yard
        try:
            yard = stack.enter_context(opened(project))
        except Unreachable as error:
            from modelyard.yard.starting import destination_of
            from modelyard.yard.told_runs import ToldRuns

            note(f"{error.message}; it is kept here and sent later, or by: modelyard sync")
            to = destination_of(project=project_folder(project, None))
            yield stack.enter_context(ToldRuns(to))
            return
        yield yard.runs


@contextlib.contextmanager
def named_yard(uri: str | None, project: str | None) -> Iterator[Yard]:
    """The yard that an address names, else the project's; made when there is none."""
    from modelyard.yard.yard import Yard

    with Yard(uri, project=project_folder(project, None)) as yard:
        yield yard
