"""Who may own files: a run or a logged model that is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelyard.base.errors import InvalidInput
from modelyard.tracking.interface import Columns

if TYPE_CHECKING:
    from modelyard.yard.yard import Yard

_NOTHING = Columns((), (), (), inputs=False)


def require_owner(yard: Yard, owner: str) -> None:
    """`NotFound` when there is no such run or logged model; `InvalidInput` for any other word."""
    kind, _, which = owner.partition(":")
    if kind == "run":
        yard.tracker.run(which, _NOTHING)
    elif kind == "model":
        yard.tracker.model(which)
    else:
        raise InvalidInput(f"{owner[:80]!r} cannot own files; as in run:<id>")
