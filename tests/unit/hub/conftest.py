"""A hub in the test's own process, and a saved model to put into it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import modelyard as my
from modelyard.hub.app import create_app
from modelyard.hub.interface import HubSettings
from modelyard.objects.card_file import card_to_dict
from modelyard.yard.yard import Yard


@dataclass
class Saved:
    """A saved object as a client uploads it."""

    card: dict[str, Any]
    files: dict[str, bytes]

    def upload(self, client: TestClient) -> None:
        for sha256, data in self.files.items():
            answer = client.put(f"/api/v1/blobs/{sha256}", content=data)
            assert answer.status_code == 201, answer.text


def saved(folder: Path, value: Any, name: str = "double", **options: Any) -> Saved:
    card = my.save(value, folder / name, **options)
    files = {
        hashlib.sha256(data).hexdigest(): data
        for entry in card.artifact
        if (data := (folder / entry.path).read_bytes()) is not None
    }
    return Saved(card_to_dict(card), files)


def doubling(factor: float) -> Any:
    def double(x: float) -> float:
        return factor * x

    return double


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    with Yard(tmp_path / "yard.db") as opened:
        yield opened


@pytest.fixture
def client(yard: Yard) -> Iterator[TestClient]:
    """Everybody is admin here: nobody was told otherwise."""
    app = create_app(HubSettings(access_log=False), yard)
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def model(tmp_path: Path) -> Saved:
    return saved(tmp_path, doubling(2.0), sample_data=3.0, metrics={"error": 0.5})


@pytest.fixture
def registered(client: TestClient, model: Saved) -> TestClient:
    """``churn`` with two versions; both have the same file names and other bytes."""
    model.upload(client)
    answer = client.post("/api/v1/models/churn/versions", json={"card": model.card})
    assert answer.status_code == 201, answer.text
    return client
