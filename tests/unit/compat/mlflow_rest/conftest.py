"""A server of MLflow's protocol for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mlflow_server import Client, serving
from modelyard.yard.yard import Yard


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with Yard(tmp_path_factory.mktemp("yard") / "yard.db") as yard, serving(yard) as found:
        yield found
