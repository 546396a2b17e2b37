"""Experiments, and the data sets that their runs used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from modelyard.compat.mlflow_rest.errors import INVALID, Refusal, alive, refused, taken, told
from modelyard.compat.mlflow_rest.places import SCHEME
from modelyard.compat.mlflow_rest.routing import Endpoint
from modelyard.compat.mlflow_rest.wire import Call, given, missing, tag_list
from modelyard.tracking.interface import Columns, Experiment, Search, View

if TYPE_CHECKING:
    from modelyard.yard.yard import Yard

VIEWS = ("ACTIVE_ONLY", "DELETED_ONLY", "ALL")
_VIEWS: Mapping[str, View] = dict(zip(VIEWS, (View.ACTIVE, View.DELETED, View.ALL), strict=True))

MOST = 50_000
CONTEXT = "mlflow.data.context"
_SUMMARIES = 1000


def view_of(call: Call, name: str) -> View:
    """Which of the living and the deleted."""
    return _VIEWS[call.word(name, VIEWS, "ACTIVE_ONLY")]


def experiment_id_of(text: str) -> int:
    """An id, which is a text on the wire."""
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise refused("experiment_id", text[:80], code=INVALID)
    return int(text)


def _id(call: Call) -> int:
    value = call.fields.get("experiment_id")
    if isinstance(value, int) and not isinstance(value, bool):
        return experiment_id_of(str(value))
    return experiment_id_of(call.text("experiment_id", needed=True))


def fields_of(experiment: Experiment) -> dict[str, Any]:
    """An experiment as clients read it."""
    return given(
        experiment_id=str(experiment.id),
        name=experiment.name,
        artifact_location=experiment.artifact_location or f"{SCHEME}:/{experiment.id}",
        lifecycle_stage="active" if experiment.deleted_ms is None else "deleted",
        creation_time=experiment.created_ms,
        last_update_time=experiment.updated_ms,
        tags=tag_list(experiment.tags),
    )


def create(yard: Yard, call: Call) -> dict[str, Any]:
    """A new experiment."""
    name, location = call.text("name", needed=True), call.text("artifact_location")
    if location.startswith("runs:"):
        raise Refusal(f"Artifact location cannot be a runs:/ URI. Given: '{location[:200]}'")
    if len(location) > 2048:
        raise Refusal("'artifact_location' exceeds the maximum length of 2048 characters")
    with taken("experiment_exists", name):
        made = yard.tracker.create_experiment(
            name, tags=call.pairs("tags"), artifact_location=location
        )
    return {"experiment_id": str(made.id)}


def get(yard: Yard, call: Call) -> dict[str, Any]:
    """By id, a deleted one too."""
    number = _id(call)
    with told("experiment", number):
        return {"experiment": fields_of(yard.tracker.experiment(number))}


def get_by_name(yard: Yard, call: Call) -> dict[str, Any]:
    """By name, a deleted one too."""
    name = call.text("experiment_name", needed=True)
    with told("experiment_name", name):
        return {"experiment": fields_of(yard.tracker.experiment(name))}


def search(yard: Yard, call: Call) -> dict[str, Any]:
    limit = call.integer("max_results", 1000, low=0, high=MOST)
    wanted = Search(
        filter=call.text("filter"),
        order_by=call.texts("order_by"),
        view=view_of(call, "view_type"),
        limit=limit,
        page=call.text("page_token") or None,
    )
    page = yard.tracker.search_experiments(wanted) if limit else None
    if page is None:
        return {}
    return given(experiments=[fields_of(e) for e in page.items], next_page_token=page.next)


def update(yard: Yard, call: Call) -> dict[str, Any]:
    """Another name."""
    number, name = _id(call), call.text("new_name", needed=True)
    with alive("experiment", number), taken("experiment_exists", name):
        yard.tracker.update_experiment(number, name=name)
    return {}


def delete(yard: Yard, call: Call) -> dict[str, Any]:
    number = _id(call)
    with told("experiment", number):
        yard.tracker.delete_experiment(number)
    return {}


def restore(yard: Yard, call: Call) -> dict[str, Any]:
    """Bring back a deleted experiment, with the runs that went with it."""
    number = _id(call)
    with told("experiment", number):
        yard.tracker.restore_experiment(number)
    return {}


def set_tag(yard: Yard, call: Call) -> dict[str, Any]:
    """A tag of an experiment."""
    number, key = _id(call), call.text("key", needed=True)
    with alive("experiment", number):
        yard.tracker.update_experiment(number, tags={key: call.text("value")})
    return {}


def delete_tag(yard: Yard, call: Call) -> dict[str, Any]:
    """A tag away; an error when it is not there."""
    number, key = _id(call), call.text("key", needed=True)
    with alive("experiment", number):
        if key not in yard.tracker.experiment(number).tags:
            raise Refusal(f"No tag with name: {key}", "RESOURCE_DOES_NOT_EXIST")
        yard.tracker.update_experiment(number, tags={key: None})
    return {}


def search_datasets(yard: Yard, call: Call) -> dict[str, Any]:
    """The data sets that runs of some experiments used, with what for."""
    ids = [experiment_id_of(text) for text in call.texts("experiment_ids")]
    if not ids:
        raise missing("experiment_ids")
    if len(ids) > 20:
        raise Refusal(
            "SearchDatasets request cannot specify more than 20 experiment_ids. "
            f"Received {len(ids)} experiment_ids."
        )
    found: dict[tuple[int, str, str, str], None] = {}
    for summary in _used(yard, ids):
        found.setdefault(summary)
        if len(found) >= _SUMMARIES:
            break
    names = ("experiment_id", "name", "digest", "context")
    rows = ((str(number), *texts) for number, *texts in found)
    return given(dataset_summaries=[given(**dict(zip(names, r, strict=True))) for r in rows])


def _used(yard: Yard, ids: list[int]) -> Iterator[tuple[int, str, str, str]]:
    """Data sets by the runs that used them."""
    page: str | None = None
    columns = Columns(metrics=(), params=(), tags=(), inputs=True)
    while True:
        got = yard.tracker.search(Search(experiments=ids, limit=1000, page=page, columns=columns))
        for run in got.items:
            for use in run.inputs:
                yield run.experiment_id, use.name, use.digest, use.tags.get(CONTEXT, "")
        page = got.next
        if page is None:
            return


ENDPOINTS = [
    Endpoint("POST", "experiments/create", "experiment.write", create),
    Endpoint("GET", "experiments/get", "experiment.read", get),
    Endpoint("GET", "experiments/get-by-name", "experiment.read", get_by_name),
    Endpoint("POST", "experiments/search", "experiment.read", search),
    Endpoint("GET", "experiments/search", "experiment.read", search),
    Endpoint("POST", "experiments/update", "experiment.write", update),
    Endpoint("POST", "experiments/delete", "experiment.delete", delete),
    Endpoint("POST", "experiments/restore", "experiment.delete", restore),
    Endpoint("POST", "experiments/set-experiment-tag", "experiment.write", set_tag),
    Endpoint("POST", "experiments/delete-experiment-tag", "experiment.write", delete_tag),
    Endpoint("POST", "experiments/search-datasets", "experiment.read", search_datasets),
    # Without the slash, as MLflow's own server has it.
    Endpoint("POST", "/2.0mlflow/experiments/search-datasets", "experiment.read", search_datasets),
]
