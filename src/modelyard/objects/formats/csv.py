"""Tables as comma-separated text: UTF-8, a header, quotes as RFC 4180 has them."""

from __future__ import annotations

from modelyard.objects.formats._delimited import Delimited

NAME = "csv"
TIER = 0
SUFFIXES = (".csv",)

_FORM = Delimited(NAME, ",")
can_hold = _FORM.can_hold
read = _FORM.read
read_batches = _FORM.read_batches
write = _FORM.write
open_writer = _FORM.open_writer
