"""The file ``MLmodel``: which flavors a folder can be read as, and what the model takes and gives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelyard.base.errors import InvalidInput, InvalidPath
from modelyard.base.paths import safe_segments
from modelyard.objects.formats._mlflow import signatures

FILE = "MLmodel"
FUNCTION = "python_function"


@dataclass(frozen=True)
class MLmodel:
    """The content of one, as far as it is plain data of the right shape."""

    values: Mapping[str, Any]

    @property
    def flavors(self) -> Mapping[str, Mapping[str, Any]]:
        return self.values["flavors"]

    @property
    def function(self) -> Mapping[str, Any]:
        """How the model is called as a Python function; empty when it cannot be."""
        return self.flavors.get(FUNCTION, {})

    @property
    def metadata(self) -> Mapping[str, Any]:
        found = self.values.get("metadata")
        return found if isinstance(found, Mapping) else {}

    @property
    def takes_hinted(self) -> bool:
        """Whether the type hint of the function decides what it gets, and nothing is made a table before."""
        return self.values.get("is_signature_from_type_hint") is True

    def input(self, *, bare: bool = False) -> signatures.Spelled | None:
        """The type of the first argument as a card spells it; None when nobody said."""
        specs = self._signature("inputs")
        return signatures.read_input(specs, bare=bare) if specs else None

    def output(self) -> signatures.Spelled | None:
        """The type of the answer."""
        specs = self._signature("outputs")
        return signatures.read_output(specs) if specs else None

    def params(self) -> dict[str, dict[str, Any]]:
        """Further arguments of the Python function, with defaults."""
        return signatures.read_params(self._signature("params"))

    def _signature(self, part: str) -> list[Any]:
        signature = self.values.get("signature")
        text = signature.get(part) if isinstance(signature, Mapping) else None
        if text is None:
            return []
        try:
            found = json.loads(text)
        except (TypeError, ValueError, RecursionError):
            raise InvalidInput(f"{FILE}: 'signature.{part}' is not JSON") from None
        if not isinstance(found, list):
            raise InvalidInput(f"{FILE}: 'signature.{part}' is not a list")
        return found


def read_mlmodel(text: str, where: str = FILE) -> MLmodel:
    """The content of the file. `InvalidCard` with the line for what is no plain YAML, `InvalidInput` for what is no
    description of a model."""
    from modelyard.objects.yaml_text import read_yaml

    values = read_yaml(text, where).value
    flavors = values.get("flavors") if isinstance(values, Mapping) else None
    if not isinstance(flavors, Mapping) or not flavors:
        raise InvalidInput(
            f"{where} describes no model: it has no 'flavors'",
            hint="the folder that MLflow's save_model or download_artifacts wrote",
        )
    for name, options in flavors.items():
        if not isinstance(options, Mapping):
            raise InvalidInput(f"{where}: flavor {name!r} has no options")
    return MLmodel(values)


def inner_path(given: Any, field: str) -> str:
    """A path that ``MLmodel`` names, relative to its folder; `InvalidInput` for any other."""
    if not isinstance(given, str):
        raise InvalidInput(f"{FILE}: '{field}' names no file")
    try:
        return "/".join(safe_segments(given.rstrip("/")))
    except InvalidPath as error:
        raise InvalidPath(f"{FILE}: '{field}': {error.message}") from None
