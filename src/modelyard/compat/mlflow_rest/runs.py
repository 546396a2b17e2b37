"""Runs: made, changed, found; and the listing of their files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from modelyard.base.errors import NotFound
from modelyard.compat.mlflow_rest import files
from modelyard.compat.mlflow_rest.errors import alive, told
from modelyard.compat.mlflow_rest.experiments import MOST, experiment_id_of, view_of
from modelyard.compat.mlflow_rest.places import of_run, run_root
from modelyard.compat.mlflow_rest.routing import Endpoint
from modelyard.compat.mlflow_rest.wire import Call, given, spelled, tag_list
from modelyard.tracking.interface import Batch, Metric, ModelLink, Run, Search, Status

if TYPE_CHECKING:
    from modelyard.yard.yard import Yard

STATUSES = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")
RUN_NAME, PARENT = "mlflow.runName", "mlflow.parentRunId"


def info_of(run: Run) -> dict[str, Any]:
    """What is known of a run, without what it logged. One whose process went silent has failed, as clients know it."""
    return given(
        run_id=run.run_id,
        run_uuid=run.run_id,
        run_name=run.name,
        experiment_id=str(run.experiment_id),
        user_id=run.user,
        status="FAILED" if run.status is Status.LOST else run.status.value,
        start_time=run.started_ms,
        end_time=run.ended_ms,
        artifact_uri=run_root(run.experiment_id, run.run_id),
        lifecycle_stage="active" if run.deleted_ms is None else "deleted",
    )


def fields_of(run: Run) -> dict[str, Any]:
    """A run as clients read it."""
    tags = {**run.tags, RUN_NAME: run.name}
    if run.parent_run_id:
        tags.setdefault(PARENT, run.parent_run_id)
    return {
        "info": info_of(run),
        "data": given(
            metrics=[metric_fields(m) for m in run.metrics],
            params=tag_list(run.params),
            tags=tag_list(tags),
        ),
        "inputs": given(
            dataset_inputs=[_input_fields(use) for use in run.inputs],
            model_inputs=_links(run.model_inputs, step=False),
        ),
        "outputs": given(model_outputs=_links(run.model_outputs, step=True)),
    }


def metric_fields(metric: Metric) -> dict[str, Any]:
    """One point of a metric."""
    found: dict[str, Any] = {
        "key": metric.key,
        "value": spelled(metric.value),
        "timestamp": metric.at_ms,
        "step": metric.step,
    }
    context = metric.context
    for name in ("model_id", "dataset_name", "dataset_digest"):
        if value := getattr(context, name):
            found[name] = value
    return found


def _input_fields(use: Any) -> dict[str, Any]:
    dataset = given(
        name=use.name,
        digest=use.digest,
        source_type=use.source_type,
        source=use.source,
        schema=use.schema,
        profile=use.profile,
    )
    return given(dataset=dataset, tags=tag_list(use.tags))


def _links(links: Sequence[ModelLink], *, step: bool) -> list[dict[str, Any]]:
    return [{"model_id": k.model_id, **({"step": k.step} if step else {})} for k in links]


def create(yard: Yard, call: Call) -> dict[str, Any]:
    """A run that is RUNNING."""
    number = experiment_id_of(call.text("experiment_id", default="0"))
    tags = call.pairs("tags")
    name = call.text("run_name") or tags.get(RUN_NAME, "")
    parent = tags.get(PARENT) or None

    def made(parent: str | None) -> Run:
        return yard.tracker.create_run(
            number,
            name=name,
            user=call.text("user_id"),
            started_ms=call.integer("start_time", low=0) or None,
            tags=tags,
            parent_run_id=parent,
        )

    with alive("experiment", number):
        try:
            run = made(parent)
        except NotFound:
            if parent is None:
                raise
            run = made(None)  # a parent that is kept elsewhere stands in the tag alone
    if tags.get(RUN_NAME) != run.name:
        yard.tracker.write(run.run_id, Batch(tags={RUN_NAME: run.name}))
    return {"run": fields_of(run)}


def get(yard: Yard, call: Call) -> dict[str, Any]:
    """With all it logged: the latest of each metric."""
    run_id = call.run_id()
    with told("run", run_id):
        return {"run": fields_of(yard.tracker.run(run_id))}


def update(yard: Yard, call: Call) -> dict[str, Any]:
    """Another status, end or name."""
    run_id = call.run_id()
    status = call.word("status", STATUSES)
    name = call.text("run_name") or None
    with alive("run", run_id):
        run = yard.tracker.update_run(
            run_id,
            status=Status(status) if status else None,
            ended_ms=call.integer("end_time", low=0) if call.has("end_time") else None,
            name=name,
        )
        if name is not None:
            yard.tracker.write(run_id, Batch(tags={RUN_NAME: name}))
    return {"run_info": info_of(run)}


def delete(yard: Yard, call: Call) -> dict[str, Any]:
    run_id = call.run_id()
    with told("run", run_id):
        yard.tracker.delete_runs([run_id])
    return {}


def restore(yard: Yard, call: Call) -> dict[str, Any]:
    """Bring back a deleted run."""
    run_id = call.run_id()
    with told("run", run_id):
        yard.tracker.restore_runs([run_id])
    return {}


def search(yard: Yard, call: Call) -> dict[str, Any]:
    ids = [experiment_id_of(text) for text in call.texts("experiment_ids")]
    limit = call.integer("max_results", 1000, low=0, high=MOST)
    view = view_of(call, "run_view_type")
    if not ids or not limit:
        return {}
    wanted = Search(
        filter=call.text("filter"),
        order_by=call.texts("order_by"),
        experiments=ids,
        view=view,
        limit=limit,
        page=call.text("page_token") or None,
    )
    page = yard.tracker.search(wanted)
    return given(runs=[fields_of(run) for run in page.items], next_page_token=page.next)


def list_files(yard: Yard, call: Call) -> dict[str, Any]:
    """A folder of its files."""
    run_id = call.run_id()
    with told("run", run_id):
        run = yard.tracker.run(run_id, files.no_values())
    found = files.infos(yard, of_run(run_id, call.text("path").rstrip("/")), whole=True)
    return {"root_uri": run_root(run.experiment_id, run_id), **found}


ENDPOINTS = [
    Endpoint("POST", "runs/create", "run.write", create),
    Endpoint("GET", "runs/get", "run.read", get),
    Endpoint("POST", "runs/update", "run.write", update),
    Endpoint("POST", "runs/delete", "run.delete", delete),
    Endpoint("POST", "runs/restore", "run.delete", restore),
    Endpoint("POST", "runs/search", "run.read", search),
    Endpoint("GET", "artifacts/list", "artifact.read", list_files),
]
