"""A library that reading needs and that is not installed, told by the extra that brings it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from modelyard.base.errors import EnvironmentMismatch, MissingExtra

EXTRAS: Mapping[str, str] = {
    "catboost": "catboost",
    "dill": "mlem",
    "keras": "tensorflow",
    "lightgbm": "lightgbm",
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "openpyxl": "excel",
    "pandas": "pandas",
    "pyarrow": "arrow",
    "scipy": "sklearn",
    "tensorflow": "tensorflow",
    "torch": "torch",
    "xgboost": "xgboost",
}
"""Import name -> the extra that brings it."""


@contextlib.contextmanager
def library_named(feature: str) -> Iterator[None]:
    """Say which extra, or which library, to install."""
    try:
        yield
    except (MissingExtra, EnvironmentMismatch):
        raise
    except ImportError as error:
        cause = error.__cause__ if isinstance(error.__cause__, ImportError) else error
        library = str(cause.name or error.name or "").partition(".")[0]
        if library in EXTRAS:
            raise MissingExtra(feature, EXTRAS[library], missing=library) from error
        raise EnvironmentMismatch(
            f"{feature} cannot be read here: {error}",
            hint=f"pip install {library}" if library else None,
        ) from error
