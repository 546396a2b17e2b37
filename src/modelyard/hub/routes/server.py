"""The hub itself: alive, ready, measured, and what it is."""

from __future__ import annotations

import asyncio

from fastapi import Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from modelyard import __version__
from modelyard.base.errors import Unreachable
from modelyard.hub import accounts
from modelyard.hub.asked import HouseOf
from modelyard.hub.metrics import CONTENT_TYPE
from modelyard.hub.permissions import PUBLIC
from modelyard.hub.routing import PREFIX, Router, needs, principal_of
from modelyard.hub.shapes import Server, Told

READY_SECONDS = 5.0

router = Router("server", prefix="")


class Health(Told):
    """Alive."""

    status: str


@router.get("/healthz", **needs(PUBLIC))
async def healthz() -> Health:
    """The process lives."""
    return Health(status="ok")


@router.get(
    "/readyz",
    responses={503: {"description": "Starting, stopping, or cut off from its database."}},
    **needs(PUBLIC),
)
async def readyz(house: HouseOf) -> Response:
    """Database and store answer, and requests are welcome."""
    if house.draining:
        return JSONResponse({"status": "draining"}, 503)
    try:
        async with asyncio.timeout(READY_SECONDS):
            await asyncio.to_thread(house.yard.reach)
    except TimeoutError:
        raise Unreachable(f"the database does not answer in {READY_SECONDS:g} s") from None
    return JSONResponse({"status": "ready"})


@router.get("/metrics", response_class=PlainTextResponse, **needs("server.read", scoped=True))
async def metrics(house: HouseOf) -> Response:
    """Figures for Prometheus."""
    return Response(house.metrics.text(), media_type=CONTENT_TYPE)


@router.get("/health", response_class=PlainTextResponse, **needs(PUBLIC))
async def health() -> Response:
    """As MLflow's clients ask."""
    return PlainTextResponse("OK")


@router.get("/version", response_class=PlainTextResponse, **needs(PUBLIC))
async def version() -> Response:
    """The version of what runs here."""
    return PlainTextResponse(__version__)


@router.get(f"{PREFIX}/server", **needs("server.read", scoped=True))
def server(request: Request, house: HouseOf) -> Server:
    """What runs here, and who asks."""
    who = principal_of(request)
    return Server(
        version=__version__,
        yard=house.yard.id,
        database=house.yard.database.dialect,
        actor=who.actor,
        role=who.role,
        scopes=list(who.scopes),
        authentication=accounts.has_users(house.yard.database),
    )
