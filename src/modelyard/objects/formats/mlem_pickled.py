"""Data as MLEM kept it, with tables that pandas pickled: reading one runs what it says. Read only."""

from __future__ import annotations

from typing import Any

from modelyard.objects.formats import mlem_data
from modelyard.objects.formats._mlem.values import read_value
from modelyard.objects.interface import Files, Tier
from modelyard.types.interface import DataType

NAME = "mlem_pickled"
TIER: Tier = 2
SUFFIXES = ()

can_hold, write, read = mlem_data.can_hold, mlem_data.write, mlem_data.read


def read_files(files: Files, type: DataType | None) -> Any:
    """The value; trust has been decided before."""
    return read_value(files, pickles=True)
