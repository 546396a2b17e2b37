"""The protocol of a model written by hand that has to be set up before it can answer.

A function, or an object with ``predict``, needs nothing of this. It is for what cannot be pickled or should not be: weights
in a file of one's own, a session, a connection, a tokenizer that is built once::

    class Sentiment:
        def __init__(self, words):
            self.files = {"words": words}                # what has to come along, by name

        def setup(self, files):                          # once, before the first call; also after loading
            self.words = set(files["words"].read_text().split())

        def predict(self, texts: list[str]) -> list[bool]:
            return [bool(self.words & set(text.split())) for text in texts]

    my.save(Sentiment("good-words.txt"), "models/sentiment", sample_data=["all is good"])

The object is stored as it was before ``setup``, and its files beside it.
"""

from __future__ import annotations

import copy
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Model(Protocol):
    """What an object has that is set up before it is asked. No need to inherit from it.

    >>> class Echo:
    ...     files = {}
    ...     def setup(self, files): self.greeting = "hello"
    ...     def predict(self, name: str) -> str: return f"{self.greeting} {name}"
    >>> isinstance(Echo(), Model)
    True
    """

    files: Mapping[str, str | Path]
    """Files and folders it needs, by names of its own choice."""

    def setup(self, files: Mapping[str, Path]) -> None:
        """Get ready. ``files`` are the same names, and where the files are now."""
        ...


@dataclass(frozen=True)
class _Before:
    """An object's attributes before it was set up, and whatever keeps its files where they are."""

    attributes: Mapping[str, Any]
    files: Mapping[str, Path]
    holding: Any


class _ByIdentity:
    """A value for an object as long as it lives; objects that compare equal are different ones."""

    def __init__(self) -> None:
        self._values: dict[int, Any] = {}

    def get(self, obj: Any) -> Any:
        return self._values.get(id(obj))

    def put(self, obj: Any, value: Any) -> Any:
        self._values[id(obj)] = value
        weakref.finalize(obj, self._values.pop, id(obj), None)
        return value


_DONE = _ByIdentity()
"""Objects that were set up -> `_Before`."""
_COPIES = _ByIdentity()
"""Objects that were not -> the copy that was."""


def is_model(obj: Any) -> bool:
    """Whether an object follows the protocol: a ``setup`` method and a mapping ``files``."""
    if isinstance(obj, type) or not callable(getattr(type(obj), "setup", None)):
        return False
    return isinstance(getattr(obj, "files", None), Mapping)


def set_up(obj: Any, files: Mapping[str, Path], holding: Any = None) -> Any:
    """The object, ready to be asked. ``holding`` is kept as long as the object: the owner of the files' copies."""
    _DONE.put(obj, _Before(dict(vars(obj)), files, holding))
    obj.setup(files)
    return obj


def ready(obj: Any) -> Any:
    """An object that can be asked: itself, or of one that was not set up yet a copy that is.

    The copy is what runs, so that what is saved afterwards is the object as its author made it.
    """
    if not is_model(obj) or _DONE.get(obj) is not None:
        return obj
    if (found := _COPIES.get(obj)) is not None:
        return found
    given = {name: Path(path).expanduser().absolute() for name, path in obj.files.items()}
    return _COPIES.put(obj, set_up(copy.copy(obj), given))


def as_made(obj: Any) -> tuple[Any, Mapping[str, str | Path]]:
    """The object as it was before it was set up, and where its files are now."""
    before = _DONE.get(obj)
    if before is None:
        return obj, obj.files
    made = copy.copy(obj)
    vars(made).clear()
    vars(made).update(before.attributes)
    return made, before.files
