"""What processes told of their runs, in the order in which it happened: carried out once, however often it is sent."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body, Path, Request

from modelyard.hub.asked import YardOf
from modelyard.hub.incoming import INPUT_BYTES
from modelyard.hub.record_shapes import NewRecords, Received
from modelyard.hub.routing import Router, needs, principal_of

router = Router("spools")

Id = Annotated[
    str, Path(pattern="^[A-Za-z0-9_.:-]{1,100}$", description="A random text that nobody else has.")
]


@router.get("/spools/{id}", **needs("run.write"))
def get_spool(id: Id, yard: YardOf) -> Received:
    """Tell how far a spool was heard; 0 for one never heard of."""
    return Received(received=yard.tracker.received(id))


@router.post("/spools/{id}/records", **needs("run.write", body=INPUT_BYTES))
def receive_records(
    request: Request, id: Id, yard: YardOf, new: Annotated[NewRecords, Body()]
) -> Received:
    """Carry out records of a spool, all or none, if it was heard up to `after`.

    Sent again, they do nothing: `received` says where to go on from.
    """
    caller = principal_of(request).actor
    told = [(n, None if record is None else record.record(caller)) for n, record in new.records]
    return Received(received=yard.tracker.receive(id, new.after, told))
