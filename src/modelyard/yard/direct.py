"""A recorder that tells a yard at once, in this process: for a yard in memory, which no other process can reach."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from modelyard.base.clock import new_id
from modelyard.base.digests import sha256_file
from modelyard.base.errors import FileMissing, ModelyardError
from modelyard.base.notes import note
from modelyard.tracking.interface import Batch, Metric
from modelyard.tracking.records import FileAdded, ModelRegistered, Record, RunLogged

if TYPE_CHECKING:
    from modelyard.yard.yard import Yard


class DirectRecorder:
    """Threads may share it."""

    def __init__(self, yard: Yard) -> None:
        self._yard = yard
        self._spool, self._number = f"direct-{new_id()}", 0
        self._lock = threading.Lock()
        self._files = Path(tempfile.mkdtemp(prefix="modelyard-"))
        weakref.finalize(self, shutil.rmtree, self._files, ignore_errors=True)

    def metric(self, run_id: str, key: str, value: float, at_ms: int, step: int) -> None:
        """One point."""
        self.add(RunLogged(run_id, Batch([Metric(key, value, at_ms, step)])))

    def add(self, record: Record) -> None:
        """Anything else that happened; what is refused is said in one line."""
        try:
            self._tell(record)
        except ModelyardError as error:
            note(f"{type(record).__name__} was refused by {self._yard.label}: {error.message}")

    def _tell(self, record: Record) -> None:
        if isinstance(record, FileAdded):
            with (self._files / record.sha256).open("rb") as stream:
                self._yard.artifacts.put(
                    record.owner, record.path, stream, record.size, record.sha256
                )
        elif isinstance(record, ModelRegistered):
            from modelyard.yard.logged_models import register_logged

            register_logged(self._yard, record.model_id, record.name, run_id=record.run_id)
        else:
            with self._lock:
                numbered = [(self._number + 1, record)]
                self._number = self._yard.tracker.receive(self._spool, self._number, numbered)

    def keep_file(self, path: str | os.PathLike[str]) -> tuple[str, int]:
        """A file as it is now."""
        source = Path(path)
        if not source.is_file():
            raise FileMissing(f"no file at {source}")
        copy = self._files / new_id()
        shutil.copyfile(source, copy)
        sha256, size = sha256_file(copy)
        copy.replace(self._files / sha256)
        return sha256, size

    def flush(self, timeout: float | None = None) -> bool:
        """It has arrived."""
        return True

    def close(self, timeout: float = 0.0) -> bool:
        """Nothing to close."""
        return True
