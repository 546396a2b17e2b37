"""Every serving protocol keeps the contract, on one server with all of them."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import httpx2
import pytest

from modelyard.serving.interface import Jobs
from modelyard.testing.protocol_models import Gate, models
from modelyard.testing.protocols import LIMITS, Case, ProtocolContract
from serving_cases.server import serving

PROTOCOLS = ("rest", "oip", "oip_grpc", "mlflow", "sagemaker", "jobs")


@pytest.fixture(scope="module")
def shared() -> Gate:
    return Gate()


@pytest.fixture(scope="module")
def http(shared: Gate) -> Iterator[httpx2.Client]:
    # As many jobs as calls: one that runs, and one that waits.
    jobs = Jobs(queued=2)
    with serving(models(shared), limits=LIMITS, jobs=jobs, grpc_port=0) as client:
        yield client


@pytest.mark.parametrize("name", PROTOCOLS, scope="module")
class TestProtocol(ProtocolContract):
    @pytest.fixture(scope="module")
    @classmethod
    def case(cls, name: str, http: httpx2.Client) -> Case:
        return importlib.import_module(f"cases.protocols.{name}").case(http)

    @pytest.fixture
    def gate(self, shared: Gate) -> Gate:
        return shared
