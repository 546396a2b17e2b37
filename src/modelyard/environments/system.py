"""What lies below Python packages: the interpreter's version and the operating system's libraries."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable

from modelyard.base.errors import InvalidInput

_NEEDS = {"lightgbm": ("libgomp1",)}
"""Distribution -> Debian packages that its wheels take from the system, and slim images lack."""

_DEBIAN_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+", re.ASCII)


def python_version() -> str:
    """The running interpreter's: ``3.11.7``."""
    return platform.python_version()


def system_packages(packages: Iterable[str]) -> tuple[str, ...]:
    """Debian packages that these distributions need at run time, sorted.

    >>> system_packages(["lightgbm", "numpy"])
    ('libgomp1',)
    """
    return tuple(sorted({name for package in packages for name in _NEEDS.get(package, ())}))


def check_system_names(names: object) -> tuple[str, ...]:
    """Names of Debian packages, sorted, each once; `InvalidInput` for what cannot be one."""
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise InvalidInput("system packages are a list of names, as in ['libgomp1']")
    found = {str(name) for name in names}
    for name in found:
        if not _DEBIAN_NAME.fullmatch(name):
            raise InvalidInput(
                f"{name[:80]!r} is not the name of a system package", hint="like libgomp1"
            )
    return tuple(sorted(found))
