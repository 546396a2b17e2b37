"""Answers in the format that ``Accept`` prefers: JSON, csv, Parquet, Arrow streams, ``.npy``, and of a text or a file itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from modelyard import types
from modelyard.base.errors import MissingExtra, ModelFailed, ModelyardError, UnsupportedFormat
from modelyard.serving.accept import chosen, prefers
from modelyard.serving.arrow_wire import ARROW, PARQUET, write_parquet, write_stream
from modelyard.serving.edge import JSON, Headers, Reply, dump_json
from modelyard.serving.execution import Method
from modelyard.serving.forms import REFERENCE_ID
from modelyard.serving.interface import Answer
from modelyard.serving.npy_wire import NPY, numpy_here, write_npy
from modelyard.serving.text_csv import write_csv
from modelyard.types.arrow import to_arrow
from modelyard.types.binary import OCTETS, binary
from modelyard.types.interface import DataType

CSV = b"text/csv"
TEXT = b"text/plain"
TYPED = frozenset((PARQUET, ARROW, NPY))
"""Formats that are written from the model's own value instead of its JSON form."""
OFF_LOOP_ROWS = 1000

_SPELLED = {CSV: b"text/csv; charset=utf-8", TEXT: b"text/plain; charset=utf-8"}


class Answers:
    """Writes the answers of one method."""

    def __init__(self, method: Method) -> None:
        self._method = method
        self._returns = method.signature.returns
        self._binary = binary(self._returns)
        text = self._returns is not None and self._returns.kind == "string"
        self._offers = (CSV, *((TEXT,) if text or self._returns is None else ()))
        if self._binary is None:
            self._offers = (*self._offers, PARQUET, ARROW, NPY)

    def kind(self, accept: bytes) -> bytes:
        """The media type to answer with; `OCTETS` stands for the file that the method returns."""
        if self._binary is not None and _wants_file(accept, self._binary.media_type.encode()):
            return OCTETS.encode()
        return chosen(accept, self._offers)

    async def reply(self, kind: bytes, answer: Answer, headers: Headers) -> Reply:
        """The answer in that format. ``answer`` holds the native value for one of `TYPED`, and its JSON form otherwise."""
        value = answer.value
        if kind in TYPED:
            body = await self._typed(kind, answer)
        elif kind == OCTETS.encode() and self._binary is not None and value is not None:
            kind = self._binary.media_type.encode()
            body = self._binary.json_to_bytes(value)
        elif kind == CSV:
            body = write_csv(value, self._method.name, answer.reference_ids)
        elif kind == TEXT and type(value) is str:
            body = value.encode()
        else:
            kind, body = JSON, dump_json(value)
        return Reply(body, _SPELLED.get(kind, kind), headers)

    async def _typed(self, kind: bytes, answer: Answer) -> bytes:
        write = self._write_array if kind == NPY else self._write_table
        rows = getattr(answer.value, "__len__", lambda: 0)()
        if rows > OFF_LOOP_ROWS:
            return await asyncio.to_thread(self._written, write, kind, answer)
        return self._written(write, kind, answer)

    def _written(
        self, write: Callable[[Any, DataType, bytes, Answer], bytes], kind: bytes, answer: Answer
    ) -> bytes:
        try:
            returns = self._returns or types.infer(answer.value)
            value = returns.check(answer.value)
        except ModelyardError as error:
            name, method = self._method.model.name, self._method.name
            raise ModelFailed(
                f"what model '{name}' answered in {method} does not fit its schema: {error.message}"
            ) from error
        try:
            return write(value, returns, kind, answer)
        except MissingExtra:
            raise
        except (ModelyardError, ValueError, TypeError) as error:
            raise UnsupportedFormat(
                f"this answer cannot be written as {kind.decode()}", hint="Accept: application/json"
            ) from error

    def _write_table(self, value: Any, returns: DataType, kind: bytes, answer: Answer) -> bytes:
        table = to_arrow(value, returns)
        ids = list(answer.reference_ids)
        if len(ids) == table.num_rows and REFERENCE_ID not in table.column_names:
            table = table.add_column(0, REFERENCE_ID, [ids])
        return write_parquet(table) if kind == PARQUET else write_stream(table)

    def _write_array(self, value: Any, returns: DataType, kind: bytes, answer: Answer) -> bytes:
        numpy = numpy_here()

        if returns.table is not returns:
            value = returns.unwrap(value)  # type: ignore[attr-defined]  # what has a table has it
        own = getattr(value, "to_numpy", None)
        return write_npy(numpy.asarray(value) if own is None else own())


def _wants_file(accept: bytes, kind: bytes) -> bool:
    """Whether the bytes themselves are asked for; whoever asks for sound or pictures gets what there is."""
    wanted = (kind, OCTETS.encode(), b"image/*", b"audio/*", b"video/*")
    named = [part.partition(b";")[0].strip() for part in accept.split(b",")]
    kinds = [n for n in named if n in wanted or n.startswith((b"audio/", b"video/", b"image/"))]
    return any(prefers(accept, k) for k in kinds)
