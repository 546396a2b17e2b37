"""Registered versions as fields of runs: ``models.alias = 'champion'`` are the runs whose model has that alias.

The registry's tables are its own; what is read of them here is named here, by the same types.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, column, select, table, true

from modelyard.stores.rows.columns import Int64, Name
from modelyard.stores.rows.search.fields import Kind, Related, Texts, Wholes

_models = table("my_models", column("id", Int64()), column("name", Name(1024)))
_versions = table(
    "my_versions",
    column("id", Int64()),
    column("model_id", Int64()),
    column("number", Int64()),
    column("run_id", Name(64)),
    column("active"),
)
_aliases = table("my_aliases", column("version_id", Int64()), column("alias", Name(1024)))
_stages = table("my_stage_assignments", column("version_id", Int64()), column("stage", Name(128)))


def versions_of_run(name: str, run_id: Any) -> Kind | None:
    """A field of the versions that were registered from a run: name, version, alias or stage."""
    versions = _versions.alias()
    mine = and_(versions.c.run_id == run_id, versions.c.active == true())
    rows = select(versions.c.id).where(mine)
    field = f"models.{name.lower()}"
    if name.lower() == "version":
        return Related(field, rows, Wholes("version", versions.c.number))
    if name.lower() == "name":
        models = _models.alias()
        return Related(
            field, rows.where(models.c.id == versions.c.model_id), Texts("name", models.c.name)
        )
    if name.lower() == "alias":
        aliases = _aliases.alias()
        joined = rows.where(aliases.c.version_id == versions.c.id)
        return Related(field, joined, Texts("alias", aliases.c.alias))
    if name.lower() == "stage":
        stages = _stages.alias()
        joined = rows.where(stages.c.version_id == versions.c.id)
        return Related(field, joined, Texts("stage", stages.c.stage))
    return None
