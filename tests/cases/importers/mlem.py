"""What stock versions of MLEM wrote: the folders beside ``tests/fixtures/mlem/write.py``, and what MLEM answers with them."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from modelyard.compat.importers import mlem as importer
from modelyard.objects.equality import same_output
from modelyard.testing.importers import Foreign, ImporterCase
from modelyard.yard.resolving import resolve

FOLDER = Path(__file__).parents[2] / "fixtures/mlem"
ANSWERS: dict[str, Any] = json.loads((FOLDER / "v04/answers.json").read_text())
"""``model.method`` -> what the stock MLEM gives for `ROWS` (`OTHERS` for some)."""

ROWS = pd.DataFrame({"width": [-1.0, 0.5, 2.0], "length": [0.25, -0.5, 1.0]})
OTHERS: dict[str, Any] = {"grow": np.array([1.0, 2.0]), "bark": b"woof woof woof"}

MODELS: dict[str, tuple[str, str, int]] = {
    "bark": ("callable", "mlem", 2),
    "cat": ("catboost", "cbm", 0),
    "forest": ("sklearn", "checked_pickle", 1),
    "grow": ("callable", "mlem", 2),
    "lgb": ("lightgbm", "lightgbm_text", 0),
    "nested": ("callable", "mlem", 2),
    "per_method": ("callable", "mlem", 2),
    "pipeline": ("sklearn", "checked_pickle", 1),
    "scaled": ("callable", "mlem", 2),
    "stepped": ("callable", "mlem", 2),
    "xgb": ("xgboost", "mlem", 2),
}
"""Model of v04 -> flavor, format and tier of its card."""

FIRST = {"width": [0.126, 0.64, -0.536], "length": [-0.132, 0.105, 0.362]}
TABLE = pd.DataFrame(FIRST)
NAMED = TABLE.set_index(pd.Index([7, 8, 9], name="id"))

DATA: dict[str, Any] = {
    "array": TABLE.to_numpy(),
    "binary": b"\x00\xff",
    "complex": 1 + 2j,
    "dict": {"a": 1, "b": [1, 2.5], "c": TABLE.head(2), "d": np.eye(2)},
    "int": 3,
    "mixed": [1, "two", None, TABLE.head(2)],
    "named.csv": NAMED,
    "named.feather": NAMED,
    "named.json": NAMED,
    "named.parquet": NAMED,
    "named.stata": NAMED,
    "named.xlsx": NAMED,
    "no": False,
    "none": None,
    "number": np.float32(1.5),
    "plain": TABLE,
    "series.csv": TABLE["width"],
    "text": "None",
    "tuple": (1, "two"),
    "unnamed.csv": TABLE.set_index(pd.Index(["p", "q", "r"], dtype=object)),
}
"""Data of v04 that any environment reads -> its value."""


def trusted(path: Path) -> str:
    """The digest that a reader who looked at it would name."""
    return resolve(path).card.digest


def is_answer(found: Any, answer: str) -> bool:
    """Whether a result is what MLEM gave: texts are equal, numbers to the last digits."""
    expected, got = np.asarray(ANSWERS[answer]), np.asarray(found)
    if expected.dtype.kind == "U":
        return got.tolist() == expected.tolist()
    return got.shape == expected.shape and bool(np.allclose(got, expected, rtol=1e-12, atol=0))


def same_value(one: Any, other: Any) -> bool:
    """Equal, with the same classes inside."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same_value(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        pairs = zip(one, other, strict=True)
        return type(one) is type(other) and all(same_value(x, y) for x, y in pairs)
    if hasattr(one, "todense"):
        return (one != other).nnz == 0
    return bool(same_output(one, other))


def described(path: Path, content: bytes, **fields: Any) -> None:
    """A file and its description."""
    path.write_bytes(content)
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    data = {"data": {"uri": path.name, "size": len(content), "hash": md5}}
    text = json.dumps({"artifacts": data, **fields})
    path.with_name(f"{path.name}.mlem").write_text(text)


TABLE_TYPE = {
    "type": "dataframe",
    "columns": ["width", "length"],
    "dtypes": ["float64", "float64"],
    "index_cols": [],
}


def method(argument: str) -> dict[str, Any]:
    args = [{"name": argument, "type_": TABLE_TYPE}]
    return {"name": "predict", "args": args, "returns": {"type": "unspecified"}}


def estimator(path: Path) -> Callable[[Any], Any]:
    """As MLEM 0.4 describes one."""
    model = LogisticRegression().fit(ROWS, [0, 1, 1])
    described(
        path,
        pickle.dumps(model),
        object_type="model",
        call_orders={"predict": [["model", "predict"]]},
        processors={"model": {"type": "sklearn", "methods": {"predict": method("X")}}},
    )
    return model.predict


def old_estimator(path: Path) -> Callable[[Any], Any]:
    """As MLEM 0.2 does."""
    model = LogisticRegression().fit(ROWS, [0, 1, 1])
    methods = {"predict": method("data"), "sklearn_predict": method("X")}
    kind = {"type": "sklearn", "methods": methods}
    described(path, pickle.dumps(model), object_type="model", model_type=kind)
    return model.predict


def table(path: Path) -> Any:
    reader = {"type": "pandas", "format": "csv", "data_type": TABLE_TYPE}
    described(path, ROWS.to_csv(index=False).encode(), object_type="data", reader=reader)
    return ROWS


def text(path: Path) -> Any:
    reader = {"type": "primitive", "data_type": {"type": "primitive", "ptype": "str"}}
    described(path, b"None", object_type="dataset", reader=reader)
    return "None"


def case() -> ImporterCase:
    return ImporterCase(
        importer=importer,
        files={
            "estimator": Foreign("m", estimator, "checked_pickle", 1, "sklearn", ROWS),
            "of 0.2": Foreign("m", old_estimator, "checked_pickle", 1, "sklearn", ROWS),
            "table": Foreign("t.csv", table, "csv"),
            "text": Foreign("t", text, "mlem_data"),
        },
        strangers={"m.mlems": b"", "mlem": b"", "m.yaml": b"object_type: model"},
        broken={
            "m.mlem": (b"object_type: evil.X", "object_type"),
            "n.mlem": (b"\xff", "UTF-8"),
            "o.mlem": (b"", "no mapping"),
        },
        never_imported=("sklearn", "pandas", "dill"),
    )
