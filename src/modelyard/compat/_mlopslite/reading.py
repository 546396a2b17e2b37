"""The tables of mlops-lite's database (its revision 2f3ce3aad699), read as they stand: nothing in them is run.

A model is a pickle among bytes here, and the names of its features' types are words: mlops-lite itself evaluates both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    Engine,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    String,
    Table,
    create_engine,
    inspect,
    select,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from modelyard.base.errors import FileMissing, ForeignSchema, InvalidInput, Unreachable

_metadata = MetaData()


def _table(name: str, /, **columns: Any) -> Table:
    return Table(name, _metadata, *(Column(n, t) for n, t in columns.items()))


datasets = _table(
    "dataset_registry",
    id=Integer,
    name=String,
    version=Integer,
    description=String,
    data=JSON,
    hash=String,
    created_at=DateTime,
)
columns = _table(
    "dataset_registry_columns",
    id=Integer,
    dataset_registry_id=Integer,
    column_name=String,
    original_dtype=String,
)
models = _table(
    "deployable_registry",
    id=Integer,
    dataset_registry_id=Integer,
    name=String,
    version=Integer,
    target=String,
    target_mapping=JSON,
    description=String,
    estimator_type=String,
    estimator_class=String,
    deployable=LargeBinary,
    variables=JSON,
    hash=String,
    created_at=DateTime,
)
logs = _table("model_execution_log", id=Integer, deployable_id=Integer, request_time=DateTime)
items = _table("execution_items", id=Integer, execution_log_id=Integer, reference_id=String)
requests = _table(
    "request_items", id=Integer, execution_items_id=Integer, varname=String, in_value=String
)
responses = _table(
    "response_items", id=Integer, execution_items_id=Integer, classname=String, out_value=Float
)


def connect(uri: str) -> Engine:
    """A database of mlops-lite, by its URL or, of SQLite, its path. It must be there, and must be one of its own."""
    path = Path(uri)
    url = f"sqlite:///{path}" if "://" not in uri else uri
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            file = Path(parsed.database or "")
            if not file.is_file():
                raise FileMissing(f"no database at {file}")
            parsed = make_url(f"sqlite:///file:{file.resolve()}?mode=ro&uri=true")
        engine = create_engine(parsed)
        there = set(inspect(engine).get_table_names())
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise InvalidInput(f"{uri} is no database: {error}") from None
    except SQLAlchemyError as error:
        raise Unreachable(f"{uri} cannot be read: {getattr(error, 'orig', error)}") from error
    missing = sorted({t.name for t in _metadata.sorted_tables} - there)
    if missing:
        engine.dispose()
        raise ForeignSchema(f"{uri} is no registry of mlops-lite: it has no table {missing[0]!r}")
    return engine


def rows(engine: Engine, table: Table) -> Iterator[Row[Any]]:
    """All rows, the oldest first."""
    with engine.connect() as connection:
        yield from connection.execution_options(yield_per=100).execute(
            select(table).order_by(table.c.id)
        )


def rows_of(engine: Engine, table: Table, column: str, value: Any) -> list[Row[Any]]:
    """The rows of one parent, the oldest first."""
    with engine.connect() as connection:
        found = connection.execute(
            select(table).where(table.c[column] == value).order_by(table.c.id)
        )
        return list(found)


def dtypes_of(engine: Engine, dataset: int) -> Mapping[str, str]:
    """Column -> the dtype that it had in pandas."""
    found = rows_of(engine, columns, "dataset_registry_id", dataset)
    return {row.column_name: row.original_dtype for row in found}
