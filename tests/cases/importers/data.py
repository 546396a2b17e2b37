"""Data in files that other tools wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from modelyard.objects.importers import data as importer
from modelyard.testing.importers import Foreign, ImporterCase

TABLE = pd.DataFrame({"a": [1, 2, 3], "b": [0.5, 1.5, 2.5], "c": ["x", "y", "z"]})
ARRAY = np.arange(6.0).reshape(2, 3)


def as_csv(path: Path) -> Any:
    TABLE.to_csv(path, index=False)
    return TABLE


def as_tsv(path: Path) -> Any:
    TABLE.to_csv(path, index=False, sep="\t")
    return TABLE


def as_parquet(path: Path) -> Any:
    TABLE.to_parquet(path)
    return TABLE


def as_feather(path: Path) -> Any:
    TABLE.to_feather(path)
    return TABLE


def as_excel(path: Path) -> Any:
    TABLE.to_excel(path, index=False)
    return TABLE


def as_json(path: Path) -> Any:
    path.write_text(json.dumps({"answer": [42]}))
    return {"answer": [42]}


def as_npy(path: Path) -> Any:
    np.save(path, ARRAY)
    return ARRAY


def as_npz(path: Path) -> Any:
    np.savez(path, X=ARRAY)
    return {"X": ARRAY}


def case() -> ImporterCase:
    return ImporterCase(
        importer=importer,
        files={
            "csv": Foreign("rows.csv", as_csv, "csv"),
            "tsv": Foreign("rows.tsv", as_tsv, "tsv"),
            "parquet": Foreign("rows.parquet", as_parquet, "parquet"),
            "feather": Foreign("rows.feather", as_feather, "feather"),
            "excel": Foreign("rows.xlsx", as_excel, "excel"),
            "json": Foreign("value.json", as_json, "json"),
            "npy": Foreign("x.npy", as_npy, "npy"),
            "npz": Foreign("x.npz", as_npz, "npz"),
        },
        strangers={"rows.pkl": b"\x80\x04N.", "notes.md": b"# a", "rows": b"a,b\n"},
        broken={
            "short.csv": (b"a,b\n1,2\n3\n", "line 3"),
            "text.npy": (b"a,b\n1,2\n", "the npy cannot be read"),
        },
        never_imported=["pandas", "pyarrow", "numpy", "openpyxl"],
    )
