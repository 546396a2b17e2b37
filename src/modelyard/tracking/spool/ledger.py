"""What the sender of a spool remembers, should it die: how far it read, which runs go on, what was refused and lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from modelyard.base.errors import ModelyardError, describe
from modelyard.tracking.spool.places import HEAD, PROBLEMS, SENT, read_json, write_json

if TYPE_CHECKING:
    from modelyard.tracking.records import Record

_MOST_SHOWN = 10_000


class Ledger:
    """Written after the destination took something, and before segments go."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        facts = read_json(folder / SENT)
        self.read = _count(facts.get("read"))
        """The last number that was dealt with."""
        self.runs: list[str] = [str(run) for run in facts.get("runs") or ()]
        """Runs that were begun and not ended, in that order."""
        self.refused_runs = {str(run) for run in facts.get("refused_runs") or ()}
        self.refused, self.lost = _count(facts.get("refused")), _count(facts.get("lost"))
        self.done = facts.get("done") is True

    def carried_out(self, record: Record | None) -> None:
        """The destination did it."""
        from modelyard.tracking.records import RunBegun, RunEnded

        if isinstance(record, RunBegun):
            self.refused_runs.discard(record.run_id)
            if record.run_id not in self.runs:
                self.runs.append(record.run_id)
        elif isinstance(record, RunEnded) and record.run_id in self.runs:
            self.runs.remove(record.run_id)

    def past(self, number: int) -> None:
        """Everything up to a number is dealt with."""
        self.read = max(self.read, number)
        self._write()

    def problem(self, number: int, error: Exception, record: Record | None) -> None:
        """A record that the destination refused."""
        from modelyard.tracking.records import to_plain

        self.refused += 1
        told = error.message if isinstance(error, ModelyardError) else str(error)
        shown = "" if record is None else json.dumps(to_plain(record))[:_MOST_SHOWN]
        self._say({"number": number, "code": describe(error).code, "message": told, "record": shown})  # fmt: skip

    def lost_records(self, first: int, last: int) -> None:
        """Records that are damaged beyond reading."""
        self.lost += last - first + 1
        self._say({"number": first, "last": last, "code": "corrupted", "message": f"{last - first + 1} damaged records"})  # fmt: skip
        self._write()

    def _say(self, facts: dict[str, object]) -> None:
        with (self._folder / PROBLEMS).open("a") as stream:
            stream.write(json.dumps(facts) + "\n")

    def _write(self) -> None:
        facts = {
            "read": self.read,
            "runs": self.runs,
            "refused_runs": sorted(self.refused_runs),
            "refused": self.refused,
            "lost": self.lost,
            "done": self.done,
        }
        write_json(self._folder / SENT, facts)

    def finish(self) -> None:
        """All is told: the spool goes, but for what went wrong."""
        self.done = True
        if not (self._folder / PROBLEMS).exists():
            shutil.rmtree(self._folder, ignore_errors=True)
            return
        self._write()
        kept = {HEAD, SENT, PROBLEMS}
        for path in self._folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name not in kept:
                path.unlink(missing_ok=True)


def problems(folder: Path) -> list[dict[str, object]]:
    """What was refused or lost of a spool."""
    try:
        lines = (folder / PROBLEMS).read_text().splitlines()
        return [json.loads(line) for line in lines]
    except (OSError, ValueError):
        return []


def _count(value: object) -> int:
    return value if isinstance(value, int) and value >= 0 else 0
