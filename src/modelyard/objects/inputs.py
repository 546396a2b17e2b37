"""Words of a command line, or paths and URLs in Python, as values of methods that take files or a text.

For a method whose argument is `bytes`, a file or an image (or a list of them) a word is a path, a pattern such as ``*.wav``, a
URL, or ``-`` for standard input. For one that takes a text, a word is that text, or the path of a text file to read. For all
other methods words are data files: see `modelyard.objects.apply`.
"""

from __future__ import annotations

import glob
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath
from typing import Any

from modelyard.base.errors import FileMissing, InvalidInput
from modelyard.base.outbound import fetch, is_url
from modelyard.objects import formats
from modelyard.objects.saved import object_exists
from modelyard.types.binary import Binary, binary, binary_items
from modelyard.types.interface import DataType

STDIN = "-"
TEXT_SUFFIXES = (".txt", ".text", ".md")
"""Of files that are read for a method that takes a text."""


@dataclass(frozen=True)
class Inputs:
    """Values for one call each, made when their turn comes. ``several`` says that a list of results is expected, even
    where there is but one."""

    items: Sequence[tuple[str, Any]]
    """A name for what comes of it, and a function that gives the value."""
    several: bool = False

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        for name, read in self.items:
            yield name, read()


def read_words(data: Any, kind: DataType, root: Path | None = None) -> Inputs | None:
    """The values that words stand for, or None when these are no such words: a value, or data files.

    Relative paths start at ``root``. Raises `FileMissing` for a path or pattern that leads nowhere.
    """
    words = _words(data)
    if words is None:
        return None
    root = root or Path()
    if (one := binary(kind)) is not None:
        files, pattern = _all_files(words, root)
        items = [(_stem(f), partial(_read_file, one, f)) for f in files]
        return Inputs(items, several=pattern or len(words) > 1)
    if (each := binary_items(kind)) is not None:
        files, _ = _all_files(words, root)
        return Inputs([("all", lambda: [_read_file(each, f) for f in files])])
    if kind.kind == "string" and not any(_is_data(w, root) for w in words):
        items = [(_stem(w), partial(_read_text, w, root)) for w in words]
        return Inputs(items, several=isinstance(data, list | tuple))
    return None


def _words(data: Any) -> list[str | Path] | None:
    if isinstance(data, str | Path):
        return [data]
    if isinstance(data, list | tuple) and data and all(isinstance(d, str | Path) for d in data):
        return list(data)
    return None


def _is_data(word: str | Path, root: Path) -> bool:
    """Whether a word for a text names something else to take it from: a data file, a saved object."""
    if len(str(word)) > 1024 or not str(word).isprintable():
        return False
    return (formats.known_suffix(word) and " " not in str(word)) or object_exists(root / word)


def _all_files(words: Sequence[str | Path], root: Path) -> tuple[list[str | Path], bool]:
    """URLs, standard input and the paths of all files, in order; and whether a pattern was among them."""
    found: list[str | Path] = []
    pattern = False
    for word in words:
        if isinstance(word, str) and (word == STDIN or is_url(word)):
            found.append(word)
        elif (path := root / Path(word).expanduser()).is_file():
            found.append(path)
        elif isinstance(word, str) and glob.has_magic(word):
            pattern = True
            files = _matches(word, root)
            if not files:
                raise FileMissing(f"no file matches {word!r}")
            found += files
        else:
            raise FileMissing(
                f"no file at {path}", hint="this method takes a path, a pattern or a URL"
            )
    return found, pattern


def _matches(pattern: str, root: Path) -> list[Path]:
    """The files of a pattern in order, as a shell finds them: hidden ones only where it says so."""
    path = Path(pattern).expanduser()
    base = Path(path.anchor) if path.is_absolute() else root
    within = path.relative_to(path.anchor) if path.is_absolute() else path
    hidden = within.name.startswith(".")
    found = (m for m in base.glob(str(within)) if hidden or not m.name.startswith("."))
    return sorted(m for m in found if m.is_file())


def _read_file(kind: Binary, file: str | Path) -> Any:
    if isinstance(file, Path):
        return kind.from_path(file, str(file))
    if file == STDIN:
        return kind.from_bytes(sys.stdin.buffer.read(), "standard input")
    # Whoever types a URL on his machine may mean a server on it.
    fetched = fetch(file, local=True)
    return kind.from_bytes(fetched.content, file, name=fetched.name)


def _read_text(word: str | Path, root: Path) -> str:
    """A text file's whole content, or the word itself."""
    if word == STDIN:
        return _decoded(sys.stdin.buffer.read(), "standard input")
    text = str(word)
    named = isinstance(word, Path) or (
        len(text) < 1024 and text.isprintable() and text.lower().endswith(TEXT_SUFFIXES)
    )
    if named and (path := root / Path(word).expanduser()).is_file():
        return _decoded(path.read_bytes(), str(path))
    if isinstance(word, Path) or (named and " " not in text):
        raise FileMissing(f"no text file at {root / word}")
    return text


def _decoded(data: bytes, where: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{where} is not UTF-8: byte {error.start} is wrong") from None


def _stem(word: str | Path) -> str:
    """A name for the result: the file's own without its suffix."""
    path = str(word).partition("?")[0] if isinstance(word, str) and is_url(word) else str(word)
    return (PurePath(path).stem if len(path) < 1024 else "") or "result"
