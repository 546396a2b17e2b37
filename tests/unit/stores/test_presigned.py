"""Clients that transfer by themselves: real requests to the URLs, and nothing is a blob before it is verified."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

import pytest

from cases.stores.fsspec import unfinished
from modelyard.base.clock import now_ms
from modelyard.base.errors import (
    DigestMismatch,
    FileMissing,
    InvalidInput,
    ModelyardError,
    NotFound,
)
from modelyard.stores import open_store
from modelyard.testing.stores import MB, content, sha256


@pytest.fixture
def store(s3_uri: str) -> Any:
    return open_store(s3_uri)


def send(url: str, data: bytes) -> str:
    """PUT as any client does; answers the ETag."""
    headers = {"Content-Type": "application/octet-stream"}
    request = urllib.request.Request(url, data=data, headers=headers, method="PUT")
    with urllib.request.urlopen(request) as answer:
        return answer.headers["ETag"]


def sent(store: Any, data: bytes, parts: int) -> tuple[str, list[str]]:
    """An upload with all its parts, sent from the last to the first."""
    upload = store.create_upload(len(data), parts)
    assert len(upload.urls) == parts
    size = upload.part_size
    numbered = [(n, data[n * size : (n + 1) * size]) for n in range(parts)]
    etags = {n: send(upload.urls[n], piece) for n, piece in reversed(numbered)}
    return upload.id, [etags[n] for n in range(parts)]


@pytest.mark.parametrize(("size", "parts"), [(0, 1), (100, 1), (5 * MB, 1), (10 * MB + 1, 2)])
def test_a_client_uploads_and_downloads_by_itself(store: Any, size: int, parts: int) -> None:
    data = content(size)
    upload_id, etags = sent(store, data, parts)
    assert store.stat(sha256(data)) is None
    told: list[str] = []
    blob = store.complete_upload(
        upload_id, etags, expect=sha256(data), before=lambda blob: told.append(blob.sha256)
    )
    assert (blob.sha256, blob.size, told) == (sha256(data), size, [sha256(data)])
    assert store.open(blob.sha256).read() == data
    with urllib.request.urlopen(store.download_url(blob.sha256, filename='a"\r\nb.bin')) as answer:
        assert answer.read() == data
        assert answer.headers["Content-Disposition"] == 'attachment; filename="a___b.bin"'
    assert unfinished(store) == 0


def test_other_bytes_than_announced_are_never_a_blob(store: Any) -> None:
    upload_id, etags = sent(store, b"other", 1)
    with pytest.raises(DigestMismatch):
        store.complete_upload(upload_id, etags, expect=sha256(b"announced"))
    assert list(store.list()) == []
    assert unfinished(store) == 0


def test_giving_up(store: Any) -> None:
    upload_id, etags = sent(store, b"data", 1)
    store.abort_upload(upload_id)
    store.abort_upload(upload_id)
    with pytest.raises(ModelyardError):
        store.complete_upload(upload_id, etags)
    assert list(store.list()) == []
    sent(store, b"abandoned", 1)
    assert store.sweep() == 0
    assert store.sweep(before_ms=now_ms() + 1000) == 1
    assert unfinished(store) == 0


def test_bad_numbers_and_ids_are_refused(store: Any) -> None:
    for size, parts in ((-1, 1), (10, 0), (10, -1), (10, 2), (10**9, 10_001)):
        with pytest.raises(InvalidInput):
            store.create_upload(size, parts)
    for upload_id in ("", "x", "../../x.y", "a" * 32):
        with pytest.raises(InvalidInput):
            store.complete_upload(upload_id, ["etag"])
    for digest in ("", "../secret"):
        with pytest.raises(InvalidInput):
            store.download_url(digest)


def test_a_url_is_good_for_its_object_alone(store: Any) -> None:
    url = store.download_url(sha256(b"absent"))
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(url)


def test_what_is_wrong_with_a_bucket_is_said_in_our_words(
    s3_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    with pytest.raises(NotFound, match="s3://no-such-bucket-anywhere/x"):
        open_store("s3://no-such-bucket-anywhere/x").put(io.BytesIO(b"data"))
    with pytest.raises(FileMissing):
        open_store(s3_uri).open(sha256(b"absent"))
