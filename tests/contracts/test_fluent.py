"""Runs are logged to in one way, through the spool and its sender: into a file, and to a hub."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hub_cases.server import hub
from modelyard.testing.fluent import FluentContract
from modelyard.yard.yard import Yard


@pytest.fixture(scope="module", autouse=True)
def own_spool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Spools of these tests, apart from the user's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODELYARD_SPOOL", str(tmp_path_factory.mktemp("spool")))
        yield


@pytest.fixture(scope="module")
def file_yard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    with Yard(tmp_path_factory.mktemp("file") / "yard.db") as yard:
        yield yard


@pytest.fixture(scope="module")
def hub_yard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    with hub(cwd=tmp_path_factory.mktemp("hub")) as running, Yard(running.url) as yard:
        yield yard


class TestIntoAFile(FluentContract):
    @pytest.fixture
    def yard(self, file_yard: Yard) -> Yard:
        return file_yard


class TestToAHub(FluentContract):
    @pytest.fixture
    def yard(self, hub_yard: Yard) -> Yard:
        return hub_yard
