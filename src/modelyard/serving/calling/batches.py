"""Large data as many requests: cut to what a server takes, several on their way at a time, answers in order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from modelyard.base.errors import InvalidInput, MissingExtra, ModelyardError, TooLarge
from modelyard.serving.calling.bodies import Spelling
from modelyard.serving.calling.plans import Patience, Plan, answered, once

MOST_ROWS = 10_000
"""Of one request, when nobody says how many."""
_ROW = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows of the data, from ``start`` on."""

    start: int
    value: Any

    @property
    def rows(self) -> int:
        return len_of(self.value)

    def halves(self) -> tuple[Piece, Piece]:
        """The first and the second half of its rows."""
        middle, rows = self.rows // 2, self.rows
        first, second = cut(self.value, 0, middle), cut(self.value, middle, rows)
        return Piece(self.start, first), Piece(self.start + middle, second)


class Batches:
    """The requests that one method is asked large data with. What the server takes is learnt on the way."""

    def __init__(
        self,
        spelling: Spelling,
        arguments: Mapping[str, Any],
        patience: Patience,
        address: str,
        rows: int | None,
        concurrency: int,
    ) -> None:
        if spelling.records is None:
            raise InvalidInput(
                f"{spelling.name} takes no records, so there is nothing to cut",
                hint=f"call {spelling.name} itself",
            )
        if (rows is not None and rows < 1) or concurrency < 1:
            raise InvalidInput(f"batch_rows={rows} and concurrency={concurrency} are at least 1")
        self._spelling = spelling
        self._arguments = arguments
        self._patience = patience
        self._address = address
        queued = int(spelling.server.limits.get("queued_rows", MOST_ROWS))
        self._rows = rows or max(1, min(MOST_ROWS, queued // concurrency))

    def plans(self, data: Any) -> Iterator[Plan[list[Any]]]:
        """A plan for each piece of the data; each gives the answers to its rows, in order."""
        start = 0
        for value in self._pieces(data):
            piece = Piece(start, value)
            start += piece.rows
            yield self._answers(piece)

    def _pieces(self, data: Any) -> Iterator[Any]:
        if is_cut(data):
            at, rows = 0, len_of(data)
            while at < rows:
                size = self._rows
                yield cut(data, at, min(at + size, rows))
                at += size
            return
        records = iter(data)
        while gathered := list(islice(records, 1)):
            if is_table(gathered[0]):
                yield from self._pieces(gathered[0])
            else:
                yield [*gathered, *islice(records, self._rows - 1)]

    def _answers(self, piece: Piece) -> Plan[list[Any]]:
        spelling = self._spelling
        try:
            sent = {str(spelling.records): piece.value, **self._arguments}
            request = once(spelling.request((), sent, {}))
            limit = spelling.server.limits.get("body_bytes")
            if limit and len(request.body or b"") > limit:
                raise TooLarge(f"the body is larger than {limit} bytes")
            return [spelling.read((yield from answered(request, self._patience, self._address)))]
        except TooLarge as error:
            if piece.rows < 2:
                raise placed(error, piece) from error
        except ModelyardError as error:
            raise placed(error, piece) from error
        first, second = piece.halves()
        # What comes later is cut small enough at once.
        self._rows = min(self._rows, max(1, second.rows))
        return [*(yield from self._answers(first)), *(yield from self._answers(second))]


def placed(error: ModelyardError, piece: Piece) -> ModelyardError:
    """The error, saying which rows of all the data it is about."""
    stop = piece.start + piece.rows
    if isinstance(error, MissingExtra):
        return error
    found = _ROW.search(str(error.details.get("field", "")))
    where = f"rows {piece.start} to {stop - 1}"
    details = {**error.details, "rows": [piece.start, stop]}
    if found and int(found[1]) < piece.rows:
        row = piece.start + int(found[1])
        where, details = f"row {row}", {**details, "row": row}
    return type(error)(f"{where}: {error.message}", hint=error.hint, **details)


def is_table(value: Any) -> bool:
    """Whether a value is rows itself, not one of them: a table, a series, an array."""
    return hasattr(value, "iloc") or hasattr(value, "num_rows") or bool(getattr(value, "shape", ()))


def is_cut(value: Any) -> bool:
    """Whether a value has a length and can be cut."""
    return isinstance(value, (list, tuple)) or is_table(value)


def len_of(value: Any) -> int:
    """How many rows."""
    shape = getattr(value, "shape", None)
    return int(shape[0]) if shape else len(value)


def cut(value: Any, start: int, stop: int) -> Any:
    """Some of the rows, as a value of the same kind."""
    if hasattr(value, "num_rows"):
        return value.slice(start, stop - start)
    return getattr(value, "iloc", value)[start:stop]
