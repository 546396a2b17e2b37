"""Declared environments, builders, deployments and servers: cards with their own fields, and no secret in clear.

MLEM wrote tokens into these files as they were. Here a reference takes their place, ``env:NAME``, and a note says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from modelyard.base.notes import note
from modelyard.compat._mlem.layout import Meta
from modelyard.compat._mlem.models import with_words
from modelyard.objects.assembled import assemble
from modelyard.objects.card import Card
from modelyard.objects.source import Source

KINDS: Mapping[str, Any] = {
    "env": "target",
    "builder": "build",
    "deployment": "deployment",
    "server": "server",
}
"""MLEM's kind of object -> ours."""

_SECRET = re.compile(
    r"(?i)(token|password|passwd|secret|credential|api_?key|access_?key|private_?key|account_?key)"
)
_ASSIGNED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)


def declared_source(meta: Meta) -> Source:
    """The card of a declaration; there are no files."""
    fields = {k: v for k, v in meta.fields.items() if k not in ("params", "requirements")}
    hidden: list[str] = []
    options = _without_secrets(fields, (), hidden)
    for name in hidden:
        note(f"{meta.label}: a secret was replaced by env:{name}: set that variable")
    card = Card(kind=KINDS[meta.kind], options=options)
    return assemble(with_words(card, meta), {}, meta.name, meta.label)


def _without_secrets(value: Any, at: tuple[str, ...], hidden: list[str]) -> Any:
    if isinstance(value, dict):
        return {k: _without_secrets(v, (*at, str(k)), hidden) for k, v in value.items()}
    if isinstance(value, list):
        return [_without_secrets(v, at, hidden) for v in value]
    if not isinstance(value, str) or not value:
        return _hidden(at, hidden) if _is_secret(at) and isinstance(value, int) else value
    assigned = _ASSIGNED.fullmatch(value)
    if assigned and _SECRET.search(assigned[1]):
        return f"{assigned[1]}={_hidden((assigned[1],), hidden)}"
    if _is_secret(at):
        return _hidden(at, hidden)
    return _without_password(value, at, hidden)


def _is_secret(at: tuple[str, ...]) -> bool:
    return bool(at) and _SECRET.search(at[-1]) is not None


def _hidden(at: tuple[str, ...], hidden: list[str]) -> str:
    name = re.sub(r"[^A-Z0-9]+", "_", "_".join(at).upper()).strip("_")
    hidden.append(name)
    return f"env:{name}"


def _without_password(value: str, at: tuple[str, ...], hidden: list[str]) -> str:
    """An address keeps its user, but not what follows the colon."""
    if "://" not in value:
        return value
    try:
        password = urlsplit(value).password
    except ValueError:
        return value
    return (
        value.replace(f":{password}@", f":{_hidden((*at, 'password'), hidden)}@")
        if password
        else value
    )
