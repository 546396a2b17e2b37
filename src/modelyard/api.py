"""The verbs of modelyard as one flat module, for those who prefer ``from modelyard.api import save, load``."""

from __future__ import annotations

from modelyard.base.errors import ModelyardError
from modelyard.objects.card import Card
from modelyard.objects.protocol import Model
from modelyard.serving.client import AsyncClient, Client
from modelyard.serving.serve import serve
from modelyard.shipping.build import build
from modelyard.types.schema import Schema
from modelyard.yard.cloning import clone, link
from modelyard.yard.datasets import Dataset
from modelyard.yard.git_registry import GitRegistry
from modelyard.yard.git_versions import GitModelVersion
from modelyard.yard.project import init
from modelyard.yard.registry_verbs import demote, promote, register
from modelyard.yard.syncing import sync
from modelyard.yard.verbs import (
    apply,
    evaluate,
    import_object,
    infer_schema,
    load,
    load_card,
    save,
)
from modelyard.yard.versions import ModelVersion
from modelyard.yard.yard import Yard

__all__ = [
    "AsyncClient",
    "Card",
    "Client",
    "Dataset",
    "GitModelVersion",
    "GitRegistry",
    "Model",
    "ModelVersion",
    "ModelyardError",
    "Schema",
    "Yard",
    "apply",
    "build",
    "clone",
    "demote",
    "evaluate",
    "import_object",
    "infer_schema",
    "init",
    "link",
    "load",
    "load_card",
    "promote",
    "register",
    "save",
    "serve",
    "sync",
]
