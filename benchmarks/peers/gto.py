"""GTO: a registry of Git tags, the one whose tags ours are."""

from __future__ import annotations

REQUIREMENTS = ("gto==1.10.1",)
DISTRIBUTION = MODULE = COMMAND = "gto"
