"""Write the first revision again from the tables of all folders: ``python -m modelyard.stores.rows.migrations.write``.

Only while 0.1.0 is not released; the recipe stands in the docstring of this package.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

from alembic.autogenerate import render_python_code
from alembic.operations.ops import CreateIndexOp, CreateTableOp, UpgradeOps
from sqlalchemy import MetaData, Table

from modelyard.stores.rows import columns
from modelyard.stores.rows.schema import all_tables

_HEAD = '''"""All tables of the first release. Written by ``python -m modelyard.stores.rows.migrations.write``."""

from __future__ import annotations

import sqlalchemy as sa

from modelyard.stores.rows import columns
from modelyard.stores.rows.migrations.steps import Steps
'''


def first_revision(metadata: MetaData) -> str:
    """The source of revision 0001, depending on the tables alone: a function a table, in the order foreign keys ask."""
    tables = metadata.sorted_tables
    calls = "".join(f"    _{table.name}(op)\n" for table in tables)
    main = f'\n\ndef upgrade(op: Steps) -> None:\n    """Create every table and index."""\n{calls}'
    return _HEAD + main + "".join(_function(table) for table in tables)


def _function(table: Table) -> str:
    """The function that makes one table and then its indexes, by name."""
    indexes = sorted(table.indexes, key=lambda index: str(index.name))
    steps = [CreateTableOp.from_table(table), *map(CreateIndexOp.from_index, indexes)]
    body = render_python_code(UpgradeOps(steps), render_item=_render_type)
    kept = "".join(f"{line}\n" for line in body.splitlines() if not line.lstrip().startswith("#"))
    return f"\n\ndef _{table.name}(op: Steps) -> None:\n{kept}"


def _render_type(kind: str, item: Any, context: Any) -> str | Literal[False]:
    if kind == "type" and type(item).__module__ == columns.__name__:
        return f"columns.{item!r}"
    return False


def main() -> None:
    """Write the file and format it as the rest of the code."""
    target = Path(__file__).with_name("r0001.py")
    target.write_text(first_revision(all_tables()))
    ruff = shutil.which(
        "ruff", path=os.pathsep.join((str(Path(sys.executable).parent), os.defpath))
    )
    for step in ("check", "--fix"), ("format",):
        subprocess.run([ruff or "ruff", *step, "--quiet", target], check=True)


if __name__ == "__main__":
    main()
