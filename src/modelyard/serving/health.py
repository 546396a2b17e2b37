"""Whether a server lives, and whether it is ready: of what its models do, not only of its process.

``/healthz`` fails when the process should be started anew: the model hangs in a call while others wait. ``/readyz`` fails while
no requests should be sent: models are not loaded or warm, one failed on its own sample and has answered nothing since, one
says itself that it is not ready (`READY_HOOKS`), or the end is near.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from modelyard.serving.housing import Housed
from modelyard.serving.service import Service

logger = logging.getLogger("modelyard.serving")

READY_HOOKS = ("is_ready", "__is_ready__")
"""Methods by which a model of one's own says whether it is ready; without arguments, and quick."""
HOOK_SECONDS = 2.0
"""How long it may think about that."""
FRESH_SECONDS = 1.0
"""How long what it said holds."""


def stuck_models(service: Service) -> list[str]:
    """The models that hang in a call."""
    seconds = service.limits.stuck_seconds
    return [h.model.name for h in service.housed if seconds and h.stuck(seconds)]


class Readiness:
    """Asks models whether they are ready."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._hooks: dict[int, tuple[Housed, _Hook]] = {}

    async def states(self) -> dict[str, str]:
        """Model -> ``ready``, ``starting``, ``failing``, ``stuck`` or ``not ready``."""
        stuck = stuck_models(self._service)
        return {h.model.name: await self._state(h, stuck) for h in self._service.housed}

    async def report(self) -> tuple[str, dict[str, str]]:
        """What is to be said of the whole server, and of each model."""
        service = self._service
        if service.draining:
            return "draining", {}
        if not service.ready:
            return "starting", {}
        models = await self.states()
        worse = [state for state in models.values() if state != "ready"]
        return (worse[0] if worse else "ready"), models

    async def state(self, model: str) -> str | None:
        """The state of one model; None for a stranger."""
        return (await self.states()).get(model)

    async def _state(self, housed: Housed, stuck: list[str]) -> str:
        if not housed.warm:
            return "starting"
        if housed.failing:
            return "failing"
        if housed.model.name in stuck:
            return "stuck"
        return "ready" if await self._says_so(housed) else "not ready"

    async def _says_so(self, housed: Housed) -> bool:
        function = _hook_of(housed.model.object)
        if function is None:
            return True
        kept = self._hooks.get(id(housed))
        if kept is None or kept[0] is not housed:
            here = {id(h) for h in self._service.housed}
            self._hooks = {key: value for key, value in self._hooks.items() if key in here}
            kept = self._hooks[id(housed)] = housed, _Hook(function)
        return await kept[1].says()


def _hook_of(model: Any) -> Callable[[], object] | None:
    for name in READY_HOOKS:
        # Of the class: an object that has an attribute of any name would be asked, too.
        if callable(getattr(type(model), name, None)):
            return getattr(model, name)
    return None


class _Hook:
    """Asks one model, in a thread, never twice at a time."""

    def __init__(self, function: Callable[[], object]) -> None:
        self._function = function
        self._asking: asyncio.Task[bool] | None = None
        self._said = False
        self._said_at = -FRESH_SECONDS

    async def says(self) -> bool:
        if self._asking is None and time.monotonic() - self._said_at >= FRESH_SECONDS:
            self._asking = asyncio.create_task(asyncio.to_thread(self._ask))
        asking = self._asking
        if asking is not None:
            done, _ = await asyncio.wait([asking], timeout=HOOK_SECONDS)
            if not done:
                return False
            self._said, self._said_at, self._asking = asking.result(), time.monotonic(), None
        return self._said

    def _ask(self) -> bool:
        try:
            return bool(self._function())
        except Exception as error:  # noqa: BLE001  a model that cannot say it is not ready
            logger.warning("a model's own word on being ready raised %s", type(error).__name__)
            return False
