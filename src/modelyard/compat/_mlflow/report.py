"""What a migration did: counts by kind, what failed by name, and what could not be kept as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

KINDS = ("experiments", "runs", "logged models", "files", "registered models", "versions")
NAMED = 50
"""Failures and remarks of one kind that are shown; all are counted."""


@dataclass(slots=True)
class Count:
    """Of one kind."""

    kind: str
    found: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    failed: int = 0


@dataclass(slots=True)
class Report:
    """All of one migration."""

    source: str
    target: str
    dry_run: bool = False
    counts: dict[str, Count] = field(default_factory=lambda: {kind: Count(kind) for kind in KINDS})
    failures: dict[str, str] = field(default_factory=dict[str, str])
    """Subject -> what was wrong with it."""
    notes: dict[str, int] = field(default_factory=dict[str, int])
    """A remark, and how often it was made."""
    differences: list[str] | None = None
    """Of both sides, when they were compared."""
    progress: Callable[[str], None] = lambda _: None

    def failed(self, subject: str, why: str) -> None:
        """Something could not be brought."""
        if subject not in self.failures:
            kind = {"run": "runs", "model": "logged models", "version": "versions"}.get(subject.partition(":")[0])  # fmt: skip
            if kind is not None and " " not in subject:
                self.counts[kind].failed += 1
            elif ": " in subject:
                self.counts["files"].failed += 1
            self.failures[subject] = why

    def note(self, text: str, count: int = 1) -> None:
        """Something could not be kept as it was."""
        self.notes[text] = self.notes.get(text, 0) + count

    @property
    def good(self) -> bool:
        """Whether everything is there."""
        return not self.failures and not self.differences

    def rows(self) -> list[dict[str, Any]]:
        """A row a kind."""
        return [asdict(count) for count in self.counts.values()]

    def lines(self) -> list[str]:
        """Remarks, failures and differences, a line each."""
        remarks = [f"{text} ({n} times)" if n > 1 else text for text, n in self.notes.items()]
        failed = [f"{subject}: {why}" for subject, why in self.failures.items()]
        return [*_first(remarks, "remarks"), *_first(failed, "failures"), *(self.differences or [])]

    def plain(self) -> dict[str, Any]:
        """As JSON has it, whole."""
        return {
            "source": self.source,
            "target": self.target,
            "dry_run": self.dry_run,
            "counts": self.rows(),
            "failures": self.failures,
            "notes": self.notes,
            "differences": self.differences,
        }


def _first(lines: list[str], called: str) -> list[str]:
    more = len(lines) - NAMED
    return lines if more <= 0 else [*lines[:NAMED], f"… and {more} more {called}: --json has all"]
