"""Flavors, data types and importers of this environment's libraries keep the contracts that all keep."""

from __future__ import annotations

import importlib

import pytest

from frameworks.environments import HERE
from modelyard.testing.flavors import FlavorCase, FlavorContract
from modelyard.testing.importers import ImporterCase, ImporterContract
from modelyard.testing.types import TypeContract

if HERE["flavors"]:

    class TestFlavor(FlavorContract):
        @pytest.fixture(scope="module")
        @classmethod
        def case(cls, flavor_name: str) -> FlavorCase:
            return importlib.import_module(f"cases.flavors.{flavor_name}").case()


if HERE["types"]:

    class TestTypes(TypeContract):
        pass


if HERE.get("importers"):

    class TestImporter(ImporterContract):
        @pytest.fixture
        def case(self, importer_name: str) -> ImporterCase:
            return importlib.import_module(f"cases.importers.{importer_name}").case()
