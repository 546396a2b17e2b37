"""What a hub is told when it starts, and who asks it.

How to add a resource: write ``routes/<resource>.py`` with ``router = Router("<resource>")``; each route says
``**needs("<permission>")`` with a word of `modelyard.hub.permissions`, and calls a function of a layer below. Another
protocol (a folder of ``compat`` with ``routes(yard)``) is named in `modelyard.hub.protocols`.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass

from modelyard.base.errors import NotAllowed
from modelyard.hub.permissions import ADMIN, Role, least_role, may


@dataclass(frozen=True, slots=True)
class HubSettings:
    """How a hub runs."""

    uri: str | None = None
    """The yard's database; None is the project's."""
    artifacts: str | None = None
    """A folder for all files of a new yard."""
    host: str = "127.0.0.1"
    """The address it listens on: decides which names it answers to, and whether it may be used without tokens."""
    allowed_hosts: Sequence[str] = ()
    """Names it answers to besides its own: those of a proxy."""
    insecure: bool = False
    """Whether people without a token may use it where others than this machine reach it."""
    access_log: bool = True
    sweep_minutes: float = 60.0
    """How often it removes what nothing needs any more; 0 is never."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, and what they may do."""

    actor: str
    role: Role = ADMIN
    scopes: Sequence[str] = ()
    """Patterns of names (``churn*``); none is everything."""
    token_id: int | None = None

    def require(self, permission: str) -> None:
        """`NotAllowed` unless the role has the permission."""
        if not may(self.role, permission):
            raise NotAllowed(
                f"{self.actor} is {self.role}, and {permission} needs {least_role(permission)}",
                hint="ask an admin of the hub for another role",
            )

    def sees(self, name: str) -> bool:
        """Whether a name is within the token's scopes."""
        return not self.scopes or any(fnmatch.fnmatchcase(name, s) for s in self.scopes)

    def require_name(self, name: str | None) -> None:
        """`NotAllowed` for a name outside the scopes, and for what has no name that could be judged."""
        if not self.scopes or (name is not None and self.sees(name)):
            return
        raise NotAllowed(
            "this token is for other names" if name is not None else "this token is for some names",
            hint=f"its scopes: {', '.join(self.scopes)}",
        )
