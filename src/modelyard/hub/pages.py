"""The documentation of the API: its OpenAPI, and a page that shows it without anything from elsewhere."""

from __future__ import annotations

from importlib import resources
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse

from modelyard import __version__
from modelyard.hub.permissions import PUBLIC
from modelyard.hub.routing import PREFIX, Router, needs
from modelyard.hub.shapes import Failure

TYPES = {"html": "text/html; charset=utf-8", "js": "text/javascript", "css": "text/css"}
DESCRIPTION = """\
Everything a hub can be asked. Listings are pages: `{"items": […], "next": "…"}`, asked for with `limit` and `page`. Errors are
`{"error": {"code", "message", "hint", "details", "request_id"}}`. Times are RFC 3339 with `Z`. A token goes into
`Authorization: Bearer …`."""

router = Router("server", prefix="")


@router.get("/api/docs", include_in_schema=False, **needs(PUBLIC))
def docs_page() -> Response:
    """The page of the API."""
    return _file("docs.html")


@router.get("/api/docs.js", include_in_schema=False, **needs(PUBLIC))
def docs_script() -> Response:
    """Its script."""
    return _file("docs.js")


@router.get("/api/docs.css", include_in_schema=False, **needs(PUBLIC))
def docs_style() -> Response:
    """Its style."""
    return _file("docs.css")


@router.get(f"{PREFIX}/openapi.json", include_in_schema=False, **needs(PUBLIC))
def openapi(request: Request) -> Response:
    """The description of the API."""
    return JSONResponse(request.app.openapi())


def _file(name: str) -> Response:
    text = resources.files("modelyard.hub").joinpath("page", name).read_bytes()
    return Response(text, media_type=TYPES[name.rpartition(".")[2]])


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI, made when it is first asked for."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title="Modelyard hub",
            version=__version__,
            description=DESCRIPTION,
            routes=app.routes,
        )
        components = schema.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        told = Failure.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(told.pop("$defs", {}))
        schemas["Failure"] = told
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        components["securitySchemes"] = {
            "token": {"type": "http", "scheme": "bearer"},
            "basic": {"type": "http", "scheme": "basic"},
        }
        for operations in schema["paths"].values():
            for operation in operations.values():
                _complete(operation)
        app.openapi_schema = schema
    return app.openapi_schema


def _complete(operation: dict[str, Any]) -> None:
    """Errors as we answer them, and the security of what is not for everybody."""
    responses = operation["responses"]
    responses.pop("422", None)
    failure = {"application/json": {"schema": {"$ref": "#/components/schemas/Failure"}}}
    responses["default"] = {"description": "An error.", "content": failure}
    for status in ("400", "413"):
        responses.setdefault(status, {"description": "A bad request.", "content": failure})
    if operation.get("x-permission") != PUBLIC:
        operation["security"] = [{"token": []}, {"basic": []}, {}]
