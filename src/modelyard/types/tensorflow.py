"""Tensors of TensorFlow: ``{type: tf_tensor, dtype: float32, shape: [null, 3]}``, in JSON as arrays are.

A tensor of texts has ``dtype: str`` (its bytes are UTF-8). Ragged and sparse tensors are refused: a nested list would not
bring them back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from modelyard.base.errors import UnsupportedType
from modelyard.types.columns import Column
from modelyard.types.interface import DataType
from modelyard.types.mismatch import refusal
from modelyard.types.numpy import ArrayType, as_array
from modelyard.types.numpy import infer as infer_array


@dataclass(frozen=True)
class TensorType(DataType):
    """A dense tensor, described as the array that it holds."""

    kind = "tf_tensor"
    array: ArrayType

    @property
    def table(self) -> ArrayType:
        """The array that it holds."""
        return self.array

    @property
    def dtype(self) -> str:
        return self.array.dtype

    @property
    def shape(self) -> tuple[int | None, ...]:
        return self.array.shape

    @property
    def column(self) -> Column | None:
        """What its elements are."""
        return self.array.column

    def to_dict(self) -> dict[str, Any]:
        return {**self.array.to_dict(), "type": self.kind}

    @classmethod
    def from_dict(cls, spelled: Mapping[str, Any]) -> Self:
        return cls(ArrayType.from_dict(spelled))

    def json_schema(self) -> dict[str, Any]:
        return self.array.json_schema()

    def check(self, value: Any, where: str = "") -> Any:
        array = _array(value, where) if claims(value) else self._rounded(as_array(value, where))
        array = self.array.check(array, where)
        same = _is_dense(value) and value.dtype.name == self.dtype
        return value if same else _tensor(array)

    def _rounded(self, array: Any) -> Any:
        """Numbers that come as lists, tables or arrays are rounded to shorter floats, as ``tf.constant`` does; where one
        does not fit they stay, to be refused."""
        import numpy as np

        if array.dtype.kind != "f" or not self.dtype.startswith("float"):
            return array
        with np.errstate(over="ignore", invalid="ignore"):
            short = array.astype(self.dtype)
        return short if bool((np.isinf(short) == np.isinf(array)).all()) else array

    def decode(self, data: Any, where: str = "") -> Any:
        return _tensor(self.array.decode(data, where))

    def encode(self, value: Any) -> Any:
        return self.array.encode(_array(value, "") if claims(value) else value)

    def unwrap(self, value: Any) -> Any:
        """The array of a tensor."""
        return _array(value, "")

    def rows(self, value: Any) -> int | None:
        return int(value.shape[0]) if self.shape else None


KINDS: Mapping[str, type[DataType]] = {"tf_tensor": TensorType}


def claims(value: Any) -> bool:
    import tensorflow as tf

    tf_: Any = tf
    kinds = (tf_.Tensor, tf_.Variable, tf_.RaggedTensor, tf_.SparseTensor, tf_.IndexedSlices)
    return isinstance(value, kinds)


def infer(value: Any) -> DataType:
    if not _is_dense(value):
        raise UnsupportedType(
            f"a {type(value).__name__} has no data type",
            hint="make it dense: ragged.to_tensor(), tf.sparse.to_dense(sparse), variable.numpy()",
        )
    if value.dtype.name == "string":
        _array(value, "")  # refuses bytes that are no text
        shape = (None, *value.shape[1:]) if value.shape.rank else ()
        return TensorType(ArrayType(Column("str"), shape))
    found = infer_array(value.numpy()) if value.shape.rank else infer_array(_array(value, ""))
    return TensorType(found)  # type: ignore[arg-type]  # no scalar: it is an array of rank 0


def _is_dense(value: Any) -> bool:
    """A tensor that has values now: none of a graph, ragged or sparse one."""
    import tensorflow as tf

    return isinstance(value, tf.Tensor) and hasattr(value, "numpy")


def _array(value: Any, where: str) -> Any:
    """The numpy array of a tensor, of whatever rank; texts decoded."""
    import numpy as np

    strange = (
        not hasattr(value, "numpy") or hasattr(value, "indices") or hasattr(value, "row_splits")
    )
    if strange and not _is_dense(value):
        raise refusal(where, "a dense tensor", f"a {type(value).__name__}")
    array = np.asarray(value.numpy())
    if value.dtype.name != "string":
        return array
    try:
        texts = [text.decode("utf-8") for text in array.ravel().tolist()]
    except UnicodeDecodeError:
        raise refusal(where, "texts in UTF-8", "bytes that are none") from None
    return np.array(texts, dtype=str).reshape(array.shape)


def _tensor(array: Any) -> Any:
    import tensorflow as tf

    return tf.constant(array)
