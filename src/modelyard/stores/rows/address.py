"""Where a database is: a path or a URI, parsed once, and a spelling of it that shows no secret."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from modelyard.base.errors import InvalidReference, MissingExtra

Dialect = Literal["sqlite", "postgresql", "mysql"]

_SERVERS: dict[str, Dialect] = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
}
_DRIVERS = {"postgresql": ("psycopg", "postgres"), "mysql": ("pymysql", "mysql")}
"""Dialect -> the module that talks to it, and the extra that brings the module."""


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed database URI. ``path`` is None for a server, and for a database of the moment (``sqlite://``)."""

    dialect: Dialect
    shown: str
    """For messages: without password and options."""
    path: Path | None = None
    url: str = field(default="", repr=False)
    """As SQLAlchemy takes it; servers only. Holds the password."""

    @property
    def temporary(self) -> bool:
        """Whether it is a database of the moment, gone when closed."""
        return self.dialect == "sqlite" and self.path is None


def parse(uri: str) -> Address:
    """The address a URI or plain path means; `MissingExtra` when its driver is not installed.

    >>> parse("postgresql://ada:secret@db.example/yard?sslmode=require").shown
    'postgresql://ada@db.example/yard'
    >>> parse("sqlite:///yard.db").shown
    'yard.db'
    """
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return _file(uri)
    name, _, driver = scheme.lower().partition("+")
    if name == "sqlite" and not driver:
        return _file(rest.removeprefix("/").partition("?")[0]) if rest else _momentary()
    if name in _SERVERS and driver in ("", _DRIVERS[_SERVERS[name]][0]):
        return _server(_SERVERS[name], uri)
    raise InvalidReference(
        f"no database is reached by {scheme!r}",
        hint="use a path, sqlite:///path, postgresql://… or mysql://…",
    )


def _file(text: str) -> Address:
    if not text or "\0" in text:
        raise InvalidReference("a database path is empty or has a NUL character")
    path = Path(text).expanduser()
    return Address("sqlite", str(path), path=path)


def _momentary() -> Address:
    return Address("sqlite", "sqlite:// (a database of the moment)")


def _server(dialect: Dialect, uri: str) -> Address:
    module, extra = _DRIVERS[dialect]
    if importlib.util.find_spec(module) is None:
        raise MissingExtra(f"{dialect}://", extra, missing=module)
    tail = uri.partition("://")[2]
    return Address(dialect, _shown(dialect, uri), url=f"{dialect}+{module}://{tail}")


def _shown(dialect: str, uri: str) -> str:
    try:
        parts = urlsplit(uri)
        user = f"{parts.username}@" if parts.username else ""
        port = f":{parts.port}" if parts.port else ""
        return f"{dialect}://{user}{parts.hostname or ''}{port}{parts.path}"
    except ValueError:  # a port that is no number, a bracket too many
        raise InvalidReference(
            f"the {dialect}:// address cannot be read",
            hint="write it as scheme://user:password@host:port/database, special characters as %40",
        ) from None
