"""Methods that take files, over a real server: forms, raw bodies, answers that are files, and hostile forms."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import io
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pandas as pd
import pytest
from PIL import Image

from modelyard.base.errors import SchemaMismatch
from modelyard.serving.client import Client
from modelyard.serving.interface import Limits
from serving_cases.logs import FaultyLog
from serving_cases.models import function_model
from serving_cases.server import serving

Http = httpx2.Client
SEEN: list[Path] = []


def bark(sound: bytes, times: int = 1, mood: str = "happy") -> str:
    return f"{len(sound)} bytes, {mood}" * times


def describe(recording: Path) -> str:
    SEEN.append(recording)
    return f"{recording.name} {recording.read_bytes()!r}"


def flip(image: Image.Image) -> Image.Image:
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def count(images: list[Image.Image]) -> list[str]:
    return [f"{i.mode} {i.width}x{i.height}" for i in images]


def echo(data: bytes) -> bytes:
    return data


def shout(text: str) -> str:
    return text.upper()


def both(left: Image.Image, right: Image.Image | None = None, on: dt.date | None = None) -> str:
    return f"{left.mode} {right and right.mode} {on}"


def table(frame: pd.DataFrame, mask: bytes) -> int:
    return int(frame["a"].sum()) + len(mask)


def png(mode: str = "RGB", size: tuple[int, int] = (3, 2)) -> bytes:
    out = io.BytesIO()
    image = Image.new(mode, size)
    image.putpixel((0, 0), 255 if mode == "L" else (255, 0, 0))
    image.save(out, "PNG")
    return out.getvalue()


def models() -> list[Any]:
    functions = {"bark": bark, "describe": describe, "flip": flip, "count": count, "echo": echo, "shout": shout, "both": both}  # fmt: skip
    return [
        *(function_model(name, None, predict=f) for name, f in functions.items()),
        function_model("table", (pd.DataFrame({"a": [1, 2]}), b"x"), predict=table),
    ]


@pytest.fixture(scope="module")
def http() -> Iterator[Http]:
    limits = Limits(body_bytes=50_000, file_bytes=200_000)
    with serving(models(), limits=limits) as client:
        yield client


def url_of(http: Http) -> str:
    return str(http.base_url).rstrip("/")


def post(http: Http, path: str, files: Any = None, **more: Any) -> Any:
    answer = http.post(path, files=files, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("field", ["file", "sound"])
def test_a_form_carries_a_file_and_further_arguments(http: Http, field: str) -> None:
    files = {field: ("dog.wav", b"RIFF", "audio/wav")}
    assert post(http, "/bark/predict", files) == "4 bytes, happy"
    found = post(http, "/bark/predict", files, data={"times": "2", "mood": "sad"})
    assert found == "4 bytes, sad4 bytes, sad"


def test_the_method_gets_a_real_file_of_that_name_and_it_goes_away(http: Http) -> None:
    files = {"file": ("Hund 1.wav", b"RIFF")}
    assert post(http, "/describe/predict", files) == "Hund 1.wav b'RIFF'"
    path = str(SEEN.pop())
    assert not Path(path).parent.exists()


def test_several_files_for_a_list(http: Http) -> None:
    files = [("images", ("a.png", png("L"))), ("images", ("b.png", png(size=(7, 1))))]
    assert post(http, "/count/predict", files) == ["L 3x2", "RGB 7x1"]


def test_a_second_file_and_a_date_may_be_left_out(http: Http) -> None:
    left = ("left", ("a.png", png()))
    assert post(http, "/both/predict", [left]) == "RGB None None"
    right = ("right", ("b.png", png("L")))
    data = {"on": "2024-02-29"}
    assert post(http, "/both/predict", [left, right], data=data) == "RGB L 2024-02-29"
    # What a browser sends for a field that nobody filled in.
    empty = ("right", ("", b"", "application/octet-stream"))
    assert post(http, "/both/predict", [left, empty], data={"on": ""}) == "RGB None None"


def test_a_table_as_a_file_beside_another(http: Http) -> None:
    files = {"frame": ("x.csv", b"a\n5\n6\n", "text/csv"), "mask": ("m", b"123")}
    assert post(http, "/table/predict", files) == 14
    files["frame"] = (None, b'[{"a": 1}]')  # type: ignore[assignment]
    assert post(http, "/table/predict", files) == 4


@pytest.mark.parametrize(
    "kind", ["audio/wav", "application/octet-stream", "application/pdf", "text/html"]
)
def test_a_raw_body_is_the_one_file(http: Http, kind: str) -> None:
    found = post(http, "/bark/predict", content=b"RIFF", headers={"Content-Type": kind})
    assert found == "4 bytes, happy"


def test_a_raw_body_gets_a_name_by_its_type(http: Http) -> None:
    headers = {"Content-Type": "image/png"}
    assert post(http, "/describe/predict", content=b"x", headers=headers) == "file.png b'x'"


def test_json_carries_base64(http: Http) -> None:
    text = base64.b64encode(b"RIFF").decode()
    assert post(http, "/bark/predict", json={"sound": text, "times": 1}) == "4 bytes, happy"
    assert (
        post(http, "/describe/predict", json={"name": "x.wav", "content": text}) == "x.wav b'RIFF'"
    )


def test_a_text_is_text(http: Http) -> None:
    headers = {"Content-Type": "text/plain; charset=utf-8", "Accept": "text/plain"}
    answer = http.post("/shout/predict", content="grüß dich\n".encode(), headers=headers)
    assert answer.text == "GRÜSS DICH\n"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert post(http, "/shout/predict", json="hi", headers={"Accept": "*/*"}) == "HI"


@pytest.mark.parametrize(
    "accept", ["image/png", "image/*", "application/json;q=0.5, image/png", "image/png, */*"]
)
def test_an_image_answers_as_one_where_it_is_asked_for(http: Http, accept: str) -> None:
    answer = http.post("/flip/predict", files={"file": png()}, headers={"Accept": accept})
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    image = Image.open(io.BytesIO(answer.content))
    assert image.getpixel((2, 0)) == (255, 0, 0)


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html,application/xhtml+xml,*/*;q=0.8", "image/png;q=0.1, application/json"])  # fmt: skip
def test_without_it_is_base64(http: Http, accept: str) -> None:
    found = post(http, "/flip/predict", {"file": png()}, headers={"Accept": accept})
    assert Image.open(io.BytesIO(base64.b64decode(found))).size == (3, 2)


def test_bytes_answer_as_bytes(http: Http) -> None:
    headers = {"Content-Type": "audio/wav", "Accept": "audio/wav"}
    answer = http.post("/echo/predict", content=b"\x00\xff", headers=headers)
    assert (answer.content, answer.headers["content-type"]) == (
        b"\x00\xff",
        "application/octet-stream",
    )


@pytest.mark.parametrize(
    ("path", "request_", "status", "field"),
    [
        ("bark", {"files": {"sund": b"x"}}, 422, "sound"),
        ("bark", {"files": {"sound": b"x", "louder": b"y"}}, 422, "louder"),
        ("bark", {"files": [("sound", b"x"), ("file", b"y")]}, 422, "sound"),
        ("bark", {"files": {"sound": b"x"}, "data": {"times": "many"}}, 422, "times"),
        ("flip", {"files": {"image": b"GIF89a"}}, 422, "image"),
        ("flip", {"content": b"no", "headers": {"Content-Type": "image/png"}}, 422, "image"),
        ("describe", {"files": {"file": ("../../etc/x", b"")}}, 422, "recording"),
        ("describe", {"files": {"file": ("a\\b", b"")}}, 422, "recording"),
        ("describe", {"files": {"file": ("x" * 300, b"")}}, 422, "recording"),
        (
            "describe",
            {"json": {"content": "AAAA", "name": "/etc/passwd"}},
            422,
            "recording.content",
        ),
        ("describe", {"json": "/etc/passwd"}, 422, "recording"),
        ("both", {"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 400, None),
        ("table", {"content": b"x", "headers": {"Content-Type": "image/png"}}, 415, None),
        ("bark", {"data": {"sound": "x"}}, 415, None),
        ("bark", {"content": b"x" * 200_001, "headers": {"Content-Type": "audio/wav"}}, 413, None),
        ("bark", {"json": "A" * 60_000}, 413, None),
    ],
)
def test_what_does_not_fit_is_told(http: Http, path: str, request_: Any, status: int, field: str | None) -> None:  # fmt: skip
    answer = http.post(f"/{path}/predict", **request_)
    assert answer.status_code == status, answer.text
    assert answer.json()["error"].get("field") == field


def test_files_may_be_larger_than_other_bodies(http: Http) -> None:
    assert post(http, "/bark/predict", {"file": b"x" * 150_000}) == "150000 bytes, happy"


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(http: Http) -> None:
    with socket.create_connection((http.base_url.host, http.base_url.port or 80), 10) as wire:
        wire.sendall(
            b"POST /bark/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=b\r\n"
            b"Content-Length: 999999999\r\n\r\n"
        )
        assert wire.recv(100).startswith(b"HTTP/1.1 413")


def test_docs_show_a_form_with_an_upload_button(http: Http) -> None:
    paths = http.get("/openapi.json").json()["paths"]
    content = paths["/bark/predict"]["post"]["requestBody"]["content"]
    assert list(content) == ["multipart/form-data", "application/octet-stream", "application/json"]
    form = content["multipart/form-data"]
    sound = form["schema"]["properties"]["sound"]
    assert (sound["type"], sound["format"]) == ("string", "binary")
    assert form["schema"]["required"] == ["sound"]
    assert form["encoding"]["times"] == {"contentType": "application/json"}
    images = paths["/count/predict"]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert images["schema"]["properties"]["images"]["items"]["format"] == "binary"
    answers = paths["/flip/predict"]["post"]["responses"]["200"]["content"]
    assert {"application/json", "image/png"} <= answers.keys()
    assert "text/plain" in paths["/shout/predict"]["post"]["responses"]["200"]["content"]


def test_the_log_keeps_a_digest_and_not_the_file() -> None:
    log = FaultyLog()
    secret = b"secret recording"
    with serving(function_model("echo", None, predict=echo), log=log) as http:
        post(http, "/predict", {"file": secret})
    [row] = log.kept
    kept = {"sha256": hashlib.sha256(secret).hexdigest(), "bytes": 16}
    assert (row.inputs, row.outputs) == ({"data": kept}, kept)


def test_curl(http: Http, tmp_path: Path) -> None:
    (tmp_path / "dog.wav").write_bytes(b"RIFF")
    words = [
        "curl",
        "-s",
        f"{url_of(http)}/bark/predict",
        "-F",
        f"file=@{tmp_path / 'dog.wav'}",
        "-F",
        "mood=sad",
    ]
    done = subprocess.run(words, capture_output=True, timeout=60, check=True)
    assert done.stdout == b'"4 bytes, sad"'


class TestClient:
    @pytest.fixture
    def client(self, http: Http) -> Iterator[Client]:
        with Client(url_of(http)) as client:
            yield client

    @pytest.mark.parametrize("as_", ["bytes", "path"])
    def test_bytes(self, client: Client, tmp_path: Path, as_: str) -> None:
        (tmp_path / "dog.wav").write_bytes(b"RIFF")
        sound: Any = b"RIFF" if as_ == "bytes" else tmp_path / "dog.wav"
        assert client.model("bark").predict(sound, mood="sad") == "4 bytes, sad"
        assert client.model("bark").predict(sound, times=2) == "4 bytes, happy" * 2

    def test_a_file_goes_with_its_name(self, client: Client, tmp_path: Path) -> None:
        (tmp_path / "dog 1.wav").write_bytes(b"RIFF")
        assert client.model("describe").predict(tmp_path / "dog 1.wav") == "dog 1.wav b'RIFF'"

    def test_images_come_and_go(self, client: Client) -> None:
        image = Image.open(io.BytesIO(png()))
        back = client.model("flip").predict(image)
        assert back.tobytes() == image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).tobytes()
        assert client.model("count").predict([image, image.convert("L")]) == ["RGB 3x2", "L 3x2"]

    def test_what_may_be_missing(self, client: Client) -> None:
        image = Image.open(io.BytesIO(png()))
        both = client.model("both")
        assert both.predict(image, right=None) == "RGB None None"
        assert both.predict(image, image, on=dt.date(2024, 2, 29)) == "RGB RGB 2024-02-29"

    def test_what_is_no_file_is_refused_here(self, client: Client) -> None:
        with pytest.raises(SchemaMismatch, match="expected an image"):
            client.model("flip").predict("x.png")
