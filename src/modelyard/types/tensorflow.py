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
from modelyard.types.numpy import ArrayType
from modelyard.types.numpy import infer as infer_array


@dataclass(frozen=True)
class TensorType(DataType):
    """A dense tensor, described as the array that it holds."""

    kind = "tf_tensor"
    array: ArrayType

    @property
    def dtype(self) -> str:
        return self.array.dtype

    @property
    def shape(self) -> tuple[int | None, ...]:
        return self.array.shape

    def to_dict(self) -> dict[str, Any]:
        return {**self.array.to_dict(), "type": self.kind}

    @classmethod
    def from_dict(cls, spelled: Mapping[str, Any]) -> Self:
        return cls(ArrayType.from_dict(spelled))

    @property
    def plain(self) -> DataType:
        """The type of its values as files know them."""
        return self.array

    def to_plain(self, value: Any) -> Any:
        """The array of a tensor."""
        return _array(value, "")

    def json_schema(self) -> dict[str, Any]:
        return self.array.json_schema()

    def check(self, value: Any, where: str = "") -> Any:
        kept = value if _is_dense(value) and value.dtype.name != "string" else None
        array = self.array.check(_array(value, where) if claims(value) else value, where)
        if kept is not None and kept.dtype.name == self.dtype:
            return kept
        return _tensor(array)

    def decode(self, data: Any, where: str = "") -> Any:
        return _tensor(self.array.decode(data, where))

    def encode(self, value: Any) -> Any:
        return self.array.encode(_array(value, "") if claims(value) else value)

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

    if not _is_dense(value) and (
        not hasattr(value, "numpy") or hasattr(value, "indices") or hasattr(value, "row_splits")
    ):
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
