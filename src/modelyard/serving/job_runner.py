"""Requests that are answered later, beside those that somebody waits for.

Of one model one job runs at a time. A method that answers each record by itself gets a long job in pieces, between which the
queue of the model serves everybody else; any other is called in a thread of its own, of low priority where the system knows
that. All processes that share a folder know each other's jobs.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import secrets
import shutil
import tempfile
import threading
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelyard.base.clock import now_ms
from modelyard.base.errors import InvalidSetting, NotReady, Overloaded, TooLarge
from modelyard.serving.edge import dump_json, error_reply
from modelyard.serving.execution import Method
from modelyard.serving.interface import Jobs, Request
from modelyard.serving.job_pieces import pieces_of, told_at
from modelyard.serving.job_store import Job, JobStore

if TYPE_CHECKING:
    from modelyard.serving.service import Service

LOOK_SECONDS = 0.5
"""How often jobs that another process may change are looked at."""


class JobRunner:
    """Takes jobs, runs them in turn, and knows what became of them."""

    def __init__(self, service: Service, settings: Jobs) -> None:
        self.settings = settings
        self._service = service
        self._store: JobStore | None = None
        self._temporary: Path | None = None
        self._opening = threading.Lock()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._started: set[str] = set()
        self._done: dict[str, int] = {}
        self._bytes = 0
        self._turns: dict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(settings.running)
        )
        self._watch: asyncio.Task[None] | None = None
        if settings.folder:  # one that cannot be is told before anything is served
            with folder_told():
                self._folder().mkdir(parents=True, exist_ok=True)

    @property
    def unfinished(self) -> int:
        """Jobs of this process that wait or run."""
        return len(self._tasks)

    async def open(self) -> None:
        """Look after a folder that is kept: what a process left there that is dead, has failed."""
        if self.settings.folder:
            await asyncio.to_thread(self._opened)

    async def submit(self, method: Method, request: Request, size: int, **facts: Any) -> Job:
        """Keep a job and have it run; or the one that its ``key`` named before, when it is a retry. ``size`` is that of what
        was sent, ``facts`` are fields of `Job`.

        Raises `NotAllowed` and `TooLarge` as `Service.checked` does, `Overloaded` when too much waits, and `Conflict` for a key that stood for something else.
        """
        self._service.checked(method, request)
        if self._service.draining:
            raise NotReady("the server is about to stop", hint="send it again in a moment")
        if self._bytes and self._bytes + size > self.settings.queued_bytes:
            raise Overloaded("too much waits already", hint="try again in 5 s", retry_after=5)
        self._bytes += size
        task = None
        try:
            store = await asyncio.to_thread(self._opened)
            asked = _new_job(store, method, request, **facts)
            job, new = await asyncio.to_thread(store.add, asked)
            if new:
                # In a context of its own: what belongs to the request that asks ends with it.
                task = asyncio.create_task(
                    self._run(store, method, request, job), context=contextvars.Context()
                )
                self._tasks[job.id] = task
                task.add_done_callback(partial(self._ended, job.id, size))
                if self._watch is None or self._watch.done():
                    self._watch = asyncio.create_task(self._look(store))
        finally:
            if task is None:
                self._bytes -= size
        return job

    async def get(self, job_id: str, wait: float = 0) -> Job:
        """A job, when it is finished or after so many seconds. `NotFound` for one that nobody knows (any more)."""
        store = await asyncio.to_thread(self._opened)
        loop = asyncio.get_running_loop()
        until = loop.time() + wait
        while True:
            job = await asyncio.to_thread(store.get, job_id)
            left = until - loop.time()
            if job.finished or left <= 0:
                return job
            task = self._tasks.get(job_id)
            pause = left if task else min(left, LOOK_SECONDS)
            await (asyncio.wait({task}, timeout=pause) if task else asyncio.sleep(pause))

    async def list(self, caller: str, limit: int) -> list[Job]:
        """A caller's jobs, the newest first."""
        store = await asyncio.to_thread(self._opened)
        return list(await asyncio.to_thread(store.list, caller, limit))

    async def result(self, job_id: str) -> bytes:
        """The JSON that a job which is done answered."""
        return await asyncio.to_thread(self._opened().result, job_id)

    async def cancel(self, job_id: str) -> Job:
        """End a job, unless it is over; it is cancelled from now on, whenever the model lets go of it."""
        store = await asyncio.to_thread(self._opened)
        await asyncio.to_thread(store.get, job_id)
        job = await asyncio.to_thread(store.finish, job_id, "cancelled")
        if job.status == "cancelled" and (task := self._tasks.get(job_id)) is not None:
            task.cancel()
        return job

    async def close(self, timeout: float) -> None:
        """Let what runs end, for at most ``timeout`` seconds; what waits has failed."""
        running = {task for job_id, task in self._tasks.items() if job_id in self._started}
        for task in set(self._tasks.values()) - running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=timeout)
        left = list(self._tasks.values()) + ([self._watch] if self._watch else [])
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await asyncio.to_thread(self._close_store)

    # -- running

    async def _run(self, store: JobStore, method: Method, request: Request, job: Job) -> None:
        turn = self._turns[job.model]
        await turn.acquire()
        work: asyncio.Task[Any] | None = None
        try:
            if not await asyncio.to_thread(store.start, job.id):
                return
            self._started.add(job.id)
            work = asyncio.create_task(self._answer(method, request, job.id, turn.release))
            await asyncio.wait({work}, timeout=self.settings.seconds)
            if not work.done():
                raise Overloaded(f"the job was not done in {self.settings.seconds:g} s")
            await asyncio.to_thread(self._keep, store, job.id, work.result())
        except Exception as error:  # noqa: BLE001  whatever it is, it is the job's answer
            reply = error_reply(error, request.request_id)
            why = (reply.status, reply.body)
            await asyncio.to_thread(store.finish, job.id, "failed", error=why)
        finally:
            if work is None:
                turn.release()
            else:
                work.cancel()

    async def _answer(self, method: Method, request: Request, job_id: str, on_end: Any) -> Any:
        """The answer; ``on_end`` is called when the model is through, which may be later than we are."""
        if method.items is None and not method.joins:
            return (await self._service.infer_apart(request, on_end)).value
        try:
            if method.items is not None:
                return await self._gathered(request, job_id)
            return await self._in_pieces(method, request, job_id)
        finally:
            on_end()

    async def _gathered(self, request: Request, job_id: str) -> list[Any]:
        items: list[Any] = []
        stream = self._service.stream(request, seconds=self.settings.seconds)
        async with contextlib.aclosing(stream):
            async for item in stream:
                items.append(item)
                self._done[job_id] = len(items)
                if len(items) > self._service.limits.stream_items:
                    raise TooLarge(f"the answer has more than {len(items) - 1} items")
        return items

    async def _in_pieces(self, method: Method, request: Request, job_id: str) -> Any:
        values: list[Any] = []
        pieces = pieces_of(method, request, self._service.batching.rows)
        for start, piece in pieces:
            with told_at(start, str(method.records)):
                value = (await self._service.infer(piece)).value
            if len(pieces) == 1:
                return value
            if (
                not isinstance(value, list) or len(value) != piece.rows
            ):  # it is not one row a record after all
                return (await self._service.infer(request)).value
            values += value
            self._done[job_id] = len(values)
        return values

    def _keep(self, store: JobStore, job_id: str, value: Any) -> None:
        result = dump_json(value)
        if len(result) > self.settings.kept_bytes:
            raise TooLarge(f"the result is larger than {self.settings.kept_bytes} bytes")
        store.finish(job_id, "done", result=result, done=self._done.get(job_id))

    def _ended(self, job_id: str, size: int, task: asyncio.Task[None]) -> None:
        self._bytes -= size
        self._tasks.pop(job_id, None)
        self._done.pop(job_id, None)
        self._started.discard(job_id)

    async def _look(self, store: JobStore) -> None:
        """While jobs run: write down how far they are, and hear of those that another process cancelled."""
        while self._tasks:
            await asyncio.sleep(LOOK_SECONDS)
            for job_id in await asyncio.to_thread(store.exchange, dict(self._done)):
                if job_id in self._tasks:
                    self._tasks[job_id].cancel()

    # -- the folder

    def _opened(self) -> JobStore:
        with self._opening:
            if self._store is None:
                with folder_told():
                    self._store = JobStore(self._folder(), self.settings)
            return self._store

    def _folder(self) -> Path:
        if self.settings.folder:
            return Path(self.settings.folder).expanduser()
        self._temporary = Path(tempfile.mkdtemp(prefix="modelyard-jobs-"))
        return self._temporary

    def _close_store(self) -> None:
        if self._store is not None:
            self._store.give_up_mine()
            self._store.close()
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)


@contextlib.contextmanager
def folder_told() -> Iterator[None]:
    """Say which setting it is when the folder cannot be used."""
    try:
        yield
    except OSError as error:
        raise InvalidSetting(
            f"jobs cannot be kept: {error}", hint="serve with -c jobs.folder=PATH"
        ) from error


def _new_job(store: JobStore, method: Method, request: Request, **facts: Any) -> Job:
    return Job(
        id=secrets.token_hex(16),
        model=method.model.name,
        method=method.name,
        identity=method.identity,
        caller=request.caller,
        reference_ids=dump_json(list(request.reference_ids)).decode(),
        owner=store.owner,
        created_ms=now_ms(),
        total=request.rows if method.joins and request.rows > 1 else None,
        **facts,
    )
