"""Bytes that mean nothing, under any type, on any path of any protocol: refused, and never the server's failure."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from modelyard.serving.interface import Limits
from modelyard.serving.servers.fastapi import create_app
from modelyard.serving.service import Service
from serving_cases.typed_program import models

KINDS = (
    "application/json", "application/vnd.x+json", "text/csv", "text/csv; header=present", "text/plain", "text/plain; charset=utf-16",
    "application/jsonlines", "application/x-ndjson", "application/vnd.apache.parquet", "application/vnd.apache.arrow.stream",
    "application/x-npy", "application/octet-stream", "image/png", "multipart/form-data", "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded", "application/x-recordio-protobuf", "", ";", "/",
)  # fmt: skip
NAMES = [model.name for model in models()]
PATHS = st.one_of(
    st.sampled_from([f"/{name}/predict" for name in NAMES]),
    st.sampled_from([f"/jobs/{name}/predict" for name in NAMES]),
    st.sampled_from([f"/v2/models/{name}/infer" for name in NAMES]),
    st.sampled_from([f"/invocations?model={name}" for name in NAMES]),
    st.sampled_from(["/v2/repository/index", "/v2/models", "/jobs", "/ping", "/models", "/invocations", "/docs", "/page/x"]),
    st.text("/%.:?=&{}0abpredictv2jobsmodels\\~", max_size=30).map(lambda path: "/" + path.lstrip("/")),
)  # fmt: skip
STARTS = st.sampled_from([
    b"", b"PAR1", b"\x93NUMPY\x01\x00", b"\x93NUMPY\x03\x00", b"\xff\xff\xff\xff", b"\xff\xfe", b"\x1f\x8b\x08", b"\x89PNG\r\n\x1a\n",
    b'{"inputs":[{"name":"X","datatype":"FP64","shape":[1,3],"parameters":{"binary_data_size":24}}]}', b'{"inputs":[', b"[[", b'{"X":',
    b'--x\r\nContent-Disposition: form-data; name="image"\r\n\r\n', b"length,width\n", b"length,width\n1,", b'"', b"-0", b"1e999", b"null",
])  # fmt: skip
HEADERS = st.dictionaries(
    st.sampled_from(["Accept", "Content-Encoding", "Inference-Header-Content-Length", "X-Reference-ID", "X-Request-ID", "Prefer",
                     "Idempotency-Key", "X-Amzn-SageMaker-Target-Model", "X-Amzn-SageMaker-Custom-Attributes", "Accept-Encoding"]),
    st.one_of(
        st.sampled_from(["gzip", "deflate", "0", "94", "999999999999999999999", "wait=1e9", "*/*;q=x", "text/event-stream",
                         "application/x-npy", "application/vnd.apache.parquet", "text/csv", "image/*", "modelyard-method=predict"]),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20),
    ),
    max_size=3,
)  # fmt: skip


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    service = Service(models(), limits=Limits(body_bytes=1 << 20, decoded_bytes=4 << 20))
    with TestClient(create_app(service), base_url="http://127.0.0.1") as client:
        yield client


@settings(max_examples=400, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])  # fmt: skip
@given(
    verb=st.sampled_from(["POST", "POST", "POST", "GET", "PUT", "DELETE", "HEAD", "OPTIONS"]),
    path=PATHS,
    kind=st.sampled_from(KINDS),
    start=STARTS,
    rest=st.binary(max_size=80),
    headers=HEADERS,
)
def test_nothing_that_means_nothing_is_a_failure_of_the_server(
    client: TestClient,
    verb: str,
    path: str,
    kind: str,
    start: bytes,
    rest: bytes,
    headers: dict[str, str],
) -> None:
    answer = client.request(
        verb, path, content=start + rest, headers={**headers, "Content-Type": kind}
    )
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400 and verb != "HEAD":
        assert "error" in answer.text
