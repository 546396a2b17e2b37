"""What the text of a model means."""

from __future__ import annotations

import pytest

from modelyard.predictions.selection import join_model, split_model

TEXTS = {
    "churn@3": ("churn", "3"),
    "churn": ("churn", ""),
    "churn@v1.2.0-rc.1+b": ("churn", "v1.2.0-rc.1+b"),
    "forest@sha256:5f0c": ("forest", "sha256:5f0c"),
    "forest@sha256:": ("forest", "sha256:"),
    "a@b": ("a@b", ""),
    "a@b@3": ("a@b", "3"),
    "a@3@b": ("a@3@b", ""),
    "@3": ("", "3"),
    "churn@": ("churn@", ""),
    "churn@v3": ("churn@v3", ""),
    "": ("", ""),
}


@pytest.mark.parametrize("text", TEXTS)
def test_two_sides_and_back(text: str) -> None:
    assert split_model(text) == TEXTS[text]
    assert join_model(*TEXTS[text]) == text
