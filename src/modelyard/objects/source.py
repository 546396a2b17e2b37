"""Where a saved object comes from: its card, its verified files, and what is known about the place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modelyard.objects.card import Card
from modelyard.objects.files import ArtifactFiles


@dataclass(frozen=True)
class Source:
    """A resolved object, not loaded yet."""

    card: Card
    files: ArtifactFiles
    name: str
    """For people and URLs: the last segment of a path, or the registered name."""
    version: str = ""
    trusted: bool = False
    """Whether the place itself vouches for it: a registry that the reader's own configuration names."""
    provenance: Mapping[str, Any] = field(default_factory=dict[str, Any])
    ref: str = ""
    """How people refer to it, for messages."""
    outlined: bool = False
    """Whether the card was made from another tool's words, which name few of the methods: the loaded object has more."""
