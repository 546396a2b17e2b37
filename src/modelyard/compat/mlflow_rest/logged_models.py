"""Logged models: what runs (or nobody) logged as a model, before anybody registers it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modelyard.base.errors import Conflict
from modelyard.compat.mlflow_rest import files
from modelyard.compat.mlflow_rest.errors import Refusal, alive, param_refused, told
from modelyard.compat.mlflow_rest.experiments import experiment_id_of
from modelyard.compat.mlflow_rest.places import model_root, of_model
from modelyard.compat.mlflow_rest.routing import BATCH, Endpoint
from modelyard.compat.mlflow_rest.runs import metric_fields
from modelyard.compat.mlflow_rest.wire import Call, given, missing, tag_list
from modelyard.tracking.interface import LoggedModel, Search

if TYPE_CHECKING:
    from modelyard.tracking.search.models import ModelOrder
    from modelyard.yard.yard import Yard

_PREFIX = "LOGGED_MODEL_"
STATUSES = tuple(_PREFIX + word for word in ("PENDING", "READY", "UPLOAD_FAILED"))
_BAD_IN_NAME = "/:.%\"'"


def fields_of(model: LoggedModel) -> dict[str, Any]:
    """A logged model as clients read it."""
    info = given(
        model_id=model.model_id,
        experiment_id=str(model.experiment_id),
        name=model.name,
        creation_timestamp_ms=model.created_ms,
        last_updated_timestamp_ms=model.updated_ms,
        artifact_uri=model_root(model.experiment_id, model.model_id),
        status=_PREFIX + model.status,
        model_type=model.type,
        source_run_id=model.run_id,
        status_message=model.status_message,
        tags=tag_list(model.tags),
    )
    metrics = [{**metric_fields(metric), "run_id": run_id} for run_id, metric in model.metrics]
    return {"info": info, "data": given(params=tag_list(model.params), metrics=metrics)}


def _id(call: Call) -> str:
    return call.place["model_id"]


def create(yard: Yard, call: Call) -> dict[str, Any]:
    """A logged model, PENDING until its files are there."""
    number = experiment_id_of(call.text("experiment_id", needed=True))
    name, run_id = call.text("name"), call.text("source_run_id") or None
    if any(c in _BAD_IN_NAME for c in name):
        raise Refusal(
            f"Invalid model name ({name!r}) provided. Model name must be a non-empty string "
            f"and cannot contain the following characters: {tuple(_BAD_IN_NAME)}"
        )
    with alive("experiment", number):
        yard.tracker.experiment(number)
    if run_id:
        with told("run", run_id):
            yard.tracker.run(run_id, files.no_values())
    with alive("experiment", number):
        model = yard.tracker.create_model(
            number,
            name=name or _made_up(),
            type=call.text("model_type"),
            run_id=run_id,
            params=call.pairs("params"),
            tags=call.pairs("tags"),
        )
    return {"model": fields_of(model)}


def _made_up() -> str:
    from modelyard.tracking.naming import run_name

    return run_name()


def get(yard: Yard, call: Call) -> dict[str, Any]:
    """By id; a deleted one when that is asked for."""
    model_id, deleted = _id(call), call.has("allow_deleted") and call.flag("allow_deleted")
    with told("logged_model", model_id):
        return {"model": fields_of(yard.tracker.model(model_id, deleted=deleted))}


def finalize(yard: Yard, call: Call) -> dict[str, Any]:
    """READY, or failed."""
    status = call.word("status", STATUSES)
    if not status:
        raise missing("status")
    return {"model": fields_of(_changed(yard, _id(call), status=status.removeprefix(_PREFIX)))}


def _changed(
    yard: Yard,
    model_id: str,
    *,
    status: str | None = None,
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str | None] | None = None,
) -> LoggedModel:
    with told("logged_model", model_id):
        try:
            return yard.tracker.update_model(
                model_id, status=status, params=params or {}, tags=tags or {}
            )
        except Conflict as error:
            raise param_refused(error, f"model ID='{model_id}'") from error


def delete(yard: Yard, call: Call) -> dict[str, Any]:
    with told("logged_model", _id(call)):
        yard.tracker.delete_model(_id(call))
    return {}


def log_params(yard: Yard, call: Call) -> dict[str, Any]:
    """More params; those that are there do not change."""
    _changed(yard, _id(call), params=call.pairs("params"))
    return {}


def set_tags(yard: Yard, call: Call) -> dict[str, Any]:
    """Tags, new or changed."""
    _changed(yard, _id(call), tags=call.pairs("tags"))
    return {}


def delete_tag(yard: Yard, call: Call) -> dict[str, Any]:
    """A tag away; an error when it is not there."""
    model_id, key = _id(call), call.place["tag_key"]
    with told("logged_model", model_id):
        if key not in yard.tracker.model(model_id).tags:
            raise Refusal(f"No tag with key {key!r} found for model with ID {model_id!r}.", "RESOURCE_DOES_NOT_EXIST")  # fmt: skip
    _changed(yard, model_id, tags={key: None})
    return {}


def search(yard: Yard, call: Call) -> dict[str, Any]:
    from modelyard.tracking.search.models import Dataset

    ids = [experiment_id_of(text) for text in call.texts("experiment_ids")]
    if not ids:
        raise missing("experiment_ids")
    wanted = Search(
        filter=call.text("filter"),
        experiments=ids,
        limit=call.integer("max_results", 100, low=0, high=1000) or 100,
        page=call.text("page_token") or None,
    )
    datasets = [
        Dataset(Call(item).text("dataset_name", needed=True), Call(item).text("dataset_digest"))
        for item in call.items("datasets")
    ]
    orders = [_order(Call(item)) for item in call.items("order_by")]
    page = yard.tracker.search_models(wanted, orders=orders, datasets=datasets)
    return given(models=[fields_of(model) for model in page.items], next_page_token=page.next)


def _order(item: Call) -> ModelOrder:
    from modelyard.tracking.search.models import Dataset, ModelOrder

    name = item.text("dataset_name")
    dataset = Dataset(name, item.text("dataset_digest")) if name else None
    upwards = item.flag("ascending") if item.has("ascending") else True
    return ModelOrder(item.text("field_name", needed=True), upwards, dataset)


def list_files(yard: Yard, call: Call) -> dict[str, Any]:
    """A folder of its files."""
    model_id = _id(call)
    with told("logged_model", model_id):
        model = yard.tracker.model(model_id)
    path = call.text("artifact_directory_path").rstrip("/")
    found = files.infos(yard, of_model(model_id, path), whole=True)
    return {"root_uri": model_root(model.experiment_id, model_id), **found}


ENDPOINTS = [
    Endpoint("POST", "logged-models", "run.write", create, BATCH),
    Endpoint("POST", "logged-models/search", "run.read", search),
    Endpoint("GET", "logged-models/{model_id}", "run.read", get),
    Endpoint("PATCH", "logged-models/{model_id}", "run.write", finalize),
    Endpoint("DELETE", "logged-models/{model_id}", "run.delete", delete),
    Endpoint("POST", "logged-models/{model_id}/params", "run.write", log_params, BATCH),
    Endpoint("PATCH", "logged-models/{model_id}/tags", "run.write", set_tags, BATCH),
    Endpoint("DELETE", "logged-models/{model_id}/tags/{tag_key:path}", "run.write", delete_tag),
    Endpoint("GET", "logged-models/{model_id}/artifacts/directories", "artifact.read", list_files),
]
