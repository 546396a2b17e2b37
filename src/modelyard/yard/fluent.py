"""Logging to the current run, as `modelyard` exports it: ``my.log_metric("loss", 0.2)``.

The current run is that of this thread or task, else the one that the process began last; the first thing that is logged
begins one where there is none.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modelyard.tracking.interface import Input
from modelyard.yard import current_run
from modelyard.yard.active_run import ActiveRun
from modelyard.yard.starting import destination_of, set_experiment, start

if TYPE_CHECKING:
    import pandas

    from modelyard.yard.logged_models import LoggedModelRef

__all__ = ["set_experiment"]


def start_run(
    name: str | None = None,
    run_id: str | None = None,
    tags: Mapping[str, Any] | None = None,
    nested: bool = False,
    experiment: str | int | None = None,
    log_system_metrics: bool | float | None = None,
    *,
    parent_run_id: str | None = None,
    all_ranks: bool = False,
) -> ActiveRun:
    """Begin a run and make it the current one; nobody is waited for. Use it with ``with``, or call `end_run`.

    ``run_id`` goes on with a run that is there, ``nested=True`` begins one inside the current one. ``log_system_metrics``
    samples processor, memory, disk, network and GPU every 10 seconds, or as many as it says. A process with
    ``MODELYARD_RUN_ID`` in its environment goes on with that run; a rank above 0 of a distributed training logs nothing
    unless that, ``run_id`` or ``all_ranks=True`` says otherwise.
    """
    run = start(
        destination_of(),
        name,
        run_id=run_id,
        tags=tags,
        nested=nested,
        parent_run_id=parent_run_id,
        experiment=experiment,
        log_system_metrics=log_system_metrics,
        all_ranks=all_ranks,
    )
    current_run.share(run)
    return run


def active_run() -> ActiveRun | None:
    """The current run, or None."""
    return current_run.current()


def end_run(status: str = "FINISHED") -> None:
    """End the current run: ``FINISHED``, ``FAILED`` or ``KILLED``. Without one it does nothing."""
    run = current_run.current()
    if run is not None:
        run.end(status if run.owned or status != "FINISHED" else None)


def flush(timeout: float | None = None) -> bool:
    """Wait until all that this process logged is where it is told; False when that took longer than ``timeout`` seconds."""
    run = current_run.current()
    recorders = [run] if run is not None else current_run.open_runs()
    arrived = [one.flush(timeout) for one in recorders]  # all are asked, whatever the first says
    return all(arrived)


def log_param(key: str, value: Any) -> Any:
    """Log a param, as text; returns the value. Written once: another value is `Conflict`."""
    return _current().log_param(key, value)


def log_params(params: Mapping[str, Any]) -> None:
    """Log params, all of them or none. Written once: another value is `Conflict`."""
    _current().log_params(params)


def log_metric(
    key: str,
    value: float,
    step: int | None = None,
    *,
    timestamp: int | None = None,
    model_id: str | None = None,
    dataset: Input | None = None,
) -> None:
    """Log one point of a metric; without ``step`` it is 0. ``timestamp`` is milliseconds since 1970, now if left out."""
    _current().log_metric(key, value, step, timestamp=timestamp, model_id=model_id, dataset=dataset)


def log_metrics(
    metrics: Mapping[str, float],
    step: int | None = None,
    *,
    timestamp: int | None = None,
    model_id: str | None = None,
    dataset: Input | None = None,
) -> None:
    """Log a point of each metric, all of them or none."""
    _current().log_metrics(metrics, step, timestamp=timestamp, model_id=model_id, dataset=dataset)


def set_tag(key: str, value: Any) -> None:
    """Set a tag, as text."""
    _current().set_tag(key, value)


def set_tags(tags: Mapping[str, Any]) -> None:
    """Set tags, as texts, all of them or none."""
    _current().set_tags(tags)


def delete_tag(key: str) -> None:
    """Remove a tag."""
    _current().delete_tag(key)


def log_artifact(path: str | os.PathLike[str], artifact_path: str | None = None) -> None:
    """Keep a file as it is now, below the folder ``artifact_path`` of the run; a folder with all that is in it."""
    _current().log_artifact(path, artifact_path)


def log_artifacts(folder: str | os.PathLike[str], artifact_path: str | None = None) -> None:
    """Keep all files below a folder as they are now."""
    _current().log_artifacts(folder, artifact_path)


def log_text(text: str, artifact_file: str) -> None:
    """Keep a text as a file (UTF-8)."""
    _current().log_text(text, artifact_file)


def log_dict(dictionary: Any, artifact_file: str) -> None:
    """Keep a dict or list as a file: YAML when it is called ``.yaml`` or ``.yml``, else JSON."""
    _current().log_dict(dictionary, artifact_file)


def log_figure(figure: Any, artifact_file: str, **options: Any) -> None:
    """Keep a matplotlib or plotly figure: ``.png``, ``.svg``, ``.pdf`` …, or ``.html`` and ``.json`` of plotly."""
    _current().log_figure(figure, artifact_file, **options)


def log_image(
    image: Any,
    artifact_file: str | None = None,
    *,
    key: str | None = None,
    step: int | None = None,
) -> None:
    """Keep an image, an array or one of PIL: under a file name, or as one of the series ``key`` at a step."""
    _current().log_image(image, artifact_file, key=key, step=step)


def log_table(data: Any, artifact_file: str) -> None:
    """Keep a table as JSON or ``.csv``: a DataFrame, a dict of columns, or a list of rows. Rows that are logged to the
    same file later are appended."""
    _current().log_table(data, artifact_file)


def log_input(
    dataset: Any,
    context: str | None = "training",
    name: str | None = None,
    *,
    target: str | None = None,
) -> Input:
    """Say what data the run took: a `Dataset` of the yard, a DataFrame, an array, or the path of a file. Its name, digest,
    schema and number of rows are recorded, not the data."""
    return _current().log_input(dataset, context, name, target=target)


def log_model(
    model: Any,
    name: str = "model",
    *,
    sample_data: Any = None,
    register: str | None = None,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    step: int = 0,
    **save_options: Any,
) -> LoggedModelRef:
    """Save a model as `save` does and keep it with the run; it is loaded as ``runs:/<run_id>/<name>`` or
    ``models:/<model_id>``. ``register`` also makes it the next version of a registered model."""
    return _current().log_model(
        model,
        name,
        sample_data=sample_data,
        register=register,
        params=params,
        tags=tags,
        step=step,
        **save_options,
    )


def search_runs(
    filter: str = "",
    *,
    order_by: Sequence[str] | str = (),
    experiments: Sequence[str | int] | str | int | None = None,
    view: str = "active",
    limit: int = 1000,
    records: bool = False,
) -> pandas.DataFrame | list[dict[str, Any]]:
    """Runs of the project's yard, one row each: columns ``metrics.x`` (latest values), ``params.x`` and ``tags.x``. What
    this process logged is in it. The arguments are those of `yard.runs.search`."""
    from modelyard.yard.yard import Yard

    flush(SEARCH_SECONDS)
    with Yard() as yard:
        return yard.runs.search(
            filter,
            order_by=order_by,
            experiments=experiments,
            view=view,
            limit=limit,
            records=records,
        )


SEARCH_SECONDS = 10.0
"""A search waits no longer for what was just logged."""


def _current() -> ActiveRun:
    return current_run.current() or start_run()
