"""Images: of every mode that has an exact form in a file."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from cases.types.file import made
from modelyard.testing.types import Refused, TypeCase


def picture(mode: str) -> Image.Image:
    """Pixels that are all different, 7 x 5."""
    random = np.random.default_rng(3)
    if mode in ("I;16", "I", "F"):
        dtype = {"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]
        image = Image.fromarray((random.random((5, 7)) * 60_000).astype(dtype))
    elif mode in ("1", "P"):
        colours = Image.fromarray(random.integers(0, 256, (5, 7, 3), dtype=np.uint8))
        image = colours.convert("1") if mode == "1" else colours.quantize(9)
    else:
        bands = len(Image.new(mode, (1, 1)).getbands())
        planes = [Image.fromarray(random.integers(0, 256, (5, 7), dtype=np.uint8))] * bands
        image = Image.merge(mode, planes)
    assert image.mode == mode
    return image


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def opaque(image: Image.Image) -> Image.Image:
    image.putalpha(255)
    return image


def bomb(side: int) -> bytes:
    """A PNG of some bytes that says it is a large square."""
    png = encoded(Image.new("L", (1, 1)), "PNG")
    head = struct.pack(">II", side, side) + png[24:29]
    return png[:16] + head + struct.pack(">I", zlib.crc32(b"IHDR" + head)) + png[33:]


def equal(a: Image.Image, b: Image.Image) -> bool:
    return (a.mode, a.size, a.tobytes(), a.getpalette()) == (
        b.mode,
        b.size,
        b.tobytes(),
        b.getpalette(),
    )


def case(mode: str, **more: Any) -> TypeCase:
    form = "TIFF" if mode in ("I", "F", "CMYK", "LAB") else "PNG"
    options = {"compression": "tiff_adobe_deflate"} if form == "TIFF" else {}
    return TypeCase(
        mode,
        lambda: picture(mode),
        {"type": "image", "mode": mode},
        text(encoded(picture(mode), form, **options)),
        equal=equal,
        **more,
    )


RGB = picture("RGB")
FORMATS = "these are read: PNG, JPEG, GIF, BMP, TIFF, WEBP, PPM"

CASES = [
    case(
        "RGB",
        also=(
            "data:image/png;base64," + text(encoded(RGB, "PNG")),
            text(encoded(RGB, "BMP")),
            text(encoded(RGB, "TIFF")),
            text(encoded(RGB, "WEBP", lossless=True)),
            text(encoded(opaque(RGB.copy()), "PNG")),
        ),
        native=(
            lambda: encoded(RGB, "PNG"),
            lambda: made("x.png", encoded(RGB, "PNG")),
            lambda: np.asarray(RGB),
            lambda: Image.open(io.BytesIO(encoded(RGB, "PNG"))),
            lambda: opaque(RGB.copy()),
        ),
        refused=(
            Refused(
                "AP9h",
                "X: expected an image, got 3 bytes that are none (UnidentifiedImageError)",
                hint=FORMATS,
                by_schema=False,
            ),
            Refused(
                text(encoded(RGB, "PNG")[:60]),
                "X: expected an image, got 60 bytes that are none (OSError)",
                by_schema=False,
            ),
            Refused(
                text(bomb(9_000)),
                "X: expected an image of at most 64 million pixels, got one of 9000 x 9000",
                by_schema=False,
            ),
            Refused(
                text(bomb(50_000)),
                "X: expected an image of at most 64 million pixels, got a far larger one",
                by_schema=False,
            ),
            Refused(
                "data:image/svg+xml,<svg/>",
                "X: expected base64 text of an image, or a data: URL of one, "
                "got the string 'data:image/svg+xml,<svg/>'",
                by_schema=False,
            ),
            Refused(
                "http://127.0.0.1/x.png",
                "X: expected base64 text of an image, or a data: URL of one, "
                "got the string 'http://127.0.0.1/x.png'",
                by_schema=False,
            ),
            Refused(
                text(encoded(picture("RGBA"), "PNG")),
                "X: expected an image of mode RGB, got one of mode RGBA",
                hint="image.convert('RGB') makes one of it, and changes it",
                by_schema=False,
            ),
            Refused(
                text(encoded(picture("L"), "EPS")),
                f"X: expected an image, got {len(encoded(picture('L'), 'EPS'))} bytes that are none "
                "(UnidentifiedImageError)",
                by_schema=False,
            ),
        ),
        not_native=(
            Refused("x.png", "X: expected an image, got the string 'x.png'"),
            Refused(
                lambda: Path("/nowhere.png"),
                "X: expected the path of an image, got '/nowhere.png', where there is none",
            ),
            Refused(
                lambda: np.zeros((2, 2, 3)),
                "X: expected pixels as uint8 of shape [height, width] or [height, width, 3 or 4], "
                "got float64 of shape [2, 2, 3]",
            ),
        ),
    ),
    case("1"),
    case("L", also=(text(encoded(picture("L").convert("LA"), "PNG")),)),
    case("LA"),
    case("P"),
    case("RGBA"),
    case("I;16"),
    case("I"),
    case("F"),
    case("CMYK"),
    case("LAB"),
]
