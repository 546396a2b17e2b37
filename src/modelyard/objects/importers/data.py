"""Files of data in any format we read, by their suffix: csv, parquet, npy …"""

from __future__ import annotations

from pathlib import Path

from modelyard.base.errors import InvalidInput
from modelyard.objects import formats
from modelyard.objects.importers import data_source
from modelyard.objects.source import Source

NAME = "data"


def recognises(path: Path) -> bool:
    """By its suffix; other importers are asked before, and pickles are theirs."""
    return path.is_file() and formats.known_suffix(path) and formats.data_format(path).TIER < 2


def source(path: Path) -> Source:
    """Data, in the types that the file itself says."""
    if not path.is_file():
        raise InvalidInput(f"{path} is no file")
    return data_source(path, formats.data_format(path))
