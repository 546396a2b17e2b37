"""Functions that are models of `test_mlflow`. They stand apart, since a function's module travels with it and must be
importable where modelyard is not."""

from __future__ import annotations

import pandas as pd


def rule(table: pd.DataFrame) -> list[float]:
    return (table.pay * 2 + (table.city == "x")).tolist()


def area(width: float, height: float, unit: str = "m") -> str:
    return f"{width * height:g} {unit}"


def lengths(texts: list[str]) -> list[int]:
    return [len(text) for text in texts]


def tagged(rows: list) -> list[str]:  # type: ignore[type-arg]
    return [f"{row['name']}: {', '.join(row['tags'])}" for row in rows]


def since(table: pd.DataFrame) -> list[float]:
    return (table.until - table.begun).dt.total_seconds().tolist()
