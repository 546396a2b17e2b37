"""The yard: data sets, models, predictions and their history in one place, a SQLite file or a database server.

>>> import tempfile
>>> with Yard(f"{tempfile.mkdtemp()}/yard.db") as yard:
...     yard.models.list(records=True)
[]
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast
from urllib.parse import unquote, urlsplit

from sqlalchemy import text

from modelyard.base.clock import new_id, now_ms
from modelyard.base.digests import blob_id, canonical_json, sha256_bytes
from modelyard.base.errors import Corrupted, InvalidInput, ModelyardError
from modelyard.base.events import caller
from modelyard.objects import trust
from modelyard.registry.sql import append
from modelyard.stores import open_store
from modelyard.stores.collecting import GRACE_MS, Collected, collect
from modelyard.stores.local import LocalStore
from modelyard.stores.overlay import Artifacts
from modelyard.stores.placing import Stores
from modelyard.stores.putting import ABANDONED_MS
from modelyard.stores.rows.address import parse
from modelyard.stores.rows.engine import connect
from modelyard.stores.uploads import Uploads
from modelyard.tracking.sql import SqlTracker
from modelyard.yard.addresses import address_of
from modelyard.yard.audit import Audit
from modelyard.yard.datasets import Datasets
from modelyard.yard.keeping import release_deleted
from modelyard.yard.models import Models
from modelyard.yard.predictions import Predictions
from modelyard.yard.retention import retention_ms
from modelyard.yard.runs import Runs
from modelyard.yard.settings import get_setting, settle_setting

if TYPE_CHECKING:
    from modelyard.yard.active_run import ActiveRun

BESIDE = "yard.files"


class Yard:
    """Everything about a project's models in one place.

    Without arguments: ``MODELYARD_URI``, else the project's ``uri`` setting, else ``yard.db`` at the project's root,
    made on first use. ``artifacts`` names a folder (seen from the yard's own) or a bucket (``s3://…``) for all
    files when the yard is made, else small ones live inside the database and large ones in ``yard.files`` beside it. Close it (or use
    ``with``) before copying the file elsewhere.

    ``Yard("https://hub.example", token=…)`` is the yard behind a hub, asked over HTTP; without ``token`` it is
    ``MODELYARD_TOKEN``, else the one that ``modelyard login`` kept.
    """

    token: str | None = None
    """What the caller gave for a hub."""
    address_by_reader = True
    """Whether no file that came with a folder named the address."""

    def __new__(
        cls,
        uri: str | os.PathLike[str] | None = None,
        *,
        token: str | None = None,
        artifacts: str | os.PathLike[str] | None = None,
        project: str | os.PathLike[str] | None = None,
    ) -> Self:
        """A yard behind a hub is one of another kind."""
        if cls is Yard and address_of(uri, project).is_hub:
            from modelyard.yard.remote import RemoteYard

            return super().__new__(cast(type[Self], RemoteYard))
        return super().__new__(cls)

    def __init__(
        self,
        uri: str | os.PathLike[str] | None = None,
        *,
        token: str | None = None,
        artifacts: str | os.PathLike[str] | None = None,
        project: str | os.PathLike[str] | None = None,
    ) -> None:
        address = address_of(uri, project)
        config, named_by_reader = address.config, bool(uri is not None or address.source)
        self.uri, self.config = address.uri, config
        if token is not None:
            raise InvalidInput("token= is for a hub; a database takes its password in its address")
        self.stage_names: Mapping[str, str] = dict(config.get("registry.stages") or {})
        self.retention_ms = retention_ms(config)
        self.database = connect(self.uri)
        try:
            self.id, created = self._identity()
            self.stores = self._stores(artifacts or config.get("artifacts"))
            if created:
                trust.remember(self._trust_key, "made", self.label)
            self.trusted = self._is_trusted(named_by_reader)
        except BaseException:
            self.database.close()
            raise
        self.artifacts = Artifacts(self.database, self.stores)
        self.uploads = Uploads(self.artifacts)
        self.datasets = Datasets(self.database, self.stores)
        self.predictions = Predictions(self.database)
        self.models = Models(self)
        self.audit = Audit(self.database)
        self.runs = Runs(self)
        self._tracker: SqlTracker | None = None

    @property
    def path(self) -> Path | None:
        """The file, when the yard is one."""
        return self.database.address.path

    @property
    def tracker(self) -> SqlTracker:
        """Experiments, runs and what they logged."""
        if self._tracker is None:  # its first use makes the experiment Default
            self._tracker = SqlTracker(self.database, append, self.stores)
        return self._tracker

    def start_run(self, name: str | None = None, **options: Any) -> ActiveRun:
        """Begin a run that is told to this yard; training code logs to it and never waits. The options are those of
        `modelyard.start_run`; it becomes the current run when it is entered with ``with``."""
        from modelyard.yard.starting import start_in

        return start_in(self, name, **options)

    @property
    def label(self) -> str:
        """How messages call it: the file's name or the server's address, never a password."""
        return self.path.name if self.path is not None else self.database.address.shown

    def _identity(self) -> tuple[str, bool]:
        found = get_setting(self.database, "id")
        if found is not None:
            return str(found), False
        mine = new_id()
        settled = str(settle_setting(self.database, "id", mine))
        return settled, settled == mine

    @property
    def _trust_key(self) -> str:
        """What the user's trust store remembers: this yard, at this place."""
        return self._key_at(self.path)

    def _key_at(self, path: Path | None) -> str:
        place = str(path.resolve()) if path is not None else self.database.address.shown
        return blob_id(sha256_bytes(canonical_json(["yard", self.id, place])))

    def export(self, target: str | os.PathLike[str]) -> int:
        """Copy everything into one new file, or an empty database; returns how many rows and files.

        Who trusts this yard trusts the file he makes of it.
        """
        from modelyard.yard.copying import copy_yard

        copied = copy_yard(self, target)
        path = parse(os.fspath(target)).path
        if self.trusted and path is not None:
            trust.remember(self._key_at(path), "made", path.name)
        return copied

    def _is_trusted(self, named_by_reader: bool) -> bool:
        """Whether tier 2 models load without asking: made by this user here, or a server the reader named himself.

        A ``yard.db`` that came with a folder vouches for nothing.
        """
        if self.path is None:
            return named_by_reader
        return trust.is_trusted(self._trust_key)

    def _stores(self, artifacts: str | os.PathLike[str] | None) -> Stores:
        base = self.path.parent if self.path is not None else Path()
        wanted = "" if artifacts is None else self._artifact_root(artifacts)
        kept = get_setting(self.database, "artifacts")
        if kept is None:
            if "://" in wanted:
                open_store(wanted)  # an address of no store is refused before it is remembered
            kept = settle_setting(self.database, "artifacts", wanted)
        if wanted and (not kept or not _same_root(base, wanted, kept)):
            raise InvalidInput(
                f"this yard keeps its files in {kept or 'its database'}, not in {wanted}",
                hint="leave artifacts= out",
            )
        if "://" in kept:
            root = str(kept)
            return Stores(self.database, lambda: open_store(root), embed=False)
        if kept:
            return Stores(self.database, lambda: LocalStore(base / str(kept)), embed=False)
        if self.path is None:
            return Stores(self.database, None, embed=True)
        return Stores(self.database, lambda: LocalStore(base / BESIDE), embed=True)

    def _artifact_root(self, artifacts: str | os.PathLike[str]) -> str:
        """As the yard remembers it: an address as it is; a folder relative to the yard's file, absolute where a server
        has no place of its own."""
        text = os.fspath(artifacts)
        if "://" in text and not text.startswith("file://"):
            return _without_secrets(text)
        folder = Path(unquote(urlsplit(text).path) if "://" in text else text).expanduser()
        return str(folder if self.path is not None else folder.absolute())

    def reach(self) -> None:
        """Ask the database and every store for next to nothing: `Unreachable` and its like when they do not answer."""
        with self.database.read() as connection:
            connection.execute(text("SELECT 1"))
        self.stores.stat("0" * 64)

    @property
    def actor(self) -> str:
        """Who acts here, as runs remember it."""
        return caller().actor

    def integrity(self) -> list[str]:
        """What is wrong with the database as such, a line each."""
        return self.database.integrity()

    def check(self) -> list[str]:
        """Verify everything: tables, links between them, and every stored byte. What is wrong, a line each."""
        problems = self.database.integrity()
        for store in self.stores.all():
            for blob in store.list():
                for line in _damage(store, blob.sha256):
                    users = ", ".join(self.artifacts.users(blob.sha256))
                    problems.append(f"{line} (needed by {users})" if users else line)
        problems += [*self.models.problems(), *self.datasets.problems()]
        return [*problems, *self.artifacts.problems()]

    def collect(
        self, grace_ms: int = GRACE_MS, *, dry_run: bool = False, at_ms: int | None = None
    ) -> Collected:
        """Remove the files that nothing here needs any more and that were put longer than ``grace_ms`` ago, also what
        dead uploads left; as of ``at_ms``, which is now if not given. Others may go on working."""
        at_ms = now_ms() if at_ms is None else at_ms
        if not dry_run:
            self.uploads.sweep(at_ms - ABANDONED_MS)
            before_ms = at_ms - max(grace_ms, GRACE_MS)
            self.database.transact(lambda connection: release_deleted(connection, before_ms))
        return collect(self.stores, grace_ms, dry_run=dry_run, at_ms=at_ms)

    def backup(self, path: str | os.PathLike[str]) -> Path:
        """Copy the yard to a new file, consistent while others write; large files come along in a folder beside it.
        What is in a bucket stays there: the copy refers to it."""
        target = Path(path)
        self.database.backup(target)
        outside = self.stores.outside
        if isinstance(outside, LocalStore) and (outside.root / "files").is_dir():
            place = target.absolute().parent / (get_setting(self.database, "artifacts") or BESIDE)
            if place.resolve() != outside.root.resolve():
                shutil.copytree(outside.root / "files", place / "files", dirs_exist_ok=True)
        return target

    def close(self) -> None:
        """Bring everything into the file and close it."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Yard({self.label!r})"


def _same_root(base: Path, one: str, other: str) -> bool:
    if "://" in one or "://" in other:
        return one.rstrip("/") == other.rstrip("/")
    return (base / one).resolve() == (base / other).resolve()


def _without_secrets(root: str) -> str:
    """The address of a bucket; `InvalidInput` for one with a password, which everybody who reads the yard would see."""
    if urlsplit(root).password is not None or root.startswith("memory://"):
        raise InvalidInput(
            "artifacts= cannot be an address with a password, or in memory",
            hint="give credentials by the environment, as the storage's own tools take them",
        )
    return root


def _damage(store: Any, sha256: str) -> list[str]:
    try:
        with store.open(sha256) as stream:
            while stream.read(1 << 20):
                pass
    except Corrupted as error:
        return [error.message]
    except ModelyardError as error:
        return [f"blob {sha256}: {error.message}"]
    return []
