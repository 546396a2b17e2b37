"""Steps that a revision takes: each looks first whether it is done, as MySQL commits every one by itself."""

from __future__ import annotations

from typing import Any

from alembic.operations import Operations
from sqlalchemy import inspect


class Steps(Operations):
    """Alembic's operations, with creations that may run twice."""

    def create_table(self, table_name: str, *columns: Any, **options: Any) -> Any:
        """Create a table unless it is there."""
        return super().create_table(table_name, *columns, if_not_exists=True, **options)

    def create_index(self, index_name: Any, table_name: str, columns: Any, **options: Any) -> None:
        """Create an index unless it is there (MySQL has no IF NOT EXISTS for one)."""
        if index_name not in {
            index["name"] for index in inspect(self.get_bind()).get_indexes(table_name)
        }:
            super().create_index(index_name, table_name, columns, **options)
