"""A recorder that tells nobody: of the ranks of a distributed training that log nothing."""

from __future__ import annotations

import os

from modelyard.tracking.records import Record


class SilentRecorder:
    """Takes everything, keeps nothing."""

    def metric(self, run_id: str, key: str, value: float, at_ms: int, step: int) -> None:
        """Nothing."""

    def add(self, record: Record) -> None:
        """Nothing."""

    def keep_file(self, path: str | os.PathLike[str]) -> tuple[str, int]:
        """Nothing."""
        return "0" * 64, 0

    def flush(self, timeout: float | None = None) -> bool:
        """All of nothing has arrived."""
        return True

    def close(self, timeout: float = 0.0) -> bool:
        """Nothing to close."""
        return True
