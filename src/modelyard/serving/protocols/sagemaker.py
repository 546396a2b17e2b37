"""SageMaker's contract of a container: ``GET /ping`` and ``POST /invocations``, and models that come and go.

The two paths are those of `serving.scoring`. With ``SAGEMAKER_MULTI_MODEL=true`` in the environment the platform also loads and
unloads models: ``POST /models``, ``GET /models``, ``GET`` and ``DELETE /models/{name}``, ``POST /models/{name}/invoke``. Their files lie
below ``/opt/ml/models`` (`ROOT`), a model a folder, and no path leads out of it, by links neither. 409 says that a model is loaded already, 404
that it is not, and 507 that there is no room, upon which the platform unloads others and tries again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from starlette.routing import BaseRoute

from modelyard.base.errors import AlreadyExists, InvalidInput, NotFound, SchemaMismatch, StorageFull
from modelyard.objects.model import Model
from modelyard.serving.edge import ASGI, JSON, Call, Exchange, Reply, dump_json, parse_json
from modelyard.serving.model_folders import available_memory, checked_folder, model_in
from modelyard.serving.paths import ExactPaths, PathsBelow
from modelyard.serving.scoring import Invocations, common_routes, write_error
from modelyard.serving.scoring_docs import scoring_paths
from modelyard.serving.service import Service
from modelyard.yard.verbs import open_model

MULTI_MODEL = "SAGEMAKER_MULTI_MODEL"
ROOT_VARIABLE = "MODELYARD_MODELS_ROOT"
ROOT = "/opt/ml/models"
"""Where the platform puts the files of models, unless ``MODELYARD_MODELS_ROOT`` says otherwise."""
PAGE = 100


def routes(service: Service) -> Sequence[BaseRoute]:
    if not is_multi_model():
        return common_routes(service)
    models = LoadedModels(service, Path(os.environ.get(ROOT_VARIABLE, ROOT)))
    return [*common_routes(service), *models.routes()]


def openapi(service: Service) -> Mapping[str, Any]:
    return {"paths": scoring_paths(service), "components": {"schemas": {}}}


def is_multi_model() -> bool:
    """Whether the platform says that it will load and unload models."""
    return os.environ.get(MULTI_MODEL, "").strip().lower() == "true"


class LoadedModels:
    """The models that the platform has loaded, by the name that it gives them; it means nothing to us."""

    def __init__(self, service: Service, root: Path) -> None:
        self._service = service
        self._root = root
        self._urls: dict[str, str] = {}
        self._invoked: dict[str, Invocations] = {}
        self._generation = -1

    def routes(self) -> Sequence[BaseRoute]:
        """The collection, and all that is below it."""
        whole = self._exchange(self._collection, ("GET", "POST"))
        return [
            ExactPaths(self._service, lambda: {"/models": whole}),
            PathsBelow("/models/", self._answering),
        ]

    def _exchange(self, handle: Any, methods: Sequence[str]) -> Exchange:
        return Exchange(
            self._service, handle, labels=("", "models"), methods=methods, write_error=write_error
        )

    def _answering(self, rest: str) -> ASGI:
        """What answers a path below the collection; a name may itself have slashes."""
        name, slash, verb = rest.rpartition("/")
        if slash and verb == "invoke":
            return self._invocations(name)
        return self._exchange(lambda call: self._one(call, rest), ("GET", "DELETE"))

    def _invocations(self, name: str) -> Invocations:
        if self._generation != self._service.generation:
            self._invoked, self._generation = {}, self._service.generation
        if name not in self._service.models:
            return Invocations(self._service, name)  # which says that there is none
        return self._invoked.setdefault(name, Invocations(self._service, name))

    async def _collection(self, call: Call) -> Reply:
        return self._list(call) if call.method == "GET" else await self._load(call)

    def _list(self, call: Call) -> Reply:
        token = parse_qs(call.query.decode("latin-1")).get("next_page_token", [""])[-1]
        names = sorted(name for name in self._service.models if name > token)
        page: dict[str, Any] = {"models": [self._described(name) for name in names[:PAGE]]}
        if len(names) > PAGE:
            page["nextPageToken"] = names[PAGE - 1]
        return _json(page)

    def _described(self, name: str) -> Mapping[str, str]:
        return {"modelName": name, "modelUrl": self._urls.get(name, "")}

    async def _load(self, call: Call) -> Reply:
        asked = parse_json(call.body, self._service.limits.depth)
        name, url = (_text(asked, field) for field in ("model_name", "url"))
        if name in self._service.models:
            raise AlreadyExists(f"model {name!r} is loaded already")
        folder, size = checked_folder(url, self._root)
        free = available_memory()
        if free is not None and size > free:
            raise StorageFull(f"model {name!r} takes {size} bytes, and {free} are free")

        def opening() -> Model:
            return open_model(model_in(folder))

        try:
            await self._service.load(name, opening)
        except MemoryError as error:
            raise StorageFull(f"there is no memory left for model {name!r}") from error
        self._urls[name] = url
        return _json({"modelName": name})

    async def _one(self, call: Call, name: str) -> Reply:
        if name not in self._service.models:
            raise NotFound(f"no model named {name!r} is loaded here")
        if call.method == "GET":
            return _json(self._described(name))
        await self._service.unload(name, forget=True)
        self._urls.pop(name, None)
        return _json({"modelName": name})


def _text(asked: Any, field: str) -> str:
    value = asked.get(field) if isinstance(asked, dict) else None
    if not isinstance(value, str) or not value or len(value) > 1024:
        raise SchemaMismatch(f"{field}: expected a text", field=field, expected="a text")
    if not value.isprintable():
        raise InvalidInput(f"{field} has characters that cannot be seen")
    return value


def _json(value: Any) -> Reply:
    return Reply(dump_json(value), JSON)
