"""Training data as `ActiveRun.log_input` takes it, without a copy."""

from __future__ import annotations

from typing import Any


def described(data: Any, targets: Any = None) -> Any:
    """What is told of a data set."""
    return data
