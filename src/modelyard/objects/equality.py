"""Whether two outputs of a model are the same: the question behind 'this format round-trips'."""

from __future__ import annotations

import dataclasses
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
    if dataclasses.is_dataclass(a):
        names = [f.name for f in dataclasses.fields(a)]
        return all(same_output(getattr(a, n, None), getattr(b, n, None)) for n in names)
    # Whoever holds an array or a frame has imported its library already.
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(a, numpy.ndarray):
        return _same_arrays(numpy, a, b)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(a, torch.Tensor):
        return _same_tensors(torch, a, b)
    scipy = sys.modules.get("scipy.sparse")
    if scipy is not None and scipy.issparse(a):
        return a.shape == b.shape and a.dtype == b.dtype and (a != b).nnz == 0
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is not None and numpy is not None and isinstance(a, tensorflow.Tensor):
        return _same_arrays(numpy, numpy.asarray(a), numpy.asarray(b))
    if hasattr(a, "equals"):  # pandas, polars, arrow
        return bool(a.equals(b))
    try:
        return bool(a == b)
    except ValueError:
        return False


def _same_tensors(torch: Any, a: Any, b: Any) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype or a.layout != b.layout:
        return False
    if a.device != b.device:  # another processor rounds otherwise
        return bool(torch.allclose(a.cpu(), b.cpu(), rtol=1e-3, atol=1e-5, equal_nan=True))
    if a.layout != torch.strided:
        a, b = a.to_dense(), b.to_dense()
    # NaN is equal to NaN here; tensors without one need no more than the first look.
    return bool(torch.equal(a, b) or ((a == b) | ((a != a) & (b != b))).all())


def _same_arrays(numpy: Any, a: Any, b: Any) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype == object:
        return all(map(same_output, a.ravel().tolist(), b.ravel().tolist()))
    return bool(numpy.array_equal(a, b, equal_nan=a.dtype.kind in "fcmM"))
