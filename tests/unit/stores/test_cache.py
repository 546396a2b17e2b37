"""A cache keeps what was used last, within what it may take."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from modelyard.base.errors import InvalidSetting
from modelyard.base.project import cache_bytes
from modelyard.stores.local import LocalStore


def kept(store: LocalStore) -> set[str]:
    return {blob.sha256 for blob in store.list()}


def filled(root: Path) -> tuple[LocalStore, list[str]]:
    """Four blobs of 100 bytes, the first one used longest ago."""
    store = LocalStore(root)
    digests = [store.put(io.BytesIO(bytes([n]) * 100)).sha256 for n in range(4)]
    for second, digest in enumerate(digests):
        os.utime(root / "files" / digest[:2] / digest[2:], (1000 + second, 1000 + second))
    return store, digests


def test_what_was_not_used_for_longest_goes(tmp_path: Path) -> None:
    store, (a, b, c, d) = filled(tmp_path)
    assert store.prune(400) == 0
    store.touch(a)
    assert store.prune(250) == 2
    assert kept(store) == {a, d}
    assert store.prune(0, keep=a) == 1
    assert kept(store) == {a}
    assert b != c


def test_who_reads_a_blob_reads_on(tmp_path: Path) -> None:
    store, digests = filled(tmp_path)
    with store.open(digests[0]) as stream:
        store.prune(0)
        assert stream.read() == bytes(100)


def test_its_size_is_said_in_gigabytes() -> None:
    assert cache_bytes({}) == 10_000_000_000
    assert cache_bytes({"MODELYARD_CACHE_GB": "0.5"}) == 500_000_000
    for wrong in ("many", "-1", "nan", "inf"):
        with pytest.raises(InvalidSetting, match="MODELYARD_CACHE_GB"):
            cache_bytes({"MODELYARD_CACHE_GB": wrong})
