"""What a file of values says: JSON, one object or one a line."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from modelyard.base.clock import now_ms
from modelyard.base.errors import FileMissing, InvalidInput
from modelyard.tracking.interface import Batch, Metric
from modelyard.yard.logged_values import number_of, step_of, text_of

_KINDS = ("metrics", "params", "tags")
_ODD = {"nan": "NaN", "infinity": "Infinity", "-infinity": "-Infinity"}


def batch_in(text: str, where: str, step: int = 0) -> Batch:
    """All values of a file. ``{"loss": 0.3, "step": 2}`` is a point, ``{"params": {"depth": 3}}`` a param; ``metrics``
    and ``tags`` alike."""
    metrics: list[Metric] = []
    params: dict[str, str] = {}
    tags: dict[str, str | None] = {}
    at_ms = now_ms()
    for number, said in enumerate(_objects(text, where), 1):
        if not isinstance(said, dict):
            raise InvalidInput(
                f"{where}: entry {number} is no JSON object", hint='as in {"loss": 0.3}'
            )
        at = step_of(said.get("step", step))
        moment = step_of(said.get("timestamp", at_ms))
        points = {k: v for k, v in said.items() if k not in (*_KINDS, "step", "timestamp")}
        for key, value in {**points, **_mapping(said, "metrics", where)}.items():
            metrics.append(Metric(key, _number(key, value), moment, at))
        params |= {k: text_of(v) for k, v in _mapping(said, "params", where).items()}
        tags |= {k: text_of(v) for k, v in _mapping(said, "tags", where).items()}
    return Batch(metrics, params, tags)


def text_at(path: str) -> str:
    """The text of a file, or of standard input (``-``)."""
    try:
        return sys.stdin.read() if path == "-" else Path(path).read_text("utf-8")
    except FileNotFoundError:
        raise FileMissing(f"no file at {path}") from None
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}") from None


def _objects(text: str, where: str) -> Iterator[Any]:
    try:
        whole = json.loads(text)
    except ValueError:
        lines = [line for line in text.splitlines() if line.strip()]
        try:
            yield from [json.loads(line) for line in lines]
        except ValueError as error:
            raise InvalidInput(f"{where} is not JSON, nor JSON a line: {error}") from None
        return
    if isinstance(whole, list):
        yield from whole
    else:
        yield whole


def _mapping(said: Mapping[str, Any], kind: str, where: str) -> Mapping[str, Any]:
    found = said.get(kind) or {}
    if not isinstance(found, dict):
        raise InvalidInput(f"{where}: {kind} is no JSON object")
    return found


def _number(key: str, value: Any) -> float:
    """NaN and infinities are spelled as texts in JSON."""
    if isinstance(value, str) and value.lower() in _ODD:
        return float(value)
    return number_of(key, value)
