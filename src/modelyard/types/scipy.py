"""Sparse matrices of scipy: ``{type: sparse, dtype: float64, shape: [null, 1000], format: csr}``.

In JSON always ``{"shape", "data", "indices", "indptr"}`` of the compressed rows, whatever the format, so that an answer has one
form however small it is; a dense nested list is taken as well. ``array: true`` marks scipy's newer sparse arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from modelyard.base.errors import InvalidInput, UnsupportedType
from modelyard.types.cells import decode_cells, encode_cells
from modelyard.types.columns import Column
from modelyard.types.interface import DataType
from modelyard.types.mismatch import inside, mismatch, refusal
from modelyard.types.numpy import ArrayType
from modelyard.types.numpy_cells import array_of, cells_of, fit, spell_shape
from modelyard.types.scalar import only_fields

_PARTS = ("shape", "data", "indices", "indptr")
_FORMATS = ("csr", "csc", "coo", "lil", "dok", "dia", "bsr")


@dataclass(frozen=True)
class SparseType(DataType):
    """A sparse matrix of numbers or booleans; the number of rows is open."""

    kind = "sparse"
    column: Column
    width: int
    format: str = "csr"
    array: bool = False

    @property
    def dtype(self) -> str:
        return self.column.dtype

    @property
    def shape(self) -> tuple[int | None, int]:
        return (None, self.width)

    def to_dict(self) -> dict[str, Any]:
        spelled = {"type": self.kind, "dtype": self.dtype, "shape": list(self.shape)}
        if self.format != "csr":
            spelled["format"] = self.format
        return spelled | ({"array": True} if self.array else {})

    @classmethod
    def from_dict(cls, spelled: Mapping[str, Any]) -> Self:
        only_fields(spelled, "dtype", "shape", "format", "array")
        shape, form = spelled.get("shape"), spelled.get("format", "csr")
        if not isinstance(shape, (list, tuple)) or len(shape) != 2 or not isinstance(shape[1], int):
            raise InvalidInput("type 'sparse' needs 'shape: [null, WIDTH]'")
        if form not in _FORMATS:
            raise InvalidInput(
                f"unknown sparse format {form!r}", hint=f"known: {', '.join(_FORMATS)}"
            )
        column = Column.from_spelled({"dtype": spelled.get("dtype")}, "sparse")
        return cls(column, shape[1], form, bool(spelled.get("array", False)))

    @cached_property
    def _dense(self) -> ArrayType:
        return ArrayType(self.column, (None, self.width))

    def json_schema(self) -> dict[str, Any]:
        whole = {"type": "array", "items": {"type": "integer", "minimum": 0}}
        cells = self._dense.json_schema()["items"]["items"]
        parts = {
            "shape": {**whole, "minItems": 2, "maxItems": 2},
            "data": {"type": "array", "items": cells},
            "indices": whole,
            "indptr": whole,
        }
        compressed = {
            "type": "object",
            "properties": parts,
            "required": list(_PARTS),
            "additionalProperties": False,
        }
        return {"anyOf": [compressed, self._dense.json_schema()]}

    def rows(self, value: Any) -> int | None:
        return value.shape[0]

    def check(self, value: Any, where: str = "") -> Any:
        import scipy.sparse as sp

        if not sp.issparse(value):
            value = self._own(self._dense.check(value, where))
        if value.ndim != 2 or value.shape[1] != self.width:
            raise refusal(
                where, f"a matrix of shape {spell_shape(self.shape)}", spell_shape(value.shape)
            )
        if value.dtype != self.dtype:
            rows = value.tocsr()
            cast = rows.astype(self.dtype)
            cast.data = fit(rows.data, self.column, inside(where, "data"))
            value = cast
        right = value.format == self.format and isinstance(value, sp.sparray) is self.array
        return value if right else self._own(value)

    def _own(self, value: Any) -> Any:
        """A dense or sparse matrix in the format and of the class of this type."""
        import scipy.sparse as sp

        make = sp.csr_array if self.array else sp.csr_matrix
        return make(value).asformat(self.format)

    def decode(self, data: Any, where: str = "") -> Any:
        if type(data) is list:
            return self._own(self._dense.decode(data, where))
        if type(data) is not dict or set(data) != set(_PARTS):
            raise mismatch(where, f"nested lists, or an object with {', '.join(_PARTS)}", data)
        shape = self._decode_shape(data["shape"], inside(where, "shape"))
        parts = {name: _list(data[name], inside(where, name)) for name in _PARTS[1:]}
        _check_pointers(parts["indptr"], parts["indices"], len(parts["data"]), shape, where)
        place = inside(where, "data")
        cells = decode_cells(self.column, parts["data"], lambda i: f"{place}[{i}]")
        return self._of_parts(array_of(self.column, cells), parts, shape)

    def _decode_shape(self, shape: Any, where: str) -> tuple[int, int]:
        if (
            type(shape) is not list
            or len(shape) != 2
            or any(type(n) is not int or n < 0 for n in shape)
        ):
            raise mismatch(where, "a list of two sizes", shape)
        if shape[1] != self.width:
            raise refusal(where, f"{self.width} columns", str(shape[1]))
        if not shape[0]:
            raise refusal(where, "at least one row", "none")
        return shape[0], shape[1]

    def _of_parts(self, data: Any, parts: Mapping[str, list[int]], shape: tuple[int, int]) -> Any:
        import numpy as np
        import scipy.sparse as sp

        make = sp.csr_array if self.array else sp.csr_matrix
        indices, indptr = np.array(parts["indices"], np.int64), np.array(parts["indptr"], np.int64)
        return make((data, indices, indptr), shape=shape).asformat(self.format)

    def encode(self, value: Any) -> dict[str, Any]:
        rows = self.check(value).tocsr()
        return {
            "shape": list(rows.shape),
            "data": encode_cells(self.column, cells_of(rows.data, self.column)),
            "indices": rows.indices.tolist(),
            "indptr": rows.indptr.tolist(),
        }


def _list(value: Any, where: str) -> list[Any]:
    if type(value) is not list:
        raise mismatch(where, "a list", value)
    return value


def _check_pointers(
    indptr: list[Any], indices: list[Any], count: int, shape: tuple[int, int], where: str
) -> None:
    """Everything that scipy takes on trust: a wrong index reads memory that is not the matrix's."""
    rows, width = shape
    for i, index in enumerate(indices):
        if type(index) is not int or not 0 <= index < width:
            raise mismatch(
                f"{inside(where, 'indices')}[{i}]", f"an integer from 0 to {width - 1}", index
            )
    if len(indices) != count:
        raise refusal(
            inside(where, "indices"), f"{count} numbers, one for each of data", str(len(indices))
        )
    place = inside(where, "indptr")
    if len(indptr) != rows + 1:
        raise refusal(place, f"{rows + 1} numbers, one more than rows", str(len(indptr)))
    low = 0
    for i, pointer in enumerate(indptr):
        if type(pointer) is not int or not low <= pointer <= count or (i == 0 and pointer):
            raise mismatch(f"{place}[{i}]", "integers that start at 0 and never fall", pointer)
        low = pointer
    if low != count:
        raise refusal(place, f"{count} at the end", str(low))


KINDS: Mapping[str, type[DataType]] = {"sparse": SparseType}


def claims(value: Any) -> bool:
    import scipy.sparse as sp

    return sp.issparse(value)


def infer(value: Any) -> DataType:
    import scipy.sparse as sp

    if value.ndim != 2:
        raise UnsupportedType(f"a sparse array of {value.ndim} dimensions has no data type")
    if value.dtype.kind not in "biuf":
        raise UnsupportedType(f"a sparse matrix of {value.dtype} has no data type")
    return SparseType(
        Column(value.dtype.name), value.shape[1], value.format, isinstance(value, sp.sparray)
    )
