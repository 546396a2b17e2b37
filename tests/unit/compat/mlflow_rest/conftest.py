"""A server of MLflow's protocol for the tests of a module, over a yard in each kind of database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contracts.databases import KINDS, new_uri
from mlflow_server import Client, serving
from modelyard.yard.yard import Yard


@pytest.fixture(scope="module", params=KINDS)
def client(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    with Yard(new_uri(request, tmp_path_factory)) as yard, serving(yard) as found:
        yield found
