"""Files that skops wrote: estimators without code, read under our own allow-list."""

from __future__ import annotations

from pathlib import Path

from modelyard.base import plugins
from modelyard.base.errors import ModelyardError
from modelyard.objects.formats import skops
from modelyard.objects.importers import begins, model_source
from modelyard.objects.source import Source

NAME = "skops"


def recognises(path: Path) -> bool:
    """A zip called ``.skops``."""
    return begins(path, [skops.SUFFIX], b"PK\x03\x04")


def source(path: Path) -> Source:
    """Its flavor is told by the class of the whole object."""
    with path.open("rb") as stream:
        try:
            package = skops.root_type(stream).partition(".")[0]
        except ModelyardError as error:
            raise type(error)(f"{path}: {error.message}", hint=error.hint) from error.__cause__
    flavor = package if package.isidentifier() and plugins.find("flavors", package) else ""
    return model_source(path, flavor, "skops", 1, libraries=[package])
