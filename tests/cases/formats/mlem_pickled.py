"""Data of MLEM's with tables that pandas pickled, which is only read."""

from __future__ import annotations

import pickle
from collections.abc import Mapping

from cases.formats.mlem_data import table

BROKEN: Mapping[str, tuple[Mapping[str, bytes], str]] = {
    "no pickle": ({"reader.json": table("pickle"), "data": b"hello"}, "as it is described"),
    "no table": ({"reader.json": table("pickle"), "data": pickle.dumps(3)}, "as it is described"),
}
"""Word -> files, and a part of the error when they are read."""
