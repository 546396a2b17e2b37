"""The registry of a yard: on SQLite, PostgreSQL and MariaDB/MySQL.

A write is one transaction that locks the model's row (SQLite: the file), decides on the state it reads there, adds
the events and changes the current-state tables. So ``seq`` is the order of commits for each model, and on SQLite for
all. On the servers transactions on different models run side by side: their numbers are given out in the order they
ask, and a lower one may become visible after a higher one (one that was rolled back never). Who follows all events
there must look back past gaps for as long as a transaction may take.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select
from sqlalchemy.exc import IntegrityError

from modelyard.base.clock import now_ms
from modelyard.base.errors import AlreadyExists, Overloaded, VersionNotFound
from modelyard.base.events import Draft, Event, Kind, caller
from modelyard.base.names import fold_case_key, refuse_twin
from modelyard.registry import projection, tables
from modelyard.registry.decisions import subject
from modelyard.registry.fold import apply
from modelyard.registry.interface import Decision, ModelState, Versioning
from modelyard.registry.recording import events_of, name_taken_by
from modelyard.stores.rows.engine import Database

EVENTS_A_PAGE = 1000
MODELS_A_PAGE = 200


class SqlRegistry:
    """The registry in a database opened by `modelyard.stores.rows.connect`."""

    versioning: Versioning = "number"

    def __init__(self, database: Database) -> None:
        self._database = database

    def state(self, name: str) -> ModelState:
        name = unicodedata.normalize("NFC", name)
        with self._database.read() as connection:
            return _current(connection, _model(name), name)[1]

    def page(self, after: str = "", limit: int = MODELS_A_PAGE) -> list[ModelState]:
        """The next models by name. Costs what it gives, however many there are."""
        query = select(tables.models).where(tables.models.c.name > after)
        query = query.order_by(tables.models.c.name).limit(limit)
        with self._database.read() as connection:
            return projection.load(connection, connection.execute(query).all())

    def states(self) -> Iterator[ModelState]:
        last = ""
        while True:
            found = self.page(last)
            yield from found
            if len(found) < MODELS_A_PAGE:
                return
            last = found[-1].name

    def names(self) -> Iterator[str]:
        with self._database.read() as connection:
            names = connection.scalars(select(tables.models.c.name).order_by(tables.models.c.name))
            return iter(names.all())

    def write(self, name: str, decide: Decision) -> Sequence[Event]:
        name = unicodedata.normalize("NFC", name)
        return self._database.transact(lambda connection: _write(connection, name, decide))

    def events(self, name: str | None = None, *, after: int = 0) -> Iterator[Event]:
        query = select(tables.events).order_by(tables.events.c.seq).limit(EVENTS_A_PAGE)
        if name is not None:
            with self._database.read() as connection:
                model_id = model_row_id(connection, unicodedata.normalize("NFC", name))
            if model_id is None:
                return
            query = query.where(tables.events.c.subject_id == model_id)
        while True:
            with self._database.read() as connection:
                rows = connection.execute(query.where(tables.events.c.seq > after)).all()
            yield from map(event_of, rows)
            if len(rows) < EVENTS_A_PAGE:
                return
            after = rows[-1].seq


def _model(name: str) -> Select[Any]:
    return select(tables.models).where(tables.models.c.name == name)


def _current(
    connection: Connection, query: Select[Any], name: str
) -> tuple[int | None, ModelState]:
    row = connection.execute(query).first()
    if row is None:
        return None, ModelState(name)
    return row.id, projection.load(connection, [row])[0]


def _write(connection: Connection, name: str, decide: Decision) -> list[Event]:
    model_id, state = _current(connection, _model(name).with_for_update(), name)
    drafted = events_of(state, decide(state))
    if not drafted:
        return []
    try:
        for event in drafted:
            _check_name(connection, name_taken_by(event), model_id)
        if model_id is None:
            model_id = projection.begin(connection, name, name_key(name))
        happened = [_keep(connection, event, model_id) for event in drafted]
        after = reduce(apply, happened, state)
        projection.save(connection, model_id, name_key(after.name), state, after)
    except IntegrityError as error:
        raise _beaten(name) from error
    return happened


def _beaten(name: str) -> Overloaded:
    """Somebody made this model, or took this name, after we looked: the next attempt finds it there."""
    return Overloaded(f"others are writing {name!r}", transient=True)


def _check_name(connection: Connection, wanted: str | None, model_id: int | None) -> None:
    if wanted is None:
        return
    query = select(tables.models.c.id, tables.models.c.name)
    found = connection.execute(query.where(tables.models.c.name_key == name_key(wanted))).first()
    if found is None or found.id == model_id:
        return
    refuse_twin(wanted, found.name)
    if model_id is None:
        raise _beaten(wanted)
    raise AlreadyExists(f"there is a model named {wanted!r} already")


def name_key(name: str) -> str:
    """What is unique in `tables.models`: 64 hex digits, however long a name becomes when its case is folded."""
    return hashlib.sha256(fold_case_key(name).encode()).hexdigest()


def append(
    connection: Connection, drafts: Sequence[Draft], subject_id: int | None = None
) -> list[Event]:
    """Add events of other things (data sets, erased predictions) in the caller's own transaction, as the current
    caller's. A model's go through `SqlRegistry.write`."""
    who, at_ms = caller(), now_ms()
    return [
        _keep(
            connection,
            Event(
                0, at_ms, who.actor, who.request_id, d.kind, d.subject, d.before, d.after, d.comment
            ),
            subject_id,
        )
        for d in drafts
    ]


def _keep(connection: Connection, event: Event, subject_id: int | None) -> Event:
    done = connection.execute(
        insert(tables.events).values(
            at_ms=event.at_ms,
            actor=event.actor,
            request_id=event.request_id,
            kind=str(event.kind),
            subject=event.subject,
            subject_id=subject_id,
            before=dict(event.before),
            after=dict(event.after),
            comment=event.comment,
        )
    )
    (seq,) = done.inserted_primary_key or (0,)
    return replace(event, seq=int(seq))


def event_of(row: Row[Any]) -> Event:
    """A row of the table as an event."""
    return Event(
        row.seq,
        row.at_ms,
        row.actor,
        row.request_id,
        Kind(row.kind),
        row.subject,
        row.before,
        row.after,
        row.comment,
    )


def model_row_id(connection: Connection, name: str) -> int | None:
    """The model that has the name, or had it when it was deleted. One that was renamed away left it."""
    living = connection.scalar(select(tables.models.c.id).where(tables.models.c.name == name))
    if living is not None:
        return living
    query = select(tables.events.c.kind, tables.events.c.subject_id)
    query = query.where(tables.events.c.subject == subject(name))
    last = connection.execute(query.order_by(tables.events.c.seq.desc()).limit(1)).first()
    return last.subject_id if last and last.kind == Kind.MODEL_DELETED else None


def version_row_id(database: Database, name: str, label: str) -> int:
    """The row of a version, as predictions link to it; the same after a rename. `VersionNotFound` without one."""
    versions, models = tables.versions, tables.models
    by = versions.c.number == int(label) if label.isdecimal() else versions.c.semver == label
    query = select(versions.c.id).join(models).where(models.c.name == name, by)
    with database.read() as connection:
        found = connection.scalar(query)
    if found is None:
        raise VersionNotFound(f"no version {label} of {name!r}")
    return found


def version_of_row(database: Database, row_id: int) -> tuple[str, str]:
    """The name and label of the version with that row. `VersionNotFound` for one that is not there or was deleted."""
    versions, models = tables.versions, tables.models
    query = select(models.c.name, versions.c.number).join(models).where(versions.c.id == row_id)
    with database.read() as connection:
        found = connection.execute(query).first()
    if found is None:
        raise VersionNotFound(f"no version with the id {row_id}")
    return found.name, str(found.number)


def version_row_ids(database: Database, name: str | None = None) -> dict[tuple[str, str], int]:
    """The rows of all versions, of one model or of every one, by name and label."""
    versions, models = tables.versions, tables.models
    query = select(models.c.name, versions.c.number, versions.c.id).join_from(versions, models)
    if name is not None:
        query = query.where(models.c.name == name)
    with database.read() as connection:
        return {(n, str(number)): row_id for n, number, row_id in connection.execute(query)}
