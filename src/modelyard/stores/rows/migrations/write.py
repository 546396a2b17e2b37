"""Write the first revision again from the tables of all folders: ``python -m modelyard.stores.rows.migrations.write``.

Only while 0.1.0 is not released; the recipe stands in the docstring of this package.
"""

from __future__ import annotations

import importlib
import shutil
import subprocess
from pathlib import Path
from typing import Any, Literal

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from alembic.operations.ops import CreateIndexOp, CreateTableOp, UpgradeOps
from sqlalchemy import MetaData, create_engine

import modelyard
from modelyard.stores.rows import columns

_HEAD = '''"""All tables of the first release. Written by ``python -m modelyard.stores.rows.migrations.write``."""

from __future__ import annotations

import sqlalchemy as sa

from modelyard.stores.rows import columns
from modelyard.stores.rows.migrations.steps import Steps


def upgrade(op: Steps) -> None:
    """Create every table and index."""
'''


def all_tables() -> MetaData:
    """The shared metadata, after importing ``tables.py`` of every folder that has one."""
    root = Path(modelyard.__file__).parent
    for file in sorted(root.rglob("tables.py")):
        importlib.import_module(
            ".".join(("modelyard", *file.relative_to(root).with_suffix("").parts))
        )
    return columns.metadata


def first_revision(metadata: MetaData) -> str:
    """The source of revision 0001, depending on the tables alone."""
    with create_engine("sqlite://").connect() as connection:
        script = produce_migrations(MigrationContext.configure(connection), metadata)
    assert script.upgrade_ops is not None
    ops = UpgradeOps(_in_order(metadata, script.upgrade_ops.ops))
    body = render_python_code(ops, render_item=_render_type)
    kept = [line for line in body.splitlines() if not line.lstrip().startswith("#")]
    return _HEAD + "".join(f"{line}\n" for line in kept)


def _in_order(metadata: MetaData, ops: Any) -> list[Any]:
    """Tables as their foreign keys and names ask, each followed by its indexes by name."""
    tables = {op.table_name: op for op in ops if isinstance(op, CreateTableOp)}
    indexes = sorted(
        (op for op in ops if isinstance(op, CreateIndexOp)), key=lambda op: str(op.index_name)
    )
    ordered: list[Any] = []
    for table in metadata.sorted_tables:
        ordered += [tables[table.name], *(op for op in indexes if op.table_name == table.name)]
    return ordered


def _render_type(kind: str, item: Any, context: Any) -> str | Literal[False]:
    if kind == "type" and type(item).__module__ == columns.__name__:
        return f"columns.{item!r}"
    return False


def main() -> None:
    """Write the file and format it as the rest of the code."""
    target = Path(__file__).with_name("r0001.py")
    target.write_text(first_revision(all_tables()))
    if ruff := shutil.which("ruff"):
        subprocess.run([ruff, "check", "--quiet", "--fix", target], check=True)
        subprocess.run([ruff, "format", "--quiet", target], check=True)


if __name__ == "__main__":
    main()
