"""The registry that a command acts on, and what is told afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from modelyard.cli.options import Change
from modelyard.cli.output import say
from modelyard.yard.registries import existing_registry

if TYPE_CHECKING:
    from modelyard.yard.registered import Registered


@contextlib.contextmanager
def changing(change: Change) -> Iterator[Registered[Any]]:
    """The registry, to be changed; with ``dry_run`` one that answers as if and keeps nothing."""
    with existing_registry(change.project, change.registry, push=change.push) as found:
        if change.dry_run:
            from modelyard.yard.rehearsing import Rehearsed

            yield Rehearsed(found)
            return
        yield found
        tell_unsent(found)


def tell_unsent(registry: Registered[Any]) -> None:
    """How to send what was written to a Git repository and stayed here."""
    command = getattr(registry, "push_command", lambda: None)()
    if command is not None:
        say(f"not sent yet: {command}")
