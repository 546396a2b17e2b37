"""The contract of an autologger: which functions of a library train, and what is told of it.

How to add one: write ``yard/autologgers/<library>.py`` with `NAME`, `EXTRA`, `LIBRARIES` and `install`, and a case file
``tests/cases/autologgers/<library>.py``. ``testing/autologgers.py`` holds the contract. A hook is a generator: what stands
before its ``yield`` happens before the training, and the ``yield`` gives what the training returned.

    NAME = "learner"
    EXTRA = "learner"
    LIBRARIES = ("learner",)

    def install(patcher: Patcher) -> None:
        import learner

        patcher.wrap(learner, "train", train)

    def train(call: Call) -> Generator[None, Any, None]:
        with call.step("params"):
            call.log_params(call.arguments["params"])
        call.replace("callbacks", [*call.arguments.get("callbacks", ()), call.guard(on_epoch)])
        model = yield
        with call.step("model"):
            call.log_model(model)

Each `Call.step` fails alone: the others are told all the same, the training never learns of it, and the user reads one
line. When a hook fails before its ``yield``, the training runs with the arguments that the user gave.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from modelyard.yard.autologging.calls import Call

Hook = Callable[["Call"], Generator[None, Any, None]]
"""What is done around a call of a function that trains."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked of `autolog`."""

    log_models: bool = True
    log_datasets: bool = True
    log_signatures: bool = True
    """A sample of the training data goes into the model's card, and with it the types of its arguments."""
    max_child_runs: int = 5
    """Of a search: the best so many candidates get a run of their own."""
    every: int = 1
    """Metrics of every so many iterations, and of the last."""
    register: str | None = None
    """Models are registered by this name."""
    tags: tuple[tuple[str, str], ...] = ()
    """Of runs that are begun by a training."""
    silent: bool = False


class Patcher(Protocol):
    """Puts wrappers in the place of functions, and takes them away again."""

    @property
    def options(self) -> Options: ...

    def wrap(self, owner: Any, name: str, hook: Hook, *, within: Sequence[Hook] = ()) -> None:
        """Put a wrapper in the place of ``owner.name`` (a module's function, a class's own method): the hook is run
        around it, unless it is called within another logged call. ``within``: hooks within whose calls it runs too."""
        ...

    def replace(self, owner: Any, name: str, value: Any) -> None:
        """Put a value of one's own in the place of ``owner.name``, for what is no training."""
        ...


class Autologger(Protocol):
    NAME: str
    EXTRA: str
    LIBRARIES: Sequence[str]
    """Modules: as soon as one of them is imported, `install` is called."""

    def install(self, patcher: Patcher) -> None:
        """Wrap what trains. The library is imported; called again when another of `LIBRARIES` is."""
        ...
