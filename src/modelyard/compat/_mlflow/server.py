"""A running MLflow server, asked as its own clients ask it; its files come through it, wherever they are.

Who we are is said as MLflow's clients say it: ``MLFLOW_TRACKING_TOKEN``, or ``MLFLOW_TRACKING_USERNAME`` and
``MLFLOW_TRACKING_PASSWORD``.
"""

from __future__ import annotations

import os
import posixpath
import re
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

from modelyard.base.digests import CHUNK
from modelyard.base.errors import FileMissing, ForeignSchema, NotAllowed, Unreachable
from modelyard.base.notes import note
from modelyard.compat._mlflow import server_answers as read
from modelyard.compat._mlflow.interface import (
    Folder,
    FoundModel,
    FoundRun,
    Home,
    Registered,
    in_contexts,
    in_order,
)
from modelyard.compat._mlflow.places import Places

if TYPE_CHECKING:
    import httpx2

    from modelyard.tracking.interface import Metric

API = "/api/2.0/mlflow/"
FILES = "/api/2.0/mlflow-artifacts/artifacts"
PAGE = 200
ATTEMPTS = 5
_AGAIN = (408, 429, 500, 502, 503, 504)
_OWN = re.compile(r"mlflow-artifacts:(?://[^/]*)?/(.*)", re.DOTALL)


class ServerSource:
    """What a server tells of itself."""

    def __init__(self, uri: str, roots: Sequence[str]) -> None:
        import httpx2

        parts = urlsplit(uri)
        host = parts.netloc.rpartition("@")[2]
        self.shown = f"{parts.scheme}://{host}{parts.path.rstrip('/')}"
        self.key = f"server {self.shown}"
        headers, login = _identity(parts.username, parts.password)
        self._http = httpx2.Client(base_url=self.shown, headers=headers, auth=login, timeout=120)
        self._places = Places(roots)
        self._measured: dict[str, list[Metric]] = {}
        self._has_models: bool | None = None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    # Requests

    def _send(self, method: str, path: str, **sent: Any) -> httpx2.Response:
        import httpx2

        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = self._http.send(self._http.build_request(method, path, **sent), stream=True)  # fmt: skip
            except httpx2.TransportError as error:
                if attempt == ATTEMPTS:
                    raise Unreachable(f"no answer from {self.shown}: {error}") from None
            else:
                if answer.status_code not in _AGAIN or attempt == ATTEMPTS:
                    return answer
                answer.close()
            time.sleep(0.2 * 2**attempt)
        raise AssertionError("the last attempt ends it")

    def ask(self, method: str, path: str, /, **fields: Any) -> dict[str, Any]:
        """The JSON of an answer."""
        sent = {"params": fields} if method == "GET" else {"json": fields}
        answer = self._send(method, path if path.startswith("/") else API + path, **sent)
        try:
            text = answer.read()
            if answer.status_code in (401, 403):
                raise NotAllowed(f"{self.shown} refuses: {answer.status_code}", hint="MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and _PASSWORD")  # fmt: skip
            told = answer.json() if text else {}
        except ValueError:
            raise ForeignSchema(f"{self.shown} does not answer as an MLflow server does") from None
        finally:
            answer.close()
        if answer.status_code == 404:
            raise FileMissing(f"{self.shown}: {str(told.get('message', path))[:200]}")
        if answer.status_code != 200 or not isinstance(told, dict):
            raise Unreachable(f"{self.shown} answers {answer.status_code} to {path}")
        return told

    def pages(self, method: str, path: str, name: str, /, **fields: Any) -> Iterator[list[Any]]:
        """Lists of a listing, a page at a time."""
        token: str | None = None
        while True:
            more = {"page_token": token} if token else {}
            told = self.ask(method, path, **fields, **more)
            yield told.get(name, [])
            if not (token := told.get("next_page_token")):
                return

    # What a source tells

    def homes(self) -> list[Home]:
        asked = {"max_results": 1000, "view_type": "ALL"}
        found = self.pages("POST", "experiments/search", "experiments", **asked)
        return [read.home(told) for page in found for told in page]

    def runs(self, home: Home) -> Iterator[Sequence[FoundRun]]:
        self._contexts_of(home)
        asked = {"experiment_ids": [home.id], "max_results": PAGE, "run_view_type": "ALL", "order_by": ["attributes.start_time ASC"]}  # fmt: skip
        for page in self.pages("POST", "runs/search", "runs", **asked):
            found = [read.run(self._whole(told), home) for told in page]
            if found:
                yield [read.with_contexts(one, self._measured.get(one.run.run_id, ())) for one in found]  # fmt: skip

    def _whole(self, told: dict[str, Any]) -> dict[str, Any]:
        """A run with the logged models that it took, which a search leaves out."""
        if self._has_models is None:
            self._has_models = any(page for home in self.homes() for page in self.models(home))
        if not self._has_models:
            return told
        return self.ask("GET", "runs/get", run_id=told["info"]["run_id"])["run"]

    def _contexts_of(self, home: Home) -> None:
        for page in self.models(home):
            for one in page:
                for run_id, point in one.model.metrics:
                    self._measured.setdefault(run_id, []).append(point)

    def histories(self, runs: Sequence[FoundRun]) -> Mapping[str, Sequence[Metric]]:
        return {one.run.run_id: self._history(one) for one in runs}

    def _history(self, one: FoundRun) -> Sequence[Metric]:
        run_id = one.run.run_id
        points: list[Metric] = []
        for key in {metric.key for metric in one.run.metrics}:
            asked = {"run_id": run_id, "metric_key": key, "max_results": 25_000}
            for page in self.pages("GET", "metrics/get-history", "metrics", **asked):
                points += map(read.metric, page)
        contexts = self._measured.get(run_id)
        return in_order(in_contexts(points, contexts) if contexts else points)

    def models(self, home: Home) -> Iterator[Sequence[FoundModel]]:
        asked = {"experiment_ids": [home.id], "max_results": 50}
        try:
            for page in self.pages("POST", "logged-models/search", "models", **asked):
                if page:
                    yield [read.model(told, home) for told in page]
        except (FileMissing, ForeignSchema):
            return  # a server older than logged models

    def registered(self) -> Iterator[Registered]:
        for page in self.pages("GET", "registered-models/search", "registered_models", max_results=100):  # fmt: skip
            for told in page:
                name = str(told["name"]).replace("'", "\\'")
                asked = {"filter": f"name = '{name}'", "max_results": 1000}
                versions = [
                    one
                    for found in self.pages(
                        "GET", "model-versions/search", "model_versions", **asked
                    )
                    for one in found
                ]
                yield read.registered(told, versions)

    def left_out(self) -> list[str]:
        return [
            "a server does not tell of deleted logged models, nor of traces: its database does",
            "a server tells the latest points of logged models only: earlier ones are copied as points of the run alone",
        ]

    # Files

    def folder(self, uri: str, run_id: str = "", model_id: str = "") -> Folder | None:
        own = _OWN.fullmatch(uri)
        if own is not None:
            return _filled(ServerFolder(self, _Proxied(unquote(own[1]).rstrip("/"))))
        if model_id:
            return _filled(ServerFolder(self, _OfModel(model_id)))
        if run_id:
            return _filled(ServerFolder(self, _OfRun(run_id)))
        return self._places.folder(uri)

    def download(self, path: str, query: Mapping[str, str]) -> IO[bytes]:
        """A file, whole, on this machine's disk."""
        answer = self._send("GET", path, params=dict(query))
        try:
            if answer.status_code != 200:
                raise FileMissing(f"{self.shown} answers {answer.status_code} to a file of it")
            file = tempfile.SpooledTemporaryFile(4 << 20)  # noqa: SIM115  closed by whoever reads it
            for piece in answer.iter_bytes(CHUNK):
                file.write(piece)
        finally:
            answer.close()
        file.seek(0)
        return file  # type: ignore[return-value]


class _Proxied:
    """Files that the server keeps itself."""

    def __init__(self, root: str) -> None:
        self._root = root

    def list(self, source: ServerSource, path: str) -> list[Mapping[str, Any]]:
        where = posixpath.join(self._root, path) if path else self._root
        answer = source.ask("GET", FILES, path=where)
        return [{**f, "path": posixpath.join(path, f["path"])} for f in answer.get("files", [])]

    def file(self, path: str) -> tuple[str, Mapping[str, str]]:
        return f"{FILES}/{quote(posixpath.join(self._root, path))}", {}


class _OfRun:
    """Files of a run, wherever the server has them."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id

    def list(self, source: ServerSource, path: str) -> list[Mapping[str, Any]]:
        more = {"path": path} if path else {}
        found = source.pages("GET", "artifacts/list", "files", run_id=self._run_id, **more)
        return [one for page in found for one in page]

    def file(self, path: str) -> tuple[str, Mapping[str, str]]:
        return "/get-artifact", {"run_id": self._run_id, "path": path}


class _OfModel:
    """Files of a logged model, wherever the server has them."""

    def __init__(self, model_id: str) -> None:
        self._model_id = model_id

    def list(self, source: ServerSource, path: str) -> list[Mapping[str, Any]]:
        more = {"artifact_directory_path": path} if path else {}
        place = f"logged-models/{self._model_id}/artifacts/directories"
        return [one for page in source.pages("GET", place, "files", **more) for one in page]

    def file(self, path: str) -> tuple[str, Mapping[str, str]]:
        place = f"/ajax-api/2.0/mlflow/logged-models/{self._model_id}/artifacts/files"
        return place, {"artifact_file_path": path}


class ServerFolder:
    """Files that a server hands out."""

    def __init__(self, source: ServerSource, place: _Proxied | _OfRun | _OfModel) -> None:
        self._source, self._place = source, place

    def list(self, path: str = "") -> Iterator[str]:
        """All files, folder by folder."""
        try:
            found = self._place.list(self._source, path)
        except FileMissing:
            return
        for one in sorted(found, key=lambda entry: entry["path"]):
            inside = str(one["path"])
            if posixpath.dirname(inside) != path or posixpath.basename(inside) in ("", ".", ".."):
                note(f"{self._source.shown} lists {inside!r} in {path!r}: passed over")
            elif one.get("is_dir"):
                yield from self.list(inside)
            else:
                yield inside

    def open(self, path: str) -> IO[bytes]:
        return self._source.download(*self._place.file(path))


def _filled(folder: ServerFolder) -> Folder | None:
    return folder if next(folder.list(), None) is not None else None


def _identity(user: str | None, password: str | None) -> tuple[dict[str, str], Any]:
    """As MLflow's own clients say who they are."""
    if token := os.environ.get("MLFLOW_TRACKING_TOKEN"):
        return {"authorization": f"Bearer {token}"}, None
    user = unquote(user) if user else os.environ.get("MLFLOW_TRACKING_USERNAME")
    password = unquote(password) if password else os.environ.get("MLFLOW_TRACKING_PASSWORD")
    return {}, (user, password or "") if user else None
