"""The registry's tables in MLflow's database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row

from modelyard.compat._mlflow.interface import FoundVersion, Registered

if TYPE_CHECKING:
    from modelyard.compat._mlflow.database import DatabaseSource

_DELETED = "Deleted_Internal"
"""The stage of a version that was deleted: its row stays."""
_VERSION = ("name", "version", "creation_time", "description", "user_id", "current_stage", "source", "run_id", "status", "run_link", "storage_location")  # fmt: skip


class Registry:
    """Registered models, read at once: a name has little."""

    def __init__(self, source: DatabaseSource) -> None:
        self._source = source

    def models(self) -> Iterator[Registered]:
        """By name."""
        source = self._source
        names = ("name", "description", "creation_time")
        rows = source.rows("registered_models", *names, order=["name"])
        called = [row.name for row in rows]
        for at in range(0, len(called), 500):
            some = called[at : at + 500]
            tags = source.texts("registered_model_tags", "name", some)
            aliases = source.texts("registered_model_aliases", "name", some, "alias", "version")
            versions = self._versions(some)
            for row in rows[at : at + 500]:
                yield Registered(
                    row.name,
                    row.description or "",
                    row.creation_time or 0,
                    tags[row.name],
                    {alias: int(number) for alias, number in aliases[row.name].items()},
                    versions[row.name],
                )

    def _versions(self, names: list[str]) -> dict[str, list[FoundVersion]]:
        found: defaultdict[str, list[FoundVersion]] = defaultdict(list)
        if not self._source.has("model_versions"):
            return found
        mine = [self._source.column("model_versions", "name").in_(names)]
        tags: defaultdict[tuple[str, int], dict[str, str]] = defaultdict(dict)
        if self._source.has("model_version_tags"):
            theirs = [self._source.column("model_version_tags", "name").in_(names)]
            words = ("name", "version", "key", "value")
            for row in self._source.rows("model_version_tags", *words, where=theirs):
                tags[row[0], row[1]][row[2]] = row[3] or ""
        for row in self._source.rows("model_versions", *_VERSION, where=mine, order=["version"]):
            if row.current_stage != _DELETED:
                found[row.name].append(_version(row, tags[row.name, row.version]))
        return found


def _version(row: Row[Any], tags: dict[str, str]) -> FoundVersion:
    return FoundVersion(
        row.version,
        row.source or "",
        row.storage_location or "",
        row.run_id or "",
        row.run_link or "",
        description=row.description or "",
        stage=row.current_stage or "None",
        status=row.status or "READY",
        user=row.user_id or "",
        created_ms=row.creation_time or 0,
        tags=tags,
    )
