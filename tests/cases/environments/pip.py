"""pip: the plugin as it is."""

from __future__ import annotations

from modelyard.environments import pip as environment

__all__ = ["environment"]
