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


@router.get("/experiments", **needs("experiment.read"))
def list_experiments(
    yard: YardOf,
    view: Annotated[View, Query()] = View.ACTIVE,
    limit: Limit = 100,
    page: Token = None,
) -> Page[Experiment]:
    """List experiments."""
    return _page(yard, Search(view=view, limit=limit, page=page))


@router.post("/experiments/search", **needs("experiment.read"))
def search_experiments(yard: YardOf, question: Annotated[Question, Body()]) -> Page[Experiment]:
    """Search experiments."""
    return _page(yard, question.search())


def _page(yard: YardOf, search: Search) -> Page[Experiment]:
    found = yard.tracker.search_experiments(search)
    return Page(items=[Experiment.of(one) for one in found.items], next=found.next)


@router.post("/experiments", status_code=201, **needs("experiment.write"))
def create_experiment(yard: YardOf, new: Annotated[NewExperiment, Body()]) -> Experiment:
    """Make an experiment."""
    return Experiment.of(
        yard.tracker.create_experiment(
            new.name,
            tags=new.tags,
            artifact_location=new.artifact_location,
            experiment_id=new.id,
        )
    )


@router.put("/experiments/by-name/{name:path}", **needs("experiment.write"))
def ensure_experiment(name: str, yard: YardOf) -> Experiment:
    """Show an experiment by its name, made when it is not there.

    Whoever asks first makes it; nobody gets an error (P3).
    """
    return Experiment.of(yard.tracker.ensure_experiment(name))


@router.get("/experiments/by-name/{name:path}", **needs("experiment.read"))
def get_experiment_by_name(name: str, yard: YardOf) -> Experiment:
    """Show an experiment by its name."""
    return Experiment.of(yard.tracker.experiment(name))


@router.get("/experiments/{id}", **needs("experiment.read"))
def get_experiment(id: Id, yard: YardOf) -> Experiment:
    """Show an experiment."""
    return Experiment.of(yard.tracker.experiment(id))


@router.patch("/experiments/{id}", **needs("experiment.write"))
def change_experiment(
    id: Id, yard: YardOf, changes: Annotated[ExperimentChanges, Body()]
) -> Experiment:
    """Change an experiment's name and tags."""
    found = yard.tracker.update_experiment(id, name=changes.name, tags=changes.tags)
    return Experiment.of(found)


@router.delete("/experiments/{id}", status_code=204, **needs("experiment.delete"))
def delete_experiment(id: Id, yard: YardOf) -> Response:
    """Delete an experiment with its runs; it can be restored."""
    yard.tracker.delete_experiment(id)
    return Response(status_code=204)


@router.post("/experiments/{id}/restore", **needs("experiment.delete"))
def restore_experiment(id: Id, yard: YardOf) -> Experiment:
    """Restore an experiment and the runs that went with it."""
    yard.tracker.restore_experiment(id)
    return Experiment.of(yard.tracker.experiment(id))


@router.post("/experiments/{id}/purge", status_code=204, **needs("experiment.purge"))
def purge_experiment(id: Id, yard: YardOf) -> Response:
    """Remove a deleted, empty experiment for good."""
    yard.tracker.purge_experiment(id)
    return Response(status_code=204)
