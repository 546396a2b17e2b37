"""A served model as a `Model`: what works with a loaded one, `apply` for one, works with it too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from modelyard.objects.card import Card
from modelyard.objects.model import Model
from modelyard.serving.calling.remote_model import RemoteModel


def as_model(remote: RemoteModel) -> Model:
    """A model whose methods are calls over HTTP and whose card says what the server told: its methods."""
    card = Card(methods={method: remote.signature(method) for method in remote.methods})
    functions = {method: _caller(remote, method) for method in remote.methods}
    name, _, version = remote.identity.partition("@")
    return Model(card, remote, functions, name=name, version=version)


def _caller(remote: RemoteModel, method: str) -> Callable[..., Any]:
    return lambda **arguments: remote.call(method, kwargs=arguments)
