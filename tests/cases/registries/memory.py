"""Memory: every handle is the registry itself."""

from __future__ import annotations

from modelyard.registry.interface import Versioning
from modelyard.registry.memory import MemoryRegistry
from modelyard.testing.registries import Bench


def bench(versioning: Versioning) -> Bench:
    registry = MemoryRegistry(versioning)
    return Bench(registry, lambda: registry)
