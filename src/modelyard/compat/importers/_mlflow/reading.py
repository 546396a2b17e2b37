"""How a folder is opened: as its library's own model, or as a Python function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from modelyard.types.schema import Signature


@dataclass(frozen=True)
class Reading:
    """How a folder is opened."""

    flavor: str
    """Ours; empty when only the loaded object tells."""
    format: str
    files: Mapping[str, str]
    """Name in the artifact -> path in the folder."""
    modules: Sequence[str] = ()
    reasons: Sequence[str] = ()
    first: str = "X"
    """What the first argument is called."""
    needs_mlflow: bool = False
    methods: Mapping[str, Signature] | None = None
    """Where the model's own file tells them."""
    arrays: bool = False
    """Whether it takes arrays alone, where MLflow's wrapper would make one of a table."""
    native: bool = True
    """Whether the object's own methods are called, and not MLflow's wrapper."""
    tier: Literal[0, 1, 2] = 2
    """The reader's own, or higher."""
