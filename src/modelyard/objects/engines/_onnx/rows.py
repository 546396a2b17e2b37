"""Rows that a proof is made on: like the sample, at and beside a model's thresholds, missing, unseen, extreme."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from modelyard.objects.engines._onnx.domain import Domain
from modelyard.objects.engines._onnx.feeding import Feed, is_text
from modelyard.types.columns import Column

EDGES = (0.0, -0.0, 1.0, -1.0, 0.1, 1e-45, -1e-45, 1.1754944e-38, 16777217.0, -16777217.0, 2147483648.0, 1e-7)  # fmt: skip
"""Numbers where float32 and float64 part: the smallest, one third decimals, whole ones above 2^24."""
TEXTS = ("", " ", "a", "unseen", "Unseen ", "1.0", "nan", "None", "-", "a,b;c", "it's", "x" * 300, "C++ & 7-Zip")  # fmt: skip
BEYOND_ASCII = ("Zürich", "naïve café", "東京 タワー", "🙂", "ß", "İstanbul", "a\u00a0b", "e\u0301")


@dataclass
class Hints:
    """What is known of a model's features."""

    numbers: Mapping[int, Any] = field(default_factory=dict[int, Any])
    """Column -> values that matter: thresholds, the sample's own."""
    centers: Any = None
    """One a column: where its values lie, and how far around it."""
    spreads: Any = None
    texts: Sequence[str] = ()
    """Categories, or words of a vocabulary."""
    categories: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    """Column -> the texts that are known in it."""


class Rows:
    """Generated rows to feed. The same seed gives the same rows."""

    def __init__(self, feed: Feed, sample: Any, hints: Hints, seed: int = 0) -> None:
        self._feed, self._sample, self._hints = feed, sample, hints
        self._random = np.random.default_rng(seed)

    @property
    def whole(self) -> tuple[int, int] | None:
        """The least and the greatest number of a sample of whole ones that are no table's."""
        if self._feed.kind != "array" or np.dtype(self._feed.dtype).kind not in "iu":
            return None
        sample = self._sample if self._sample is not None and np.size(self._sample) else [0, 1]
        return int(np.min(sample)), int(np.max(sample))

    def pieces(self, count: int, piece: int, domain: Domain) -> Iterator[Any]:
        """That many rows, in pieces, as a graph is fed."""
        while count > 0:
            yield self.some(min(count, piece), domain)
            count -= piece

    def some(self, count: int, domain: Domain) -> Any:
        """Rows of every kind."""
        match self._feed.kind:
            case "matrix":
                return self._matrix(count, domain)
            case "columns":
                return self._columns(count, domain)
            case "values":
                return self._sentences(count, domain)
        return self._array(count, domain)

    def _matrix(self, count: int, domain: Domain) -> Any:
        columns = [
            self._numbers(count, domain, column, i, _only(self._sample, i))
            for i, column in enumerate(self._feed.columns)
        ]
        return np.ascontiguousarray(np.stack(columns, axis=1), self._feed.dtype)

    def _columns(self, count: int, domain: Domain) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for i, (name, column) in enumerate(zip(self._feed.names, self._feed.columns, strict=True)):
            sample = None if self._sample is None else self._sample[str(name)]
            if is_text(column):
                made[str(name)] = self._categories(count, domain, sample, str(name))
            else:
                made[str(name)] = self._numbers(count, domain, column, i, sample).astype(column.dtype)  # fmt: skip
        return made

    def _numbers(self, count: int, domain: Domain, column: Column, i: int, sample: Any) -> Any:
        """A column: most like the sample, the others at values that matter, some extreme or missing."""
        random = self._random
        if column.parsed.family == "boolean":
            return random.integers(0, 2, count).astype(np.float64)
        center, spread = self._range(i, sample)
        usual = center + spread * random.normal(size=count) * random.choice([0.3, 1, 4], count)
        values = usual
        mattering = self._hints.numbers.get(i)
        if mattering is not None and len(mattering):
            at = random.random(count) < 0.4
            values = np.where(at, beside(random.choice(mattering, count), random), values)
        if sample is not None and len(sample):
            own = np.asarray(sample, np.float64)
            at = random.random(count) < 0.15
            values = np.where(at, random.choice(own, count), values)
        values = self._extreme(values, domain, spread)
        limit = domain.limit
        values = np.clip(values, -limit, limit)
        if column.parsed.family == "integer":
            low, high = max(column.parsed.lowest, -(1 << 53)), min(column.parsed.highest, 1 << 53)
            return np.clip(np.rint(values), low, high)
        if domain.missing:
            share = random.choice([0, 0.05, 0.5])
            values = np.where(random.random(count) < share, np.nan, values)
        if column.dtype == "float32":
            with np.errstate(over="ignore"):
                return values.astype(np.float32).astype(np.float64)
        return values

    def _extreme(self, values: Any, domain: Domain, spread: float) -> Any:
        random, count = self._random, len(values)
        size = min(domain.limit, 1e12 * max(spread, 1.0))
        wide = np.exp(random.uniform(np.log(1e-12), np.log(size), count)) * random.choice([-1, 1], count)  # fmt: skip
        edges = np.append(np.array(EDGES), [domain.limit, -domain.limit] if domain.limit > 1e20 else [])  # fmt: skip
        edge = random.choice(edges, count)
        kind = random.random(count)
        return np.where(kind < 0.01, edge, np.where(kind < 0.02, wide, values))

    def _range(self, i: int, sample: Any) -> tuple[float, float]:
        hints = self._hints
        if hints.centers is not None:
            return float(hints.centers[i]), float(hints.spreads[i])
        known = hints.numbers.get(i)
        given = [known] if known is not None and len(known) else []
        if sample is not None and len(sample):
            given.append(np.asarray(sample, np.float64))
        values = np.concatenate(given) if given else np.array([0.0, 1.0])
        values = values[np.isfinite(values)]
        if not len(values):
            return 0.0, 1.0
        return float(np.mean(values)), float(np.std(values)) or max(1.0, abs(float(values[0])) / 2)

    def _categories(self, count: int, domain: Domain, sample: Any, name: str) -> Any:
        """Known texts of a column; those of other columns, and others, where they may be unseen."""
        own = list(self._hints.categories.get(name, ())) or [str(t) for t in (() if sample is None else sample)]  # fmt: skip
        others = [*self._hints.texts, *self._others(domain)] if domain.unseen or not own else []
        unseen = self._random.random(count) < (0.25 if own else 1.0)
        known = self._random.choice(_objects(own or [""]), count)
        return _objects(np.where(unseen, self._random.choice(_objects(others), count), known)) if others else _objects(known)  # fmt: skip

    def _others(self, domain: Domain) -> list[str]:
        return [*TEXTS, *(() if domain.ascii else BEYOND_ASCII)]

    def _sentences(self, count: int, domain: Domain) -> Any:
        """Texts of the words that a model knows, and of others."""
        random = self._random
        known = list(self._hints.texts)
        if self._sample is not None:
            known += [word for text in self._sample for word in str(text).split()]
        lengths = random.choice([0, 1, 2, 5, 12, 40], count)
        size = int(lengths.sum())
        other = random.choice(_objects(self._others(domain)), size)
        words = np.where(random.random(size) < 0.25, other, random.choice(_objects(known or ["a"]), size)).tolist()  # fmt: skip
        return _objects([self._sentence(words, n) for n in lengths.tolist()])

    def _sentence(self, picked: list[str], count: int) -> str:
        words = [picked.pop() for _ in range(count)]
        joint = str(self._random.choice([" ", " ", ", ", "  ", "\n", " - "]))
        text = joint.join(words)
        kind = self._random.random()
        return text.upper() if kind < 0.1 else text.title() if kind < 0.2 else text

    def _array(self, count: int, domain: Domain) -> Any:
        sizes = [n if n is not None else 3 for n in self._feed.shape[1:]]
        kind = np.dtype(self._feed.dtype).kind
        sample = self._sample
        if kind in "iub":
            low, high = domain.whole or (0, 1)
            return self._random.integers(low, high + 1, (count, *sizes)).astype(self._feed.dtype)
        center, spread = (0.0, 1.0) if sample is None else (float(np.mean(sample)), float(np.std(sample)) or 1.0)  # fmt: skip
        sizes_of = self._random.choice([0.3, 1, 1, 4], (count, *[1] * len(sizes)))
        made = center + spread * sizes_of * self._random.normal(size=(count, *sizes))
        return np.ascontiguousarray(made, self._feed.dtype)


def beside(values: Any, random: Any) -> Any:
    """The values, and their nearest neighbours in float32 and in float64, on both sides."""
    values = np.asarray(values, np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        narrow = values.astype(np.float32)
        choices = [
            values,
            np.nextafter(values, np.inf),
            np.nextafter(values, -np.inf),
            narrow.astype(np.float64),
            np.nextafter(narrow, np.float32(np.inf)).astype(np.float64),
            np.nextafter(narrow, np.float32(-np.inf)).astype(np.float64),
        ]
    return np.choose(random.integers(0, len(choices), len(values)), choices)


def _only(sample: Any, i: int) -> Any:
    return None if sample is None else sample[:, i]


def _objects(values: Any) -> Any:
    made = np.empty(len(values), object)
    made[:] = list(values)
    return made
