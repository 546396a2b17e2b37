"""pip's requirements files: a requirement a line, and as comments what pip cannot install."""

from __future__ import annotations

from pathlib import Path

from modelyard.base.paths import replacing
from modelyard.environments.interface import Requirements
from modelyard.environments.requirements import parse_requirements, read_requirements
from modelyard.environments.system import check_system_names
from modelyard.environments.versions import parse_version

NAME = "pip"
KIND = "requirements"


def write(requirements: Requirements, path: Path) -> Path:
    """Write a ``requirements.txt``, sorted by name; an existing file is replaced at once, or not at all."""
    text = _text(requirements)
    with replacing(path) as temporary:
        temporary.write_text(text, "utf-8", newline="\n")
    return path


def _text(requirements: Requirements) -> str:
    comments = []
    if requirements.python:
        parse_version(requirements.python)  # a card's word must not become a line of its own
        comments.append(f"# Python {requirements.python}")
    if names := check_system_names(requirements.system):
        comments.append(f"# system packages: {' '.join(names)}")
    lines = sorted(map(str, parse_requirements(requirements.packages)))
    return "".join(f"{line}\n" for line in [*comments, *lines])


def read(path: Path) -> tuple[str, ...]:
    """The lines of a requirements file, in canonical spelling."""
    return tuple(map(str, read_requirements(path)))
