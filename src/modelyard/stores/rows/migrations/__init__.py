"""The one migration tree: files ``r<revision>.py``, applied in this order, each complete in itself.

A revision imports Alembic and `modelyard.stores.rows.columns`, never a folder's tables: those move on, a revision
does not. Once released it never changes.

**You changed or added a table** (a ``tables.py`` of any folder, on `modelyard.stores.rows.columns.metadata`):

- While 0.1.0 is not released there is one revision, and it is written again from the tables::

      python -m modelyard.stores.rows.migrations.write

  The output depends on the tables alone. Databases made before have to be made anew.
- Afterwards: add ``r0002.py`` with an ``upgrade(op)``, its name to `REVISIONS`, and keep the old ones.

``tests/unit/stores/test_migrations.py`` compares the migrated database with the tables, on all three servers.
"""

REVISIONS = ("0001",)
"""All revisions, oldest first. A database that records another one was written by a newer modelyard."""
