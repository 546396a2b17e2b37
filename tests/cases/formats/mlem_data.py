"""Data as MLEM kept it, which is only read: spoiled artifacts. Good ones are in ``cases.importers.mlem``."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np


def listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {"pairs": [[k, listed(v)] for k, v in value.items()]}
    return [listed(v) for v in value] if isinstance(value, list) else value


def reader(**fields: Any) -> bytes:
    return json.dumps(listed(fields)).encode()


def npz(array: Any) -> bytes:
    out = io.BytesIO()
    np.savez(out, data=array)
    return out.getvalue()


def primitive(name: str) -> dict[str, Any]:
    return {"type": "primitive", "data_type": {"type": "primitive", "ptype": name}}


def table(form: str) -> bytes:
    kind = {"type": "dataframe", "columns": ["a"], "dtypes": ["int64"], "index_cols": []}
    return reader(type="pandas", format=form, data_type=kind)


OBJECTS = np.array([{"a": 1}], dtype=object)

BROKEN: Mapping[str, tuple[Mapping[str, bytes], str]] = {
    "no reader": ({"data": b"1"}, "reader.json"),
    "a reader that is none": ({"reader.json": b"[", "data": b"1"}, "reader.json is damaged"),
    "another way": ({"reader.json": reader(type="evil.Reader"), "data": b"1"}, "'evil.Reader'"),
    "a text for a number": ({"reader.json": reader(**primitive("int")), "data": b"x"}, "is no int"),
    "a type that is none": ({"reader.json": reader(**primitive("eval")), "data": b"1"}, "is no eval"),
    "an array of objects": ({"reader.json": reader(type="numpy"), "data": npz(OBJECTS)}, "object"),
    "no archive": ({"reader.json": reader(type="numpy"), "data": b"x"}, ""),
    "a pickle": ({"reader.json": table("pickle"), "data": b"N."}, "a pickle stands where"),
    "no table": ({"reader.json": table("csv"), "data": b""}, "cannot be read as it is described"),
    "another table": ({"reader.json": table("csv"), "data": b"b\n1\n"}, "as it is described"),
    "another format": ({"reader.json": table("hdf"), "data": b""}, "'hdf'"),
    "no sparse matrix": (
        {"reader.json": reader(type="csr_matrix", data_type={}), "data": npz(np.eye(2))},
        "",
    ),
    "a leaf that is missing": ({"reader.json": reader(type="array", readers=[primitive("int")])}, "0/data"),
}  # fmt: skip
"""Word -> files, and a part of the error when they are read."""
