"""The tracker of a hub: each method one request to its ``/api/v1``.

What cannot be kept is refused here with the same words as by `SqlTracker`, before anything is sent. A batch and a new
run go under a key of their own, so that what is sent again because the answer was lost happens once (P6).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from modelyard.base.clock import new_id
from modelyard.base.errors import NotFound
from modelyard.base.hub_client import HubClient
from modelyard.base.names import LOGGED_MODEL
from modelyard.tracking import receiving, wire
from modelyard.tracking.checks import (
    check_experiment_name,
    check_key,
    check_model_status,
    check_run_id,
    check_texts,
)
from modelyard.tracking.interface import (
    EVERYTHING,
    Batch,
    Bucket,
    Columns,
    Context,
    Experiment,
    LoggedModel,
    Metric,
    Page,
    Run,
    Search,
    Status,
    View,
)
from modelyard.tracking.records import to_plain

T = TypeVar("T")

_NONE: Mapping[str, Any] = {}
_LONGEST_KEY = 100


class HttpTracker:
    """The tracker behind a hub. Threads may share it."""

    def __init__(self, client: HubClient) -> None:
        self._client = client

    # Experiments

    def create_experiment(
        self,
        name: str,
        *,
        tags: Mapping[str, str] = _NONE,
        artifact_location: str = "",
        experiment_id: int | None = None,
    ) -> Experiment:
        check_texts(tags, "tag")
        new = {
            "name": check_experiment_name(name),
            "tags": dict(tags),
            "artifact_location": artifact_location,
            "id": experiment_id,
        }
        return wire.experiment_from(self._client.ask("POST", "experiments", json=new))

    def ensure_experiment(self, name: str) -> Experiment:
        asked = ("experiments", "by-name", check_experiment_name(name))
        return wire.experiment_from(self._client.ask("PUT", *asked))

    def experiment(self, which: int | str) -> Experiment:
        place = ("by-name", which) if isinstance(which, str) else (which,)
        return wire.experiment_from(self._client.ask("GET", "experiments", *place))

    def update_experiment(
        self,
        experiment_id: int,
        *,
        name: str | None = None,
        tags: Mapping[str, str | None] = _NONE,
    ) -> Experiment:
        if name is not None:
            check_experiment_name(name)
        check_texts(tags, "tag")
        changes = {"name": name, "tags": dict(tags)}
        return wire.experiment_from(
            self._client.ask("PATCH", "experiments", experiment_id, json=changes)
        )

    def delete_experiment(self, experiment_id: int) -> None:
        self._client.ask("DELETE", "experiments", experiment_id)

    def restore_experiment(self, experiment_id: int) -> None:
        self._client.ask("POST", "experiments", experiment_id, "restore")

    def search_experiments(self, search: Search) -> Page[Experiment]:
        return self._search("experiments", search, wire.experiment_from)

    def _search(self, kind: str, search: Search, read: Callable[[wire.Told], T]) -> Page[T]:
        found = self._client.ask("POST", kind, "search", json=wire.search_to(search))
        return Page([read(told) for told in found["items"]], found["next"])

    # Runs

    def create_run(
        self,
        experiment_id: int,
        *,
        run_id: str | None = None,
        name: str = "",
        user: str = "",
        started_ms: int | None = None,
        tags: Mapping[str, str] = _NONE,
        parent_run_id: str | None = None,
        once: str | None = None,
    ) -> Run:
        if run_id is not None:
            check_run_id(run_id)
        check_texts(tags, "tag")
        new = {
            "experiment_id": experiment_id,
            "run_id": run_id,
            "name": name,
            "user": user,
            "started_at": started_ms,
            "tags": dict(tags),
            "parent_run_id": parent_run_id,
        }
        return wire.run_from(self._client.ask("POST", "runs", json=new, key=_key(once)))

    def run(self, run_id: str, columns: Columns = EVERYTHING) -> Run:
        check_run_id(run_id)
        if columns == EVERYTHING:
            return wire.run_from(self._client.ask("GET", "runs", run_id))
        one = Search(f"attributes.run_id = '{run_id}'", view=View.ALL, limit=1, columns=columns)
        for found in self.search(one).items:
            return found
        raise NotFound(f"no run with id {run_id!r}")

    def update_run(
        self,
        run_id: str,
        *,
        status: Status | None = None,
        ended_ms: int | None = None,
        name: str | None = None,
    ) -> Run:
        changes = {
            "status": None if status is None else status.value,
            "ended_at": ended_ms,
            "name": name,
        }
        return wire.run_from(self._client.ask("PATCH", "runs", check_run_id(run_id), json=changes))

    def write(self, run_id: str, batch: Batch, *, once: str | None = None) -> None:
        check_run_id(run_id)
        for metric in batch.metrics:
            check_key(metric.key)
        check_texts(batch.params, "param")
        check_texts(batch.tags, "tag")
        self._client.ask("POST", "runs", run_id, "batch", json=wire.batch_to(batch), key=_key(once))

    def beat(self, run_ids: Sequence[str], seconds: float) -> None:
        ids = [check_run_id(run_id) for run_id in dict.fromkeys(run_ids)]
        if ids:
            self._client.ask("POST", "runs", "beat", json={"run_ids": ids, "seconds": seconds})

    # What other processes told

    def received(self, spool: str) -> int:
        return int(self._client.ask("GET", "spools", receiving.checked_spool(spool))["received"])

    def receive(self, spool: str, after: int, records: receiving.Numbered) -> int:
        receiving.checked_spool(spool)
        receiving.check(after, records)
        told = [[n, None if record is None else to_plain(record)] for n, record in records]
        sent = {"after": after, "records": told}
        # The number makes it happen once: it may be sent again as it is.
        answer = self._client.ask("POST", "spools", spool, "records", json=sent, key=new_id())
        return int(answer["received"])

    def delete_runs(self, run_ids: Sequence[str]) -> None:
        self._on_runs("delete", run_ids)

    def restore_runs(self, run_ids: Sequence[str]) -> None:
        self._on_runs("restore", run_ids)

    def purge_runs(self, run_ids: Sequence[str]) -> None:
        self._on_runs("purge", run_ids)

    def tag_runs(self, run_ids: Sequence[str], tags: Mapping[str, str | None]) -> None:
        check_texts(tags, "tag")
        self._on_runs("tag", run_ids, tags=dict(tags))

    def move_runs(self, run_ids: Sequence[str], experiment_id: int) -> None:
        self._on_runs("move", run_ids, experiment_id=experiment_id)

    def _on_runs(self, verb: str, run_ids: Sequence[str], **more: Any) -> None:
        ids = [check_run_id(run_id) for run_id in dict.fromkeys(run_ids)]
        if ids:
            self._client.ask("POST", "runs", verb, json={"run_ids": ids, **more})

    def copy_run(self, run_id: str, experiment_id: int) -> Run:
        place = ("runs", check_run_id(run_id), "copy")
        return wire.run_from(
            self._client.ask("POST", *place, query={"experiment_id": experiment_id})
        )

    def search(self, search: Search) -> Page[Run]:
        return self._search("runs", search, wire.run_from)

    # Metrics

    def history(
        self,
        run_id: str,
        key: str,
        *,
        context: Context | None = None,
        limit: int = 25_000,
        page: str | None = None,
    ) -> Page[Metric]:
        query = {
            "key": check_key(key),
            "limit": limit,
            "page": page,
            **({} if context is None else wire.context_to(context)),
        }
        place = ("runs", check_run_id(run_id), "metrics", "history")
        found = self._client.ask("GET", *place, query=query)
        return Page([wire.metric_from(told) for told in found["items"]], found["next"])

    def curve(
        self,
        run_id: str,
        key: str,
        *,
        buckets: int = 500,
        first_step: int | None = None,
        last_step: int | None = None,
        context: Context | None = None,
    ) -> Sequence[Bucket]:
        query = {
            "key": check_key(key),
            "buckets": buckets,
            "first_step": first_step,
            "last_step": last_step,
            **({} if context is None else wire.context_to(context)),
        }
        place = ("runs", check_run_id(run_id), "metrics", "curve")
        found = self._client.ask("GET", *place, query=query)
        return [wire.bucket_from(told) for told in found["buckets"]]

    # Logged models

    def create_model(
        self,
        experiment_id: int,
        *,
        name: str = "",
        type: str = "",
        run_id: str | None = None,
        params: Mapping[str, str] = _NONE,
        tags: Mapping[str, str] = _NONE,
    ) -> LoggedModel:
        check_texts(params, "param")
        check_texts(tags, "tag")
        new = {
            "experiment_id": experiment_id,
            "name": name,
            "type": type,
            "run_id": run_id,
            "params": dict(params),
            "tags": dict(tags),
        }
        return wire.model_from(self._client.ask("POST", "logged-models", json=new))

    def model(self, model_id: str, *, deleted: bool = False) -> LoggedModel:
        query = {"deleted": "true"} if deleted else None
        place = ("logged-models", _model_id(model_id))
        return wire.model_from(self._client.ask("GET", *place, query=query))

    def update_model(
        self,
        model_id: str,
        *,
        status: str | None = None,
        params: Mapping[str, str] = _NONE,
        tags: Mapping[str, str | None] = _NONE,
    ) -> LoggedModel:
        check_texts(params, "param")
        check_texts(tags, "tag")
        check_model_status(status)
        changes = {"status": status, "params": dict(params), "tags": dict(tags)}
        place = ("logged-models", _model_id(model_id))
        return wire.model_from(self._client.ask("PATCH", *place, json=changes))

    def delete_model(self, model_id: str) -> None:
        self._client.ask("DELETE", "logged-models", _model_id(model_id))

    def purge_model(self, model_id: str) -> None:
        self._client.ask("POST", "logged-models", _model_id(model_id), "purge")

    def purge_deleted(self, before_ms: int) -> int:
        told = self._client.ask("POST", "runs", "purge-deleted", json={"before": before_ms})
        return int(told["count"])

    def search_models(self, search: Search) -> Page[LoggedModel]:
        return self._search("logged-models", search, wire.model_from)


def _key(once: str | None) -> str:
    """The key of a request: the caller's, made short where it has to be, else a new one."""
    if once is None:
        return new_id()
    plain = once.isascii() and once.isprintable() and 0 < len(once) <= _LONGEST_KEY
    return once if plain else hashlib.sha256(once.encode("utf-8", "surrogatepass")).hexdigest()


def _model_id(model_id: str) -> str:
    if not LOGGED_MODEL.fullmatch(model_id):
        raise NotFound(f"no logged model with id {model_id!r}")
    return model_id
