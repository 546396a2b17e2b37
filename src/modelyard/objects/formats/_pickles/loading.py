"""What the formats that run a pickle share: opening the one file, telling what went wrong, looking without loading."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from typing import IO, Any

from modelyard.base.errors import (
    Corrupted,
    EnvironmentMismatch,
    InvalidInput,
    ModelFailed,
    ModelyardError,
)
from modelyard.objects.formats._pickles import machine
from modelyard.objects.formats._pickles.streams import unpacked
from modelyard.objects.interface import Files


def only_file(names: Sequence[str], suffix: str) -> str:
    """The one file of a pickled model."""
    chosen = [n for n in names if n.endswith(suffix)] if len(names) > 1 else list(names)
    if len(chosen) != 1:
        raise InvalidInput(
            f"a pickled model is one file, not {len(chosen)} of {', '.join(names) or 'none'}"
        )
    return chosen[0]


def load_file(files: Files, name: str, load: Callable[[IO[bytes]], Any]) -> Any:
    """The object of a file, read by a function that runs it."""
    with files.open(name) as stream:
        return run(name, stream, load)


def run(name: str, stream: IO[bytes], load: Callable[[IO[bytes]], Any]) -> Any:
    """What ``load`` makes of an unpacked stream, its failures told as ours."""
    try:
        with unpacked(stream) as content:
            return load(content)
    except ModelyardError:
        raise
    except (ImportError, AttributeError) as error:
        raise EnvironmentMismatch(
            f"{name} needs code that is not here: {error}",
            hint="install what the card's requirements name, or run where the model was saved",
        ) from error
    except (pickle.UnpicklingError, EOFError) as error:
        raise Corrupted(f"{name} is damaged, or no pickle: {error}") from error
    except Exception as error:
        raise ModelFailed(
            f"{name} failed while it was loaded: {type(error).__name__}: {error}"
        ) from error


def names_in(files: Files, name: str) -> Sequence[str]:
    """What the file would import, as dotted names in order of appearance; nothing is loaded."""
    with files.open(name) as stream:
        return globals_of(stream)


def globals_of(stream: IO[bytes]) -> list[str]:
    """The names that a pickle looks up, packed or not. A damaged one ends with a sentence that says where."""
    with unpacked(stream) as content:
        graph = machine.read(content, keep=False)
    return [*graph.names, *([f"({graph.fault})"] if graph.fault else ())]
