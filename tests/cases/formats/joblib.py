"""The same as pickles, in the files that joblib writes."""

from __future__ import annotations

import dataclasses

from cases.formats import pickle
from modelyard.objects.formats import joblib
from modelyard.testing.flavors import ModelFormatCase
from modelyard.testing.formats import Case


def case() -> Case:
    return dataclasses.replace(pickle.case(), format=joblib)


def models() -> ModelFormatCase:
    found = pickle.models()
    wrapped = {"array": ["joblib.numpy_pickle.NumpyArrayWrapper"]}
    return dataclasses.replace(found, format=joblib, names={**found.names, **wrapped})
