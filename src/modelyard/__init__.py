"""Modelyard: from a trained model to production, with the record of it.

>>> import modelyard as my  # doctest: +SKIP
>>> my.save(model, "models/churn", sample_data=X)  # doctest: +SKIP
>>> my.load("models/churn").predict(X)  # doctest: +SKIP

Public names are loaded on first use, so that importing this package costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from modelyard.base.errors import ModelyardError as ModelyardError
    from modelyard.objects.card import Card as Card
    from modelyard.objects.protocol import Model as Model
    from modelyard.serving.client import AsyncClient as AsyncClient
    from modelyard.serving.client import Client as Client
    from modelyard.serving.serve import serve as serve
    from modelyard.shipping.build import build as build
    from modelyard.stores.apart import pull as pull
    from modelyard.stores.apart import push as push
    from modelyard.types.schema import Schema as Schema
    from modelyard.yard.autologging.installing import autolog as autolog
    from modelyard.yard.cloning import clone as clone
    from modelyard.yard.cloning import link as link
    from modelyard.yard.datasets import Dataset as Dataset
    from modelyard.yard.git_registry import GitRegistry as GitRegistry
    from modelyard.yard.git_versions import GitModelVersion as GitModelVersion
    from modelyard.yard.project import init as init
    from modelyard.yard.registry_verbs import demote as demote
    from modelyard.yard.registry_verbs import promote as promote
    from modelyard.yard.registry_verbs import register as register
    from modelyard.yard.verbs import apply as apply
    from modelyard.yard.verbs import evaluate as evaluate
    from modelyard.yard.verbs import import_object as import_object
    from modelyard.yard.verbs import infer_schema as infer_schema
    from modelyard.yard.verbs import load as load
    from modelyard.yard.verbs import load_card as load_card
    from modelyard.yard.verbs import save as save
    from modelyard.yard.versions import ModelVersion as ModelVersion
    from modelyard.yard.yard import Yard as Yard

_WHERE = {
    "AsyncClient": "modelyard.serving.client",
    "Card": "modelyard.objects.card",
    "Client": "modelyard.serving.client",
    "Dataset": "modelyard.yard.datasets",
    "GitModelVersion": "modelyard.yard.git_versions",
    "GitRegistry": "modelyard.yard.git_registry",
    "Model": "modelyard.objects.protocol",
    "ModelVersion": "modelyard.yard.versions",
    "ModelyardError": "modelyard.base.errors",
    "Schema": "modelyard.types.schema",
    "Yard": "modelyard.yard.yard",
    "apply": "modelyard.yard.verbs",
    "autolog": "modelyard.yard.autologging.installing",
    "build": "modelyard.shipping.build",
    "clone": "modelyard.yard.cloning",
    "demote": "modelyard.yard.registry_verbs",
    "evaluate": "modelyard.yard.verbs",
    "import_object": "modelyard.yard.verbs",
    "infer_schema": "modelyard.yard.verbs",
    "init": "modelyard.yard.project",
    "link": "modelyard.yard.cloning",
    "load": "modelyard.yard.verbs",
    "load_card": "modelyard.yard.verbs",
    "promote": "modelyard.yard.registry_verbs",
    "pull": "modelyard.stores.apart",
    "push": "modelyard.stores.apart",
    "register": "modelyard.yard.registry_verbs",
    "save": "modelyard.yard.verbs",
    "serve": "modelyard.serving.serve",
}
"""Public name -> the module that has it. One table: `__all__`, the imports for type checkers and the docs follow it."""

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
    "__version__",
    "apply",
    "autolog",
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
    "pull",
    "push",
    "register",
    "save",
    "serve",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        from difflib import get_close_matches

        near = get_close_matches(name, _WHERE, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise AttributeError(f"module 'modelyard' has no attribute {name!r}{hint}")
    from importlib import import_module

    value = getattr(import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_WHERE])
