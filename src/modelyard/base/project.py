"""Where a project begins, and what its settings say.

A project's root is the nearest folder upward that holds ``modelyard.toml``, a ``pyproject.toml`` with
``[tool.modelyard]``, ``yard.db`` or ``.git``, or is a bare repository; else the folder one is in. Its settings come, the first that has a key
wins, from ``MODELYARD_<KEY>`` in the environment, ``[tool.modelyard]`` of ``pyproject.toml``, and ``modelyard.toml``.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelyard.base.errors import InvalidSetting

OWN_FILE = "modelyard.toml"
SHARED_FILE = "pyproject.toml"
DATABASE = "yard.db"


def find_root(start: Path | None = None) -> Path:
    """The root of the project that a folder is in (the current one by default), as an absolute path."""
    here = (start or Path.cwd()).absolute()
    return next((folder for folder in (here, *here.parents) if _is_root(folder)), here)


def _is_root(folder: Path) -> bool:
    marked = any(_there(folder / name) for name in (OWN_FILE, DATABASE, ".git"))
    return marked or is_bare(folder) or section(folder) is not None


def is_bare(folder: Path) -> bool:
    """Whether a folder is a Git repository without a work tree."""
    if folder.name == ".git" or not _there(folder / "HEAD"):
        return False
    return _there(folder / "objects") and _there(folder / "refs")


def _there(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:  # a folder above that is somebody else's is not ours
        return False


def section(folder: Path) -> Mapping[str, Any] | None:
    """``[tool.modelyard]`` of the folder's ``pyproject.toml``, or None when there is none."""
    file = folder / SHARED_FILE
    if not _there(file) or b"modelyard" not in file.read_bytes():
        return None  # not parsed when it cannot speak of us: its mistakes are another tool's
    return read_toml(file).get("tool", {}).get("modelyard")


def read_toml(file: Path) -> dict[str, Any]:
    """A TOML file, or `InvalidSetting` with file and line."""
    try:
        return tomllib.loads(file.read_bytes().decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSetting(f"{file}: {error}") from error


def cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder for what can be fetched again; ``MODELYARD_CACHE_DIR`` names another."""
    if own := environ.get("MODELYARD_CACHE_DIR"):
        return Path(own).absolute()
    if os.name == "nt":
        return Path(environ.get("LOCALAPPDATA") or _home() / "AppData" / "Local") / "modelyard"
    base = environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else _home() / ".cache") / "modelyard"


def cache_bytes(environ: Mapping[str, str] = os.environ) -> int:
    """How much of what can be fetched again is kept: ``MODELYARD_CACHE_GB``, else 10 GB."""
    told = environ.get("MODELYARD_CACHE_GB") or "10"
    try:
        most = float(told)
    except ValueError:
        most = -1.0
    if not 0 <= most < 1e9:
        raise InvalidSetting(
            f"MODELYARD_CACHE_GB={told[:40]!r} is no number of gigabytes", hint="as in 10 or 0.5"
        )
    return int(most * 1e9)


def config_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of this user's own configuration; ``MODELYARD_CONFIG_DIR`` names another."""
    if own := environ.get("MODELYARD_CONFIG_DIR"):
        return Path(own).absolute()
    if os.name == "nt":
        return Path(environ.get("APPDATA") or _home() / "AppData" / "Roaming") / "modelyard"
    base = environ.get("XDG_CONFIG_HOME", "")
    return (Path(base) if base.startswith("/") else _home() / ".config") / "modelyard"


def _home() -> Path:
    """The user's; for one without a name and a home, as containers have them, a place where nothing is and nobody else can
    put anything."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("/nonexistent")
