"""PMML models, scored by pypmml (Java): ``predict`` takes a table, records or rows, and gives a table of all outputs.

The table has the outputs that the document lists, and ``predicted_<target>`` with the answer itself. Columns are matched by
name; what the model does not take is left aside. Missing values are the model's to handle, as its document says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

NAME = "pypmml"
EXTRA = "pmml"
FORMATS = ("pmml",)


def claims(obj: Any) -> bool:
    import pypmml

    return isinstance(obj, pypmml.Model)


def methods(obj: Any) -> Mapping[str, Callable[..., Any]]:
    from modelyard.objects.formats._pmml import scoring

    def predict(X: Any) -> Any:
        return scoring.predict(obj, X)

    return {"predict": predict}


def labels(obj: Any) -> Sequence[str]:
    """What the document says: ``pmml``, ``regression-model``, ``classification``."""
    import re

    kind = "-".join(re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", str(obj.modelElement))).lower()
    return ["pmml", *(word for word in (kind, str(obj.functionName).lower()) if word)]


def system(obj: Any) -> Sequence[str]:
    """Java, which scores."""
    return ("default-jre-headless",)
