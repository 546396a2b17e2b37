"""Measure contenders in turns and compare them.

Times on a small, shared machine drift by half within minutes. So contenders run in turns (A B C, A B C ...), a ratio is
taken within a round, where both sides met the same weather, and the table shows its median with its extremes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from benchmarks import peers
from benchmarks.environments import Failed

OURS = "modelyard"


@dataclass(frozen=True)
class Row:
    """One line of work, measured for every contender; ``samples`` holds one value a round."""

    title: str
    unit: str
    better: Literal["less", "more"]
    samples: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def ratios(self, ours: str, other: str) -> list[float]:
        """How many times better ours was than the other, round by round."""
        pairs = zip(self.samples[ours], self.samples[other], strict=True)
        if self.better == "more":
            return [mine / theirs for mine, theirs in pairs]
        return [theirs / mine for mine, theirs in pairs]


Measurement = Mapping[str, float]
"""Title of a row -> the value of one round."""


@dataclass
class Contest:
    """Rows of work that a contender's one turn measures, and what came of them."""

    rows: Sequence[Row]
    failures: dict[str, str] = field(default_factory=dict)

    def run(
        self, contenders: Mapping[str, Callable[[], Measurement]], rounds: int, warm_ups: int = 0
    ) -> list[Row]:
        """Every contender once a round. Who fails is out, with its reason kept, and so are its earlier rounds."""
        found: dict[str, list[Measurement]] = {name: [] for name in contenders}
        for number in range(-warm_ups, rounds):
            for name, turn in contenders.items():
                if name not in self.failures:
                    self._take(name, turn, found[name] if number >= 0 else [], number)
        return [self._row(row, found) for row in self.rows]

    def _take(
        self, name: str, turn: Callable[[], Measurement], into: list[Measurement], number: int
    ) -> None:
        try:
            measured = turn()
        except Failed as failure:
            self.failures[name] = str(failure)
            print(f"{name}: {failure}", file=sys.stderr)
            return
        into.append(measured)
        shown = ", ".join(f"{title} {value:.4g}" for title, value in measured.items())
        print(f"{'warm-up' if number < 0 else number + 1} {name}: {shown}", file=sys.stderr)

    def _row(self, row: Row, found: Mapping[str, Sequence[Measurement]]) -> Row:
        samples = {
            name: [measured[row.title] for measured in rounds]
            for name, rounds in found.items()
            if name not in self.failures and rounds and row.title in rounds[0]
        }
        return Row(row.title, row.unit, row.better, samples)


def arguments(about: str | None, names: Sequence[str], rounds: int = 5) -> argparse.ArgumentParser:
    """What every family of rows can be asked for."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--peers", default=",".join(names), help="whom to measure, in this order")
    parser.add_argument("--no-write", action="store_true", help="print the table, keep no result")
    return parser


def chosen(asked: argparse.Namespace, known: Sequence[str]) -> list[str]:
    """The contenders asked for, their environments made before anything is measured."""
    names = asked.peers.split(",")
    unknown = set(names) - set(known)
    if unknown:
        raise SystemExit(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    for name in names:
        peers.environment(name)
    return names
