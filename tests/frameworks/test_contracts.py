"""Flavors and data types of this environment's libraries keep the contracts that all keep."""

from __future__ import annotations

import importlib

import pytest

from modelyard.testing.flavors import FlavorCase, FlavorContract
from modelyard.testing.importers import ImporterCase, ImporterContract
from modelyard.testing.types import TypeContract


class TestFlavor(FlavorContract):
    @pytest.fixture(scope="module")
    @classmethod
    def case(cls, flavor_name: str) -> FlavorCase:
        return importlib.import_module(f"cases.flavors.{flavor_name}").case()


class TestTypes(TypeContract):
    pass


class TestImporter(ImporterContract):
    @pytest.fixture
    def case(self, importer_name: str) -> ImporterCase:
        return importlib.import_module(f"cases.importers.{importer_name}").case()
