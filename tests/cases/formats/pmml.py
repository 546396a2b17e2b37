"""PMML documents."""

from __future__ import annotations

from sklearn.linear_model import LinearRegression

from cases.flavors.pypmml import DOCUMENT, document_of
from modelyard.objects.formats import pmml
from modelyard.testing.flavors import ModelFormatCase


def case() -> ModelFormatCase:
    return ModelFormatCase(
        format=pmml,
        holds={"regression": document_of(DOCUMENT)()},
        refuses={"estimator": (LinearRegression(), "does not know the document")},
        broken={
            "nothing": (b"", "no XML"),
            "a pickle": (b"\x80\x04K\x01.", "not in UTF-8"),
            "an entity": (b"<!DOCTYPE a [<!ENTITY b 'c'>]><PMML/>", "DOCTYPE"),
        },
    )
