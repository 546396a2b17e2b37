"""Pipelines for tags of a Git registry: what a pushed version or promotion sets off, as a file of a CI system.

How to add one: write ``shipping/workflows/<name>.py`` with ``FILE`` and ``workflow(settings)``, which gives plain data.
The steps, which are shell and the same everywhere, stand in `steps.py`.
"""

from __future__ import annotations

import importlib
import io
from pathlib import Path
from typing import Any

from modelyard.base.errors import AlreadyExists, InvalidInput, did_you_mean
from modelyard.base.paths import replacing
from modelyard.shipping.workflows.steps import Settings

SYSTEMS = ("github", "gitlab")

HEAD = """# Written by `modelyard ci init {system}`; yours to change, and never overwritten without --force.
#
# A pushed tag of the registry is checked. A version (name@v1.2.0) is loaded, tried on its sample and built; a promotion
# (name#prod) is built too, and handed to what deploys. Models of tier 2 run code when loaded: name those that may in the
# variable MODELYARD_TRUST, as sha256:… (`modelyard trust REF` tells). There are no secrets in here.
"""


def write_workflow(
    system: str,
    root: Path,
    settings: Settings,
    *,
    output: Path | None = None,
    force: bool = False,
) -> Path:
    """The file of a CI system, written below a project's root. `AlreadyExists` where one is, without ``force``."""
    if system not in SYSTEMS:
        near = did_you_mean(system, SYSTEMS) or f"one of: {', '.join(SYSTEMS)}"
        raise InvalidInput(f"no workflow is known for {system!r}", hint=near)
    module = importlib.import_module(f"{__name__}.{system}")
    target = root / (output or module.FILE)
    text = workflow_text(system, settings)
    if target.exists() and not force:
        if target.read_text("utf-8") == text:
            return target
        raise AlreadyExists(f"{target} is there already", hint=module.HINT)
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as temporary:
        temporary.write_text(text, "utf-8")
    return target


def workflow_text(system: str, settings: Settings) -> str:
    """The file's text."""
    from ruamel.yaml import YAML

    module = importlib.import_module(f"{__name__}.{system}")
    writer: Any = YAML()
    writer.width = 10_000
    writer.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    writer.dump(_literal(module.workflow(settings)), stream)
    return HEAD.format(system=system) + "\n" + stream.getvalue()


def _literal(data: Any) -> Any:
    """Texts of several lines as such."""
    from ruamel.yaml.scalarstring import LiteralScalarString

    if isinstance(data, dict):
        return {key: _literal(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_literal(value) for value in data]
    return LiteralScalarString(data) if isinstance(data, str) and "\n" in data else data
