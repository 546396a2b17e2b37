"""Data as MLEM kept it, where no format of ours reads the file itself. Read only; nothing in it can run."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

from modelyard.base.errors import NotSupported, UnsupportedFormat
from modelyard.objects.formats._mlem.values import read_value
from modelyard.objects.interface import Files, Tier
from modelyard.types.interface import DataType

NAME = "mlem_data"
TIER: Tier = 0
SUFFIXES = ()


def can_hold(type: DataType) -> bool:
    """Nothing new."""
    return False


def write(value: Any, path: Path, type: DataType) -> None:
    """`UnsupportedFormat`: new data is written in our own formats."""
    raise UnsupportedFormat(f"{NAME} is only read", hint="leave format= out")


def read(stream: IO[bytes], type: DataType | None) -> Any:
    """Its files are several; see `read_files`."""
    raise NotSupported(f"{NAME} is read from its files, not from one stream")


def read_files(files: Files, type: DataType | None) -> Any:
    """The value; a pickle among them is refused."""
    return read_value(files, pickles=False)
