"""numpy arrays and scalars.

``{type: array, dtype: float64, shape: [null, 3]}``: the first dimension is open, the others are as in the sample. In JSON a
nested list; a structured dtype gives objects. ``dtype: str`` is text of any length (numpy's fixed width is a property of
the sample, not of the type); ``object`` holds texts, or mixed JSON scalars with None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Self

from modelyard.base.errors import InvalidInput, UnsupportedType
from modelyard.types.cells import cell_schema, encode_cells
from modelyard.types.columns import Column
from modelyard.types.dtypes import UNITS, parse_dtype
from modelyard.types.interface import DataType
from modelyard.types.mismatch import inside, mismatch, refusal
from modelyard.types.numpy_cells import (
    cells_of,
    decode_array,
    fit,
    is_floats,
    is_plain,
    numpy_dtype,
    object_column,
    place_in,
    spell_shape,
)
from modelyard.types.scalar import only_fields

if TYPE_CHECKING:
    import numpy as np

Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class ArrayType(DataType):
    """An array; ``fields`` instead of ``column`` when the dtype is structured."""

    kind = "array"
    column: Column | None
    shape: Shape
    fields: tuple[tuple[str, Column], ...] = ()

    @property
    def dtype(self) -> str:
        """The dtype's name; ``struct`` for a structured one."""
        return self.column.dtype if self.column else "struct"

    def to_dict(self) -> dict[str, Any]:
        shape = list(self.shape)
        if self.column is None:
            fields = {name: c.to_spelled() for name, c in self.fields}
            return {"type": self.kind, "dtype": fields, "shape": shape}
        return {"type": self.kind, "dtype": self.dtype, "shape": shape, **self.column.details()}

    @classmethod
    def from_dict(cls, spelled: Mapping[str, Any]) -> Self:
        only_fields(spelled, "dtype", "shape", "items", "missing")
        shape = spelled.get("shape")
        if not isinstance(shape, (list, tuple)) or not all(_is_size(n) for n in shape):
            raise InvalidInput(
                "type 'array' needs 'shape': a list of sizes, null where any will do"
            )
        dtype = spelled.get("dtype")
        if isinstance(dtype, Mapping):
            fields = [(str(n), Column.from_spelled(c, f"dtype {n!r}")) for n, c in dtype.items()]
            return cls(None, tuple(shape), tuple(fields))
        column = {k: v for k, v in spelled.items() if k in ("dtype", "items", "missing")}
        return cls(Column.from_spelled(column, "array"), tuple(shape))

    def json_schema(self) -> dict[str, Any]:
        schema = self._element_schema()
        for size in reversed(self.shape):
            schema = {"type": "array", "items": schema}
            if size is not None:
                schema |= {"minItems": size, "maxItems": size}
        return schema

    def _element_schema(self) -> dict[str, Any]:
        if self.column is not None:
            return cell_schema(self.column)
        return {
            "type": "object",
            "properties": {name: cell_schema(c) for name, c in self.fields},
            "required": [name for name, _ in self.fields],
            "additionalProperties": False,
        }

    @property
    def item(self) -> ArrayType:
        """The type of one item of the first dimension."""
        return ArrayType(self.column, self.shape[1:], self.fields)

    def of_fields(self, columns: Mapping[str, Any], shape: tuple[int, ...]) -> Any:
        """A structured array of one array a field."""
        return _structured(columns, shape)

    def stacked(self, items: Sequence[Any], where: str = "") -> Any:
        """An array of its items, checked."""
        import numpy as np

        sizes = (0 if n is None else n for n in self.shape[1:])
        array = np.stack(items) if items else np.empty((0, *sizes), self._numpy_dtype)
        return self.check(array, where)

    @property
    def _numpy_dtype(self) -> Any:
        fields = [(name, numpy_dtype(column)) for name, column in self.fields]
        return fields if self.column is None else numpy_dtype(self.column)

    def check(self, value: Any, where: str = "") -> Any:
        import numpy as np

        array = value if type(value) is np.ndarray else as_array(value, where)
        self.check_shape(array.shape, where)
        if self.column is not None:
            return fit(array, self.column, where)
        return self._check_fields(array, where)

    def _check_fields(self, array: Any, where: str) -> Any:
        names = tuple(name for name, _ in self.fields)
        if array.dtype.names != names:
            raise refusal(
                where, f"an array with the fields {', '.join(names)}", f"one of {array.dtype}"
            )
        fitted = {name: fit(array[name], c, inside(where, name)) for name, c in self.fields}
        if all(fitted[name].dtype == array.dtype[name] for name in names):
            return array
        return _structured(fitted, array.shape)

    def check_shape(self, shape: Sequence[int], where: str) -> None:
        """`SchemaMismatch` unless a shape is one of this type."""
        fits = len(shape) == len(self.shape) and all(
            want is None or want == have for want, have in zip(self.shape, shape, strict=True)
        )
        if not fits:
            raise refusal(where, f"an array of shape {spell_shape(self.shape)}", spell_shape(shape))

    def decode(self, data: Any, where: str = "") -> Any:
        column = self.column
        if column is not None and column.dtype == "float64" and len(self.shape) == 2:
            fast = self._decode_floats(data)
            if fast is not None:
                return fast
        cells, shape = self._flatten(data, where)
        place = place_in(shape, where)
        if column is None:
            return self._decode_records(cells, place).reshape(shape)
        return decode_array(column, cells, place).reshape(shape)

    def _decode_floats(self, data: Any) -> Any:
        """Rows of plain floats, checked and built in one pass; None sends everything else the long way."""
        import numpy as np

        rows, width = self.shape
        if type(data) is not list or not data or (rows is not None and len(data) != rows):
            return None
        for row in data:
            if type(row) is not list or len(row) != width or not is_floats(row):
                return None
        return np.array(data, dtype=np.float64)

    def _flatten(self, data: Any, where: str) -> tuple[list[Any], tuple[int, ...]]:
        """All elements in order, and the shape they came in; a ragged or wrong shape is refused with its place."""
        level, shape = [data], []
        for depth, size in enumerate(self.shape):
            found = size
            for i, part in enumerate(level):
                place = place_in(tuple(shape), where)(i) if depth else where
                if type(part) is not list:
                    raise mismatch(place, f"a list ({self._nesting(depth)})", part)
                found = len(part) if found is None else found
                if len(part) != found:
                    raise refusal(place, f"a list of {found}", f"one of {len(part)}")
            if found is None:  # an open dimension below an empty one
                found = 0
            shape.append(found)
            level = list(chain.from_iterable(level))
        if self.shape and not level:
            raise refusal(where, "at least one element", "an empty list")
        return level, tuple(shape)

    def _nesting(self, depth: int) -> str:
        return f"shape {spell_shape(self.shape[depth:])}"

    def _decode_records(self, cells: list[Any], place: Any) -> Any:
        names = [name for name, _ in self.fields]
        for i, cell in enumerate(cells):
            if type(cell) is not dict or set(cell) != set(names):
                raise mismatch(place(i), f"an object with exactly {', '.join(names)}", cell)
        columns = {}
        for name, column in self.fields:
            values = [cell[name] for cell in cells]
            columns[name] = decode_array(column, values, lambda i, n=name: f"{place(i)}.{n}")
        return _structured(columns, (len(cells),))

    def encode(self, value: Any) -> Any:
        array = self.check(value)
        if self.column is None:
            return _nested(self._encode_records(array), array.shape)
        if is_plain(array):
            return array.tolist()
        cells = encode_cells(self.column, cells_of(array.ravel(), self.column))
        return _nested(cells, array.shape)

    def _encode_records(self, array: Any) -> list[Any]:
        flat = array.ravel()
        columns = [encode_cells(c, cells_of(flat[name], c)) for name, c in self.fields]
        names = [name for name, _ in self.fields]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]

    def rows(self, value: Any) -> int | None:
        return len(value) if self.shape else None


@dataclass(frozen=True)
class ScalarType(DataType):
    """A numpy scalar: ``{type: scalar, dtype: float64}``."""

    kind = "scalar"
    column: Column

    @property
    def dtype(self) -> str:
        return self.column.dtype

    def to_dict(self) -> dict[str, Any]:
        return {"type": self.kind, "dtype": self.dtype}

    @classmethod
    def from_dict(cls, spelled: Mapping[str, Any]) -> Self:
        only_fields(spelled, "dtype")
        return cls(Column.from_spelled({"dtype": spelled.get("dtype")}, "scalar"))

    def json_schema(self) -> dict[str, Any]:
        return cell_schema(self.column)

    def check(self, value: Any, where: str = "") -> Any:
        import numpy as np

        array = np.asarray(value)
        if array.ndim or array.dtype.kind in "OV":
            raise mismatch(where, self.column.expected, value)
        return fit(array, self.column, where)[()]

    def decode(self, data: Any, where: str = "") -> Any:
        return decode_array(self.column, [data], lambda _i: where)[0]

    def encode(self, value: Any) -> Any:
        checked = self.check(value)
        return encode_cells(self.column, cells_of(checked.reshape(1), self.column))[0]


def _is_size(n: Any) -> bool:
    return n is None or (isinstance(n, int) and not isinstance(n, bool) and n >= 0)


def _nested(flat: list[Any], shape: tuple[int, ...]) -> Any:
    if not shape:
        return flat[0]
    for size in reversed(shape[1:]):
        # An inner dimension of zero leaves nothing to cut into pieces.
        flat = [flat[i : i + size] for i in range(0, len(flat), size)] if size else []
    return flat


def _structured(fields: Mapping[str, Any], shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    import numpy as np

    array = np.empty(shape, dtype=[(name, column.dtype) for name, column in fields.items()])
    for name, column in fields.items():
        array[name] = column
    return array


def as_array(value: Any, where: str) -> np.ndarray[Any, Any]:
    """What else may stand for an array: lists, subclasses, and other libraries' vectors and tables."""
    import numpy as np

    if isinstance(value, np.ma.MaskedArray):
        raise mismatch(where, "an array", value, hint="fill a masked array first: X.filled(...)")
    if isinstance(value, (str, bytes, dict)) or value is None:
        raise mismatch(where, "an array", value)
    if hasattr(value, "to_numpy"):
        return value.to_numpy()
    try:
        array = np.asarray(value)
    except ValueError:
        raise refusal(where, "an array", "nested lists of different lengths") from None
    if array.dtype.kind in "US" and isinstance(value, (list, tuple)):
        # numpy turns [1, "a"] into two texts; that is not ours to decide.
        return np.asarray(value, dtype=object)
    return array


KINDS: Mapping[str, type[DataType]] = {"array": ArrayType, "scalar": ScalarType}


def claims(value: Any) -> bool:
    import numpy as np

    return isinstance(value, (np.ndarray, np.generic))


def infer(value: Any) -> DataType:
    import numpy as np

    if isinstance(value, np.ma.MaskedArray):
        raise UnsupportedType(
            "a masked array has no data type", hint="fill it first: X.filled(...)"
        )
    if isinstance(value, np.generic):
        if value.dtype.kind == "V":
            raise UnsupportedType(
                "a structured numpy scalar has no data type", hint="pass an array"
            )
        return ScalarType(_column_of(value.dtype, ()))
    shape: Shape = (None, *value.shape[1:]) if value.ndim else ()
    if value.dtype.names:
        fields = [
            (n, _column_of(value.dtype[n], value[n].ravel().tolist)) for n in value.dtype.names
        ]
        return ArrayType(None, shape, tuple(fields))
    return ArrayType(_column_of(value.dtype, value.ravel().tolist), shape)


def _column_of(dtype: np.dtype[Any], values: Any) -> Column:
    """The column of a dtype; ``values`` gives the elements where an object dtype makes one look at them."""
    if dtype.kind == "O":
        return object_column(values())
    if dtype.kind in "mM" and dtype.str[1:] not in [f"{dtype.kind}8[{u}]" for u in UNITS]:
        raise UnsupportedType(
            f"arrays of {dtype} have no exact JSON form", hint="use the unit D, s, ms, us or ns"
        )
    name = {"U": "str", "S": "bytes"}.get(dtype.kind, dtype.name)
    try:
        return Column(parse_dtype(name).name)
    except InvalidInput:
        raise UnsupportedType(f"arrays of {dtype} have no data type") from None


def from_hint(hint: Any) -> DataType | None:
    """Scalar classes say enough (``np.float64``); array classes leave dtype and shape open."""
    import numpy as np

    if not (isinstance(hint, type) and issubclass(hint, np.generic)):
        return None
    try:
        return ScalarType(_column_of(np.dtype(hint), ()))
    except (TypeError, UnsupportedType):
        return None
