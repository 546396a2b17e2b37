"""A long request in pieces, for a method that answers each record by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from modelyard.base.errors import InvalidInput
from modelyard.serving.execution import Method
from modelyard.serving.interface import Json, Request
from modelyard.serving.rows import JOINING, cut


def pieces_of(method: Method, request: Request, rows: int) -> Sequence[tuple[int, Request]]:
    """Requests of at most so many records, each with the number of those before it; the request itself when it cannot be cut."""
    name = str(method.records)
    values = _cut(method, request.arguments.get(name), request.rows, rows)
    if values is None or set(request.arguments) != {name}:
        return [(0, request)]
    ids = request.reference_ids
    starts = range(0, request.rows, rows)
    return [
        (
            start,
            replace(
                request,
                arguments={name: value},
                rows=min(rows, request.rows - start),
                reference_ids=ids[start : start + rows] if len(ids) == request.rows else ids,
            ),
        )
        for start, value in zip(starts, values, strict=True)
    ]


def _cut(method: Method, value: Any, total: int, rows: int) -> list[Any] | None:
    if total <= rows:
        return None
    if isinstance(value, Json):
        if not isinstance(value.value, list) or len(value.value) != total:
            return None
        return [Json(value.value[start : start + rows]) for start in range(0, total, rows)]
    kind = method.signature.args[str(method.records)].type
    if kind.kind not in JOINING or kind.rows(value) != total:
        return None
    counts = [min(rows, total - start) for start in range(0, total, rows)]
    return cut(value, counts, kind.kind)


@contextmanager
def told_at(start: int, name: str) -> Iterator[None]:
    """What is refused in a piece names the record's place in the whole: ``X[3]`` of the second thousand is ``X[1003]``."""
    try:
        yield
    except InvalidInput as error:
        if not start:
            raise

        def moved(text: str) -> str:
            place = rf"(?<![\w\]]){re.escape(name)}\[(\d+)\]"
            return re.sub(place, lambda m: f"{name}[{int(m[1]) + start}]", text)

        details = dict(error.details)
        if isinstance(details.get("field"), str):
            details["field"] = moved(details["field"])
        raise type(error)(moved(error.message), hint=error.hint, **details) from error
