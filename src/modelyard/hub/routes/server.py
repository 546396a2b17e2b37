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


@router.get("/healthz", summary="The process lives", **needs(PUBLIC))
async def healthz() -> Health:
    return Health(status="ok")


@router.get(
    "/readyz",
    summary="Database and store answer, and requests are welcome",
    responses={503: {"description": "Starting, stopping, or cut off from its database."}},
    **needs(PUBLIC),
)
async def readyz(house: HouseOf) -> Response:
    if house.draining:
        return JSONResponse({"status": "draining"}, 503)
    try:
        async with asyncio.timeout(READY_SECONDS):
            await asyncio.to_thread(house.yard.reach)
    except TimeoutError:
        raise Unreachable(f"the database does not answer in {READY_SECONDS:g} s") from None
    return JSONResponse({"status": "ready"})


@router.get("/metrics", summary="Figures for Prometheus", response_class=PlainTextResponse, **needs("server.read", scoped=True))  # fmt: skip
async def metrics(house: HouseOf) -> Response:
    return Response(house.metrics.text(), media_type=CONTENT_TYPE)


@router.get("/health", summary="As MLflow's clients ask", response_class=PlainTextResponse, **needs(PUBLIC))  # fmt: skip
async def health() -> Response:
    return PlainTextResponse("OK")


@router.get("/version", summary="The version of what runs here", response_class=PlainTextResponse, **needs(PUBLIC))  # fmt: skip
async def version() -> Response:
    return PlainTextResponse(__version__)


@router.get(f"{PREFIX}/server", summary="What runs here, and who asks", **needs("server.read", scoped=True))  # fmt: skip
def server(request: Request, house: HouseOf) -> Server:
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
