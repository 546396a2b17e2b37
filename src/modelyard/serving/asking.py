"""Who asks, and what becomes of it: noted on the request's way, for the log, for traces, and for who may ask what.

Only when somebody wants to know is there an `Asked` in the context of a request; whoever learns something about the request
writes it there: the gate who asks, a protocol its name, the service model and method, the batcher how long it took.
"""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field

from modelyard.base.errors import NotAllowed


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks."""

    name: str = ""
    """The name of a key, or what a token calls its owner; empty where nobody has to say."""
    models: Sequence[str] = ()
    """Patterns of the models they may use (``churn*``); none is all."""

    def require(self, model: str) -> None:
        """`NotAllowed` for a model that is none of theirs."""
        if self.models and not any(fnmatch.fnmatchcase(model, m) for m in self.models):
            raise NotAllowed(
                f"{self.name} may not use model {model!r}",
                hint=f"this key is for: {', '.join(self.models)}",
            )


NOBODY = Caller()


@dataclass(slots=True)
class Asked:
    """One request. Times are in milliseconds, sizes in bytes; zero and empty is what nobody found out."""

    request_id: str = ""
    remote: str = ""
    """The address it came from."""
    caller: Caller = NOBODY
    protocol: str = ""
    route: str = ""
    """As it is declared; what nothing answers is ``unmatched``."""
    path: str = ""
    verb: str = ""
    deadline: float | None = None
    """`time.monotonic()` after which the client does not wait any more."""
    model: str = ""
    """``name@version``."""
    method: str = ""
    status: int = 0
    rows: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    wait_ms: float = 0.0
    run_ms: float = 0.0
    batch_rows: int = 0
    """Records in the call of the model that answered it, those of other requests included."""
    began: float = field(default_factory=time.perf_counter)
    run_began: float = 0.0
    """`time.perf_counter()` at the begin of that call."""


ASKED: ContextVar[Asked | None] = ContextVar("modelyard_asked", default=None)
"""The request that is being answered in this context, where somebody wants to know."""
