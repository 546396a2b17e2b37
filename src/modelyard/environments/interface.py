"""The contract of an environment: what code needs to run, found out, compared and written down.

How to add one: write ``environments/<tool>.py`` with the module-level names of `Environment`, and a case file
``tests/cases/environments/<tool>.py``. ``testing/environments.py`` holds the contract. Finding out what an object
needs is the same for every tool (`capture`), and so is comparing (`check`); a plugin says how its tool spells it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True, order=True)
class LocalModule:
    """Code of the user's own that no package index has: a module file, or a whole package folder."""

    name: str
    """What is imported: ``features``, ``churn`` (a package), ``src.features`` (a module of a namespace package)."""
    path: Path
    """The file, or the folder that holds ``__init__.py``."""
    is_package: bool = False


class Requirements(Protocol):
    """As a card holds them: ``card.requirements``."""

    @property
    def python(self) -> str: ...

    @property
    def packages(self) -> Sequence[str]:
        """Requirement lines."""
        ...

    @property
    def system(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which the running environment is not the one that requirements describe."""

    package: str
    """Normalised name, or ``python``."""
    wanted: str
    """A version (``1.8.0``), or specifiers (``>=2,<3``), or empty when any version will do."""
    found: str
    """The version here; empty when it is missing."""
    kind: Literal["missing", "python", "version"]


class Environment(Protocol):
    """A module in ``environments/`` that speaks for one packaging tool."""

    NAME: str
    KIND: str
    """What the file it writes is called: ``requirements``."""

    def write(self, requirements: Requirements, path: Path) -> Path:
        """Write the tool's own file. Equal requirements give equal bytes; a bad line is `InvalidInput`."""
        ...

    def read(self, path: Path) -> tuple[str, ...]:
        """The requirement lines of such a file, in canonical spelling."""
        ...
