"""PyTorch tensors: ``{type: tensor, dtype: float32, shape: [null, 4]}``.

The first dimension is open, the others are as in the sample. In JSON and in files a tensor is the array it would be in
numpy; the short floats that numpy lacks (``bfloat16``, the ``float8`` kinds) go through float32, which holds each of
them. Numbers that come as lists, tables or arrays are rounded to the dtype, as ``torch.tensor`` does; a tensor of another
dtype is taken only where no value changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from modelyard.base.errors import InvalidInput, UnsupportedType, did_you_mean
from modelyard.types.columns import Column
from modelyard.types.interface import DataType
from modelyard.types.mismatch import refusal
from modelyard.types.numpy import ArrayType, Shape, as_array
from modelyard.types.numpy_cells import numpy_dtype
from modelyard.types.scalar import only_fields

if TYPE_CHECKING:
    import numpy as np

SHORT = (
    "bfloat16",
    "float8_e4m3fn",
    "float8_e5m2",
    "float8_e4m3fnuz",
    "float8_e5m2fnuz",
    "float8_e8m0fnu",
)
"""Floats that numpy has no dtype for."""
DTYPES = (
    *("float16", "float32", "float64", *SHORT, "complex64", "complex128", "bool"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
)


@dataclass(frozen=True)
class TensorType(DataType):
    """A dense tensor on the processor."""

    kind = "tensor"
    dtype: str
    shape: Shape

    def to_dict(self) -> dict[str, Any]:
        return {"type": self.kind, "dtype": self.dtype, "shape": list(self.shape)}

    @classmethod
    def from_dict(cls, spelled: Mapping[str, Any]) -> Self:
        only_fields(spelled, "dtype", "shape")
        dtype = spelled.get("dtype")
        if dtype not in DTYPES:
            raise InvalidInput(
                f"unknown dtype of a tensor {dtype!r}",
                hint=did_you_mean(str(dtype), DTYPES) or f"known: {', '.join(DTYPES)}",
            )
        array = ArrayType.from_dict({**spelled, "dtype": _numpy_name(dtype)})
        return cls(dtype, array.shape)

    @cached_property
    def table(self) -> ArrayType:  # type: ignore[override]  # a property, kept
        return ArrayType(Column(_numpy_name(self.dtype)), self.shape)

    @property
    def column(self) -> Column | None:
        """What its elements are, where numpy has a word for it."""
        return None if self.dtype in SHORT else self.table.column

    def json_schema(self) -> dict[str, Any]:
        return self.table.json_schema()

    def check(self, value: Any, where: str = "") -> Any:
        import torch

        if not isinstance(value, torch.Tensor):
            array = self.table.check(self._rounded(as_array(value, where)), where)
            return self._tensor(array, where)
        self.table.check_shape(value.shape, where)
        if value.dtype == getattr(torch, self.dtype):
            return value
        made = self._tensor(self.table.check(self.unwrap(value), where), where)
        kept = (made.float() == value.float()) | (made.isnan() & value.isnan())
        if self.dtype in SHORT and not bool(kept.all()):
            raise refusal(where, f"values that {self.dtype} holds exactly", f"{value.dtype}")
        return made

    def _rounded(self, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Doubles in the type's shorter floats; where one does not fit they stay, to be refused."""
        import numpy as np

        wanted = numpy_dtype(self.table.column or Column("float32"))
        if array.dtype.kind != "f" or wanted.kind != "f" or array.dtype == wanted:
            return array
        with np.errstate(over="ignore", invalid="ignore"):
            short = array.astype(wanted)
        return short if bool((np.isinf(short) == np.isinf(array)).all()) else array

    def _tensor(self, array: np.ndarray[Any, Any], where: str) -> Any:
        import numpy as np
        import torch

        # Torch shares the array's memory, but not if it runs backwards, is foreign, or may not be written to.
        native = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
        native = native.reshape(array.shape)  # a single number stays one
        tensor = torch.from_numpy(native if native.flags.writeable else native.copy())
        if self.dtype not in SHORT:
            return tensor
        made = tensor.to(getattr(torch, self.dtype))
        # Some of these saturate, some turn to infinity: neither is the number that was meant.
        lost = tensor.isfinite() & (tensor.abs() > torch.finfo(made.dtype).max)
        if bool((lost | (made.float().isfinite() != tensor.isfinite())).any()):
            raise refusal(where, f"numbers that {self.dtype} can hold", "a larger one")
        return made

    def decode(self, data: Any, where: str = "") -> Any:
        return self._tensor(self.table.decode(data, where), where)

    def encode(self, value: Any) -> Any:
        return self.table.encode(self.unwrap(self.check(value)))

    def unwrap(self, value: Any) -> Any:
        """The array of a tensor."""
        return to_numpy(value)

    def rows(self, value: Any) -> int | None:
        return len(value) if self.shape else None


def _numpy_name(dtype: str) -> str:
    return "float32" if dtype in SHORT else dtype


def to_numpy(tensor: Any) -> np.ndarray[Any, Any]:
    """The array of a tensor: its own memory where possible, short floats as float32."""
    own = tensor.detach().cpu().resolve_conj().resolve_neg()
    short = str(own.dtype).removeprefix("torch.") in SHORT
    return own.float().numpy() if short else own.numpy()


KINDS: Mapping[str, type[DataType]] = {"tensor": TensorType}


def claims(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor)


def infer(value: Any) -> DataType:
    import torch

    dtype = str(value.dtype).removeprefix("torch.")
    if value.layout != torch.strided or value.is_quantized or value.is_nested:
        raise UnsupportedType(
            "a sparse, quantized or nested tensor has no data type",
            hint="make it dense first: X.to_dense(), X.dequantize()",
        )
    if value.is_meta:
        raise UnsupportedType("a tensor on the device 'meta' has no values")
    if dtype not in DTYPES:
        raise UnsupportedType(f"tensors of {dtype} have no data type")
    return TensorType(dtype, (None, *value.shape[1:]) if value.ndim else ())


def from_hint(hint: Any) -> DataType | None:
    """None: the class says neither dtype nor shape."""
    return None
