"""Tables as Feather: Arrow IPC files, compressed."""

from __future__ import annotations

from modelyard.objects.formats._ipc import Ipc

NAME = "feather"
TIER = 0
SUFFIXES = (".feather", ".fea")
LIBRARIES = ("pyarrow",)

_FORM = Ipc(NAME, compression="lz4")
can_hold = _FORM.can_hold
read = _FORM.read
read_batches = _FORM.read_batches
write = _FORM.write
open_writer = _FORM.open_writer
