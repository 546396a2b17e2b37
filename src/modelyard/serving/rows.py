"""Records of native values: join those of several requests into one value, and cut its result up again.

Known by kind of data type, so that only what is served is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise
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


def _join_tensors(parts: Sequence[Any]) -> Any:
    import torch

    return torch.cat(list(parts))


def _cut_pandas(value: Any, start: int, stop: int) -> Any:
    return value.iloc[start:stop].reset_index(drop=True)


def _cut(value: Any, start: int, stop: int) -> Any:
    return value[start:stop]


JOINING: Mapping[str, Joining] = {
    "dataframe": Joining(_join_pandas, _cut_pandas),
    "series": Joining(_join_pandas, _cut_pandas),
    "array": Joining(_join_arrays, _cut),
    "tensor": Joining(_join_tensors, _cut),
    "list": Joining(lambda parts: list(chain.from_iterable(parts)), _cut),
}

RECORD_KINDS = frozenset((*JOINING, "polars_dataframe", "polars_series", "arrow_table"))
"""Kinds whose values are records one after the other, in JSON too."""


def holds_records(type: DataType | None) -> bool:
    """Whether values of a type are any number of records: tables, series, lists, arrays with a free first dimension."""
    if type is None or type.table.kind not in RECORD_KINDS:
        return False
    shape = getattr(type.table, "shape", (None,))
    return bool(shape) and shape[0] is None


def is_joinable(type: DataType | None) -> bool:
    """Whether values of a type can be joined and cut here."""
    return type is not None and type.kind in JOINING and holds_records(type)


def cut(value: Any, counts: Sequence[int], kind: str) -> list[Any]:
    """A joined value as one piece for each count.

    >>> cut([1, 2, 3], [1, 2], "list")
    [[1], [2, 3]]
    """
    take = JOINING[kind].cut if kind in JOINING else _cut
    bounds = [0, *accumulate(counts)]
    return [take(value, start, stop) for start, stop in pairwise(bounds)]
