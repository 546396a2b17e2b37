"""Which kind of source an address means."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from modelyard.compat._mlflow.interface import Source


def open_source(uri: str, roots: Sequence[str] = ()) -> Source:
    """A database (``sqlite:///…``, ``postgresql://…``, ``mysql://…``, or the path of a SQLite file), a server
    (``http…``) or a folder ``mlruns``. Files of runs are opened below ``roots`` and the source's own places alone."""
    if uri.startswith(("http://", "https://")):
        from modelyard.compat._mlflow.server import ServerSource

        return ServerSource(uri, roots)
    scheme = uri.partition("://")[0] if "://" in uri else ""
    path = Path(unquote(urlsplit(uri).path) if scheme == "file" else uri).expanduser()
    if scheme == "file" or (not scheme and not path.is_file()):
        from modelyard.compat._mlflow.folder import FolderSource

        return FolderSource(path, roots)
    from modelyard.compat._mlflow.database import DatabaseSource
    from modelyard.stores.rows.address import parse

    dialect, plus, _ = scheme.partition("+")
    # Any driver that MLflow was used with: ours reads the same database.
    return DatabaseSource(parse(uri.replace(scheme, dialect, 1) if plus else uri), roots)
