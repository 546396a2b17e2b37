"""Pickles and joblib files of other tools."""

from __future__ import annotations

import gzip
import pickle
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier

from cases.importers.boosters import LABELS, ROWS
from modelyard.objects.importers import pickle as importer
from modelyard.testing.importers import Foreign, ImporterCase


def forest(path: Path, write: Callable[[Any, Path], Any]) -> Callable[[Any], Any]:
    model = RandomForestClassifier(3).fit(ROWS, LABELS)
    write(model, path)
    return model.predict


def pickled(obj: Any, path: Path) -> None:
    path.write_bytes(pickle.dumps(obj))


def zipped(obj: Any, path: Path) -> None:
    path.write_bytes(gzip.compress(pickle.dumps(obj)))


def table(path: Path) -> Any:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    frame.to_pickle(path)
    return frame


def array(path: Path) -> Any:
    joblib.dump(np.eye(3), path)
    return np.eye(3)


def model(file: str, write: Callable[[Any, Path], Any]) -> Foreign:
    return Foreign(file, partial(forest, write=write), "checked_pickle", 1, "sklearn", ROWS)


def case() -> ImporterCase:
    return ImporterCase(
        importer=importer,
        files={
            "pickle": model("m.pkl", pickled),
            "another suffix": model("m.pickle", pickled),
            "gzip": model("m.pkl.gz", zipped),
            "joblib": model("m.joblib", joblib.dump),
            "joblib packed": model("m.joblib.xz", joblib.dump),
            "table": Foreign("t.pkl", table, "checked_pickle", 1),
            "table packed": Foreign("t.pkl.bz2", table, "checked_pickle", 1),
            "array": Foreign("a.joblib", array, "checked_pickle", 1),
        },
        strangers={
            "m.dat": pickle.dumps(1),
            "text.pkl": b"hello",
            "data.sav": b"$FL2@(#)",
            "m.gz": gzip.compress(b""),
        },
        broken={
            "cut.pkl": (pickle.dumps(list(range(99)))[:50], "the pickle is damaged"),
            "own.pkl": (b"\x80\x04cnowhere\nthing\n.", "nowhere.thing"),
            "hostile.joblib": (b"cposix\nsystem\n(Vtrue\ntR.", "posix.system"),
            "packed.pkl.gz": (gzip.compress(b"cposix\nsystem\n(Vtrue\ntR."), "posix.system"),
            "ends.pkl.gz": (gzip.compress(b"N.")[:12], "ends early"),
        },
        never_imported=["sklearn", "pandas", "joblib"],
    )
