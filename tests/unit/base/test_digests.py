"""Content ids."""

import hashlib
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.base.digests import (
    CHUNK,
    FileEntry,
    artifact_digest,
    blob_id,
    canonical_json,
    sha256_bytes,
    sha256_file,
    sha256_stream,
)

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1])
def test_bytes_stream_and_file_have_one_digest(tmp_path, size):
    data = bytes(i % 251 for i in range(size))
    (tmp_path / "f").write_bytes(data)
    expected = hashlib.sha256(data).hexdigest()
    assert sha256_bytes(data) == expected
    assert sha256_stream(io.BytesIO(data)) == (expected, size)
    assert sha256_file(tmp_path / "f") == (expected, size)


def test_a_stream_is_read_from_where_it_stands():
    stream = io.BytesIO(b"abc")
    stream.read(1)
    assert sha256_stream(stream) == (sha256_bytes(b"bc"), 2)


def test_how_an_id_is_written():
    assert blob_id(EMPTY) == f"sha256:{EMPTY}"


def test_the_digest_of_an_artifact_is_that_of_its_sorted_list():
    files = [FileEntry("b", 2, "bb"), FileEntry("a/c", 1, "aa")]
    spelled = b'[{"path":"a/c","sha256":"aa","size":1},{"path":"b","sha256":"bb","size":2}]'
    assert artifact_digest(files) == blob_id(sha256_bytes(spelled))
    assert artifact_digest(reversed(files)) == artifact_digest(files)


@pytest.mark.parametrize(
    "other", [FileEntry("b", 1, "x"), FileEntry("a", 2, "x"), FileEntry("a", 1, "y")]
)
def test_every_field_counts(other):
    assert artifact_digest([FileEntry("a", 1, "x")]) != artifact_digest([other])


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda v: st.lists(v) | st.dictionaries(st.text(), v),
    max_leaves=10,
)


@given(values)
def test_canonical_json_reads_back(value):
    spelled = canonical_json(value)
    assert spelled.isascii()
    assert canonical_json(json.loads(spelled)) == spelled


def test_the_order_of_keys_does_not_count():
    assert canonical_json({"b": 1, "a": "é"}) == canonical_json({"a": "é", "b": 1})
    assert canonical_json({"b": 1, "a": "é"}) == b'{"a":"\\u00e9","b":1}'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_json_cannot_say_is_refused(value):
    with pytest.raises(ValueError):
        canonical_json(value)
