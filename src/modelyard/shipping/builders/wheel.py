"""``build wheel``: the model as an installable package whose functions are its methods, typed.

The wheel carries the model's files, its card and the little of modelyard that loads it; it requires what the model
itself requires and nothing more. It is written byte for byte the same each time.
"""

from __future__ import annotations

import base64
import hashlib
import json
import keyword
import re
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelyard.base.errors import InvalidInput, NotFound
from modelyard.base.paths import replacing
from modelyard.objects.card_file import card_to_dict
from modelyard.objects.source import Source
from modelyard.shipping.interface import Built, Plan
from modelyard.shipping.runtime import runtime_files
from modelyard.shipping.typed_module import module_text
from modelyard.yard.keeping import named_artifact

NAME = "wheel"
OPTIONS: Mapping[str, str] = {
    "name": "Name of the package; the model's name when left out.",
    "version": "Version of the package; the model's version, else 0.1.0.",
    "description": "One line; the card's description when left out.",
}

_PROJECT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+)*(?:(?:a|b|rc)[0-9]+)?(?:\.post[0-9]+)?(?:\.dev[0-9]+)?")
_EPOCH = (1980, 1, 1, 0, 0, 0)


def plan(source: Source, output: Path | None, options: Mapping[str, Any]) -> Plan:
    """Name, version and target file, checked."""
    project = project_name(str(options.get("name") or source.name))
    version = package_version(str(options.get("version") or default_version(source)))
    package = import_name(project)
    file = f"{package}-{version}-py3-none-any.whl"
    target = (
        output
        if output is not None and output.suffix == ".whl"
        else (output or Path("dist")) / file
    )
    if target.name != file:
        raise InvalidInput(
            f"a wheel is called {file}, not {target.name}", hint=f"-o {target.parent}"
        )
    summary = str(
        options.get("description") or source.card.description or f"The model {source.name}."
    )
    facts = {
        "project": project,
        "package": package,
        "version": version,
        "summary": " ".join(summary.split()),
        "requires": list(source.card.requirements.packages),
        "methods": list(source.card.methods),
    }
    steps = [
        f"write {target}",
        f"package {package}: {', '.join(facts['methods']) or 'no methods'}",
        f"requires {', '.join(facts['requires']) or 'nothing'}",
    ]
    return Plan(NAME, target, steps, facts)


def run(plan: Plan, source: Source) -> Built:
    """Write the wheel."""
    if not source.card.methods:
        raise NotFound(
            f"{source.ref or source.name} has no methods on its card",
            hint="save it with sample_data=, so that they are recorded",
        )
    files = package_files(plan, source)
    with replacing(plan.target) as temporary:
        write_wheel(temporary, files, plan.facts)
    return Built(NAME, plan.target, source.card.digest, plan.facts)


def package_files(plan: Plan, source: Source) -> dict[str, bytes]:
    """Path in the wheel -> content, metadata apart."""
    package = plan.facts["package"]
    card = named_artifact(source.card)
    texts = {
        f"{package}/__init__.py": module_text(card, source.name),
        f"{package}/py.typed": "",
        f"{package}/_model/card.json": json.dumps(card_to_dict(card), indent=1),
    }
    runtime = runtime_files(card, f"{package}._runtime")
    texts |= {f"{package}/_runtime/{path}": text for path, text in runtime.items()}
    files = {path: text.encode() for path, text in texts.items()}
    for name, entry in zip(source.files.names(), card.artifact, strict=True):
        files[f"{package}/_model/{entry.path}"] = source.files.read(name)
    return files


def write_wheel(path: Path, files: Mapping[str, bytes], facts: Mapping[str, Any]) -> None:
    """A wheel (PEP 427) of these files: METADATA, WHEEL and RECORD are added, times are fixed."""
    info = f"{facts['package']}-{facts['version']}.dist-info"
    everything = {
        **dict(sorted(files.items())),
        f"{info}/METADATA": metadata(facts).encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: modelyard\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [
        f"{name},sha256={record_digest(data)},{len(data)}" for name, data in everything.items()
    ]
    everything[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,"]).encode() + b"\n"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in everything.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)


def record_digest(data: bytes) -> str:
    """A digest as RECORD spells it."""
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def metadata(facts: Mapping[str, Any]) -> str:
    """The METADATA file. Every field is one checked line."""
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {facts['project']}",
        f"Version: {facts['version']}",
        f"Summary: {facts['summary'][:500]}",
        f"Requires-Python: >={sys.version_info[0]}.{sys.version_info[1]}",
        *(f"Requires-Dist: {line}" for line in facts["requires"]),
    ]
    return "\n".join(lines) + "\n"


def project_name(text: str) -> str:
    """A valid name of a Python project, or `InvalidInput`."""
    if not _PROJECT.fullmatch(text):
        raise InvalidInput(
            f"{text!r} cannot be the name of a package",
            hint="letters, digits, '-', '_' and '.', as in --name churn-model",
        )
    return text


def import_name(project: str) -> str:
    """What to import: the project's name with dashes and dots as underscores."""
    name = re.sub(r"[-_.]+", "_", project).lower()
    if not name.isidentifier() or keyword.iskeyword(name) or name in sys.stdlib_module_names:
        raise InvalidInput(
            f"{project!r} cannot be imported as {name!r}", hint="choose another with --name"
        )
    return name


def package_version(text: str) -> str:
    """A version that pip takes, or `InvalidInput`."""
    version = text.removeprefix("v")
    if not _VERSION.fullmatch(version):
        raise InvalidInput(f"{text!r} is not a package version", hint="as in --version 1.2.0")
    return version


def default_version(source: Source) -> str:
    """The registered version, else a first one."""
    return source.version or "0.1.0"
