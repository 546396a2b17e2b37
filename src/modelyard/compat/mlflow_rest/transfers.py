"""Large files past the hub: clients get signed addresses of the bucket, send the parts there, and we verify what became of
them before it is a file.

Only where the yard keeps its files in a bucket that can do it, and only when the hub was told that clients reach that
bucket (``MODELYARD_DIRECT_TRANSFERS=1``): otherwise they are told so, in the words on which they send through the hub.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from modelyard.base.errors import InvalidPath
from modelyard.compat.mlflow_rest import files
from modelyard.compat.mlflow_rest.errors import Refusal
from modelyard.compat.mlflow_rest.places import Place, place_of
from modelyard.compat.mlflow_rest.routing import Endpoint
from modelyard.compat.mlflow_rest.wire import Call, integer_of, invalid
from modelyard.stores.references import new_pin

if TYPE_CHECKING:
    from modelyard.stores.interface import PresignedStore
    from modelyard.yard.yard import Yard

VARIABLE = "MODELYARD_DIRECT_TRANSFERS"
MPU = "/2.0/mlflow-artifacts/mpu/"
MOST_PARTS = 10_000
SMALLEST_PART = 5 << 20

NO_PARTS = "Multipart upload is not supported for the current artifact repository"
"""A client that reads this sends the file in one stream."""


def direct(yard: Yard) -> PresignedStore | None:
    """The bucket that clients may use by themselves, if there is one."""
    return yard.stores.presigned if os.environ.get(VARIABLE) == "1" else None


def create(yard: Yard, call: Call) -> dict[str, Any]:
    """Begin an upload: an address for each part."""
    store = _store(yard, NO_PARTS)
    _target(yard, call)
    parts = call.integer("num_parts", 1, low=1, high=MOST_PARTS)
    # Clients do not say how long the file is; that its parts are large enough the bucket sees to.
    begun = store.create_upload(parts * SMALLEST_PART, parts)
    addresses = [
        {"url": url, "part_number": number, "headers": {}}
        for number, url in enumerate(begun.urls, 1)
    ]
    return {"upload_id": begun.id, "credentials": addresses}


def complete(yard: Yard, call: Call) -> dict[str, Any]:
    """Join the parts, verify them, and let the file appear."""
    _store(yard, NO_PARTS)
    place = _target(yard, call)
    etags = {
        integer_of("part_number", part.get("part_number")): _etag(part)
        for part in call.items("parts")
    }
    if not etags or sorted(etags) != list(range(1, len(etags) + 1)):
        raise invalid("parts", sorted(etags), " They are numbered from 1, each once.")
    pin = new_pin()
    upload_id = call.text("upload_id", needed=True)
    blob = yard.stores.complete_upload(upload_id, [etags[n] for n in sorted(etags)], pin)
    yard.artifacts.put_blob(place.owner, place.path, blob, pin)
    return {}


def abort(yard: Yard, call: Call) -> dict[str, Any]:
    """Give an upload up."""
    _store(yard, NO_PARTS).abort_upload(call.text("upload_id", needed=True))
    return {}


def presigned(yard: Yard, call: Call) -> dict[str, Any]:
    """Where a file is fetched from, for an hour."""
    store = _store(yard, "Presigned downloads are not supported here")
    place = place_of(call.place.get("path", ""))
    entry = yard.artifacts.file(place.owner, place.path)
    assert entry.sha256 is not None
    url = store.download_url(entry.sha256, filename=entry.name)
    return {"url": url, "headers": {}, "file_size": entry.size}


def _store(yard: Yard, otherwise: str) -> PresignedStore:
    store = direct(yard)
    if store is None:
        raise Refusal(otherwise, "NOT_IMPLEMENTED")
    return store


def _target(yard: Yard, call: Call) -> Place:
    """The file to write: the folder stands in the path, and of ``path``, which is a client's own, the name counts."""
    name = call.text("path", needed=True).replace("\\", "/").rpartition("/")[2]
    if not name:
        raise InvalidPath("path has no name of a file")
    place = place_of(f"{call.place.get('path', '').strip('/')}/{name}")
    files.require_writable(yard, place)
    return place


def _etag(part: dict[str, Any]) -> str:
    etag = part.get("etag")
    if not isinstance(etag, str) or not etag or len(etag) > 200:
        raise invalid("parts.etag", etag)
    return etag


ENDPOINTS = [
    Endpoint("POST", MPU + "create/{path:path}", "artifact.write", create),
    Endpoint("POST", MPU + "complete/{path:path}", "artifact.write", complete),
    Endpoint("POST", MPU + "abort/{path:path}", "artifact.write", abort),
    Endpoint("GET", "/2.0/mlflow-artifacts/presigned/{path:path}", "artifact.read", presigned),
]
