"""``build mlflow``: the model as a folder that MLflow loads, serves and registers, its signature included.

``mlflow.pyfunc.load_model`` calls the model through the little of modelyard that travels in ``code/``: the files are
verified, arguments checked, and the answers are those of the model here. Where MLflow has a reader for the model's own
file, ``mlflow.<flavor>.load_model`` finds it too. Equal models give equal bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import modelyard
from modelyard.base.clock import from_rfc3339
from modelyard.base.errors import AlreadyExists, NotFound
from modelyard.base.paths import replacing
from modelyard.environments.requirements import parse_requirements
from modelyard.objects.card import Card
from modelyard.objects.card_file import card_to_dict
from modelyard.objects.native import reading_format
from modelyard.objects.source import Source
from modelyard.shipping.builders._mlflow.described import (
    EXAMPLE,
    SERVING_EXAMPLE,
    example_of,
    native_flavors,
    signature_of,
    takes_list,
)
from modelyard.shipping.builders._mlflow.yaml import yaml_text
from modelyard.shipping.interface import Built, Plan
from modelyard.shipping.runtime import runtime_files

NAME = "mlflow"
OPTIONS: Mapping[str, str] = {
    "version": "Version of mlflow in its requirements, as in 3.17.2; any when left out.",
}

DATA = "model"
"""The folder of the card and the model's own files."""
CALLED = "modelyard.objects.formats._mlflow.called"


def plan(source: Source, output: Path | None, options: Mapping[str, Any]) -> Plan:
    """The folder, checked: a new one, or one that was built before."""
    if not source.card.methods:
        raise NotFound(
            f"{source.ref or source.name} has no methods on its card",
            hint="save it with sample_data=, so that they are recorded",
        )
    target = output or Path(f"{source.name}-mlflow")
    if target.exists() and not _was_built(target):
        raise AlreadyExists(
            f"{target} is there, and no folder that this builder wrote", hint="-o another folder"
        )
    version = str(options.get("version") or "")
    wanted = parse_requirements([f"mlflow=={version}" if version else "mlflow"])
    packages = [*map(str, wanted), *source.card.requirements.packages]
    facts = {"packages": packages, "methods": list(source.card.methods)}
    steps = [f"write {target}", f"methods {', '.join(facts['methods'])}", f"requires {', '.join(packages)}"]  # fmt: skip
    return Plan(NAME, target, steps, facts)


def run(plan: Plan, source: Source) -> Built:
    """Write the folder."""
    with replacing(plan.target) as temporary:
        card = _placed(source.card)
        write_model(temporary / DATA, source, card)
        package = f"modelyard_{card.digest.removeprefix('sha256:')[:16]}"
        write_code(temporary / "code" / package, card, package)
        texts = {**environment(card, plan.facts["packages"]), **examples(card)}
        for name, text in texts.items():
            _write(temporary / name, text)
        data = f"{DATA}/{card.artifact[0].path.partition('/')[0]}"
        flavors = {
            **native_flavors(card, source.files, data),
            "modelyard": {"card": f"{DATA}/card.json", "version": modelyard.__version__},
            "python_function": {
                "code": "code",
                "data": DATA,
                "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
                "loader_module": package,
                **(
                    {"python_version": card.requirements.python} if card.requirements.python else {}
                ),
            },
        }
        _write(temporary / "MLmodel", yaml_text(mlmodel(card, flavors, temporary)))
    return Built(NAME, plan.target, source.card.digest, {"methods": plan.facts["methods"]})


def mlmodel(card: Card, flavors: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The content of ``MLmodel``."""
    example, signature = example_of(card), signature_of(card)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return {
        "flavors": dict(flavors),
        # MLflow makes a table of a list, unless a type hint asked for one.
        "is_signature_from_type_hint": takes_list(card),
        "metadata": {"description": card.description, **card.metadata}
        if card.description
        else dict(card.metadata) or None,
        "model_size_bytes": size,
        "model_uuid": card.digest.removeprefix("sha256:")[:32],
        "saved_input_example_info": example[2] if example else None,
        "signature": signature,
        "utc_time_created": _moment(card.created.at),
    }


def write_model(folder: Path, source: Source, card: Card) -> None:
    """The model's files and its card, as `objects.embedded` opens them."""
    for name, entry in zip(source.files.names(), card.artifact, strict=True):
        target = folder.joinpath(*entry.path.split("/"))
        target.parent.mkdir(parents=True, exist_ok=True)
        with source.files.open(name) as stream, target.open("wb") as copy:
            while piece := stream.read(1 << 20):
                copy.write(piece)
    _write(folder / "card.json", json.dumps(card_to_dict(card), indent=1) + "\n")


def write_code(folder: Path, card: Card, package: str) -> None:
    """The package that MLflow imports, with the runtime inside."""
    _write(folder / "__init__.py", LOADER)
    for path, text in runtime_files(card, f"{package}._runtime", [CALLED]).items():
        _write(folder.joinpath("_runtime", *path.split("/")), text)


LOADER = '''"""Opens the model in this folder for MLflow."""


def _load_pyfunc(path):
    from ._runtime.objects.formats._mlflow.called import open_function

    return open_function(path)
'''


def environment(card: Card, packages: list[str]) -> dict[str, str]:
    """The files that say what the model needs."""
    python = card.requirements.python
    conda = {
        "channels": ["conda-forge"],
        "dependencies": [f"python={python}" if python else "python", "pip", {"pip": packages}],
        "name": "mlflow-env",
    }
    virtual = {
        "python": python or None,
        "build_dependencies": ["pip", "setuptools", "wheel"],
        "dependencies": ["-r requirements.txt"],
    }
    return {
        "requirements.txt": "".join(f"{line}\n" for line in packages),
        "conda.yaml": yaml_text(conda),
        "python_env.yaml": yaml_text({k: v for k, v in virtual.items() if v}),
    }


def examples(card: Card) -> dict[str, str]:
    """The input example, and the request that it makes."""
    found = example_of(card)
    if found is None:
        return {}
    return {EXAMPLE: json.dumps(found[0]), SERVING_EXAMPLE: json.dumps(found[1], indent=2)}


def _placed(card: Card) -> Card:
    """The card with its artifact named as other tools expect: by the suffix of its format."""
    name = "artifact"
    if card.format is not None and "/" not in card.artifact[0].path:
        name = f"model{reading_format(card.format.name, card.flavor).SUFFIX}"
    entries = [replace(e, path="/".join([name, *e.path.split("/")[1:]])) for e in card.artifact]
    return card.but(artifact=tuple(entries), path="")


def _moment(at: str) -> str:
    """A time as MLflow writes it; the model's own, so that a second build gives the same bytes."""
    from datetime import UTC, datetime

    moment = datetime.fromtimestamp(from_rfc3339(at) / 1000 if at else 0, UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")


def _was_built(target: Path) -> bool:
    return (target / "MLmodel").is_file() and (target / DATA / "card.json").is_file()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8", newline="\n")
