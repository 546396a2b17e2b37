"""Models that come and go while the service runs: each with its methods and its queue, and a shelf of the known names."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from modelyard.base.clock import new_id
from modelyard.base.errors import AlreadyExists, ModelFailed, ModelyardError, NotFound, did_you_mean
from modelyard.base.notes import note
from modelyard.objects.engines.array import array_engine
from modelyard.objects.model import Model
from modelyard.serving.batcher import Batcher
from modelyard.serving.examples import example_arguments
from modelyard.serving.execution import ROW_WISE, Method, Outcome, answer, stream
from modelyard.serving.interface import Json, Request
from modelyard.serving.isolation import IsolatedModel

RETIRE_SECONDS = 60.0
"""How long a model that was replaced may take to answer what it was asked before."""

State = Literal["READY", "UNAVAILABLE", "LOADING"]


class Housed:
    """A model with its methods and, once it is started, its queue."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.methods = {name: Method(model, name) for name in model.methods}
        self.batcher: Batcher | None = None
        self.warm = False
        """It has been called, or there was nothing to call it with."""
        self.shown_engine = ""
        """The one that metrics show."""
        self.failing = False
        """It failed on its own sample, and has answered nothing since."""
        self._follow()

    def _follow(self) -> None:
        """Requests for an isolated model are joined here as it says there."""
        if isinstance(self.model, IsolatedModel):
            for name, method in self.methods.items():
                method.row_wise = name in self.model.joins

    def stuck(self, seconds: float) -> bool:
        """Whether it hangs in a call while others wait."""
        return self.batcher is not None and self.batcher.stuck(seconds)

    @property
    def engine(self) -> str:
        """What answers its default method."""
        default = self.model.default_method if self.methods else ""
        return self.engines.get(default, "python")

    @property
    def engines(self) -> Mapping[str, str]:
        """Method -> the engine that answers it, where that is not the method itself."""
        if isinstance(self.model, IsolatedModel):
            return self.model.engines
        return {n: m.engine.name for n, m in self.methods.items() if m.engine is not None}

    @property
    def waiting_rows(self) -> int:
        """Records that wait for this model."""
        return self.batcher.waiting_rows if self.batcher is not None else 0

    def submit(self, method: Method, request: Request) -> asyncio.Future[object]:
        """Queue a request; see `Batcher.submit`."""
        assert self.batcher is not None, "requests come between start and close"
        return self.batcher.submit(method, request)

    async def idle(self) -> None:
        """Wait until nothing waits and nothing runs."""
        if self.batcher is not None:
            await self.batcher.idle()

    def answer(self, method: Method, requests: Sequence[Request]) -> Sequence[Outcome]:
        """Run requests, here or where the model is; see `execution.answer`."""
        run = self.model.answer if isinstance(self.model, IsolatedModel) else answer
        return run(method, requests)

    def stream(self, method: Method, request: Request) -> Iterator[Any]:
        """The items of a streaming method; see `execution.stream`."""
        make = self.model.stream if isinstance(self.model, IsolatedModel) else stream
        return make(method, request)

    def on_restart(self, tell: Callable[[], object]) -> None:
        """What to call whenever the process of an isolated model is started again."""
        if isinstance(self.model, IsolatedModel):
            self.model.on_restart(tell)

    def on_engines(self, tell: Callable[[], object]) -> None:
        """What to call, from any thread, when an isolated model is answered by other engines."""
        if isinstance(self.model, IsolatedModel):
            self.model.on_engines(lambda: (self._follow(), tell()))
            self._follow()

    @property
    def isolated(self) -> bool:
        """Whether it runs in a process of its own."""
        return isinstance(self.model, IsolatedModel)

    @property
    def up(self) -> bool:
        """Whether the model is there to answer: one in a process of its own may be starting again."""
        return not isinstance(self.model, IsolatedModel) or self.model.up

    def close(self) -> None:
        """Let its workers end."""
        if self.batcher is not None:
            self.batcher.close()
        if isinstance(self.model, IsolatedModel):
            self.model.close()

    async def retire(self) -> None:
        """Answer what was asked, then end."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RETIRE_SECONDS):
                await self.idle()
        self.close()


async def warm_up(housed: Housed) -> None:
    """Find the quickest way to call a model, and call it on its sample, so that the first request is not the slow one."""
    try:
        await _call_on_sample(housed)
    finally:
        housed.warm = True


async def _call_on_sample(housed: Housed) -> None:
    if not housed.methods:
        return
    if not isinstance(housed.model, IsolatedModel):  # there it is done where the model is
        await asyncio.to_thread(choose_engines, housed.model, housed.methods)
    method = housed.methods[housed.model.default_method]
    # Only methods known to have no effect but their answer: a function of somebody's own may send a letter.
    sample = example_arguments(method.model, method.name, rows=1)
    if not sample or method.name not in ROW_WISE.get(method.model.card.flavor, ()):
        return
    arguments = {name: Json(value) for name, value in sample.items()}
    request = Request(method.model.name, method.name, arguments, new_id())
    try:
        await housed.submit(method, request)
    except ModelyardError as error:
        housed.failing = isinstance(error, ModelFailed)
        note(f"{method.identity}: {method.name} failed on its own sample: {error.message}")


def choose_engines(model: Model, methods: Mapping[str, Method]) -> None:
    """Give each method the quickest way to call it that is proven to answer the same; networks are tried on whether their
    requests may be joined."""
    for method in methods.values():
        method.try_joining()
        if method.row_wise and not method.tried and method.engine is None:
            method.engine = array_engine(model, method.name)


@dataclass(frozen=True, slots=True)
class Shelved:
    """A model known by name."""

    name: str
    version: str
    """Of the one that is loaded; empty when none is, or it has none."""
    state: State
    reason: str = ""
    """Why it is not there."""


class Shelf:
    """The names that can be loaded, and what became of the last try."""

    def __init__(self, opener: Callable[[str], Model] | None, names: Sequence[str]) -> None:
        self._opener = opener
        self._away: dict[str, tuple[State, str]] = {}
        self._known = set(names)
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @contextlib.asynccontextmanager
    async def opening(
        self, name: str, open_model: Callable[[], Model] | None
    ) -> AsyncIterator[Callable[[], Model]]:
        """What opens a model, one at a time for each name; how it went is remembered."""
        if open_model is None:
            if self._opener is None or name not in self._known:
                hint = did_you_mean(name, self._known) or f"known: {', '.join(sorted(self._known))}"
                raise NotFound(f"no model named {name!r} is known here", hint=hint)
            opener = self._opener
            open_model = lambda: opener(name)  # noqa: E731
        async with self._turns[name]:
            self._away[name] = ("LOADING", "it is being loaded")
            try:
                yield open_model
            except BaseException as error:
                # A stranger that does not open leaves no trace: names come from clients.
                self._away.pop(name)
                if name in self._known:
                    why = error.message if isinstance(error, ModelyardError) else "it does not load"
                    self._away[name] = ("UNAVAILABLE", why)
                raise
            self._away.pop(name)
            self._known.add(name)

    def unloaded(self, name: str, *, forget: bool) -> None:
        """Note that a model was let go, or know its name no longer."""
        self._away[name] = ("UNAVAILABLE", "it was unloaded")
        if forget:
            self._known.discard(name)
            del self._away[name]

    def why_away(self, name: str) -> str | None:
        """Why a known model does not answer; None for a stranger."""
        return self._away[name][1] if name in self._away else None

    def index(self, loaded: Mapping[str, Model]) -> Sequence[Shelved]:
        """All that is known; one that is loaded is ready, whatever became of loading it anew."""
        rows = []
        for name in sorted({*self._known, *self._away, *loaded}):
            if name in loaded:
                rows.append(Shelved(name, loaded[name].version, "READY"))
            else:
                rows.append(Shelved(name, "", *self._away.get(name, ("UNAVAILABLE", ""))))
        return rows


def by_name(models: Sequence[Model]) -> dict[str, Model]:
    """Models by their names; `AlreadyExists` when two have the same."""
    named: dict[str, Model] = {}
    for model in models:
        if model.name in named:
            raise AlreadyExists(
                f"two models named '{model.name}': {named[model.name].identity} and {model.identity}",
                hint="models served together need different names",
            )
        named[model.name] = model
    return named
