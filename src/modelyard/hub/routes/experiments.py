"""Experiments."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body, Path, Query, Response

from modelyard.hub.asked import YardOf
from modelyard.hub.paging import Limit, Token
from modelyard.hub.routing import Router, needs
from modelyard.hub.shapes import Page
from modelyard.hub.tracking_shapes import (
    LATEST,
    Experiment,
    ExperimentChanges,
    NewExperiment,
    Question,
)
from modelyard.tracking.interface import Search, View

router = Router("experiments")

Id = Annotated[int, Path(ge=0, le=LATEST, examples=[0])]


@router.get("/experiments", summary="List experiments", **needs("experiment.read"))
def list_experiments(
    yard: YardOf,
    view: Annotated[View, Query()] = View.ACTIVE,
    limit: Limit = 100,
    page: Token = None,
) -> Page[Experiment]:
    return _page(yard, Search(view=view, limit=limit, page=page))


@router.post("/experiments/search", summary="Search experiments", **needs("experiment.read"))
def search_experiments(yard: YardOf, question: Annotated[Question, Body()]) -> Page[Experiment]:
    return _page(yard, question.search())


def _page(yard: YardOf, search: Search) -> Page[Experiment]:
    found = yard.tracker.search_experiments(search)
    return Page(items=[Experiment.of(one) for one in found.items], next=found.next)


@router.post("/experiments", status_code=201, summary="Make an experiment", **needs("experiment.write"))  # fmt: skip
def create_experiment(yard: YardOf, new: Annotated[NewExperiment, Body()]) -> Experiment:
    return Experiment.of(yard.tracker.create_experiment(new.name, tags=new.tags))


@router.put("/experiments/by-name/{name:path}", summary="Show an experiment by its name, made when it is not there", **needs("experiment.write"))  # fmt: skip
def ensure_experiment(name: str, yard: YardOf) -> Experiment:
    """Whoever asks first makes it; nobody gets an error (P3)."""
    return Experiment.of(yard.tracker.ensure_experiment(name))


@router.get("/experiments/by-name/{name:path}", summary="Show an experiment by its name", **needs("experiment.read"))  # fmt: skip
def get_experiment_by_name(name: str, yard: YardOf) -> Experiment:
    return Experiment.of(yard.tracker.experiment(name))


@router.get("/experiments/{id}", summary="Show an experiment", **needs("experiment.read"))
def get_experiment(id: Id, yard: YardOf) -> Experiment:
    return Experiment.of(yard.tracker.experiment(id))


@router.patch("/experiments/{id}", summary="Change an experiment's name and tags", **needs("experiment.write"))  # fmt: skip
def change_experiment(
    id: Id, yard: YardOf, changes: Annotated[ExperimentChanges, Body()]
) -> Experiment:
    found = yard.tracker.update_experiment(id, name=changes.name, tags=changes.tags)
    return Experiment.of(found)


@router.delete("/experiments/{id}", status_code=204, summary="Delete an experiment with its runs; it can be restored", **needs("experiment.delete"))  # fmt: skip
def delete_experiment(id: Id, yard: YardOf) -> Response:
    yard.tracker.delete_experiment(id)
    return Response(status_code=204)


@router.post("/experiments/{id}/restore", summary="Restore an experiment and the runs that went with it", **needs("experiment.delete"))  # fmt: skip
def restore_experiment(id: Id, yard: YardOf) -> Experiment:
    yard.tracker.restore_experiment(id)
    return Experiment.of(yard.tracker.experiment(id))


@router.post("/experiments/{id}/purge", status_code=204, summary="Remove a deleted, empty experiment for good", **needs("experiment.purge"))  # fmt: skip
def purge_experiment(id: Id, yard: YardOf) -> Response:
    yard.tracker.purge_experiment(id)
    return Response(status_code=204)
