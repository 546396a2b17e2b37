"""Data sets."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Query, Request

from modelyard.hub.asked import YardOf, visible_page
from modelyard.hub.incoming import BATCH_BYTES
from modelyard.hub.paging import Limit, Token, page_of, read_token
from modelyard.hub.routing import Router, needs, principal_of
from modelyard.hub.shapes import Dataset, DatasetWithCard, NewDataset, Page
from modelyard.objects.card_file import card_to_dict
from modelyard.yard import catalog
from modelyard.yard.datasets import Dataset as Kept

router = Router("datasets")


@router.get("/datasets", **needs("dataset.read", scoped=True))
def list_datasets(
    request: Request,
    yard: YardOf,
    name: Annotated[str | None, Query(max_length=256, description="Of this one only.")] = None,
    limit: Limit = 100,
    page: Token = None,
) -> Page[Dataset]:
    """List versions of data sets, oldest first."""
    place = read_token(page, "datasets", [int])

    def more(after: int, count: int) -> Any:
        return yard.datasets.page(name=name, after=after, limit=count)

    after = place[0] if place else 0
    rows = visible_page(principal_of(request), more, after, limit, lambda row: row["id"])
    return page_of(rows, limit, "datasets", lambda row: [row["id"]])  # type: ignore[return-value]


@router.post("/datasets", status_code=201, **needs("dataset.write", scoped=True, body=BATCH_BYTES))
def add_dataset(
    request: Request, yard: YardOf, new: Annotated[NewDataset, Body()]
) -> DatasetWithCard:
    """Add data whose files were uploaded."""
    principal_of(request).require_name(new.name)
    return _shown(catalog.add_uploaded_dataset(yard, new.name, new.card, new.description))


@router.get("/datasets/{name}/{version}", **needs("dataset.read", named=True))
def get_dataset(name: str, version: str, yard: YardOf) -> DatasetWithCard:
    """Show a version of a data set.

    `version` is a number or `latest`.
    """
    return _shown(yard.datasets.get(f"{name}@{version}"))


def _shown(dataset: Kept) -> DatasetWithCard:
    card = card_to_dict(dataset.card)
    return DatasetWithCard(
        **dataset.row(), card=card, profile=[dict(c) for c in dataset.card.profile]
    )
