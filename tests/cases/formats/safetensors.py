"""Arrays by name in the layout of safetensors (tensors are tested where torch is)."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from cases.formats.tables import ARRAYS, FRAMES, VALUES
from modelyard.objects.formats import safetensors
from modelyard.testing.formats import Case


def file_of(header: Any, data: bytes = b"", size: int | None = None) -> bytes:
    """A file with any header, good or bad."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if size is None else size).to_bytes(8, "little") + text + data


def one(dtype: Any = "F32", shape: Any = (2,), offsets: Any = (0, 8), **more: Any) -> Any:
    """The header of a file with one tensor."""
    return {"a": {"dtype": dtype, "shape": shape, "data_offsets": offsets, **more}}


LIMITS = {
    str(np.dtype(name)): np.array([[0, np.iinfo(name).max], [1, np.iinfo(name).min]], name)
    for name in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")
}
NUMBERS = {name: array for name, array in ARRAYS.items() if name != "texts"}
DATA = bytes(8)


def case() -> Case:
    several = {"X": ARRAYS["matrix"], "é": ARRAYS["truths"], "a": np.zeros((3, 5), "float16")}
    return Case(
        format=safetensors,
        holds={
            **NUMBERS,
            **LIMITS,
            "cube": np.zeros((2, 3, 4)),
            "none": np.array(3.5),
            "complex": np.array([1 + 2j], "complex64"),
            "several": several,
            "of one kind": {"b": np.arange(3.0), "a": np.arange(2.0)},
            "one": {"X": ARRAYS["matrix"]},
        },
        refuses={
            **FRAMES,
            **VALUES,
            "texts": ARRAYS["texts"],
            "days": np.array(["2020-01-01"], "M8[D]"),
            "records": np.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")]),
            "double complex": np.array([1 + 2j]),
            "objects": np.array(["a", None], dtype=object),
            "a text among them": {"X": ARRAYS["matrix"], "y": ARRAYS["texts"]},
            "numbered": {1: ARRAYS["matrix"]},
        },
        broken={
            "nothing": (b"", "it ends within its first eight bytes"),
            "text": (b"a,b\n1,2\n", "are no size of a header"),
            "a huge header": (file_of({}, size=1 << 62), "are no size of a header"),
            "no json": (file_of(b"{'a': 1}"), "its header is no JSON"),
            "deep": (file_of(b"[" * 100_000), "its header is no JSON"),
            "twice": (file_of(b'{"a": 1, "a": 1}'), "a name stands twice"),
            "a list": (file_of([]), "no JSON object"),
            "no facts": (file_of({"a": [1]}), "'a' has no dtype, shape and data_offsets"),
            "more facts": (file_of(one(code="x"), DATA), "has no dtype, shape"),
            "unknown dtype": (file_of(one("F31"), DATA), "the dtype 'F31', which is not known"),
            "negative": (file_of(one(shape=[-2]), DATA), "are no whole numbers"),
            "a truth": (file_of(one(shape=[True]), DATA), "are no whole numbers"),
            "fractions": (file_of(one(offsets=[0, 8.0]), DATA), "are no whole numbers"),
            "one offset": (file_of(one(offsets=[0]), DATA), "are no whole numbers"),
            "too large": (file_of(one(shape=[1 << 40, 1 << 40]), DATA), "the bytes that its shape"),
            "backwards": (file_of(one(offsets=[8, 0]), DATA), "the bytes that its shape"),
            "beyond the end": (file_of(one(), DATA[:4]), "its tensors end at byte"),
            "more behind": (file_of(one(), DATA + b"more"), "its tensors end at byte"),
            "a hole": (file_of(one(offsets=[8, 16]), DATA * 2), "does not begin where"),
            "overlapping": (
                file_of(one() | {"b": one(offsets=[4, 12])["a"]}, DATA * 2),
                "'b' does not begin where",
            ),
            "metadata": (file_of({"__metadata__": {"a": 1}}), "its metadata are no texts"),
        },
        misfits={
            "several": (
                file_of(one(offsets=[0, 8]) | {"b": one(offsets=[8, 16])["a"]}, DATA * 2),
                ARRAYS["matrix"],
                "holds 2 tensors: a, b",
            ),
            "shape": (file_of(one(), DATA), {"a": np.zeros((2, 2), "float32")}, "shape"),
        },
        ends=True,
    )
