"""What was deleted long ago goes for good."""

from __future__ import annotations

from sqlalchemy import Connection, exists, select

from modelyard.tracking import experiments, models, runs, tables

AT_ONCE = 50
"""How many go in one transaction: others want to write meanwhile."""


def purge_some(connection: Connection, before_ms: int) -> list[str]:
    """Purge some of what was deleted before a moment; returns what went, as subjects of events."""
    mine = tables.runs
    old = select(mine.c.run_id).where(mine.c.active.is_(False), mine.c.deleted_ms < before_ms)
    run_ids = connection.scalars(old.limit(AT_ONCE)).all()
    if run_ids:
        runs.purge(connection, run_ids)
        return [f"run:{run_id}" for run_id in run_ids]
    mine = tables.logged_models
    old = select(mine.c.model_id).where(mine.c.active.is_(False), mine.c.deleted_ms < before_ms)
    model_ids = connection.scalars(old.limit(AT_ONCE)).all()
    for model_id in model_ids:
        models.purge(connection, model_id)
    return list(map(models.files_of_model, model_ids)) or _purge_experiments(connection, before_ms)


def _purge_experiments(connection: Connection, before_ms: int) -> list[str]:
    mine = tables.experiments
    needed = [
        exists().where(table.c.experiment_id == mine.c.id)
        for table in (tables.runs, tables.logged_models)
    ]
    old = select(mine.c.id).where(mine.c.deleted_ms < before_ms, *(~part for part in needed))
    numbers = connection.scalars(old.limit(AT_ONCE)).all()
    for number in numbers:
        experiments.forget(connection, number)
    return [f"experiment:{number}" for number in numbers]
