"""Local code beside a model: copied into its artifact at save, made importable at load.

What is stored of a package: all its files, data too, but hidden files and folders, bytecode, packaging leftovers and
virtual environments. A file over 10 MB, or too much in all, is refused: that is data, and data has its own place.

At load each stored top-level module gets an import root of its own, a private copy named after the digest of its
content. A root goes to the end of ``sys.path`` and stays there, since code may import later, in a function's body.
Python has one module to a name in a process. So when another module of the same name is imported or importable
already, it is used if its content is the same, and otherwise refused (`EnvironmentMismatch`): with either of the two,
one side would silently run code it was not written with. Models with equal copies of a module share it.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock

from modelyard.base.digests import canonical_json, sha256_bytes
from modelyard.base.errors import EnvironmentMismatch, FileMissing, InvalidPath, TooLarge
from modelyard.base.paths import list_below, safe_segments
from modelyard.environments.interface import LocalModule

MAX_FILE = 10 << 20
MAX_TOTAL = 50 << 20
MAX_FILES = 2000

_SKIPPED_FOLDERS = frozenset(["__pycache__", "node_modules"])
_SKIPPED_ENDINGS = (".pyc", ".pyo", ".egg-info", ".dist-info")

_lock = Lock()
_roots: dict[str, Path] = {}
"""Digest of a module's content -> its import root in this process."""


def store_modules(modules: Sequence[LocalModule], folder: Path) -> tuple[str, ...]:
    """Copy local modules below a folder (an artifact's ``modules/``), each where its import name puts it.

    Returns the card's entries: paths relative to that folder, sorted; ``features.py``, ``churn`` (a package),
    ``src/features.py``. Equal modules give equal files. Raises `TooLarge`, `InvalidPath` for file names that other
    systems cannot hold, and `FileMissing`.
    """
    total = files = 0
    for module in modules:
        for relative, source in _files_of(module):
            safe_segments(relative)
            total, files = total + _size(source, module), files + 1
            if total > MAX_TOTAL or files > MAX_FILES:
                raise TooLarge(
                    f"the local code to store is over {MAX_TOTAL >> 20} MB or {MAX_FILES} files, at {module.path}",
                    hint="name what the model needs: modules=['features']",
                )
            target = folder.joinpath(*relative.split("/"))
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    return tuple(sorted(_place(module) for module in modules))


def _place(module: LocalModule) -> str:
    *above, last = module.name.split(".")
    # The suffix of an extension module names its Python too: fast.cpython-311-x86_64-linux-gnu.so
    suffix = "" if module.is_package else "." + module.path.name.partition(".")[2]
    return "/".join([*above, last + suffix])


def _files_of(module: LocalModule) -> Iterator[tuple[str, Path]]:
    place = _place(module)
    if not module.is_package:
        yield place, module.path
        return
    for folder, inner, names in os.walk(module.path):
        inner[:] = sorted(name for name in inner if not _is_skipped(Path(folder, name)))
        for name in sorted(names):
            source = Path(folder, name)
            if not _is_skipped(source):
                yield f"{place}/{source.relative_to(module.path).as_posix()}", source


def _is_skipped(path: Path) -> bool:
    return (
        path.name.startswith(".")
        or path.name in _SKIPPED_FOLDERS
        or path.name.endswith(_SKIPPED_ENDINGS)
        or (path / "pyvenv.cfg").exists()
    )


def _size(source: Path, module: LocalModule) -> int:
    try:
        size = source.stat().st_size
    except FileNotFoundError:
        raise FileMissing(f"{source} of the module {module.name!r} is gone") from None
    if size > MAX_FILE:
        raise TooLarge(
            f"{source} of the module {module.name!r} has {size >> 20} MB; at most {MAX_FILE >> 20} MB are stored",
            hint="keep data outside of the package, or name what the model needs: modules=['features']",
        )
    return size


@contextlib.contextmanager
def importable(folder: Path | None) -> Iterator[None]:
    """Make the modules stored in a folder importable, for the rest of the process; None is no folder.

    The folder may go afterwards. Raises `EnvironmentMismatch` when a module of the same name with other content is
    imported or importable here; then nothing has changed.
    """
    if folder is not None:
        with _lock:
            _make_importable(folder)
    yield


def _make_importable(folder: Path) -> None:
    modules = _by_top_name(folder)
    missing = {name: files for name, files in modules.items() if not _is_here(name, files)}
    for files in missing.values():
        root = str(_root_of(files))
        if root not in sys.path:
            sys.path.append(root)
    if missing:
        importlib.invalidate_caches()


def _by_top_name(folder: Path) -> Mapping[str, Mapping[str, bytes]]:
    """Top-level import name -> relative path -> content."""
    found: dict[str, dict[str, bytes]] = {}
    for path in list_below(folder):
        top = safe_segments(path)[0].partition(".")[0]
        if not top.isidentifier():
            raise InvalidPath(f"path {path!r} is refused: {top!r} is not the name of a module")
        if not path.endswith(".pyc"):
            files = found.setdefault(top, {})
            files[path] = folder.joinpath(*path.split("/")).read_bytes()
    return found


def _is_here(name: str, files: Mapping[str, bytes]) -> bool:
    """Whether the process can import a module of that name with this content; `EnvironmentMismatch` when it has other
    content."""
    places = _places_of(name)
    if not places:
        return False
    is_namespace = f"{name}/__init__.py" not in files and all("/" in path for path in files)
    absent = False
    for path, content in files.items():
        existing = next((place / path for place in places if (place / path).is_file()), None)
        if existing is None and is_namespace and not _in_package(path, places):
            absent = True  # another part of the namespace package: the root adds it
        elif existing is None or existing.read_bytes() != content:
            raise _other_module(name, path, existing or places[0])
    return not absent


def _in_package(path: str, places: Sequence[Path]) -> bool:
    return any((place / path).with_name("__init__.py").is_file() for place in places)


def _places_of(name: str) -> list[Path]:
    """The folders in which an import of that name finds it."""
    module = sys.modules.get(name)
    spec = getattr(module, "__spec__", None) if module else importlib.util.find_spec(name)
    file = (
        getattr(module, "__file__", None) if module else spec and spec.has_location and spec.origin
    )
    if spec is not None and spec.submodule_search_locations:
        return [Path(folder).parent for folder in spec.submodule_search_locations]
    if file:
        return [Path(file).parent]
    known = module is not None or spec is not None
    return [Path(f"<{name}, which has no file>")] if known else []


def _other_module(name: str, path: str, there: Path) -> EnvironmentMismatch:
    state = "imported" if name in sys.modules else "importable"
    return EnvironmentMismatch(
        f"the model brings its own module {name!r}, and another one is {state} here: {path} differs from {there}",
        hint="load it in a process of its own that does not see that file (modelyard serve, modelyard apply), "
        "or save the model again with the code as it is now",
        module=name,
    )


def _root_of(files: Mapping[str, bytes]) -> Path:
    """A private folder that holds these files, made once in a process and removed at its end."""
    digest = sha256_bytes(
        canonical_json({path: sha256_bytes(data) for path, data in files.items()})
    )
    if digest not in _roots:
        root = Path(tempfile.mkdtemp(prefix="modelyard-modules-"))
        atexit.register(_remove, root, os.getpid())
        for path, data in files.items():
            target = root.joinpath(*path.split("/"))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        _roots[digest] = root
    return _roots[digest]


def _remove(root: Path, process: int) -> None:
    if os.getpid() == process:  # a forked worker that ends leaves it to its parent
        shutil.rmtree(root, ignore_errors=True)
