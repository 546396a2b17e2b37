"""Models as MLEM kept them, which is only read: the artifacts that stock versions wrote, and spoiled ones."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping

PLAN = {
    "steps": {"model": {"kind": "sklearn", "io": {"type": "simple_pickle"}, "methods": {"predict": "predict"}}},
    "orders": {"predict": [["model", "predict"]]},
}  # fmt: skip


def plan(**changes: object) -> bytes:
    return json.dumps({**PLAN, **changes}).encode()


def written_by(**io: object) -> bytes:
    return plan(steps={"model": {"kind": "x", "io": io, "methods": {}}})


BROKEN: Mapping[str, tuple[Mapping[str, bytes], str]] = {
    "nothing of its own": ({"x": b""}, "a function is in data.pkl"),
    "no pickle": ({"data.pkl": b"hello"}, "damaged"),
    "cut off": ({"data.pkl": pickle.dumps(list(range(300)))[:90]}, "damaged"),
    "unknown code": ({"data.pkl": b"cnowhere_at_all\nthing\n."}, "needs code that is not here"),
    "a model that is missing": ({"data.pkl": b"Pabc\n."}, "'abc'"),
    "a writer that is none": ({"data.pkl": b"N.", "u.io": b"os.system"}, "'system' is none of"),
    "a plan that is none": ({"mlem.json": b"[1]"}, "mlem.json is damaged"),
    "a plan without steps": ({"mlem.json": b"{}"}, "mlem.json is damaged"),
    "a way that is none": (
        {"mlem.json": written_by(type="evil.IO"), "model/data": b""},
        "'evil.IO'",
    ),
    "a file too many": ({"mlem.json": plan(), "model/data": b"N.", "model/x": b""}, ""),
    "an old booster": (
        {"mlem.json": written_by(type="xgboost_io"), "model/data": b"binf\x00"},
        "binary form",
    ),
}
"""Word -> files, and a part of the error when they are loaded."""
