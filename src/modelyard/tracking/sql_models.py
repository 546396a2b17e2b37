"""Logged models of a database: the part of `modelyard.tracking.sql.SqlTracker` that keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from modelyard.stores.rows.engine import Database
from modelyard.tracking import models
from modelyard.tracking.checks import check_texts
from modelyard.tracking.interface import LoggedModel, Page, Search
from modelyard.tracking.keys import Keys
from modelyard.tracking.search.models import Dataset, ModelOrder, search_models

_NONE: Mapping[str, Any] = {}


class SqlLoggedModels:
    """What `Tracker` promises of logged models."""

    _database: Database
    _keys: Keys

    def create_model(
        self,
        experiment_id: int,
        *,
        name: str = "",
        type: str = "",
        run_id: str | None = None,
        params: Mapping[str, str] = _NONE,
        tags: Mapping[str, str] = _NONE,
    ) -> LoggedModel:
        check_texts(params, "param")
        check_texts(tags, "tag")
        ids = self._keys.settle([*params, *tags])
        model_id = self._database.transact(
            lambda c: models.insert_model(
                c, experiment_id, name=name, type=type, run_id=run_id, params=params, tags=tags, ids=ids
            )
        )  # fmt: skip
        return self.model(model_id)

    def model(self, model_id: str, *, deleted: bool = False) -> LoggedModel:
        with self._database.read() as connection:
            row = models.locked(connection, model_id, deleted=deleted)
            return models.read_models(connection, self._keys, [row.id])[0]

    def update_model(
        self,
        model_id: str,
        *,
        status: str | None = None,
        params: Mapping[str, str] = _NONE,
        tags: Mapping[str, str | None] = _NONE,
    ) -> LoggedModel:
        check_texts(params, "param")
        check_texts(tags, "tag")
        ids = self._keys.settle([*params, *tags])

        def change(connection: Connection) -> None:
            row = models.locked(connection, model_id)
            models.change_model(connection, row, status=status, params=params, tags=tags, ids=ids)

        self._database.transact(change)
        return self.model(model_id)

    def delete_model(self, model_id: str) -> None:
        self._database.transact(lambda c: models.mark_deleted(c, model_id))

    def purge_model(self, model_id: str) -> None:
        self._database.transact(lambda c: models.purge(c, model_id))

    def search_models(
        self,
        search: Search,
        *,
        orders: Sequence[ModelOrder] = (),
        datasets: Sequence[Dataset] = (),
    ) -> Page[LoggedModel]:
        """``orders`` go before those of the search; ``datasets`` are those that its metrics were measured of."""
        with self._database.read() as connection:
            found = search_models(connection, search, orders=orders, datasets=datasets)
            return Page(models.read_models(connection, self._keys, found.ids), found.next)
