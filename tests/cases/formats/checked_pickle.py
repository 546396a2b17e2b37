"""Pickles as other tools write them, and as hostile people do: what `checked_pickle` reads, and what it refuses."""

from __future__ import annotations

import collections
import datetime
import decimal
import fractions
import functools
import gzip
import io
import operator
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import scipy.sparse
from sklearn.linear_model import Ridge

from cases.formats.tables import FRAMES


def with_joblib(obj: Any, **options: Any) -> bytes:
    out = io.BytesIO()
    joblib.dump(obj, out, **options)
    return out.getvalue()


WRITERS: dict[str, Callable[[Any], bytes]] = {
    **{f"protocol {n}": functools.partial(pickle.dumps, protocol=n) for n in range(6)},
    "joblib": with_joblib,
    "joblib packed": functools.partial(with_joblib, compress=3),
    "joblib gzip": functools.partial(with_joblib, compress=("gzip", 3)),
    "joblib bz2": functools.partial(with_joblib, compress=("bz2", 3)),
    "joblib xz": functools.partial(with_joblib, compress=("xz", 3)),
    "joblib lzma": functools.partial(with_joblib, compress=("lzma", 3)),
    "gzip": lambda obj: gzip.compress(pickle.dumps(obj)),
    "gzip in two parts": lambda obj: b"".join(
        gzip.compress(part) for part in (pickle.dumps(obj)[:9], pickle.dumps(obj)[9:])
    ),
}


DATA = {
    "numbers": np.arange(6.0).reshape(2, 3),
    "by columns": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "turned": np.arange(24).reshape(2, 3, 4).transpose(2, 0, 1),
    "big-endian": np.arange(3, dtype=">i4"),
    "texts": np.array(["a", "bcd"]),
    "bytes": np.array([b"a", b"bcd"]),
    "times": np.array(["2020-01-01", "NaT"], "M8[D]"),
    "records": np.zeros(2, np.dtype([("a", "i4"), ("b", "f8")], align=True)),
    "objects": np.array([[1, "a"], [None, [1, 2]]], dtype=object),
    "nothing": np.zeros((0, 3)),
    "one": np.array(3),
    "masked": np.ma.array([1.0, 2.0], mask=[False, True]),
    "scalar": np.float32(1.5),
    "sparse": scipy.sparse.random(5, 4, 0.4, random_state=0, format="csr"),
    "sparse columns": scipy.sparse.csc_array(np.eye(3)),
    "sparse pairs": scipy.sparse.coo_matrix(np.eye(3)),
    "sparse diagonals": scipy.sparse.dia_matrix(np.eye(3)),
    "plain": {"a": [1, 2.5, None, True, "ü", b"\0"], 1: {3, 4}, (1, 2): frozenset([5])},
    "ordered": collections.OrderedDict([("b", 1), ("a", 2)]),
    "counted": collections.Counter("abca"),
    "by default": collections.defaultdict(list, {"a": [1]}),
    "moments": [
        datetime.date(2020, 1, 2),
        datetime.datetime(2020, 1, 2, 3, tzinfo=datetime.UTC),
        datetime.timedelta(1, 2, 3),
        datetime.time(1, 2),
    ],
    "exact": [decimal.Decimal("1.50"), fractions.Fraction(1, 3), complex(1, 2), range(2, 9, 3)],
    "slice": [slice(1, None), bytearray(b"ab")],
    "large integer": 7**9999,
    **{f"table {word}": frame for word, frame in FRAMES.items() if word != "arrow"},
    "series": pd.Series([1.0, None], name="x", index=["a", "b"]),
    "days": pd.Series([1, 2, 3], index=pd.date_range("2020-01-01", periods=3)),
    "months": pd.date_range("2020-01-31", periods=3, freq="ME"),
    "levels": pd.DataFrame({"a": [1, 2]}, pd.MultiIndex.from_tuples([(1, "a"), (2, "b")])),
    "columns in levels": pd.DataFrame(
        [[1, 2]], columns=pd.MultiIndex.from_product([["a"], ["b", "c"]])
    ),
    "part of texts": pd.Series(["a", None, "ü", "xyz"] * 5)[3:9],
    "stamps": [pd.Timestamp("2020-01-01", tz="Europe/Rome"), pd.Timedelta(1), pd.NaT, pd.NA],
}


class Does:
    """Pickled, it is a call of a function of its choice."""

    def __init__(self, function: Any, *arguments: Any, **state: Any) -> None:
        self.call = (function, arguments)
        self.state = state

    def __reduce__(self) -> Any:
        return (*self.call, self.state) if self.state else self.call


CALLS: dict[str, Callable[[Path], Any]] = {
    "system": lambda canary: Does(os.system, f"touch {canary}"),
    "eval": lambda canary: Does(eval, f"open({str(canary)!r}, 'w')"),
    "exec": lambda canary: Does(exec, f"open({str(canary)!r}, 'w')"),
    "open": lambda canary: Does(open, str(canary), "w"),
    "getattr": lambda canary: Does(Does(getattr, os, "system"), f"touch {canary}"),
    "path": lambda canary: Does(Path.touch, canary),
    "partial": lambda canary: Does(functools.partial(os.system, f"touch {canary}")),
    "caller": lambda canary: Does(operator.methodcaller("touch"), canary),
    "map": lambda canary: Does(list, Does(map, os.system, [f"touch {canary}"])),
    "numpy.load": lambda canary: Does(np.load, str(canary), None, True),
    "numpy.tofile": lambda canary: Does(np.ndarray.tofile, np.arange(2), str(canary)),
    "numpy.save": lambda canary: Does(np.save, str(canary), [1]),
    "joblib.load": lambda canary: Does(joblib.load, str(canary)),
    "pickle.loads": lambda canary: Does(pickle.loads, pickle.dumps(Does(os.mkdir, str(canary)))),
    "read_pickle": lambda canary: Does(pd.read_pickle, str(canary)),
    "pandas.eval": lambda canary: Does(pd.eval, f"@open({str(canary)!r}, 'w')"),
    "in a state": lambda canary: Does(Ridge, alpha=Does(os.system, f"touch {canary}")),
    "a listed function": lambda canary: Does(np.mean, [1]),
    "a listed type": lambda canary: Does(np.float64, "1"),
}


def text(word: str) -> bytes:
    return b"\x8c" + bytes([len(word)]) + word.encode()


def named(module: str, short: str) -> bytes:
    return text(module) + text(short) + b"\x93"


DTYPE = named("numpy", "dtype") + text("{}") + b"\x89\x88\x87R"
FORGED = {
    "an extension": b"\x80\x04\x82\x01.",
    "something outside": b"\x80\x04K\x01Q.",
    "an outside word": b"Pabc\n.",
    "an outside buffer": b"\x80\x05\x97.",
    "a state twice": b"\x80\x04" + named("sklearn.linear_model._ridge", "Ridge") + b")\x81}b}b.",
    "a state of a dict": b"\x80\x04}}b.",
    "items of a number": b"\x80\x04K\x01K\x02a.",
    "items of a name": b"\x80\x04" + named("numpy", "mean") + b"K\x01K\x02s.",
    "itself": b"\x80\x04]\x94h\x00a.",
    "itself in a tuple": b"\x80\x04]\x94h\x00\x85a.",
    "itself in its state": b"\x80\x04" + named("sklearn.linear_model._ridge", "Ridge") + b")\x81\x94}" + text("a") + b"h\x00sb.",
    "a class as a value": b"\x80\x04]" + named("sklearn.tree._tree", "Tree") + b"a.",
    "a recipe as a value": b"\x80\x04]" + named("numpy._core.multiarray", "_reconstruct") + b"a.",
    "getattr as a value": b"\x80\x04]" + named("builtins", "getattr") + b"a.",
    "a tree without nodes": b"\x80\x04" + named("sklearn.tree._tree", "Tree") + b"K\x04K\x01K\x01\x87R.",
    "a search index without rows": b"\x80\x04" + named("sklearn.neighbors._kd_tree", "newObj") + named("sklearn.neighbors._kd_tree", "KDTree") + b"\x85R.",
    "another class as an index": b"\x80\x04" + named("sklearn.neighbors._kd_tree", "newObj") + named("sklearn.linear_model._ridge", "Ridge") + b"\x85R}b.",
    "bytes of a size": b"\x80\x04" + named("builtins", "bytearray") + b"J\xff\xff\xff\x7f\x85R.",
    "a set of a text": b"\x80\x04" + named("builtins", "set") + text("abc") + b"\x85R.",
    "slice of an object": b"\x80\x04" + named("builtins", "slice") + b"]\x85R.",
    "a decimal of a name": b"\x80\x04" + named("decimal", "Decimal") + text("x" * 5) + b"\x85R.",
    "arguments by name": b"\x80\x04" + named("builtins", "set") + b")}" + text("a") + b"K\x01s\x92.",
    "a state that is no dict": b"\x80\x04" + named("sklearn.linear_model._ridge", "Ridge") + b")\x81K\x05b.",
    "an estimator with arguments": b"\x80\x04" + named("sklearn.linear_model._ridge", "Ridge") + b"K\x05\x85R.",
    "a hidden method": b"\x80\x04" + named("sklearn.linear_model._ridge", "Ridge") + b")\x81}" + text("predict") + b"K\x01sb.",
    "a class to write to": b"\x80\x04" + named("sklearn.linear_model._ridge", "Ridge") + b"}" + text("a") + b"K\x01sb.",
    "a hollow dtype": b"\x80\x04" + named("numpy", "dtype") + text("V99999999") + b"\x85R.",
    "a dtype of a word": b"\x80\x04" + named("numpy", "dtype") + text("i4,O") + b"\x85R.",
    "a zone of a path": b"\x80\x04" + named("builtins", "getattr") + named("zoneinfo", "ZoneInfo") + text("_unpickle") + b"\x86R" + text("../../etc/passwd") + b"\x88\x86R.",
    "frames in frames": b"\x80\x04\x95\x20" + b"\0" * 7 + b"\x95\x01" + b"\0" * 7 + b"N.",
    "a giant frame": b"\x80\x04\x95" + b"\xff" * 7 + b"\x7f" + b"N",
    "giant bytes": b"\x80\x04\x8e" + b"\xff" * 7 + b"\x7f" + b"N.",
    "giant memory": b"\x80\x05\x96" + b"\xff" * 6 + b"\x0f\x00" + b"N.",
    "a giant integer": b"\x80\x04\x8b\xff\xff\xff\x7f.",
    "nested keys": b"\x80\x04}" + b")" + b"\x85" * 99 + b"K\x01s.",
    "nothing on the stack": b"\x80\x04.",
    "a mark alone": b"\x80\x04(.",
    "an unknown instruction": b"\x80\x04\xff.",
    "a newer protocol": b"\x80\x63N.",
    "no end": b"\x80\x04N",
}  # fmt: skip
