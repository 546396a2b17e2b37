"""Promotion by a project's rules: where the facts come from that its rules ask for.

The rules are those of the project that the yard or repository belongs to; behind a hub, those of the hub's own settings.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from modelyard.base.config import settings
from modelyard.base.errors import InvalidSetting, ModelyardError
from modelyard.base.project import OWN_FILE, SHARED_FILE
from modelyard.objects.card import Card
from modelyard.objects.comparing import compare_cards
from modelyard.registry.interface import ModelState
from modelyard.registry.promoting import Promoter
from modelyard.registry.rule_settings import rules_of
from modelyard.registry.rules import Difference, Need, Rules, Unknown
from modelyard.stores.folders.interface import Folder
from modelyard.yard.registered import Registered


def promoter(of: Registered[Any]) -> Promoter:
    """The stages of a registry, by the rules of its project."""
    facts: Mapping[str, Callable[[ModelState, Need], Any]] = {
        "metrics": lambda state, need: of.metrics_of(state.versions[need.version]),
        "schema": lambda state, need: _difference(
            of.card_of(state.versions[need.against]), of.card_of(state.versions[need.version])
        ),
        "audit": lambda state, need: _audit(),
    }

    def learn(state: ModelState, need: Need) -> Any:
        try:
            return facts[need.kind](state, need)
        except ModelyardError as error:
            return Unknown(error.message, error.hint)

    return Promoter(of.registry, of.rules, learn, lambda: of.actor)


def _difference(old: Card, new: Card) -> Difference:
    found = compare_cards(old, new)
    breaking = [f"{d['where']}: {d['change']}" for d in found["differences"] if d["breaking"]]
    return Difference(found["schema"], breaking)


def _audit() -> Unknown:
    return Unknown(
        "this version of modelyard has no audit",
        "take `audit` out of the rules, or wait for a version that has it",
    )


def rules_in(folder: Folder) -> Rules:
    """The rules that the settings of a repository say, which is not on this machine."""
    with tempfile.TemporaryDirectory(prefix="modelyard-") as place:
        for file in (OWN_FILE, SHARED_FILE):
            if folder.entry(file) is not None:
                with folder.open(file) as stream:
                    Path(place, file).write_bytes(stream.read())
        try:
            return rules_of(settings(Path(place)))
        except InvalidSetting as error:
            said = error.message.replace(f"{place}/", f"{folder.label}: ")
            raise InvalidSetting(said, hint=error.hint) from None
