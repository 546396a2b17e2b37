"""Data sets of a yard: content decides the version, the profile is kept with it.

Equal content under the same name is the same version; different content is the next one; equal content under a new
name is a new entry, and a note says so.
"""

from __future__ import annotations

import builtins
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from modelyard.base.clock import now_ms, to_rfc3339
from modelyard.base.errors import (
    InvalidName,
    ModelyardError,
    NotFound,
    Overloaded,
    VersionNotFound,
    did_you_mean,
)
from modelyard.base.events import Draft, Kind, caller
from modelyard.base.names import check_name
from modelyard.base.notes import note
from modelyard.objects import formats
from modelyard.objects.card import Card
from modelyard.objects.files import ArtifactFiles
from modelyard.objects.load import load_data
from modelyard.objects.save import save
from modelyard.objects.saved import local_source, object_exists
from modelyard.objects.source import Source
from modelyard.registry.sql import append, name_key
from modelyard.stores.placing import Stores
from modelyard.stores.references import refer, release
from modelyard.stores.rows.engine import Database
from modelyard.yard.frames import listing
from modelyard.yard.keeping import (
    Kept,
    keep,
    kept_card,
    kept_files,
    missing_files,
    saved_for_yard,
)
from modelyard.yard.tables import dataset_names, datasets

if TYPE_CHECKING:
    import pandas

COLUMNS = ("id", "name", "version", "size_cols", "size_rows", "description", "created_at")
"""Of listings, in this order (mlops-lite's)."""


@dataclass(frozen=True)
class Dataset:
    """One version of a data set."""

    id: int
    name: str
    version: int
    digest: str
    description: str
    size_cols: int | None
    size_rows: int | None
    created_ms: int
    created_by: str
    card: Card
    _files: Callable[[Card, str], ArtifactFiles] = field(repr=False, compare=False)

    @property
    def ref(self) -> str:
        """``name@version``."""
        return f"{self.name}@{self.version}"

    @property
    def data(self) -> Any:
        """The data, read from the yard and verified."""
        return load_data(self.source)

    @property
    def source(self) -> Source:
        files = self._files(self.card, self.ref)
        return Source(self.card, files, self.name, str(self.version), trusted=False, ref=self.ref)

    def info(self, *, records: bool = False) -> pandas.DataFrame | list[dict[str, Any]]:
        """One row a column: types, missing and distinct values, range, quantiles or most frequent values."""
        return listing([dict(column) for column in self.card.profile], (), records=records)

    def row(self) -> dict[str, Any]:
        """As a listing shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "version": self.version,
            "size_cols": self.size_cols,
            "size_rows": self.size_rows,
            "description": self.description,
            "created_at": to_rfc3339(self.created_ms),
            "created_by": self.created_by,
            "digest": f"sha256:{self.digest}",
        }

    def __repr__(self) -> str:
        size = f", {self.size_rows} rows, {self.size_cols} columns" if self.size_cols else ""
        return f"Dataset({self.ref!r}{size})"

    def _repr_html_(self) -> str:
        cells = "".join(
            f"<tr><th>{escape(k)}</th><td>{escape(str(v))}</td></tr>" for k, v in self.row().items()
        )
        columns = "".join(
            f"<tr><td>{escape(str(c['column_name']))}</td><td>{escape(str(c['original_dtype']))}</td>"
            f"<td>{c['null_count']}</td><td>{c['unique_count']}</td></tr>"
            for c in self.card.profile
        )
        head = "<tr><th>column</th><th>type</th><th>missing</th><th>distinct</th></tr>"
        return (
            f"<table>{cells}</table><table>{head}{columns}</table>"
            if columns
            else f"<table>{cells}</table>"
        )


class Datasets:
    """``yard.datasets``."""

    def __init__(self, database: Database, stores: Stores) -> None:
        self._database, self._stores = database, stores

    def add(self, data: Any, name: str, description: str = "") -> Dataset:
        """Keep a value, a file (csv, parquet, …) or a saved data object under a name; returns its version."""
        check_name(name, kind="dataset")
        with self._opened(data, description) as source:
            return self.add_kept(self._keep(source), name, description)

    def _keep(self, source: Source) -> Kept:
        return keep(self._stores, source)

    def add_kept(self, kept: Kept, name: str, description: str = "") -> Dataset:
        """Add data whose bytes are in the yard already."""
        name = check_name(name, kind="dataset")
        digest = kept.card.digest.removeprefix("sha256:")
        rows, columns = shape_of(kept.card)
        values = {
            "digest": digest,
            "card": kept.card_sha256,
            "size_cols": columns,
            "size_rows": rows,
            "description": description or kept.card.description,
            "created_ms": now_ms(),
            "actor": caller().actor,
        }
        row_id, twins = self._database.transact(
            lambda connection: _insert(connection, name, values, kept)
        )
        if twins:
            note(
                f"the same data is here already as {', '.join(twins)}; '{name}' is a new entry for it"
            )
        return self._one(_select().where(datasets.c.id == row_id), name)

    def _opened(self, data: Any, description: str) -> Any:
        if isinstance(data, str | Path):
            path = Path(data).expanduser()
            if object_exists(path):
                return nullcontext(local_source(path))
            data = formats.read_path(path)
        return saved_for_yard(lambda path: save(data, path, description=description))

    def get(self, ref: str | int) -> Dataset:
        """By ``name``, ``name@version`` or ``name@latest`` — or by its id, a number."""
        if isinstance(ref, int):
            return self._one(_select().where(datasets.c.id == ref), f"id {ref}")
        name, version = split_ref(ref)
        query = _select().where(dataset_names.c.name == name)
        if version.isdecimal():
            query = query.where(datasets.c.version == int(version))
        return self._one(query.order_by(datasets.c.version.desc()).limit(1), ref)

    def _one(self, query: Select[*tuple[Any, ...]], ref: str) -> Dataset:
        with self._database.read() as connection:
            row = connection.execute(query).mappings().first()
            if row is None:
                raise self._missing(connection, ref)
        return self._dataset(row)

    def _missing(self, connection: Connection, ref: str) -> NotFound:
        name, _ = split_ref(ref)
        names = list(connection.scalars(select(dataset_names.c.name)))
        base = name if name in names else name.rpartition("@")[0]
        if base in names:
            of_name = select(func.max(datasets.c.version)).join(dataset_names)
            newest = connection.scalar(of_name.where(dataset_names.c.name == base))
            hint = f"the newest is '{base}@{newest}'"
            if base != name:
                hint = f"a version is a number, as in '{base}@{newest}'"
            return VersionNotFound(f"no data set {ref!r}", hint=hint)
        hint = did_you_mean(name, names) or (
            f"there are: {', '.join(sorted(names)[:10])}" if names else "there are none yet"
        )
        return NotFound(f"no data set named {name!r}", hint=hint)

    def _dataset(self, row: Mapping[Any, Any]) -> Dataset:
        facts = {k: v for k, v in row.items() if k not in ("card", "actor")}
        card = kept_card(self._stores, row["card"], f"{row['name']}@{row['version']}")
        return Dataset(
            **facts, created_by=row["actor"], card=card, _files=partial(kept_files, self._stores)
        )

    def list(self, *, records: bool = False) -> pandas.DataFrame | list[dict[str, Any]]:
        """All versions of all data sets, oldest first, without reading any data."""
        return listing(self.page(limit=None), COLUMNS, records=records)

    def page(
        self, *, name: str | None = None, after: int = 0, limit: int | None = 100
    ) -> builtins.list[dict[str, Any]]:
        """The next versions of all data sets, or of one, by their id."""
        query = _select().where(datasets.c.id > after).order_by(datasets.c.id).limit(limit)
        if name is not None:
            query = query.where(dataset_names.c.name == unicodedata.normalize("NFC", name))
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
        return [
            {**{c: row[c] for c in COLUMNS[:-1]}, "created_at": to_rfc3339(row["created_ms"])}
            for row in rows
        ]

    def problems(self) -> list[str]:
        """Versions whose card or files are missing, a line each."""
        found: list[str] = []
        with self._database.read() as connection:
            rows = connection.execute(_select().order_by(datasets.c.id)).mappings().all()
        for row in rows:
            label = f"data set {row['name']}@{row['version']}"
            try:
                card = kept_card(self._stores, row["card"], label)
            except ModelyardError as error:
                found.append(f"{label}: its card cannot be read: {error.message}")
                continue
            found += missing_files(self._stores, card, label)
        return found


def split_ref(ref: str) -> tuple[str, str]:
    """Name and version (``3``, ``latest``, or empty) of a reference; a name may have an ``@`` too.

    >>> split_ref("iris@3"), split_ref("team@home")
    (('iris', '3'), ('team@home', ''))
    """
    ref = unicodedata.normalize("NFC", ref)
    name, at, version = ref.rpartition("@")
    return (name, version) if at and (version.isdecimal() or version == "latest") else (ref, "")


def _select() -> Select[*tuple[Any, ...]]:
    return select(
        datasets.c.id,
        dataset_names.c.name,
        datasets.c.version,
        datasets.c.digest,
        datasets.c.card,
        datasets.c.description,
        datasets.c.size_cols,
        datasets.c.size_rows,
        datasets.c.created_ms,
        datasets.c.actor,
    ).join(dataset_names, dataset_names.c.id == datasets.c.name_id)


def _insert(
    connection: Connection, name: str, values: Mapping[str, Any], kept: Kept
) -> tuple[int, list[str]]:
    """The row's id (of the equal one, when there is one under this name), and other names of the same content."""
    name_id = _name_id(connection, name)
    same = _select().where(datasets.c.digest == values["digest"])
    twins = connection.execute(same).mappings().all()
    release(connection, kept.pin)
    for row in twins:
        if row["name"] == name:
            return row["id"], []
    counted = update(dataset_names).where(dataset_names.c.id == name_id)
    connection.execute(counted.values(counter=dataset_names.c.counter + 1))
    version = connection.scalar(
        select(dataset_names.c.counter).where(dataset_names.c.id == name_id)
    )
    done = connection.execute(insert(datasets).values(name_id=name_id, version=version, **values))
    row_id = int(done.inserted_primary_key[0])  # type: ignore[index]  # one row was inserted
    refer(connection, f"dataset:{row_id}", kept.digests)
    after = {"version": version, "digest": values["digest"], "rows": values["size_rows"]}
    append(connection, [Draft(Kind.DATASET_REGISTERED, f"dataset:{name}", after=after)])
    return row_id, [f"{row['name']}@{row['version']}" for row in twins]


def _name_id(connection: Connection, name: str) -> int:
    """The row of a name, made when it is new, and locked until the transaction ends."""
    query = select(dataset_names.c.id).where(dataset_names.c.name == name).with_for_update()
    found = connection.scalar(query)
    if found is not None:
        return found
    key = name_key(name)
    twin = connection.scalar(select(dataset_names.c.name).where(dataset_names.c.name_key == key))
    if twin is not None and twin != name:
        raise InvalidName(
            f"{name!r} differs from the data set {twin!r} by case or spelling only",
            hint=f"use {twin!r}, or a name that looks different",
        )
    try:
        done = connection.execute(insert(dataset_names).values(name=name, name_key=key, counter=0))
    except IntegrityError as error:
        # Somebody else made it after we looked: the next attempt finds it there.
        raise Overloaded(f"others are adding {name!r}", transient=True) from error
    return int(done.inserted_primary_key[0])  # type: ignore[index]  # one row was inserted


def shape_of(card: Card) -> tuple[int | None, int | None]:
    """Rows and columns of a data card, where it is a table."""
    rows, columns, *_ = (*card.shape, None, None)
    return rows, columns
