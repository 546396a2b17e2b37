"""Data that a run takes, as it is recorded: a name, a digest, a schema and how much there is of it, never the data."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelyard.base.digests import sha256_bytes, sha256_file
from modelyard.base.errors import FileMissing, InvalidInput, ModelyardError
from modelyard.tracking.interface import Input

CONTEXT = "mlflow.data.context"
MAX_CELLS = 2_000_000
"""Of more than these a digest looks at rows that are evenly spread."""
DIGITS = 32
SCHEMA_ROWS = 1000


def input_of(
    data: Any, context: str | None = "training", name: str | None = None, target: str | None = None
) -> Input:
    """How a run names the data it takes."""
    tags = {CONTEXT: context} if context else {}
    if target is not None:
        tags["target"] = target
    if isinstance(data, Input):
        return Input(
            name or data.name, data.digest, data.source_type, data.source, data.schema, data.profile,
            {**data.tags, **tags},
        )  # fmt: skip
    facts = _facts(data)
    return Input(
        name or facts.get("name") or "dataset",
        facts["digest"],
        facts.get("source_type", "code"),
        json.dumps(facts.get("source", {})),
        facts.get("schema", ""),
        json.dumps(facts["profile"]) if facts.get("profile") else "",
        tags,
    )


def _facts(data: Any) -> dict[str, Any]:
    sets = sys.modules.get("modelyard.yard.datasets")  # who has a data set has loaded it
    if sets is not None and isinstance(data, sets.Dataset):
        return _of_dataset(data)
    if isinstance(data, str | os.PathLike):
        return _of_file(Path(data))
    if callable(getattr(data, "detach", None)):  # a tensor of torch, wherever it is
        data = data.detach().cpu().numpy()
    module = type(data).__module__.partition(".")[0]
    digests = {"pandas": _pandas_digest, "polars": _polars_digest, "numpy": _numpy_digest}
    digest = digests.get(module, _any_digest)(data)
    return {"digest": digest, "schema": _schema(data), "profile": _size(data)}


def _of_dataset(data: Any) -> dict[str, Any]:
    from modelyard import types

    schema = data.card.schema
    profile = {"num_rows": data.size_rows, "num_columns": data.size_cols}
    return {
        "name": data.name,
        "digest": data.digest[:DIGITS],
        "source_type": "modelyard",
        "source": {"ref": data.ref},
        "schema": "" if schema is None else json.dumps(types.spell(schema)),
        "profile": {
            **{k: v for k, v in profile.items() if v is not None},
            **(
                {"columns": [dict(column) for column in data.card.profile]}
                if data.card.profile
                else {}
            ),
        },
    }


def _of_file(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileMissing(
            f"no file at {path}", hint="log_input takes a file, a table, an array or a Dataset"
        )
    digest, size = sha256_file(path)
    return {
        "name": path.name,
        "digest": digest[:DIGITS],
        "source_type": "local",
        "source": {"uri": str(path)},
        "profile": {"size": size},
    }


# Digests


def _every(rows: int, columns: int) -> int:
    """Each how many-th row a digest looks at."""
    return max(1, -(-rows * max(columns, 1) // MAX_CELLS))


def _pandas_digest(data: Any) -> str:
    pandas = sys.modules["pandas"]
    frame = data.to_frame() if hasattr(data, "to_frame") else data
    if not hasattr(frame, "columns"):
        return _any_digest(data)
    part = frame.iloc[:: _every(*frame.shape)]
    try:
        hashed = pandas.util.hash_pandas_object(part, index=False)
    except TypeError:  # lists or dicts in its cells
        hashed = pandas.util.hash_pandas_object(part.astype(str), index=False)
    head = [list(map(str, frame.columns)), list(map(str, frame.dtypes)), list(frame.shape)]
    return _joined(head, hashed.to_numpy().tobytes())


def _polars_digest(data: Any) -> str:
    frame = data.to_frame() if hasattr(data, "to_frame") else data
    if not hasattr(frame, "hash_rows"):
        return _any_digest(data)  # a lazy frame has no rows yet
    part = frame.gather_every(_every(*frame.shape))
    head = [frame.columns, list(map(str, frame.dtypes)), list(frame.shape)]
    return _joined(head, part.hash_rows().to_numpy().tobytes())


def _numpy_digest(data: Any) -> str:
    if not getattr(data, "ndim", 0) or data.dtype.hasobject:
        return _any_digest(data)
    width = data.size // max(len(data), 1)
    return _joined([str(data.dtype), list(data.shape)], data[:: _every(len(data), width)].tobytes())


def _any_digest(data: Any) -> str:
    return sha256_bytes(f"{type(data).__name__} {str(data)[:1_000_000]}".encode())[:DIGITS]


def _joined(head: Any, body: bytes) -> str:
    found = hashlib.sha256(json.dumps(head).encode())
    found.update(body)
    return found.hexdigest()[:DIGITS]


# What it looks like


def _schema(data: Any) -> str:
    from modelyard import types

    part = data
    if hasattr(data, "head") and not isinstance(data, Mapping):
        part = data.head(SCHEMA_ROWS)
    elif getattr(data, "ndim", 0):
        part = data[:SCHEMA_ROWS]
    try:
        return json.dumps(types.spell(types.infer(part)))
    except (ModelyardError, TypeError, ValueError):
        return ""


def _size(data: Any) -> dict[str, Any]:
    shape = getattr(data, "shape", None)
    if isinstance(shape, tuple) and all(isinstance(n, int) for n in shape) and shape:
        elements = 1
        for length in shape:
            elements *= length
        return {"num_rows": shape[0], "num_elements": elements}
    try:
        return {"num_rows": len(data)}
    except TypeError:
        raise InvalidInput(
            f"{type(data).__name__} is no data", hint="a table, an array, a file or a Dataset"
        ) from None
