"""Tensors as safetensors writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from modelyard.objects.importers import safetensors as importer
from modelyard.testing.importers import Foreign, ImporterCase


def tensors(path: Path) -> Any:
    values = {"weight": np.arange(6, dtype=np.float32).reshape(2, 3), "bias": np.zeros(2)}
    safetensors.numpy.save_file(values, path)
    return values


def case() -> ImporterCase:
    return ImporterCase(
        importer=importer,
        files={"tensors": Foreign("m.safetensors", tensors, "safetensors")},
        strangers={"m.bin": b"\x02\0\0\0\0\0\0\0{}", "long.safetensors": b"\xff" * 8 + b"{"},
        broken={"cut.safetensors": (b"\x40\0\0\0\0\0\0\0{", "safetensors")},
        never_imported=["safetensors", "numpy", "torch"],
    )
