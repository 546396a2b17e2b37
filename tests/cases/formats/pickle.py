"""Anything that can be pickled: as data and as a model."""

from __future__ import annotations

import datetime
import gzip
import pickle as standard
import threading

import numpy as np
from sklearn.linear_model import Ridge

from cases.flavors.callable import Mean, Rule, over_limit
from cases.formats.tables import ARRAYS, FRAMES, OTHER_ARRAYS, SERIES
from modelyard.objects.formats import pickle
from modelyard.testing.flavors import ModelFormatCase
from modelyard.testing.formats import Case

HOLDS = {
    **FRAMES,
    **SERIES,
    **ARRAYS,
    **OTHER_ARRAYS,
    "nested": {1: "a", "1": (2, None), "at": datetime.date(2020, 1, 2)},
    "set": {1, 2},
}
BROKEN = {
    "nothing": (b"", "damaged"),
    "text": (b"hello", "damaged"),
    "cut off": (standard.dumps(list(range(300)))[:90], "damaged"),
    "cut off packed": (gzip.compress(standard.dumps(list(range(300))))[:60], "ends early"),
    "unknown module": (b"cnowhere_at_all\nthing\n.", "needs code that is not here"),
    "unknown name": (b"cos\nnothing_like_it\n.", "needs code that is not here"),
}
MISFITS = {"shape": (standard.dumps(np.zeros((2, 3))), ARRAYS["matrix"], "shape (any, 2)")}


def case() -> Case:
    return Case(format=pickle, holds=HOLDS, broken=BROKEN, misfits=MISFITS, ends=True)


def models() -> ModelFormatCase:
    return ModelFormatCase(
        format=pickle,
        holds={
            "function": over_limit,
            "object": Rule(3),
            "estimator": Ridge().fit([[1.0], [2.0]], [1, 2]),
            "array": np.eye(2),
        },
        refuses={
            "lock": (threading.Lock(), "cannot be pickled"),
            "lambda": (lambda x: x, "cannot be pickled"),
        },
        broken=BROKEN,
        names={
            "object": [f"{Mean.__module__}.Rule"],
            "estimator": ["sklearn.linear_model._ridge.Ridge"],
        },
    )
