"""Whether two outputs of a model are the same: the question behind 'this format round-trips'."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any


def same_output(a: Any, b: Any) -> bool:
    """Equal values of equal type, NaN equal to NaN, arrays and tables compared whole.

    >>> same_output([1, float("nan")], [1, float("nan")])
    True
    """
    if type(a) is not type(b):
        return False
    if isinstance(a, Mapping):
        return a.keys() == b.keys() and all(same_output(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same_output, a, b))
    if isinstance(a, float):
        return a == b or (a != a and b != b)
    # Whoever holds an array or a frame has imported its library already.
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(a, numpy.ndarray):
        return _same_arrays(numpy, a, b)
    scipy = sys.modules.get("scipy.sparse")
    if scipy is not None and scipy.issparse(a):
        return a.shape == b.shape and a.dtype == b.dtype and (a != b).nnz == 0
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is not None and isinstance(a, tensorflow.Tensor):
        return _same_arrays(numpy, numpy.asarray(a), numpy.asarray(b))
    if hasattr(a, "equals"):  # pandas, polars, arrow
        return bool(a.equals(b))
    try:
        return bool(a == b)
    except ValueError:
        return False


def _same_arrays(numpy: Any, a: Any, b: Any) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype == object:
        return all(map(same_output, a.ravel().tolist(), b.ravel().tolist()))
    return bool(numpy.array_equal(a, b, equal_nan=a.dtype.kind in "fcmM"))
