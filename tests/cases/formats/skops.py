"""Estimators without code."""

from __future__ import annotations

import gzip
import io
import pickle
import zipfile
from functools import partial
from operator import attrgetter, methodcaller
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from modelyard.objects.formats import skops
from modelyard.testing.flavors import ModelFormatCase

X = np.arange(40.0).reshape(10, 4) % 7
Y = np.arange(10) % 2


class Runs:
    """Whoever unpickles it runs code."""

    def __reduce__(self) -> Any:
        return (exec, ("raise SystemExit('code ran')",))


def zipped(**members: bytes) -> bytes:
    """A zip of members; an underscore in a name is its dot."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in members.items():
            target.writestr(name.replace("_", "."), data)
    return buffer.getvalue()


def case() -> ModelFormatCase:
    forest = RandomForestClassifier(3, random_state=0).fit(X, Y)
    return ModelFormatCase(
        format=skops,
        holds={
            "forest": forest,
            "pipeline": make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y),
            "neighbours": KNeighborsClassifier().fit(X, Y),
            "words in a set": CountVectorizer(stop_words=["and", "or"], vocabulary={"a", "b"}),
            "sparse": Ridge().fit(scipy.sparse.csr_array(X), Y),
            "ufunc": TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1),
            "plain values": {
                "a": [1, 2.5, None, (True, "x")],
                "b": {1: b"\0", 2: {3}},
                "c": slice(1, 2),
            },
        },
        refuses={
            "lambda": (FunctionTransformer(lambda X: X), "<lambda>"),
            "own class": (make_pipeline(Runs()), "Runs"),
            "partial": (FunctionTransformer(partial(np.clip, a_min=0)), "partial"),
            "method": (FunctionTransformer("x".join), "join"),
            "attribute getter": (FunctionTransformer(attrgetter("T")), "operator.attrgetter"),
            "method caller": (FunctionTransformer(methodcaller("dump", "x")), "methodcaller"),
            "loader": (FunctionTransformer(np.load), "numpy.load"),
            "cache": (Pipeline([("a", StandardScaler())], memory="cache"), "memory"),
            "files": (CountVectorizer(input="filename"), "input"),
            "circle": (circle(), "refers to itself"),
            "object": ([object()], "builtins.object"),
        },
        broken={
            "nothing": (b"", "not a zip"),
            "pickle": (pickle.dumps(Runs()), "looks like a pickle"),
            "old pickle": (pickle.dumps(Runs(), 0), "not a zip"),
            "gzipped pickle": (gzip.compress(pickle.dumps(Runs())), "looks like gzip"),
            "pickle in a zip": (zipped(data_pkl=pickle.dumps(Runs())), "data.pkl"),
            "pickle as schema": (zipped(schema_json=pickle.dumps(Runs())), "not JSON"),
            "no schema": (zipped(a_npy=b""), "'schema.json' is missing"),
            "list": (zipped(schema_json=b"[]"), "not a JSON object"),
            "deep": (zipped(schema_json=b"[" * 100_000), "not JSON"),
            "empty": (zipped(schema_json=b'{"protocol": 2}'), "describes no object"),
            "old": (zipped(schema_json=b'{"protocol": 0}'), "protocol 0"),
            "new": (zipped(schema_json=b'{"protocol": 3}'), "newer"),
            "true": (zipped(schema_json=b'{"protocol": true}'), "protocol True"),
            "member nobody names": (
                zipped(schema_json=b'{"protocol": 2, "__loader__": "JsonNode"}', a_npy=b""),
                "do not agree on 'a.npy'",
            ),
        },
        names={
            "forest": [
                "sklearn.ensemble._forest.RandomForestClassifier",
                "sklearn.tree._tree.Tree",
            ],
            "ufunc": ["numpy.log1p"],
        },
        same_bytes=True,
    )


def circle() -> list[Any]:
    items: list[Any] = []
    items.append(items)
    return items
