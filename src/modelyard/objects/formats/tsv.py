"""Tables as tab-separated text: `csv` with another separator."""

from __future__ import annotations

from modelyard.objects.formats._delimited import Delimited

NAME = "tsv"
TIER = 0
SUFFIXES = (".tsv",)

_FORM = Delimited(NAME, "\t")
can_hold = _FORM.can_hold
read = _FORM.read
read_batches = _FORM.read_batches
write = _FORM.write
open_writer = _FORM.open_writer
