"""Tables as Arrow IPC: files, and streams as they cross a wire. Read as they lie, without a parser."""

from __future__ import annotations

from modelyard.objects.formats._ipc import Ipc

NAME = "arrow"
TIER = 0
SUFFIXES = (".arrow", ".ipc", ".arrows")
LIBRARIES = ("pyarrow",)

_FORM = Ipc(NAME)
can_hold = _FORM.can_hold
read = _FORM.read
read_batches = _FORM.read_batches
write = _FORM.write
open_writer = _FORM.open_writer
