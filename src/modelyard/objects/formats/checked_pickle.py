"""Pickles and joblib files of other tools, read without running them: what they name must be on our allow-list.

Ordinary estimators of scikit-learn, arrays and tables load this way without anybody's trust. Nothing is written in this
format: what is saved here has better ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO, Any

from modelyard.base.errors import Corrupted, ModelyardError, UnsupportedFormat
from modelyard.objects.formats._pickles.loading import names_in, only_file
from modelyard.objects.interface import Files, Tier
from modelyard.types.interface import DataType

NAME = "checked_pickle"
TIER: Tier = 1
SUFFIX = ".pkl"
SUFFIXES: Sequence[str] = ()

_HINT = (
    "whoever trusts it can import it as code: modelyard import FILE --type pickle (or joblib), "
    "then modelyard trust"
)


def load(files: Files) -> Any:
    """The object. `Untrusted` for names beyond the allow-list, `Corrupted` for what makes no object."""
    name = only_file(files.names(), SUFFIX)
    with files.open(name) as stream:
        return _build(name, stream)


def inspect(files: Files) -> Sequence[str]:
    """The names in the file; nothing is imported or made."""
    return names_in(files, only_file(files.names(), SUFFIX))


def can_hold(type: DataType) -> bool:
    """Nothing is written in it."""
    return False


def write(value: Any, path: Any, type: DataType) -> None:
    raise UnsupportedFormat("checked pickles are only read", hint="format='pickle' writes one")


def read(stream: IO[bytes], type: DataType | None) -> Any:
    value = _build("the pickle", stream)
    return value if type is None else type.check(value)


def _build(name: str, stream: IO[bytes]) -> Any:
    from modelyard.objects.formats._pickles import building, machine
    from modelyard.objects.formats._pickles.streams import unpacked

    try:
        with unpacked(stream) as content:
            return building.build(machine.read(content))
    except ModelyardError as error:
        raise type(error)(f"{name}: {error.message}", hint=error.hint or _HINT, **error.details) from error.__cause__  # fmt: skip
    except Warning:
        raise
    except Exception as error:  # whatever a library says of a state that no object has
        raise Corrupted(
            f"{name}: its content makes no object: {type(error).__name__}: {error}", hint=_HINT
        ) from error
