"""The proof: a graph answers as the model does, on the sample, on ten thousand generated rows, and one row at a time.

Labels and other whole values are equal. Of a float ``w`` the graph may say what is within ``1e-5 * |w|``, and for what is near
zero within ``1e-5`` of the usual size: of 1 for probabilities, of the median of the answers for all else.
Where the model refuses (a missing value, an unknown category), the call must refuse as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from modelyard.base.errors import UnsupportedType
from modelyard.objects.engines._onnx import calls
from modelyard.objects.engines._onnx.domain import Domain
from modelyard.objects.engines._onnx.feeding import Feed, is_text
from modelyard.objects.engines._onnx.rows import Rows

ROWS = 10_000
PIECE = 2500
SINGLES = 40
"""Rows that are asked for one at a time as well."""
RELATIVE = 1e-5
SECONDS = 60.0
"""The longest a model may take to answer the rows of the proof."""

Call = Callable[[Any], Any]


class NotEqual(UnsupportedType):
    """A graph that is not what the model is."""


@dataclass
class Asked:
    """A model's own method, on what a graph is fed with."""

    feed: Feed
    function: Call
    """Of a native value."""
    scale: float | None = None
    """The usual size of an answer; None: as the rows show."""

    def __call__(self, value: Any) -> Any:
        with np.errstate(all="ignore"):
            return self.function(self.feed.native(value))

    def refuses(self, value: Any) -> bool:
        try:
            self(value)
        except Exception:  # noqa: BLE001  whatever a model says to what it does not take
            return True
        return False


def domains(asked: Asked, rows: Rows) -> Iterator[Domain]:
    """What to prove, from wide to narrow, within what the model takes."""
    wide = Domain(
        missing=_takes_missing(asked, rows),
        unseen=_takes_unseen(asked, rows),
        whole=rows.whole,
    )
    yield wide
    if asked.feed.kind == "values" or asked.feed.texts:
        yield replace(wide, ascii=True)
    yield replace(wide, limit=1e6, ascii=True)
    if wide.missing:
        yield replace(wide, limit=1e6, ascii=True, missing=False)


def _takes_missing(asked: Asked, rows: Rows) -> bool:
    """Whether every column of floats may lack a value."""
    feed = asked.feed
    if feed.kind not in ("matrix", "columns"):
        return False
    floats = [i for i, c in enumerate(feed.columns) if c.parsed.family == "float"]
    if not floats or (feed.kind == "matrix" and np.dtype(feed.dtype).kind != "f"):
        return False
    base = rows.some(1, Domain(limit=1e6, unseen=False))
    return not any(asked.refuses(_lacking(base, feed, i)) for i in floats)


def _lacking(base: Any, feed: Feed, i: int) -> Any:
    if feed.kind == "matrix":
        value = base.copy()
        value[:, i] = np.nan
        return value
    name = str(feed.names[i])
    return {**base, name: np.full_like(base[name], np.nan)}


def _takes_unseen(asked: Asked, rows: Rows) -> bool:
    feed = asked.feed
    if feed.kind != "columns" or not feed.texts:
        return True
    base = rows.some(1, Domain(limit=1e6, unseen=False))
    return not any(
        asked.refuses({**base, name: np.array(["never seen before"], object)})
        for name in feed.texts
    )


def prove(call: Call, asked: Asked, sample: Any, rows: Rows, domain: Domain) -> None:
    """`NotEqual` says where and how far the graph is apart."""
    judge = Judge(asked.scale)
    if sample is not None:
        judge.compare(asked(sample), _called(call, sample), "on the sample")
    started, done = time.monotonic(), 0
    for piece in rows.pieces(ROWS, PIECE, domain):
        wanted = asked(piece)
        judge.compare(wanted, _called(call, piece), "on generated rows")
        done += PIECE
        if time.monotonic() - started > SECONDS:
            raise NotEqual(f"{done} rows of the proof took {SECONDS:.0f} s")
    alone = rows.some(SINGLES, domain)
    wanted = asked(alone)
    for i in range(SINGLES):
        one = cut(alone, i)
        judge.compare(wanted[i : i + 1], _called(call, one), "one row at a time")
    _refusals(call, asked, rows, domain)


def cut(value: Any, i: int) -> Any:
    """One row."""
    if isinstance(value, dict):
        return {name: column[i : i + 1] for name, column in value.items()}
    return value[i : i + 1]


def _called(call: Call, value: Any) -> Any:
    try:
        return call(value)
    except Exception as error:
        text = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise NotEqual(f"its graph fails: {text[:200]}") from error


def _refusals(call: Call, asked: Asked, rows: Rows, domain: Domain) -> None:
    """What the model refuses, the call refuses too."""
    feed = asked.feed
    for value in _refused(feed, rows, domain):
        try:
            call(value)
        except Exception:  # noqa: BLE001  as it should be
            continue
        raise NotEqual("its graph answers what the model refuses")


def _refused(feed: Feed, rows: Rows, domain: Domain) -> Iterator[Any]:
    plain = replace(domain, unseen=False)
    if not domain.unseen:
        for name in feed.texts:
            yield {**rows.some(1, plain), name: np.array(["never seen before"], object)}
    if not domain.missing and feed.kind in ("matrix", "columns"):
        for i, column in enumerate(feed.columns):
            if column.parsed.family == "float" and not is_text(column):
                base = rows.some(1, plain)
                if feed.kind == "columns" or np.dtype(feed.dtype).kind == "f":
                    yield _lacking(base, feed, i)


class Judge:
    """Compares answers."""

    def __init__(self, scale: float | None) -> None:
        self._scale = scale

    def compare(self, wanted: Any, got: Any, where: str) -> None:
        """`NotEqual` for answers that are not the same."""
        same = type(got) is type(wanted)
        wanted, got = calls.plain(wanted), calls.plain(got)
        if not same or got.shape != wanted.shape or got.dtype != wanted.dtype:
            raise NotEqual(f"its graph answers with another kind of array {where}")
        if wanted.dtype.kind != "f":
            if others := int(np.sum(wanted != got)):
                raise NotEqual(f"{others} of {len(wanted)} answers are others {where}")
            return
        scale = self._scale if self._scale is not None else _usual(wanted)
        with np.errstate(all="ignore"):
            apart = np.abs(got.astype(np.float64) - wanted)
            near = apart <= RELATIVE * np.abs(wanted) + RELATIVE * scale
        same = near | (got == wanted) | (np.isnan(got) & np.isnan(wanted))
        if not same.all():
            worst = float(np.nanmax(np.where(same, 0, apart)))
            rows = int(np.sum(~same.reshape(len(same), -1).all(axis=1)))
            raise NotEqual(f"{rows} of {len(same)} answers are up to {worst:.3g} apart {where}")  # fmt: skip


def _usual(wanted: Any) -> float:
    """The median size of answers."""
    sizes = np.abs(wanted[np.isfinite(wanted)])
    return float(np.median(sizes)) if sizes.size else 0.0
