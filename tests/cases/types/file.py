"""Files: what comes back is another path with the same name and content."""

from __future__ import annotations

import tempfile
from pathlib import Path

from modelyard.testing.types import Refused, TypeCase

FOLDER = Path(tempfile.mkdtemp(prefix="modelyard-cases-"))


def made(name: str, content: bytes) -> Path:
    path = FOLDER / name
    path.write_bytes(content)
    return path


def equal(a: Path, b: Path) -> bool:
    """A value made from bare base64 text has no name of its own."""
    return a.read_bytes() == b.read_bytes() and a.name in (b.name, "file")


CASES = [
    TypeCase(
        "audio",
        lambda: made("Hündchen bellt.wav", b"RIFF\x00\xff"),
        {"type": "file"},
        {"name": "Hündchen bellt.wav", "content": "UklGRgD/"},
        also=("UklGRgD/", {"content": "UklGRgD/"}),
        native=(lambda: b"RIFF\x00\xff",),
        refused=(
            Refused(
                17, "X: expected base64 text, or an object with name and content, got the number 17"
            ),
            Refused(
                "/etc/passwd",
                "X: expected base64 text, or an object with name and content, got the string '/etc/passwd'",
                by_schema=False,
            ),
            Refused(
                {"name": "../x", "content": ""},
                "X.content: expected the name of a file, without folders, got '../x'",
                "X.content",
                by_schema=False,
            ),
            Refused(
                {"name": "a\x00", "content": ""},
                "X.content: expected the name of a file, without folders, got 'a\\x00'",
                "X.content",
                by_schema=False,
            ),
            Refused(
                {"path": "/etc/passwd"},
                "X: expected base64 text, or an object with name and content, got an object with 'path'",
            ),
        ),
        not_native=(
            Refused(
                "x.wav",
                "X: expected the path of a file, got the string 'x.wav'",
                hint="a text is not a path: pathlib.Path(…) is",
            ),
            Refused(
                lambda: Path("/nowhere/x.wav"),
                "X: expected the path of a file, got '/nowhere/x.wav', where there is none",
            ),
        ),
        equal=equal,
    ),
    TypeCase(
        "empty file",
        lambda: made("empty.bin", b""),
        {"type": "file"},
        {"name": "empty.bin", "content": ""},
        equal=equal,
    ),
]
