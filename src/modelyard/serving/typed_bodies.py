"""Bodies that carry their own types, as the argument of a method: Parquet, Arrow streams, ``.npy``.

They are read into arrays as they lie and become what the model takes without a parser of text on the way. The argument is the
one that holds records, or else the one that must be given. A column ``reference_id`` beside the schema's is the caller's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from modelyard.base.errors import ModelyardError, SchemaMismatch, UnsupportedFormat
from modelyard.objects.sampling import required_arguments
from modelyard.serving.arrow_wire import ARROW, PARQUET, read_parquet, read_stream
from modelyard.serving.execution import Method
from modelyard.serving.forms import REFERENCE_ID, read_id
from modelyard.serving.interface import Json, Limits
from modelyard.serving.npy_wire import NPY, read_npy
from modelyard.types.arrow import from_arrow

Read = tuple[dict[str, Any], int, list[str]]
"""Arguments by name, how many records they hold, reference ids."""

SUFFIXES: Mapping[str, bytes] = {
    ".parquet": PARQUET,
    ".pq": PARQUET,
    ".arrow": ARROW,
    ".arrows": ARROW,
    ".npy": NPY,
}
"""What a file in a form is when it is sent without a type of its own."""
KINDS = frozenset((*SUFFIXES.values(), b"application/parquet", b"application/x-parquet"))
_OTHER_NAMES = {b"application/parquet": PARQUET, b"application/x-parquet": PARQUET}


class TypedBodies:
    """Reads such bodies for one method."""

    def __init__(self, method: Method, limits: Limits) -> None:
        self._method = method
        self._limit = limits.decoded_bytes
        required = required_arguments(method.signature)
        self.argument = method.records or (required[0] if len(required) == 1 else None)
        """The argument that a whole body is for."""

    def reader(self, content_type: bytes) -> Callable[[bytes], Read] | None:
        """What reads a body of that type; None when that is none of ours."""
        if content_type not in KINDS:
            return None
        if self.argument is None:
            raise UnsupportedFormat(
                f"{self._method.name} takes no single table or array",
                hint="send application/json, or a form with a part for each argument",
            )
        return lambda body: self.read(body, content_type, str(self.argument))

    def read(self, body: bytes, content_type: bytes, name: str) -> Read:
        """A body as the argument of that name. `InvalidInput`, `TooLarge` or `SchemaMismatch` say what is wrong with it."""
        kind = _OTHER_NAMES.get(content_type, content_type)
        if kind == NPY:
            return self._from_array(read_npy(body), name)
        read = read_parquet if kind == PARQUET else read_stream
        return self._from_table(read(body, self._limit), name)

    def _from_table(self, table: Any, name: str) -> Read:
        declared = self._method.signature.args[name].type
        ids: list[str] = []
        if REFERENCE_ID in table.column_names and REFERENCE_ID not in (self._method.columns or ()):
            column = table.column(REFERENCE_ID)
            cells = _fitted(column.to_pylist, REFERENCE_ID)
            ids = [read_id(cell, f"{name}[{i}].{REFERENCE_ID}") for i, cell in enumerate(cells)]
            table = table.drop_columns(REFERENCE_ID)
        value = _fitted(lambda: from_arrow(table, declared, name), name)
        rows = table.num_rows if name == self._method.records else 1
        if not table.num_rows:
            raise _empty(name)
        return {name: value}, max(1, rows), ids

    def _from_array(self, array: Any, name: str) -> Read:
        declared = self._method.signature.args[name].type
        if not array.size and array.shape[:1] == (0,):
            raise _empty(name)
        rows = len(array) if array.ndim and name == self._method.records else 1
        return {name: _fitted(lambda: _of_array(array, declared, name), name)}, rows, []


def _of_array(array: Any, declared: Any, name: str) -> Any:
    """Arrays as they are; tables get their columns by position; all else is read as JSON would be."""
    from modelyard import types

    if declared.table.kind == "array":
        return declared.check(array, name)
    columns = declared.table.to_dict().get("columns")
    if isinstance(columns, Mapping) and array.ndim == 2 and not array.dtype.names:
        return _of_columns(array, list(columns), declared, name)
    return Json(types.infer(array).encode(array))


def _of_columns(array: Any, columns: list[str], declared: Any, name: str) -> Any:
    if array.shape[1] != len(columns):
        raise SchemaMismatch(
            f"{name}: expected {len(columns)} columns, got {array.shape[1]}",
            field=name,
            expected=f"{len(columns)} columns",
        )
    if declared.kind == "dataframe" and array.dtype.kind in "iufb":
        import pandas

        # One block of numbers, which an engine takes as it is.
        return declared.check(pandas.DataFrame(array, columns=list(declared.columns)), name)
    import pyarrow

    # A missing number of numpy's is NaN, which is null to Arrow.
    cells = {str(c): pyarrow.array(array[:, i], from_pandas=True) for i, c in enumerate(columns)}
    return from_arrow(pyarrow.table(cells), declared, name)


def _fitted(convert: Callable[[], Any], name: str) -> Any:
    """What a library says of values that it cannot convert is the sender's to know, not a failure of the server."""
    try:
        return convert()
    except ModelyardError:
        raise
    except Exception as error:  # each library has its own ways
        said = str(error).split("\n", 1)[0][:200]
        raise SchemaMismatch(f"{name}: {said or type(error).__name__}", field=name) from error


def _empty(name: str) -> SchemaMismatch:
    expected = "at least one record"
    return SchemaMismatch(f"{name}: expected {expected}, got none", field=name, expected=expected)
