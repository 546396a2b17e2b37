"""What the conversions of boosters by onnxmltools share: one matrix in, its width told from the sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from modelyard.base.errors import InvalidInput, MissingExtra


def converting(
    library: str, model: Any, value: Any, precisions: Sequence[str]
) -> Iterator[tuple[str, Callable[[], Any]]]:
    """A conversion for each precision."""
    try:
        import onnxmltools
        from onnxmltools.convert.common import data_types
    except ModuleNotFoundError as error:
        raise MissingExtra(f"converting {library} models to ONNX", "onnx", missing=error.name) from error  # fmt: skip
    kinds = {"float64": data_types.DoubleTensorType, "float32": data_types.FloatTensorType}
    convert = getattr(onnxmltools, f"convert_{library}")
    options = {} if library == "xgboost" else {"zipmap": False}
    shape = np.shape(value)
    if len(shape) != 2:
        raise InvalidInput(
            f"a conversion to onnx needs sample_data as a table or a matrix, not a {type(value).__name__}"
        )
    width = shape[1]
    for precision in precisions:
        inputs = [("X", kinds[precision]([None, width]))]
        yield (
            f"in {precision}",
            lambda inputs=inputs: convert(model, initial_types=inputs, **options),
        )
