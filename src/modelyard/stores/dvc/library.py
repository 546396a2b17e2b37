"""Remotes that only DVC itself can reach (Google Drive, WebDAV, versioned buckets …), through its public API.

Comes with the extra ``dvc``. It takes seconds to start, so nothing else goes this way.
"""

from __future__ import annotations

import importlib.util
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelyard.base.errors import FileMissing, NotAllowed, NotSupported, Unreachable
from modelyard.stores.dvc.config import RemoteSettings
from modelyard.stores.dvc.names import ObjectId, md5_of
from modelyard.stores.dvc.policy import has_own_keys, honoured
from modelyard.stores.dvc.remotes import without_secrets

if TYPE_CHECKING:
    from modelyard.stores.dvc.project import Project


def library_remote(
    project: Project, settings: RemoteSettings, error: NotSupported
) -> LibraryRemote:
    """The same remote through DVC; ``error`` says why, and is raised when DVC is not installed."""
    if importlib.util.find_spec("dvc") is None:
        raise error
    _refuse_orders(settings)
    return LibraryRemote(project, settings)


def _refuse_orders(settings: RemoteSettings) -> None:
    """DVC reads the repository's settings itself and obeys all of them, a command (``bearer_token_command``) too."""
    told = honoured(settings)
    if told.ignored or not (told.ambient or has_own_keys(settings)):
        what = ", ".join(told.ignored) or "an endpoint of its own"
        raise NotAllowed(
            f"the remote {settings.name!r} can be reached by DVC alone, and the repository gives it orders: {what}",
            hint="if you trust it: dvc pull in a clone, and modelyard reads what is there then",
        )


class LibraryRemote:
    """Files under their paths in the project, as DVC's own file system reads them."""

    jobs = 4

    def __init__(self, project: Project, settings: RemoteSettings) -> None:
        self.name, self.shown = settings.name, without_secrets(settings.url)
        self._project = project
        self._lock = threading.Lock()
        self._held: Any = None

    def _filesystem(self) -> Any:
        with self._lock:
            if self._held is None:
                os.environ.setdefault("DVC_NO_ANALYTICS", "1")
                from dvc.api import DVCFileSystem

                told = self._project.folder.provenance.get("git") or {}
                repo = told.get("repo") or str(self._project.here)
                self._held = DVCFileSystem(
                    repo, rev=told.get("commit"), subrepos=True, remote=self.name
                )
            return self._held

    def fetch_path(self, path: str, target: Path) -> str:
        """The bytes of a file of the project."""
        try:
            self._filesystem().get_file(f"/{path}", str(target))
        except FileNotFoundError:
            raise FileMissing(f"no {path} in {self.shown}") from None
        except Exception as error:  # DVC's own, and those of a dozen libraries below it
            raise Unreachable(f"DVC cannot read {path} from {self.shown}: {error}") from error
        return md5_of(target)

    def fetch(self, oid: ObjectId, target: Path) -> str:
        """Not by content."""
        raise NotSupported(f"{self.shown} is read by path")

    def sizes(self, oids: Sequence[ObjectId], jobs: int) -> dict[ObjectId, int]:
        """DVC's public API does not tell."""
        raise NotSupported(
            f"what is in the remote {self.name!r} ({self.shown}) only DVC itself knows",
            hint="run dvc push",
        )

    def send(self, oid: ObjectId, source: Path) -> None:
        """DVC's public API does not push."""
        raise NotSupported(f"only DVC itself writes to {self.shown}", hint="run dvc push")
