"""Where jobs and their results are kept: one SQLite file, and a file for each large result.

Several processes may share the folder. Each holds a lock on a file of its own while it lives, which the system frees even
after ``kill -9``: a job that is not finished and whose owner's lock is free is one that nobody will finish.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO, Any, Literal

from modelyard.base.clock import now_ms
from modelyard.base.errors import Conflict, NotFound, Overloaded
from modelyard.serving.interface import Jobs

Status = Literal["queued", "running", "done", "failed", "cancelled"]
INLINE_BYTES = 64 << 10
"""A larger result is a file beside the database."""
ORPHAN_SECONDS = 3600
"""A file without a row that is older is nobody's; a younger one may be about to get its row."""
UNFINISHED = ("queued", "running")


@dataclass(frozen=True, slots=True)
class Job:
    """One row."""

    id: str
    model: str
    method: str
    identity: str
    caller: str
    key: str | None
    """The caller's Idempotency-Key."""
    digest: str
    """Of what was sent, to tell a retry from another request under the same key."""
    owner: str
    status: Status = "queued"
    created_ms: int = 0
    started_ms: int | None = None
    finished_ms: int | None = None
    done: int = 0
    total: int | None = None
    reference_ids: str = "[]"
    error_status: int | None = None
    error: bytes | None = None
    """The body that a request which fails like this would be answered with."""
    size: int = 0

    @property
    def finished(self) -> bool:
        """Whether it is over, one way or another."""
        return self.status not in UNFINISHED


_COLUMNS = [field.name for field in fields(Job)]
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM jobs"
_WAITING = "SELECT count(*) FROM jobs WHERE status IN ('queued', 'running')"
_FORMAT = 1
_TABLE = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, model TEXT NOT NULL, method TEXT NOT NULL, identity TEXT NOT NULL, caller TEXT NOT NULL,
    key TEXT, digest TEXT NOT NULL, owner TEXT NOT NULL, status TEXT NOT NULL, created_ms INTEGER NOT NULL,
    started_ms INTEGER, finished_ms INTEGER, done INTEGER NOT NULL, total INTEGER, reference_ids TEXT NOT NULL,
    error_status INTEGER, error BLOB, size INTEGER NOT NULL, result BLOB, UNIQUE (caller, key)
);
CREATE INDEX IF NOT EXISTS jobs_by_caller ON jobs (caller, created_ms);
CREATE INDEX IF NOT EXISTS jobs_by_end ON jobs (status, finished_ms);
"""


class JobStore:
    """The jobs of one folder. Every call is short, and may be made from any thread."""

    def __init__(self, folder: Path, settings: Jobs) -> None:
        self._folder = folder
        self._settings = settings
        self._lock = threading.Lock()
        (folder / "results").mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / "owners").mkdir(mode=0o700, exist_ok=True)
        self._rows = sqlite3.connect(
            folder / "jobs.db", timeout=30, isolation_level=None, check_same_thread=False
        )
        self._rows.execute("PRAGMA journal_mode=WAL")
        self._rows.execute(f"PRAGMA synchronous={'FULL' if settings.folder else 'OFF'}")
        try:
            self._open_tables()
        except BaseException:
            self._rows.close()
            raise
        self.owner = secrets.token_hex(8)
        self._life = _locked(folder / "owners" / self.owner)
        assert self._life is not None, "a new name is nobody's"
        self._sweep()

    def _open_tables(self) -> None:
        with self._transaction() as rows:
            found = rows.execute("PRAGMA user_version").fetchone()[0]
            if found not in (0, _FORMAT):
                raise Conflict(
                    f"the jobs in {self._folder} are of another version of modelyard",
                    hint="serve with another jobs.folder",
                )
            for statement in _TABLE.split(";"):
                rows.execute(statement)
            rows.execute(f"PRAGMA user_version={_FORMAT}")

    def close(self) -> None:
        """Let the folder go."""
        with self._lock:
            self._rows.close()
        if self._life is not None:
            self._life.close()
            with suppress(OSError):
                (self._folder / "owners" / self.owner).unlink()

    # -- one job

    def add(self, job: Job) -> tuple[Job, bool]:
        """Keep a new job; or the one that its key named before, and False. `Conflict` when that was another request,
        `Overloaded` when too many wait, in all processes."""
        with self._transaction() as rows:
            if job.key is not None:
                old = _one(rows, "WHERE caller = ? AND key = ?", job.caller, job.key)
                if old is not None and old.digest != job.digest:
                    raise Conflict("this Idempotency-Key was used for another request")
                if old is not None:
                    return old, False
            waiting = rows.execute(_WAITING).fetchone()[0]
            if waiting >= self._settings.queued:
                raise Overloaded(
                    f"{waiting} jobs wait already", hint="try again in 5 s", retry_after=5
                )
            marks = ", ".join("?" * len(_COLUMNS))
            values = [getattr(job, name) for name in _COLUMNS]
            rows.execute(f"INSERT INTO jobs ({', '.join(_COLUMNS)}) VALUES ({marks})", values)
        return job, True

    def get(self, job_id: str) -> Job:
        """A job; one that its dead owner left is failed by now."""
        with self._lock:
            job = _one(self._rows, "WHERE id = ?", job_id)
        if job is None:
            raise NotFound(
                f"there is no job {job_id!r}", hint="finished ones are kept for a time only"
            )
        if not job.finished and job.owner != self.owner and self._give_up_left():
            return self.get(job_id)
        return job

    def list(self, caller: str, limit: int) -> Sequence[Job]:
        """A caller's jobs, the newest first."""
        self._give_up_left()
        with self._lock:
            return _many(
                self._rows, "WHERE caller = ? ORDER BY created_ms DESC, id LIMIT ?", caller, limit
            )

    def start(self, job_id: str) -> bool:
        """Whether it is to run; it is not when it was cancelled meanwhile."""
        with self._transaction() as rows:
            changed = rows.execute(
                "UPDATE jobs SET status = 'running', started_ms = ? WHERE id = ? AND status = 'queued'",
                (now_ms(), job_id),
            )
            return changed.rowcount == 1

    def finish(
        self,
        job_id: str,
        status: Status,
        *,
        result: bytes | None = None,
        done: int | None = None,
        error: tuple[int, bytes] | None = None,
    ) -> Job:
        """The end of a job, unless it has one already."""
        size = len(result or b"")
        large = size > INLINE_BYTES
        if large:
            self._write(job_id, result or b"")
        with self._transaction() as rows:
            changed = rows.execute(
                "UPDATE jobs SET status = ?, finished_ms = ?, size = ?, result = ?, done = coalesce(?, done), "
                "error_status = ?, error = ? "
                "WHERE id = ? AND status IN ('queued', 'running')",
                (
                    *(status, now_ms(), size, None if large else result, done),
                    *((None, None) if error is None else error),
                    job_id,
                ),
            )
        if large and not changed.rowcount:
            self._file(job_id).unlink(missing_ok=True)
        self.prune()
        return self.get(job_id)

    def result(self, job_id: str) -> bytes:
        """The JSON of what a job that is done answered."""
        with self._lock:
            row = self._rows.execute("SELECT result FROM jobs WHERE id = ?", (job_id,)).fetchone()
        if row is not None and row[0] is not None:
            return row[0]
        try:
            return self._file(job_id).read_bytes()
        except FileNotFoundError:
            raise NotFound(f"the result of job {job_id!r} is gone") from None

    # -- all of them

    def exchange(self, progress: Mapping[str, int]) -> set[str]:
        """Write down how far jobs of this process are; those of it that somebody, perhaps another process, cancelled."""
        with self._transaction() as rows:
            rows.executemany(
                "UPDATE jobs SET done = ? WHERE id = ?",
                [(n, job_id) for job_id, n in progress.items()],
            )
            found = rows.execute(
                "SELECT id FROM jobs WHERE owner = ? AND status = 'cancelled'", (self.owner,)
            )
            return {row[0] for row in found}

    def prune(self) -> None:
        """Forget finished jobs: those whose time is up, and the oldest beyond what is kept."""
        settings = self._settings
        with self._transaction() as rows:
            before = now_ms() - round(settings.keep_seconds * 1000)
            left = rows.execute(
                "SELECT id, size, finished_ms FROM jobs WHERE status NOT IN ('queued', 'running') "
                "ORDER BY finished_ms DESC, rowid DESC"
            ).fetchall()
            total, gone = 0, []
            for number, (job_id, size, finished_ms) in enumerate(left):
                total += size
                # The newest stays whatever its size: who has just been told of it is about to fetch it.
                over = number > 0 and (number >= settings.kept or total > settings.kept_bytes)
                if over or finished_ms < before:
                    gone.append((job_id,))
            rows.executemany("DELETE FROM jobs WHERE id = ?", gone)
        for (job_id,) in gone:
            self._file(job_id).unlink(missing_ok=True)

    def give_up_mine(self) -> None:
        """The process ends: what it has not finished, nobody will."""
        self._fail(self.owner, SERVER_STOPPED)

    def _give_up_left(self) -> bool:
        """Fail the jobs of owners that are dead; whether there were any."""
        with self._lock:
            owners = self._rows.execute(
                "SELECT DISTINCT owner FROM jobs WHERE status IN ('queued', 'running') AND owner != ?",
                (self.owner,),
            ).fetchall()
        dead = [owner for (owner,) in owners if self._is_dead(owner)]
        for owner in dead:
            self._fail(owner, SERVER_STOPPED)
        return bool(dead)

    def _is_dead(self, owner: str) -> bool:
        file = self._folder / "owners" / owner
        if not file.exists():
            return True
        lock = _locked(file)
        if lock is None:
            return False
        lock.close()
        file.unlink(missing_ok=True)
        return True

    def _fail(self, owner: str, error: tuple[int, bytes]) -> None:
        with self._transaction() as rows:
            rows.execute(
                "UPDATE jobs SET status = 'failed', finished_ms = ?, error_status = ?, error = ? "
                "WHERE status IN ('queued', 'running') AND owner = ?",
                (now_ms(), *error, owner),
            )

    def _sweep(self) -> None:
        """Delete files that a process left which was killed while it wrote them."""
        with self._lock:
            known = {row[0] for row in self._rows.execute("SELECT id FROM jobs")}
        for file in (self._folder / "results").iterdir():
            with suppress(OSError):
                if file.stem not in known and time.time() - file.stat().st_mtime > ORPHAN_SECONDS:
                    file.unlink()

    def _file(self, job_id: str) -> Path:
        return self._folder / "results" / f"{job_id}.json"

    def _write(self, job_id: str, result: bytes) -> None:
        temporary = self._file(job_id).with_suffix(".part")
        with temporary.open("wb") as out:
            out.write(result)
            if self._settings.folder:
                out.flush()
                os.fsync(out.fileno())
        temporary.replace(self._file(job_id))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._rows.execute("BEGIN IMMEDIATE")
            try:
                yield self._rows
            except BaseException:
                self._rows.execute("ROLLBACK")
                raise
            self._rows.execute("COMMIT")


SERVER_STOPPED: tuple[int, bytes] = (
    500,
    b'{"error":{"code":"failed","message":"the server stopped before this job was done","hint":"send it again"}}',
)


def _one(rows: sqlite3.Connection, where: str, *values: Any) -> Job | None:
    return next(iter(_many(rows, where, *values)), None)


def _many(rows: sqlite3.Connection, where: str, *values: Any) -> list[Job]:
    return [Job(*row) for row in rows.execute(f"{_SELECT} {where}", values)]


def _locked(file: Path) -> IO[bytes] | None:
    """The file, open and locked until it is closed or its process dies; None when somebody else holds it."""
    stream = file.open("ab")
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]  # only there
        else:
            import fcntl

            fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        stream.close()
        return None
    return stream
