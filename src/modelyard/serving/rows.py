"""Records of native values: join the batches of several requests into one, and cut its result up again.

Known by kind of data type, so that only what is served is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

from modelyard.types.interface import DataType


@dataclass(frozen=True, slots=True)
class Joining:
    """How one kind of value is joined and cut."""

    join: Callable[[Sequence[Any]], Any]
    cut: Callable[[Any, int, int], Any]


def _join_pandas(parts: Sequence[Any]) -> Any:
    import pandas

    return pandas.concat(parts, ignore_index=True)


def _join_arrays(parts: Sequence[Any]) -> Any:
    import numpy

    return numpy.concatenate(parts)


def _cut_pandas(value: Any, start: int, stop: int) -> Any:
    return value.iloc[start:stop].reset_index(drop=True)


def _cut(value: Any, start: int, stop: int) -> Any:
    return value[start:stop]


JOINING: Mapping[str, Joining] = {
    "dataframe": Joining(_join_pandas, _cut_pandas),
    "series": Joining(_join_pandas, _cut_pandas),
    "array": Joining(_join_arrays, _cut),
}


def holds_records(type: DataType | None) -> bool:
    """Whether values of a type are any number of records, one after the other: tables, series, arrays with a free
    first dimension."""
    if type is None or type.kind not in JOINING:
        return False
    shape = getattr(type, "shape", (None,))
    return bool(shape) and shape[0] is None


def cut(value: Any, counts: Sequence[int], kind: str) -> list[Any]:
    """A joined value as one piece for each count.

    >>> cut([1, 2, 3], [1, 2], "list")
    [[1], [2, 3]]
    """
    take = JOINING[kind].cut if kind in JOINING else _cut
    bounds = [0, *accumulate(counts)]
    return [take(value, start, stop) for start, stop in pairwise(bounds)]
