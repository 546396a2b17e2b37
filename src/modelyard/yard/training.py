"""What a registered model was trained on: decisions, pure."""

from __future__ import annotations

from typing import Any

from modelyard.base.errors import InvalidInput, did_you_mean
from modelyard.yard.datasets import Dataset


def check_target(dataset: Dataset | None, target: str | None) -> None:
    """The target must be a column of the data set it was trained on."""
    if dataset is None or target is None:
        return
    columns = [str(c["column_name"]) for c in dataset.card.profile]
    if columns and target not in columns:
        raise InvalidInput(
            f"{dataset.ref} has no column {target!r} to be the target",
            hint=did_you_mean(target, columns) or f"it has: {', '.join(columns[:20])}",
        )


def features_of(data: Any, target: str | None, model: Any) -> Any:
    """Rows to learn a model's schema from: its data set without the target, in the order it was fitted with."""
    if not hasattr(data, "columns"):
        return None
    frame = data.drop(columns=[target]) if target is not None and target in data.columns else data
    fitted = getattr(model, "feature_names_in_", None)
    if fitted is not None and set(fitted) <= set(frame.columns):
        return frame[list(fitted)]
    width = getattr(model, "n_features_in_", None)
    return frame if width is None or width == frame.shape[1] else None
