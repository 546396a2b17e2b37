"""States as rows: read in four queries for any number of models, written as the difference of two states.

A row changes only because a state did, and states change only through the fold: so the tables always say what the
events say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Table, delete, insert, select, update

from modelyard.registry.interface import Assignment, ModelState, Version
from modelyard.registry.tables import aliases, models, stage_assignments, versions

Rows = Mapping[int, Sequence[Row[Any]]]


def load(connection: Connection, rows: Sequence[Row[Any]]) -> list[ModelState]:
    """The states of models, given their rows."""
    ids = [row.id for row in rows]
    if not ids:
        return []
    of_versions = _grouped(connection, versions, ids, versions.c.seq)
    of_stages = _grouped(connection, stage_assignments, ids, stage_assignments.c.seq)
    of_aliases = _grouped(connection, aliases, ids, aliases.c.alias)
    return [_state(row, of_versions[row.id], of_stages[row.id], of_aliases[row.id]) for row in rows]


def _grouped(connection: Connection, table: Table, ids: Sequence[int], order: Any) -> Rows:
    found: defaultdict[int, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(select(table).where(table.c.model_id.in_(ids)).order_by(order)):
        found[row.model_id].append(row)
    return found


def _state(
    model: Row[Any],
    of_versions: Sequence[Row[Any]],
    of_stages: Sequence[Row[Any]],
    of_aliases: Sequence[Row[Any]],
) -> ModelState:
    labels = {row.id: str(row.number) for row in of_versions}
    return ModelState(
        name=model.name,
        exists=True,
        deprecated=model.deprecated,
        description=model.description,
        created_ms=model.created_ms,
        counter=model.counter,
        versions={str(row.number): _version(model.name, row) for row in of_versions},
        assignments=tuple(
            Assignment(
                row.stage, labels[row.version_id], row.seq, row.at_ms, row.actor, row.comment
            )
            for row in of_stages
        ),
        aliases={row.alias: labels[row.version_id] for row in of_aliases},
        facts=model.facts,
        seq=model.seq,
        updated_ms=model.updated_ms,
    )


def _version(name: str, row: Row[Any]) -> Version:
    return Version(
        name=name,
        number=row.number,
        semver=row.semver,
        digest=row.digest or "",
        seq=row.seq,
        at_ms=row.at_ms,
        actor=row.actor,
        comment=row.comment,
        commit=row.commit,
        active=row.active,
        facts=row.facts,
        updated_ms=row.updated_ms,
    )


def begin(connection: Connection, name: str, key: str) -> int:
    """A row for a model that begins; `save` fills it."""
    blank = _model_values(ModelState(name), key)
    done = connection.execute(insert(models).values(**blank))
    (row_id,) = done.inserted_primary_key or (0,)
    return int(row_id)


def save(
    connection: Connection, model_id: int, key: str, before: ModelState, after: ModelState
) -> None:
    """Bring the rows of a model from one state to another; of one that ends nothing is left."""
    if not after.exists:
        for table in (aliases, stage_assignments, versions):
            connection.execute(delete(table).where(table.c.model_id == model_id))
        connection.execute(delete(models).where(models.c.id == model_id))
        return
    _clear(connection, model_id, before, after)
    _save_versions(connection, model_id, before, after)
    _save_links(connection, model_id, before, after)
    values = _model_values(after, key)
    connection.execute(update(models).where(models.c.id == model_id).values(**values))


def _model_values(state: ModelState, key: str) -> dict[str, Any]:
    return {
        "name": state.name,
        "name_key": key,
        "description": state.description,
        "facts": dict(state.facts),
        "counter": state.counter,
        "created_ms": state.created_ms,
        "deprecated": state.deprecated,
        "seq": state.seq,
        "updated_ms": state.updated_ms,
    }


def _version_values(version: Version) -> dict[str, Any]:
    return {
        "semver": version.semver,
        "digest": version.digest or None,
        "seq": version.seq,
        "at_ms": version.at_ms,
        "actor": version.actor,
        "comment": version.comment,
        "commit": version.commit,
        "active": version.active,
        "facts": dict(version.facts),
        "run_id": _run_of(version),
        "updated_ms": version.updated_ms,
    }


def _run_of(version: Version) -> str | None:
    """The id of the run a version came from; what cannot be one is found in no run."""
    run = version.facts.get("run")
    fits = isinstance(run, str) and run.isascii() and 0 < len(run) <= 64 and "\0" not in run
    return run if fits else None


def _clear(connection: Connection, model_id: int, before: ModelState, after: ModelState) -> None:
    """Remove what is gone or different, links first."""
    moved = [alias for alias, to in before.aliases.items() if after.aliases.get(alias) != to]
    ended = [a.seq for a in before.assignments if a not in after.assignments]
    gone = [v.number for label, v in before.versions.items() if label not in after.versions]
    keys = ((aliases.c.alias, moved), (stage_assignments.c.seq, ended), (versions.c.number, gone))
    for column, values in keys:
        if values:
            mine = column.table.c.model_id == model_id
            connection.execute(delete(column.table).where(mine, column.in_(values)))


def _save_versions(
    connection: Connection, model_id: int, before: ModelState, after: ModelState
) -> None:
    for label, version in after.versions.items():
        old = before.versions.get(label)
        if old is version:
            continue
        values = _version_values(version)
        if old is None:
            number = {"model_id": model_id, "number": version.number}
            connection.execute(insert(versions).values(**number, **values))
        elif values != _version_values(old):
            mine = (versions.c.model_id == model_id, versions.c.number == version.number)
            connection.execute(update(versions).where(*mine).values(**values))


def _save_links(
    connection: Connection, model_id: int, before: ModelState, after: ModelState
) -> None:
    begun = [a for a in after.assignments if a not in before.assignments]
    moved = {a: to for a, to in after.aliases.items() if before.aliases.get(a) != to}
    id_of = _ids(connection, model_id, {*(a.version for a in begun), *moved.values()})
    for assignment in begun:
        connection.execute(
            insert(stage_assignments).values(
                version_id=id_of(assignment.version),
                stage=assignment.stage,
                model_id=model_id,
                seq=assignment.seq,
                at_ms=assignment.at_ms,
                actor=assignment.actor,
                comment=assignment.comment,
            )
        )
    for alias, label in moved.items():
        row = {"model_id": model_id, "alias": alias, "version_id": id_of(label)}
        connection.execute(insert(aliases).values(**row))


def _ids(connection: Connection, model_id: int, labels: set[str]) -> Callable[[str], int]:
    if not labels:
        return {}.__getitem__
    query = select(versions.c.number, versions.c.id).where(
        versions.c.model_id == model_id, versions.c.number.in_([int(label) for label in labels])
    )
    return {str(number): row_id for number, row_id in connection.execute(query)}.__getitem__
