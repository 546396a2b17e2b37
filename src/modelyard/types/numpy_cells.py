"""The cells of numpy arrays: what they are described by, read into, and made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from modelyard.base.errors import InvalidInput, UnsupportedType
from modelyard.types.cells import Place, are_exact, decode_cells
from modelyard.types.columns import Column
from modelyard.types.mismatch import mismatch, refusal
from modelyard.types.natives import object_cell

if TYPE_CHECKING:
    import numpy as np


def is_plain(array: np.ndarray[Any, Any]) -> bool:
    """Whether the list that numpy makes of it is JSON already."""
    import numpy as np

    kind = array.dtype.kind
    return kind in "iub" or (kind == "f" and bool(np.isfinite(array).all()))


_NUMBERS = frozenset([float, int])


def is_floats(row: Sequence[Any]) -> bool:
    """Whether a row of JSON values is of floats, or of integers that are as good."""
    kinds = set(map(type, row))
    return kinds == {float} or (kinds <= _NUMBERS and are_exact([row]))


_EXACTLY: dict[str, type] = {"float64": float, "bool": bool}


def plain_block(dtype: str, columns: Sequence[Sequence[Any]]) -> np.ndarray[Any, Any] | None:
    """Columns of JSON values as the rows of one array, where all are exactly what the dtype is made of: floats,
    integers in its range, booleans. None where a closer look is needed."""
    import numpy as np

    wanted = int if "int" in dtype else _EXACTLY.get(dtype)
    kinds = set().union(*(map(type, c) for c in columns))
    if kinds != {wanted} and not (wanted is float and kinds <= _NUMBERS and are_exact(columns)):
        return None
    try:
        return np.array(columns, dtype=dtype)
    except OverflowError:
        return None


def numpy_dtype(column: Column) -> np.dtype[Any]:
    """The dtype that arrays of a column are made with."""
    import numpy as np

    name = {"str": "U", "bytes": "S", "date": "datetime64[D]"}.get(column.dtype, column.dtype)
    try:
        return np.dtype(name)
    except TypeError:
        raise InvalidInput(f"numpy has no dtype {column.dtype!r}") from None


def decode_array(column: Column, values: Sequence[Any], place: Place) -> np.ndarray[Any, Any]:
    """A flat array of parsed JSON, checked."""
    cells = decode_cells(column, values, place)
    array = array_of(column, cells)
    if array.dtype.kind in "US":
        # numpy drops NULs at the end of texts of fixed width, so the value would not be the one sent.
        for i, kept in enumerate(array.tolist()):
            if kept != cells[i]:
                raise mismatch(place(i), f"{column.expected} that does not end in NUL", values[i])
    return array


def array_of(column: Column, cells: Sequence[Any]) -> np.ndarray[Any, Any]:
    """A flat array of decoded cells."""
    import numpy as np

    dtype = numpy_dtype(column)
    if dtype.kind in "mM":
        lowest = -(1 << 63)
        numbers = [lowest if c is None else c for c in cells]
        return np.array(numbers, dtype=np.int64).view(dtype)
    if dtype.kind == "O":
        array = np.empty(len(cells), dtype=object)
        array[:] = [np.nan if c is None else c for c in cells] if column.missing else cells
        return array
    return np.array(cells, dtype=dtype)


def cells_of(flat: np.ndarray[Any, Any], column: Column) -> list[Any]:
    """The cells of a flat array, missing ones as None."""
    import numpy as np

    kind = flat.dtype.kind
    if kind in "mM":
        numbers = flat.view(np.int64).tolist()
        if column.parsed.unit and np.isnat(flat).any():
            return [None if n == -(1 << 63) else n for n in numbers]
        return numbers
    if kind == "O":
        return [object_cell(c) for c in flat.tolist()]
    return flat.tolist()


def fit(array: np.ndarray[Any, Any], column: Column, where: str) -> np.ndarray[Any, Any]:
    """The array in the column's dtype, where no value changes by it; else `SchemaMismatch`."""
    import numpy as np

    wanted = numpy_dtype(column)
    have, want = array.dtype.kind, wanted.kind
    if wanted.kind == "O":
        return _fit_object(array, column, where)
    if array.dtype == wanted or (have == want and want in "US"):
        return array
    if have == "O":
        return _fit_texts(array, wanted, column, where)
    if (have in "iuf" and want in "iufc") or (have in "mM" and have == want) or have == want == "c":
        if array.size == 0:
            return array.astype(wanted)
        with np.errstate(invalid="ignore", over="ignore"):
            cast = array.astype(wanted)
            same = _same(array, cast)
        if same.all():
            return cast
        first = np.argwhere(~same)[0].tolist()
        place = where + "".join(f"[{i}]" for i in first)
        got = f"{array[tuple(first)]} in an array of {array.dtype}"
        raise refusal(place, f"a value that {column.dtype} holds exactly", got)
    raise refusal(where, f"an array of {column.dtype}", f"one of {array.dtype}")


def _same(array: Any, cast: Any) -> Any:
    """Where a cast kept the value. Cast back, for numpy compares int64 with float64 by rounding."""
    import numpy as np

    back = cast.astype(array.dtype)
    same = back == array
    if array.dtype.kind in "fc":
        same |= np.isnan(array) & np.isnan(cast) if cast.dtype.kind in "fc" else False
    elif array.dtype.kind in "mM":
        same |= np.isnat(array) & np.isnat(cast)
    if array.dtype.kind in "iu" and cast.dtype.kind in "iu":
        same &= (array < 0) == (cast < 0)
    if array.dtype.kind in "iu" and cast.dtype.kind in "fc":
        # The highest int64 rounds up to 2**63 and comes back wrapped or clipped.
        same &= np.abs(cast) < 2.0**63 if array.dtype.kind == "i" else np.abs(cast) < 2.0**64
    return same


def _fit_object(array: Any, column: Column, where: str) -> Any:
    kept = array if array.dtype.kind == "O" else array.astype(object)
    decode_cells(column, cells_of(kept.ravel(), column), place_in(kept.shape, where))
    return kept


def _fit_texts(array: Any, wanted: Any, column: Column, where: str) -> Any:
    """An object array whose elements all are what the dtype wants: lists of Python values become such arrays."""
    flat = array.ravel().tolist()
    if wanted.kind == "U":
        place = place_in(array.shape, where)
        return decode_array(column, flat, place).reshape(array.shape)
    raise refusal(where, f"an array of {column.dtype}", "one of arbitrary objects")


def object_column(values: Sequence[Any]) -> Column:
    """The column of an object array: texts or mixed JSON scalars, and how its missing values are written."""
    kinds = {type(object_cell(v)) for v in values} - {type(None)}
    strange = kinds - {str, int, float, bool}
    if strange:
        name = sorted(k.__qualname__ for k in strange)[0]
        raise UnsupportedType(
            f"an object array that holds a {name} has no data type",
            hint="use texts, numbers, booleans and None, or an array of one dtype",
        )
    nan = any(isinstance(v, float) and v != v for v in values) and not any(
        v is None for v in values
    )
    return Column(
        "object", items="string" if kinds == {str} else "mixed", missing="nan" if nan else ""
    )


def place_in(shape: Sequence[int], where: str) -> Place:
    """Where the element of a flat position is: ``X[2][0]``."""

    def place(i: int) -> str:
        indices: list[int] = []
        for size in reversed(shape):
            i, index = divmod(i, size)
            indices.append(index)
        return where + "".join(f"[{n}]" for n in reversed(indices))

    return place


def spell_shape(shape: Sequence[int | None]) -> str:
    """``(any, 3)``."""
    return "(" + ", ".join("any" if n is None else str(n) for n in shape) + ")"
