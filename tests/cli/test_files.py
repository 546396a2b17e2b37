"""apply with models that take files, images or a text: paths, patterns, URLs, bare results, results that are files."""

from __future__ import annotations

import base64
import contextlib
import io
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from PIL import Image

import modelyard as my
from cli.program import process, run
from modelyard.base.notes import collected


def translate(sound: bytes, mood: str = "happy") -> str:
    return f"{len(sound)} woofs, {mood}"


def describe(recording: Path) -> dict[str, object]:
    return {"name": recording.name, "size": recording.stat().st_size}


def flip(image: Image.Image) -> Image.Image:
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def blend(image: Image.Image, mask: Image.Image) -> str:
    return f"{image.mode} {mask.mode}"


def count(images: list[Image.Image]) -> int:
    return len(images)


def shout(text: str) -> str:
    return text.upper()


def encode(text: str) -> bytes:
    return text.encode("utf-16-le")


MODELS = (translate, describe, flip, blend, count, shout, encode)


@pytest.fixture(scope="module")
def dogs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dogs")
    (folder / "modelyard.toml").write_text("")
    with collected():
        for model in MODELS:
            my.save(model, folder / f"models/{model.__name__}")
    (folder / "short-dog-phrase.wav").write_bytes(b"RIFF1234")
    (folder / "long dog.wav").write_bytes(b"RIFF" * 5)
    (folder / ".hidden.wav").write_bytes(b"")
    (folder / "note.txt").write_text("good\ndog\n", "utf-8")
    for name, mode in (("a", "RGB"), ("b", "L")):
        image = Image.new(mode, (3, 2))
        image.putpixel((0, 0), (255, 0, 0) if mode == "RGB" else 255)
        image.save(folder / f"{name}.png")
    return folder


@pytest.fixture(scope="module")
def url(dogs: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=dogs)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_text_is_printed_bare(dogs: Path) -> None:
    done = process("apply", "models/translate", "short-dog-phrase.wav", cwd=dogs)
    assert (done.code, done.out, done.err) == (0, "8 woofs, happy\n", "")


def test_json_is_json(dogs: Path) -> None:
    done = run("apply", "models/translate", "short-dog-phrase.wav", "--json", cwd=dogs)
    assert done.out == '"8 woofs, happy"\n'


def test_a_further_argument(dogs: Path) -> None:
    words = ("apply", "models/translate", "short-dog-phrase.wav", "-a", "mood=sad")
    assert run(*words, cwd=dogs).out == "8 woofs, sad\n"


@pytest.mark.parametrize("words", [("*.wav",), ("long dog.wav", "short-dog-phrase.wav")])
def test_several_files_are_a_line_each(words: tuple[str, ...], dogs: Path) -> None:
    done = run("apply", "models/translate", *words, cwd=dogs)
    assert done.out == "20 woofs, happy\n8 woofs, happy\n"
    done = run("apply", "models/translate", *words, "--json", cwd=dogs)
    assert done.data == ["20 woofs, happy", "8 woofs, happy"]


def test_a_pattern_is_a_list_even_of_one(dogs: Path) -> None:
    assert run("apply", "models/describe", "short*", cwd=dogs).data == [
        {"name": "short-dog-phrase.wav", "size": 8}
    ]
    done = run("apply", dogs / "models/describe", f"{dogs}/long*", cwd=dogs.parent)
    assert done.data == [{"name": "long dog.wav", "size": 20}]


def test_a_url(url: str, dogs: Path) -> None:
    done = run("apply", "models/describe", f"{url}/long%20dog.wav?x=1", cwd=dogs)
    assert done.data == {"name": "long dog.wav", "size": 20}
    done = run("apply", "models/translate", f"{url}/note.txt", "short-dog-phrase.wav", cwd=dogs)
    assert done.out == "9 woofs, happy\n8 woofs, happy\n"


def test_standard_input(dogs: Path) -> None:
    assert run("apply", "models/translate", "-", cwd=dogs, stdin=b"RIFF").out == "4 woofs, happy\n"
    assert run("apply", "models/shout", "-", cwd=dogs, stdin=b"hi\n").out == "HI\n\n"


def test_images_in_and_out(dogs: Path, tmp_path: Path) -> None:
    done = run("apply", "models/flip", "a.png", "-o", tmp_path / "out.bmp", cwd=dogs)
    assert (done.code, done.err) == (0, f"wrote {tmp_path / 'out.bmp'}\n")
    with Image.open(tmp_path / "out.bmp") as image:
        assert (image.format, image.getpixel((2, 0))) == ("BMP", (255, 0, 0))
    run("apply", "models/flip", "a.png", "b.png", "-o", f"{tmp_path}/all/", cwd=dogs)
    assert sorted(p.name for p in (tmp_path / "all").iterdir()) == ["a.png", "b.png"]
    piped = process_bytes("apply", "models/flip", "a.png", cwd=dogs)
    assert Image.open(io.BytesIO(piped)).size == (3, 2)
    text = run("apply", "models/flip", "a.png", "--json", cwd=dogs).data
    assert Image.open(io.BytesIO(base64.b64decode(text))).size == (3, 2)


def process_bytes(*words: object, cwd: Path) -> bytes:
    import subprocess
    import sys

    command = [sys.executable, "-m", "modelyard", *map(str, words)]
    return subprocess.run(command, cwd=cwd, capture_output=True, timeout=120, check=True).stdout


def test_a_list_of_images_is_one_call(dogs: Path) -> None:
    assert run("apply", "models/count", "a.png", "b.png", cwd=dogs).out == "2\n"
    assert run("apply", "models/count", "*.png", cwd=dogs).out == "2\n"


def test_a_second_file_is_an_argument(dogs: Path) -> None:
    done = run("apply", "models/blend", "a.png", "-a", "mask=b.png", cwd=dogs)
    assert done.out == "RGB L\n", done.err


def test_a_word_is_a_text_and_a_text_file_is_read(dogs: Path, tmp_path: Path) -> None:
    assert run("apply", "models/shout", "good dog", cwd=dogs).out == "GOOD DOG\n"
    assert run("apply", "models/shout", "note.txt", cwd=dogs).out == "GOOD\nDOG\n\n"
    assert run("apply", "models/shout", "a", "b", cwd=dogs).out == "A\nB\n"
    run("apply", "models/shout", "a", "b", "-o", tmp_path / "out.txt", cwd=dogs)
    assert (tmp_path / "out.txt").read_text() == "A\nB\n"
    run("apply", "models/encode", "a", "-o", tmp_path / "out.bin", cwd=dogs)
    assert (tmp_path / "out.bin").read_bytes() == b"a\0"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("translate", "nothing.wav"), 3, "no file at nothing.wav"),
        (("translate", "*.mp3"), 3, "no file matches '*.mp3'"),
        (("flip", "note.txt"), 1, "note.txt: expected an image, got 9 bytes that are none"),
        (("shout", "nothing.txt"), 3, "no text file at nothing.txt"),
        (("flip", "a.png", "b.png", "-o", "out.png"), 2, "2 results do not go into one file"),
        (("flip", "a.png", "-o", "out.xyz"), 2, "no image format has the suffix '.xyz'"),
        (("translate", "http://127.0.0.1:9/x"), 7, "no answer from http://127.0.0.1:9"),
        (("translate", "http://a b/"), 2, "is no http:// or https:// URL"),
    ],
)
def test_what_is_not_there(words: tuple[str, ...], code: int, message: str, dogs: Path) -> None:
    done = run("apply", f"models/{words[0]}", *words[1:], cwd=dogs)
    assert done.code == code, done.err
    assert message in done.err
    assert done.out == ""


def test_the_same_in_python(dogs: Path, url: str) -> None:
    with contextlib.chdir(dogs):
        assert my.apply("models/translate", "short-dog-phrase.wav") == "8 woofs, happy"
        assert my.apply("models/translate", Path("short-dog-phrase.wav")) == "8 woofs, happy"
        assert my.apply("models/translate", b"RIFF") == "4 woofs, happy"
        assert my.apply("models/translate", ["long dog.wav", f"{url}/note.txt"]) == ["20 woofs, happy", "9 woofs, happy"]  # fmt: skip
        assert my.apply(flip, "a.png").getpixel((2, 0)) == (255, 0, 0)
        assert my.apply(count, [Image.new("L", (1, 1)), Image.new("L", (1, 1))]) == 2
        assert my.apply(shout, "good dog") == "GOOD DOG"
