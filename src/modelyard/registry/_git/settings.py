"""What a repository's ``.gto`` file allows: which stages, which types of artifacts.

Its keys are read in any case, and the environment (``GTO_STAGES='["dev", "prod"]'``) wins over it. Where GTO dies of a
key it does not know, we say so and go on; a file that is no mapping, or stages that are no list of names, is an error.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelyard.base.errors import InvalidInput, InvalidSetting, did_you_mean
from modelyard.base.names import check_stage
from modelyard.base.notes import note

FILE = ".gto"
MOST_BYTES = 1 << 16

_KNOWN = {
    *("stages", "types", "enrichments", "autoload_enrichments", "index", "emojis", "log_level"),
    *("debug", "config_file_name"),
}


@dataclass(frozen=True, slots=True)
class Allowed:
    """None where anything is."""

    stages: Sequence[str] | None = None
    types: Sequence[str] | None = None
    index: str = "artifacts.yaml"
    """The file with annotations."""

    def check_stage(self, stage: str) -> None:
        """`InvalidInput` for a stage that is not among those allowed."""
        if self.stages is None or stage in self.stages:
            return
        listed = ", ".join(self.stages) or "none"
        raise InvalidInput(
            f"stage {stage!r} is not among those that {FILE} allows",
            hint=did_you_mean(stage, self.stages) or f"allowed: {listed}",
        )


def allowed(where: str, text: str, environ: Mapping[str, str] = os.environ) -> Allowed:
    """What a file's text and the environment say."""
    values = _parsed(where, text) if text.strip() else {}
    for name in ("stages", "types", "index"):
        told = next((v for k, v in environ.items() if k.lower() == f"gto_{name}"), None)
        if told is not None:
            values[name] = told if name == "index" else _json(f"GTO_{name.upper()}", told)
    return Allowed(
        stages=_names(where, "stages", values.get("stages")),
        types=_names(where, "types", values.get("types")),
        index=str(values.get("index") or "artifacts.yaml"),
    )


def _parsed(where: str, text: str) -> dict[str, Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    if len(text) > MOST_BYTES:
        raise InvalidSetting(f"{where} is larger than {MOST_BYTES} bytes")
    try:
        if any(getattr(e, "anchor", None) for e in YAML(typ="safe", pure=True).parse(text)):
            raise ValueError("anchors and aliases (& and *) may unfold into anything")
        values = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError, RecursionError) as error:
        raise InvalidSetting(f"{where} cannot be read: {str(error).splitlines()[0]}") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise InvalidSetting(f"{where} holds no settings", hint="as in: stages: [dev, prod]")
    found = {str(key).lower(): value for key, value in values.items()}
    for key in found.keys() - _KNOWN:
        note(f"{where}: the key {key!r} is unknown, GTO refuses to work with it")
    return found


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidSetting(f"{name} is no JSON", hint=f'{name}=\'["dev", "prod"]\'') from error


def _names(where: str, key: str, value: Any) -> Sequence[str] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise InvalidSetting(
            f"{where}: {key} is no list of names", hint=f"as in {key}: [dev, prod]"
        )
    for name in value:
        check_stage(name)
    return tuple(value)
