"""Anything, as code."""

from __future__ import annotations

import pickle
import threading

import numpy as np
from sklearn.linear_model import Ridge

from cases.flavors.callable import Mean, Rule, over_limit
from modelyard.objects.formats import cloudpickle
from modelyard.testing.flavors import ModelFormatCase


def case() -> ModelFormatCase:
    return ModelFormatCase(
        format=cloudpickle,
        holds={
            "function": over_limit,
            "lambda": lambda x: x,
            "object": Rule(3),
            "estimator": Ridge().fit([[1.0], [2.0]], [1, 2]),
            "array": np.eye(2),
        },
        refuses={
            "lock": (threading.Lock(), "cannot be pickled"),
            "generator": ((i for i in "a"), "cannot"),
        },
        broken={
            "nothing": (b"", "damaged"),
            "text": (b"hello", "damaged"),
            "cut off": (pickle.dumps(list(range(300)))[:90], "damaged"),
            "unknown module": (b"cnowhere_at_all\nthing\n.", "needs code that is not here"),
            "unknown name": (b"cos\nnothing_like_it\n.", "needs code that is not here"),
        },
        names={
            "object": [f"{Mean.__module__}.Rule"],
            "estimator": ["sklearn.linear_model._ridge.Ridge"],
        },
    )
