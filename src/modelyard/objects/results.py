"""Results of a model as one value, as a table, or as plain JSON."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from modelyard.base.errors import InvalidInput
from modelyard.objects.formats import unwrapped
from modelyard.types import infer


class EachResult(list[Any]):
    """The results of several files or texts, one each: never joined into one value."""


def joined(results: Sequence[Any]) -> Any:
    """The results of consecutive pieces as one result of the same kind.

    >>> joined([[1, 2], [3]])
    [1, 2, 3]
    """
    if not results:
        raise InvalidInput("there is no data: nothing was applied", hint="the file has no rows")
    first = results[0]
    if len(results) == 1:
        return first
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(first, torch.Tensor):
        return torch.cat(list(results))
    numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
    if numpy is not None and isinstance(first, numpy.ndarray):
        return numpy.concatenate(results)
    if pandas is not None and isinstance(first, pandas.DataFrame | pandas.Series):
        # Pieces of a file each count from 0; those of a table in memory have its own index.
        fresh = all(isinstance(r.index, pandas.RangeIndex) and not r.index.start for r in results)
        return pandas.concat(results, ignore_index=fresh)
    sparse = sys.modules.get("scipy.sparse")
    if sparse is not None and sparse.issparse(first):
        return sparse.vstack(results).tocsr()
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is not None and isinstance(first, tensorflow.Tensor):
        return tensorflow.concat(list(results), 0)
    if isinstance(first, dict) and all(getattr(v, "shape", ()) for v in first.values()):
        return {name: joined([result[name] for result in results]) for name in first}
    if isinstance(first, list):
        return [item for result in results for item in result]
    return list(results)


def to_json(value: Any) -> Any:
    """Plain JSON-able form of any result, exact, as `serve` answers it."""
    if isinstance(value, EachResult):
        return [to_json(result) for result in value]
    return infer(value).encode(value)


def as_table(value: Any, names: Sequence[str]) -> Any:
    """A result as a DataFrame: a bare column is called by the method, several by their classes or numbers."""
    import pandas

    if isinstance(value, pandas.DataFrame):
        return value
    if isinstance(value, pandas.Series):
        return value.to_frame(value.name if value.name is not None else names[0])
    if hasattr(value, "toarray"):
        value = value.toarray()
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return pandas.DataFrame(value)
    if hasattr(value, "detach"):
        value = unwrapped(value, infer(value))
    if type(value).__module__.startswith("tensorflow."):
        value = getattr(value, "numpy")()  # noqa: B009  no list has it
    shape = getattr(value, "shape", ())
    if len(shape) == 2:
        width = shape[1]
        columns = names if len(names) == width else [f"{names[0]}_{i}" for i in range(width)]
        return pandas.DataFrame(value, columns=list(columns))
    return pandas.DataFrame({names[0]: value if hasattr(value, "__len__") else [value]})
