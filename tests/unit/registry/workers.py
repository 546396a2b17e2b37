"""What other processes do in these tests. They begin together, each with a connection of its own."""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from typing import Any

from modelyard.base.errors import NotFound
from modelyard.registry import verbs
from modelyard.registry.fold import fold
from modelyard.registry.sql import SqlRegistry, version_row_id
from modelyard.stores.rows import connect
from modelyard.testing.registries import digest

# A fork server imports once for all; where there is none, each process does it by itself.
context = multiprocessing.get_context("forkserver" if sys.platform != "win32" else "spawn")
if sys.platform != "win32":
    context.set_forkserver_preload([__name__, "sqlalchemy.dialects.sqlite", "psycopg", "pymysql"])

_start: Any = None


def _begin(barrier: Any) -> None:
    global _start
    _start = barrier


def begin_together() -> None:
    """Wait for the other processes."""
    _start.wait(120)


def all_at_once(work: Callable[..., Any], arguments: list[tuple[Any, ...]]) -> list[Any]:
    """What each of several processes returns that start together; what one of them raises is raised."""
    count = len(arguments)
    with context.Pool(count, _begin, [context.Barrier(count)]) as pool:
        return pool.starmap(work, arguments, chunksize=1)


def register_many(uri: str, name: str, count: int, offset: int) -> list[int | None]:
    """Register contents of our own; the numbers they got."""
    with connect(uri) as database:
        registry = SqlRegistry(database)
        begin_together()
        return [
            verbs.register(registry, name, digest=digest(offset + n)).number for n in range(count)
        ]


def register_one(uri: str, name: str) -> tuple[int | None, int]:
    """Register the same content as all others, under a name that is not there yet."""
    with connect(uri) as database:
        begin_together()
        version = verbs.register(SqlRegistry(database), name, digest=digest(0))
        return version.number, version_row_id(database, name, version.label)


def rename_one(uri: str, name: str, target: str) -> str:
    """Take a name that all others want too."""
    with connect(uri) as database:
        begin_together()
        try:
            verbs.rename(SqlRegistry(database), name, target)
        except Exception as error:
            return type(error).__name__
        return "renamed"


def move_about(uri: str, name: str, seed: int) -> int:
    """Move a stage and an alias between versions 1 to 4 at random; how often something was there to move."""
    chance, moved = random.Random(seed), 0
    with connect(uri) as database:
        registry = SqlRegistry(database)
        moves: list[Callable[[int], Any]] = [
            lambda version: verbs.promote(registry, name, "prod", version),
            lambda version: verbs.promote(registry, name, "prod", version),
            lambda version: verbs.demote(registry, name, "prod", version),
            lambda version: verbs.demote(registry, name, "prod"),
            lambda version: verbs.set_alias(registry, name, "best", version),
            lambda version: verbs.remove_alias(registry, name, "best"),
        ]
        begin_together()
        for _ in range(25):
            try:
                chance.choice(moves)(chance.randint(1, 4))
                moved += 1
            except NotFound:  # somebody else took it out first
                continue
    return moved


def watch(uri: str, name: str, times: int) -> int:
    """Look at the state again and again: it is always what the events up to it say."""
    with connect(uri) as database:
        registry = SqlRegistry(database)
        begin_together()
        for _ in range(times):
            state = registry.state(name)
            seen = [event for event in registry.events(name) if event.seq <= state.seq]
            assert state == fold(seen)
    return times


def register_until_killed(uri: str, name: str, writer: int, acks: str) -> None:
    """Register contents of our own; write each down when it is acknowledged."""
    out = os.open(acks, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    registry, number = SqlRegistry(connect(uri)), 0
    while True:
        content = digest(writer * 1_000_000 + number)
        version = verbs.register(registry, name, digest=content)
        os.write(out, f"{version.label} {content}\n".encode())
        number += 1


def started(work: Callable[..., Any], *arguments: Any) -> BaseProcess:
    """A process that runs until it is killed."""
    process = context.Process(target=work, args=arguments, daemon=True)
    process.start()
    return process
