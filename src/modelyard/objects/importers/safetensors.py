"""Tensors by name, as safetensors writes them: data."""

from __future__ import annotations

import struct
from pathlib import Path

from modelyard.base import plugins
from modelyard.base.errors import NotSupported
from modelyard.objects.importers import data_source
from modelyard.objects.source import Source

NAME = "safetensors"


def recognises(path: Path) -> bool:
    """By its suffix, and a header of JSON behind its length."""
    if path.suffix.lower() != ".safetensors" or not path.is_file():
        return False
    with path.open("rb") as stream:
        head = stream.read(9)
    return len(head) == 9 and head[8:] == b"{" and struct.unpack("<Q", head[:8])[0] <= 100 << 20


def source(path: Path) -> Source:
    """A dict of tensors."""
    form = plugins.find("formats", "safetensors")
    if form is None:
        raise NotSupported("this modelyard does not read safetensors", hint="update modelyard")
    return data_source(path, form)
