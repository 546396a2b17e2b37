"""skops files with types beyond our allow-list: whoever trusts the file has skops make them all.

Read only, and code (tier 2): a type's own way to take its state can do anything. What is saved here is `skops`, or a pickle.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modelyard.base.errors import Corrupted, EnvironmentMismatch, MissingExtra
from modelyard.objects.formats import skops as checked
from modelyard.objects.interface import Files, Tier

NAME = "trusted_skops"
TIER: Tier = 2
SUFFIX = ".skops"
LIBRARIES = ("skops",)


def load(files: Files) -> Any:
    """The object; runs what the types in the file do."""
    try:
        import skops.io
    except ModuleNotFoundError as error:
        raise MissingExtra("reading this skops file", "sklearn", missing="skops") from error
    name = only_skops(files)
    data = files.read(name)
    try:
        return skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))
    except (ImportError, AttributeError) as error:
        raise EnvironmentMismatch(
            f"{name} needs code that is not here: {error}",
            hint="install what the card's requirements name",
        ) from error
    except Exception as error:
        raise Corrupted(
            f"{name}: its content makes no object: {type(error).__name__}: {error}"
        ) from error


def inspect(files: Files) -> Sequence[str]:
    """The types and functions that the file names; nothing is imported or made."""
    return checked.inspect(files)


def only_skops(files: Files) -> str:
    """The one file."""
    names = list(files.names())
    if len(names) != 1:
        raise Corrupted(f"a skops model is one file, not {', '.join(names) or 'none'}")
    return names[0]
