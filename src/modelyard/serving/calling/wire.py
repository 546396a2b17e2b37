"""Connections to one server: kept and used again, by any thread, in any process and on any event loop.

`BlockingWire` and `AwaitedWire` carry plans out; all they do themselves is send and wait.
"""

from __future__ import annotations

import asyncio
import os
from asyncio import sleep as wait_awaited
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from time import sleep as wait
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import quote

from modelyard.base.errors import InvalidInput
from modelyard.serving.calling.address import Address
from modelyard.serving.calling.plans import Pause, Plan, Send
from modelyard.serving.calling.streams import Item, ItemPlan, Reading

if TYPE_CHECKING:
    import httpx2

CONNECT_SECONDS = 5.0
_T = TypeVar("_T")


class _Wire:
    def __init__(self, address: Address) -> None:

        self.address = address
        self._urls: dict[str, httpx2.URL] = {}

    @property
    def url(self) -> str:
        """Where the server is."""
        return self.address.url

    def _asked(self, effect: Send) -> dict[str, Any]:
        import httpx2

        request = effect.request
        url = self._urls.get(request.path)
        if url is None:
            try:
                url = httpx2.URL(self.url + quote(request.path))
            except httpx2.InvalidURL as error:
                raise InvalidInput(f"{self.url!r} is no URL: {error}") from error
            self._urls[request.path] = url
        seconds = effect.seconds
        return {
            "method": request.verb,
            "url": url,
            "content": request.body,
            "headers": {**request.headers, "x-request-timeout": f"{seconds:.3f}"},
            "timeout": httpx2.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS)),
        }


class BlockingWire(_Wire):
    """Calls that return when they are answered. Threads may share it, and it goes on working after a fork."""

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self._opened: dict[int, httpx2.Client] = {}

    def run(self, plan: Plan[_T]) -> _T:
        """Carry a plan out."""
        try:
            effect = next(plan)
            while True:
                try:
                    told = self._do(effect)
                except Exception as error:  # noqa: BLE001  the plan decides
                    effect = plan.throw(error)
                else:
                    effect = plan.send(told)
        except StopIteration as end:
            return cast(_T, end.value)

    def run_all(self, plans: Iterator[Plan[list[_T]]], concurrency: int) -> Iterator[_T]:
        """Carry plans out, so many at a time; what they give, in order. Plans are made no earlier than needed."""
        with ThreadPoolExecutor(concurrency, "modelyard-client") as pool:
            waiting: deque[Future[list[_T]]] = deque()
            try:
                for plan in plans:
                    waiting.append(pool.submit(self.run, plan))
                    if len(waiting) >= concurrency:
                        yield from waiting.popleft().result()
                while waiting:
                    yield from waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()

    def items(self, plan: ItemPlan) -> Iterator[Any]:
        """What a plan gives piece by piece. Closing the iterator closes the connection."""
        reading: Reading | None = None
        try:
            effect = next(plan)
            while True:
                if isinstance(effect, Item):
                    yield effect.value
                    effect = next(plan)
                    continue
                reading = effect if isinstance(effect, Reading) else reading
                try:
                    told = self._do(effect)
                except Exception as error:  # noqa: BLE001  the plan decides
                    effect = plan.throw(error)
                else:
                    effect = plan.send(told)
        except StopIteration:
            return
        finally:
            if reading is not None:
                reading.response.close()

    def close(self) -> None:
        """Close the connections. A closed wire opens again when it is used."""
        opened = self._opened.pop(os.getpid(), None)
        if opened is not None:
            opened.close()

    def _do(self, effect: Send | Pause | Reading) -> Any:
        if isinstance(effect, Pause):
            wait(effect.seconds)
            return None
        if isinstance(effect, Reading):
            if effect.pieces is None:
                effect.pieces = effect.response.iter_bytes()
            return next(effect.pieces, None)
        client = self._client()
        request = client.build_request(**self._asked(effect))
        response = client.send(request, stream=effect.request.streamed)
        if not response.is_success:
            response.read()
        return response

    def _client(self) -> httpx2.Client:
        import httpx2

        # By process: connections of a parent are not ours to write to. No lock: a fork could copy it locked.
        opened = self._opened.get(os.getpid())
        if opened is None:
            opened = self._opened.setdefault(os.getpid(), httpx2.Client(**self.address.options()))
        return opened


class AwaitedWire(_Wire):
    """The same for `asyncio`. It may be used on one event loop after the other."""

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self._opened: tuple[asyncio.AbstractEventLoop, int, httpx2.AsyncClient] | None = None

    async def run(self, plan: Plan[_T]) -> _T:
        """Carry a plan out."""
        try:
            effect = next(plan)
            while True:
                try:
                    told = await self._do(effect)
                except Exception as error:  # noqa: BLE001  the plan decides
                    effect = plan.throw(error)
                else:
                    effect = plan.send(told)
        except StopIteration as end:
            return cast(_T, end.value)

    async def run_all(
        self, plans: Iterator[Plan[list[_T]]], concurrency: int
    ) -> AsyncGenerator[_T]:
        """Carry plans out, so many at a time; what they give, in order. Plans are made no earlier than needed."""
        waiting: deque[asyncio.Task[list[_T]]] = deque()
        try:
            for plan in plans:
                waiting.append(asyncio.create_task(self.run(plan)))
                if len(waiting) >= concurrency:
                    for value in await waiting.popleft():
                        yield value
            while waiting:
                for value in await waiting.popleft():
                    yield value
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def items(self, plan: ItemPlan) -> AsyncGenerator[Any]:
        """What a plan gives piece by piece. Closing the iterator closes the connection."""
        reading: Reading | None = None
        try:
            effect = next(plan)
            while True:
                if isinstance(effect, Item):
                    yield effect.value
                    effect = next(plan)
                    continue
                reading = effect if isinstance(effect, Reading) else reading
                try:
                    told = await self._do(effect)
                except Exception as error:  # noqa: BLE001  the plan decides
                    effect = plan.throw(error)
                else:
                    effect = plan.send(told)
        except StopIteration:
            return
        finally:
            if reading is not None:
                await reading.response.aclose()

    async def close(self) -> None:
        """Close the connections. A closed wire opens again when it is used."""
        opened, self._opened = self._opened, None
        if opened is not None and opened[:2] == (asyncio.get_running_loop(), os.getpid()):
            await opened[2].aclose()

    async def _do(self, effect: Send | Pause | Reading) -> Any:
        if isinstance(effect, Pause):
            await wait_awaited(effect.seconds)
            return None
        if isinstance(effect, Reading):
            if effect.pieces is None:
                effect.pieces = effect.response.aiter_bytes()
            return await anext(effect.pieces, None)
        client = self._client()
        request = client.build_request(**self._asked(effect))
        response = await client.send(request, stream=effect.request.streamed)
        if not response.is_success:
            await response.aread()
        return response

    def _client(self) -> httpx2.AsyncClient:
        import httpx2

        here = (asyncio.get_running_loop(), os.getpid())
        if self._opened is None or self._opened[:2] != here:
            self._opened = (*here, httpx2.AsyncClient(**self.address.options()))
        return self._opened[2]


Wire = BlockingWire | AwaitedWire
