"""What an object needs: MLEM's list of requirements as a card's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelyard.base.errors import InvalidInput
from modelyard.base.notes import note
from modelyard.compat._mlem.layout import Meta
from modelyard.environments.requirements import parse_requirement
from modelyard.objects.card import Requirements

DISTRIBUTIONS: Mapping[str, str] = {
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "PIL": "pillow",
    "cv2": "opencv-python",
    "yaml": "pyyaml",
    "bs4": "beautifulsoup4",
    "dateutil": "python-dateutil",
    "git": "gitpython",
    "faiss": "faiss-cpu",
    "attr": "attrs",
    "dotenv": "python-dotenv",
    "google": "protobuf",
}
"""Import name -> the distribution that has it, where they differ; MLEM up to 0.3 noted down the import name alone."""


def requirements_of(
    meta: Meta, modules: Sequence[str] = (), more: Sequence[str] = ()
) -> Requirements:
    """The card's section; what has no place there (a link, a conda package) is told in a note."""
    entries = meta.sequence("requirements", meta.fields.get("requirements"))
    lines: dict[str, None] = {}
    system: set[str] = set()
    for i, entry in enumerate(entries):
        spelled = meta.mapping(f"requirements.{i}", _as_mapping(entry))
        kind = spelled.get("type", "installable")
        if kind == "unix":
            system.add(meta.text(f"requirements.{i}.package_name", spelled.get("package_name")))
        elif kind == "installable":
            if line := _line(meta, spelled):
                lines[line] = None
        elif kind == "conda":
            note(f"{meta.label}: the conda package {spelled.get('package_name')!r} is left out")
    lines.update(dict.fromkeys(more))
    return Requirements(
        packages=tuple(sorted(lines)), system=tuple(sorted(system)), modules=tuple(modules)
    )


def _as_mapping(entry: Any) -> Any:
    return {"module": entry} if isinstance(entry, str) else entry


def _line(meta: Meta, spelled: Mapping[str, Any]) -> str | None:
    module = str(spelled.get("module") or "")
    name = str(spelled.get("package_name") or DISTRIBUTIONS.get(module, module))
    version = spelled.get("version")
    if spelled.get("vcs_commit") and version is None:
        note(f"{meta.label}: {name} came from {spelled.get('source_url')} and is left out")
        return None
    text = name if version is None else f"{name}=={str(version).partition('+')[0]}"
    try:
        return str(parse_requirement(text))
    except InvalidInput as error:
        note(f"{meta.label}: {error.message}")
        return None
