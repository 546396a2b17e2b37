"""Forms: what stock clients send is read, everything else is refused at once."""

from __future__ import annotations

import contextlib
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard.base.errors import InvalidInput, ModelyardError, TooLarge, UnsupportedFormat
from modelyard.serving.multipart import MAX_PARTS, Part, boundary_of, read_form


def sent_by_httpx(
    files: list[tuple[str, tuple[str, bytes, str]]], **fields: str
) -> tuple[bytes, bytes]:
    request = httpx2.Request("POST", "http://x/", files=files, data=fields)
    return request.read(), request.headers["content-type"].encode()


def test_what_a_client_sends_is_read() -> None:
    body, kind = sent_by_httpx(
        [
            ("image", ('Bild "1" ü.png', b"\x89PNG\r\n\r\n--", "image/png")),
            ("more", ("e", b"", "x/y")),
        ],
        text="é\r\n",
        empty="",
    )
    assert read_form(body, boundary_of(kind)) == [
        Part("text", "é\r\n".encode()),
        Part("empty", b""),
        Part("image", b"\x89PNG\r\n\r\n--", "Bild %221%22 ü.png", "image/png"),
        Part("more", b"", "e", "x/y"),
    ]


CURL = (
    b"--------------------------d74496d66958873e\r\n"
    b'Content-Disposition: form-data; name="file"; filename="a\\"b.wav"\r\n'
    b"Content-Type: audio/x-wav\r\n\r\nRIFF\r\n"
    b"--------------------------d74496d66958873e--\r\n"
)


def test_what_curl_sends_is_read() -> None:
    kind = b"multipart/form-data; boundary=------------------------d74496d66958873e"
    assert read_form(CURL, boundary_of(kind)) == [Part("file", b"RIFF", 'a"b.wav', "audio/x-wav")]


NAMES = st.text(
    st.characters(min_codepoint=32, exclude_categories=["Cs"], exclude_characters='"\\'),
    min_size=1,
    max_size=8,
)


@settings(deadline=None, max_examples=80)
@given(st.lists(st.tuples(NAMES, st.binary(max_size=40)), min_size=1, max_size=5))
def test_any_content_comes_through(fields: list[tuple[str, bytes]]) -> None:
    body, kind = sent_by_httpx([(n, ("x", content, "a/b")) for n, content in fields])
    assert [(p.name, p.content) for p in read_form(body, boundary_of(kind))] == fields


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=60), st.sampled_from([b"x", b"--", b"-x", b" "[:0] + b"a b"]))
def test_no_bytes_do_anything_but_be_read_or_refused(data: bytes, boundary: bytes) -> None:
    for body in (data, b"--" + boundary + b"\r\n" + data, CURL[: len(data)] + data):
        try:
            parts = read_form(body, boundary)
        except ModelyardError:
            continue
        assert sum(len(p.content) for p in parts) <= len(body)


def form(*parts: bytes, end: bytes = b"--b--\r\n") -> bytes:
    return b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + end


NAMED = b'Content-Disposition: form-data; name="a"\r\n\r\n'


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        (b"", InvalidInput, "does not begin"),
        (b"preamble\r\n" + form(NAMED), InvalidInput, "does not begin"),
        (form(NAMED, end=b""), InvalidInput, "cut short"),
        (form(NAMED, end=b"--b-"), InvalidInput, "not on a line"),
        (form(NAMED, end=b"--b--\r\nmore"), InvalidInput, "something follows"),
        (form(NAMED)[:20], InvalidInput, "cut short in the headers"),
        (form(b"\r\n"), InvalidInput, "header that is none"),
        (form(b"X: y\r\n\r\n"), InvalidInput, "says no name"),
        (form(b"Content-Disposition: attachment; name=a\r\n\r\n"), InvalidInput, "says no name"),
        (form(b"Content-Disposition: form-data; name\r\n\r\n"), InvalidInput, "cannot be read"),
        (
            form(b'Content-Disposition: form-data; name="a"; name="b"\r\n\r\n'),
            InvalidInput,
            "a name twice",
        ),
        (form(b'Content-Disposition: form-data; name="\xff"\r\n\r\n'), InvalidInput, "not UTF-8"),
        (form(NAMED[:-2] + NAMED), InvalidInput, "one twice"),
        (
            form(b"Content-Transfer-Encoding: base64\r\n" + NAMED),
            UnsupportedFormat,
            "'base64' encoding",
        ),
        (form(b"X: " + b"y" * 9000 + b"\r\n" + NAMED), TooLarge, "headers are longer"),
        (form(*[NAMED] * (MAX_PARTS + 1)), TooLarge, "more than 1000 parts"),
    ],
)
def test_what_is_no_form_is_refused(body: bytes, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        read_form(body, b"b")


@pytest.mark.parametrize(
    "kind",
    [
        b"multipart/form-data", b"multipart/form-data; boundary=", b"multipart/form-data; boundary=" + b"x" * 71,
        b'multipart/form-data; boundary="a\r\nb"', b"multipart/form-data; boundary=\xc3\xa9", b'multipart/form-data; boundary="a "',
    ],
)  # fmt: skip
def test_a_boundary_is_needed(kind: bytes) -> None:
    with pytest.raises(InvalidInput, match="names no boundary"):
        boundary_of(kind)


def test_a_boundary_may_be_quoted() -> None:
    assert boundary_of(b'multipart/form-data; charset=utf-8; Boundary="a b=?"') == b"a b=?"


HOSTILE: dict[str, Any] = {
    "almost the boundary, all through": form(NAMED + b"\r\n--" * 1_000_000),
    "dashes": form(NAMED + b"-" * 4_000_000),
    "blanks before a parameter": form(
        b"Content-Disposition: form-data" + b"; " * 4000 + b"\r\n\r\n"
    ),
    "backslashes": form(b'Content-Disposition: form-data; name="' + b"\\" * 7000 + b'"\r\n\r\n'),
    "many headers": form(b"a:\r\n" * 2000 + NAMED),
}


@pytest.mark.parametrize("word", HOSTILE)
def test_what_is_made_to_take_long_does_not(word: str) -> None:
    # A search that goes back would take hours over these; the suite's timeout would end it.
    with contextlib.suppress(ModelyardError):
        read_form(HOSTILE[word], b"b")
