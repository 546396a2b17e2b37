"""A yard on each database, and things to put in."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from modelyard import Yard


@pytest.fixture
def yard(database_uri: str) -> Iterator[Yard]:
    """A new yard of each kind."""
    with Yard(database_uri) as opened:
        yield opened


@pytest.fixture
def file_yard(sqlite_uri: str) -> Iterator[Yard]:
    """A new yard in a file, where the database makes no difference."""
    with Yard(sqlite_uri) as opened:
        yield opened


@pytest.fixture(scope="session")
def iris() -> pd.DataFrame:
    frame = load_iris(as_frame=True).frame
    frame.columns = ["sl", "sw", "pl", "pw", "kind"]
    return frame


@pytest.fixture(scope="session")
def classifier(iris: pd.DataFrame) -> LogisticRegression:
    return LogisticRegression(max_iter=1000).fit(iris.drop(columns=["kind"]), iris["kind"])
