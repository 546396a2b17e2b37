"""Git repositories attached to a yard: their models stand in one table with the yard's own.

What is attached is remembered in the yard; what it holds is read from its tags each time, by one ``git for-each-ref``
(and, behind a URL, one request that asks what changed). One that cannot be read is told and passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from modelyard.base.clock import now_ms, to_rfc3339
from modelyard.base.errors import (  # fmt: skip
    AlreadyExists,
    InvalidInput,
    ModelyardError,
    NotFound,
    NotSupported,
    did_you_mean,
)
from modelyard.base.events import caller
from modelyard.base.names import check_alias
from modelyard.base.notes import note
from modelyard.registry.sql import SqlRegistry
from modelyard.yard.registries import git_registry
from modelyard.yard.settings import change_setting, get_setting

if TYPE_CHECKING:
    from modelyard.yard.yard import Yard

_KEY = "attached"


@dataclass(frozen=True, slots=True)
class Attached:
    """A repository and what it is called here."""

    name: str
    location: str
    """A path of this machine or a URL, without passwords."""
    at: str = ""
    by: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def attach(yard: Yard, location: str, name: str | None = None) -> Attached:
    """Show the models of a repository beside the yard's. `NotFound` where there is no repository, `AlreadyExists` for a
    name that another one has."""
    _require_database(yard)
    place = _located(location)
    registry = git_registry(place)
    registry.names()  # says what is wrong with it
    called = check_alias(name or _own_name(place))
    new = Attached(called, place, to_rfc3339(now_ms()), caller().actor)

    def change(kept: Mapping[str, Any] | None) -> dict[str, Any] | None:
        known = dict(kept or {})
        other = known.get(called)
        if other is not None and other["location"] != place:
            raise AlreadyExists(
                f"{called!r} is {other['location']}", hint="choose another name with --name"
            )
        twin = next((n for n, entry in known.items() if entry["location"] == place), None)
        if twin is not None and twin != called:
            raise AlreadyExists(f"{place} is attached already, as {twin!r}")
        return {**known, called: new.to_dict()} if other is None else None

    change_setting(yard.database, _KEY, change)
    return next(a for a in attached(yard) if a.name == called)


def detach(yard: Yard, name: str) -> Attached:
    """Show a repository's models no longer; nothing of the repository changes."""
    _require_database(yard)
    gone: list[Attached] = []

    def change(kept: Mapping[str, Any] | None) -> dict[str, Any]:
        known = dict(kept or {})
        if name not in known:
            near = did_you_mean(name, known) or f"attached: {', '.join(sorted(known)) or 'none'}"
            raise NotFound(f"nothing is attached as {name!r}", hint=near)
        gone[:] = [Attached(**known.pop(name))]
        return known

    change_setting(yard.database, _KEY, change)
    return gone[0]


def attached(yard: Yard) -> list[Attached]:
    """What is attached, by name. Nothing of a hub, which tells of its own yard alone."""
    if not isinstance(yard.models.registry, SqlRegistry):
        return []
    kept: Mapping[str, Any] = get_setting(yard.database, _KEY) or {}
    return [Attached(**kept[name]) for name in sorted(kept)]


def attached_summary(yard: Yard, *, deprecated: bool = False) -> dict[str, dict[str, Any]]:
    """The models of all attached repositories, as ``repository/name``; with ``from``, and the ``name`` they have there."""
    found: dict[str, dict[str, Any]] = {}
    repositories = attached(yard)
    if repositories and not yard.trusted:
        note(
            f"{yard.label} names other repositories, which are not looked at: it was not made here, and nobody trusts it"
        )
        return found
    for one in repositories:
        try:
            told = git_registry(one.location).registered_summary(deprecated=deprecated)
        except ModelyardError as error:
            note(f"the models of {one.name} ({one.location}) are not shown: {error.message}")
            continue
        found |= {f"{one.name}/{n}": {**e, "name": n, "from": one.name} for n, e in told.items()}
    return found


def _require_database(yard: Yard) -> None:
    if not isinstance(yard.models.registry, SqlRegistry):
        raise NotSupported(
            f"{yard.label} is a hub, and repositories are attached to its yard",
            hint="run it where the hub runs, or with MODELYARD_URI naming its database",
        )


def _located(location: str) -> str:
    """An address as it is, a path from the root: the yard may be asked from elsewhere."""
    if "://" not in location:
        return str(Path(location).expanduser().resolve())
    if urlsplit(location.removeprefix("git+")).password is not None:
        raise InvalidInput(
            "an address with a password is not kept: everybody who reads the yard would see it",
            hint="leave it out, and set up Git's credentials for it",
        )
    return location


def _own_name(place: str) -> str:
    last = place.rstrip("/").rpartition("/")[2].removesuffix(".git")
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in last).strip("-") or "models"
