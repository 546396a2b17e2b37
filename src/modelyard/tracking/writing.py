"""A batch into the tables, within one transaction: params, tags, metrics with their history, inputs, models."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, delete, insert, or_, select, update

from modelyard.base.clock import now_ms
from modelyard.base.errors import Conflict, NotFound
from modelyard.stores.rows.columns import float_values, prefix
from modelyard.stores.rows.upsert import upsert
from modelyard.tracking import tables
from modelyard.tracking.interface import Batch, Input, ModelLink
from modelyard.tracking.metrics import write_metrics

Ids = Mapping[str, int]

_CHANGED = (
    update(tables.runs)
    .where(tables.runs.c.id == bindparam("run"))
    .values(changed_ms=bindparam("now"))
)


def write_batch(connection: Connection, run: Row[Any], batch: Batch, ids: Ids) -> None:
    """All of a batch to the run of a locked row; ``ids`` are the numbers of its keys."""
    write_params(connection, tables.RUN_PARAM, run.id, run.experiment_id, batch.params, ids)
    write_tags(connection, tables.RUN_TAG, run.id, run.experiment_id, batch.tags, ids)
    if batch.metrics:
        write_metrics(connection, run, batch.metrics, ids)
    if batch.inputs:
        write_inputs(connection, run, batch.inputs)
    write_models(connection, run.id, batch.model_inputs, output=False)
    write_models(connection, run.id, batch.model_outputs, output=True)
    connection.execute(_CHANGED, {"run": run.id, "now": now_ms()})


# Params and tags


def write_params(
    connection: Connection,
    kind: int,
    owner: int,
    experiment: int,
    params: Mapping[str, str],
    ids: Ids,
) -> None:
    """Params are written once: the same value again is nothing, another one is `Conflict`."""
    if not params:
        return
    by_id = {ids[key]: key for key in params}
    pairs = tables.pairs
    mine = and_(pairs.c.kind == kind, pairs.c.owner_id == owner, pairs.c.key_id.in_(by_id))
    there = dict(connection.execute(select(pairs.c.key_id, pairs.c.value).where(mine)).all())  # type: ignore[arg-type]
    for key_id, value in there.items():
        key = by_id[key_id]
        if value != params[key]:
            raise Conflict(
                f"param {key!r} is {value[:200]!r} already and cannot become {params[key][:200]!r}",
                hint="log it under another name, or to a new run",
                key=key, old=value, new=params[key],
            )  # fmt: skip
    rows = [
        new_pair(kind, owner, experiment, key_id, params[key])
        for key_id, key in by_id.items()
        if key_id not in there
    ]
    if rows:
        connection.execute(insert(pairs), rows)


def write_tags(
    connection: Connection,
    kind: int,
    owner: int,
    experiment: int,
    tags: Mapping[str, str | None],
    ids: Ids,
) -> None:
    """Tags are what they were set to last; None removes one."""
    rows = [
        new_pair(kind, owner, experiment, ids[key], value)
        for key, value in tags.items()
        if value is not None
    ]
    changed = ["value", "value_prefix", "number_bits", "number"]
    upsert(connection, tables.pairs, rows, keys=["kind", "owner_id", "key_id"], update=changed)
    gone = [ids[key] for key, value in tags.items() if value is None]
    if gone:
        pairs = tables.pairs
        mine = and_(pairs.c.kind == kind, pairs.c.owner_id == owner, pairs.c.key_id.in_(gone))
        connection.execute(delete(pairs).where(mine))


def new_pair(kind: int, owner: int, experiment: int, key_id: int, value: str) -> dict[str, Any]:
    """The row of a param or tag."""
    number = as_number(value)
    numbers = {"number_bits": None, "number": None}
    return {
        "kind": kind,
        "owner_id": owner,
        "key_id": key_id,
        "experiment_id": experiment,
        "value": value,
        "value_prefix": prefix(value),
        **(numbers if number is None else float_values("number", number)),
    }


def as_number(text: str) -> float | None:
    """The number that a text says, for comparing; None when it says none.

    >>> as_number("3"), as_number("1e-3"), as_number("three"), as_number("1_0")
    (3.0, 0.001, None, None)
    """
    if not text or len(text) > 40 or text[0] not in "0123456789+-." or "_" in text:
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


# Inputs and models


def write_inputs(connection: Connection, run: Any, inputs: Sequence[Input]) -> None:
    """Data sets that the run used; one that is known in its experiment by name and digest is that one."""
    rows = [
        {
            "experiment_id": run.experiment_id,
            "name": i.name,
            "digest": i.digest,
            "source_type": i.source_type,
            "source": i.source,
            "schema": i.schema,
            "profile": i.profile,
        }
        for i in inputs
    ]
    upsert(connection, tables.inputs, rows, keys=["experiment_id", "name", "digest"])
    table = tables.inputs
    same = or_(*(and_(table.c.name == i.name, table.c.digest == i.digest) for i in inputs))
    query = select(table.c.id, table.c.name, table.c.digest)
    found = connection.execute(query.where(table.c.experiment_id == run.experiment_id, same))
    numbers = {(row.name, row.digest): row.id for row in found}
    links = [
        {"run_id": run.id, "input_id": numbers[i.name, i.digest], "tags": dict(i.tags)}
        for i in inputs
    ]
    keys = ["run_id", "input_id"]
    told = [link for link in links if link["tags"]]
    upsert(connection, tables.run_inputs, told, keys=keys, update=["tags"])
    # Logged again without a word, as with each metric on it: what was said of it stays.
    upsert(connection, tables.run_inputs, [k for k in links if not k["tags"]], keys=keys)


def write_models(
    connection: Connection, run: int, links: Sequence[ModelLink], *, output: bool
) -> None:
    """Logged models that the run took or made. `NotFound` for one that is not there."""
    if not links:
        return
    table = tables.logged_models
    wanted = {link.model_id for link in links}
    query = select(table.c.model_id, table.c.id).where(table.c.model_id.in_(wanted))
    numbers: dict[str, int] = dict(connection.execute(query).all())  # type: ignore[arg-type]
    if missing := wanted - numbers.keys():
        raise NotFound(f"no logged model {min(missing)!r}")
    rows = [
        {"run_id": run, "model_id": numbers[link.model_id], "output": output, "step": link.step}
        for link in links
    ]
    keys = ["run_id", "model_id", "output"]
    upsert(connection, tables.run_models, rows, keys=keys, update=["step"])
