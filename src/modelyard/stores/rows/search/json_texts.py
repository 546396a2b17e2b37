"""A text inside a column of JSON, by its key."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from modelyard.stores.rows.columns import Text


class _JsonText(GenericFunction[str]):
    """``(column, path of objects, key)``; NULL when there is no such text."""

    type = Text()
    inherit_cache = True
    name = "my_json_text"


def json_text(column: Any, *keys: str) -> Any:
    """The text at ``{key: {key: text}}``, whatever characters the keys have."""
    from sqlalchemy import literal

    return _JsonText(column, *(literal(key, Text()) for key in keys))


@compiles(_JsonText, "sqlite")
def _on_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    # a path with a quote in it cannot be spelled there, so each key is compared instead
    column, *keys = (compiler.process(part, **options) for part in element.clauses)
    for key in keys:
        column = f"(SELECT value FROM json_each({column}) WHERE key = {key})"
    return column


@compiles(_JsonText, "postgresql")
def _on_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    column, *keys = (compiler.process(part, **options) for part in element.clauses)
    path = ", ".join(f"{key}::text" for key in keys)
    return f'((({column})::json #>> ARRAY[{path}]) COLLATE "C")'


@compiles(_JsonText, "mysql")
@compiles(_JsonText, "mariadb")
def _on_mysql(element: Any, compiler: Any, **options: Any) -> str:
    column, *keys = (compiler.process(part, **options) for part in element.clauses)
    quoted = ", ".join(f"'.', JSON_QUOTE(CONVERT({key} USING utf8mb4))" for key in keys)
    text = f"JSON_UNQUOTE(JSON_EXTRACT({column}, CONCAT('$', {quoted})))"
    return f"CONVERT({text} USING binary)"
