"""Images of Pillow: ``{type: image, mode: RGB}``; the size is open, and so is the mode where none is spelled.

In JSON base64 text of a PNG (of a TIFF for the modes that PNG does not have), so that no pixel changes; what comes in may
be in any of the formats below, also as a ``data:`` URL. Images that are numpy arrays stay arrays.
"""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from modelyard.base.errors import InvalidInput, SchemaMismatch, UnsupportedType
from modelyard.types.cells import read_base64
from modelyard.types.interface import DataType
from modelyard.types.mismatch import mismatch, refusal
from modelyard.types.scalar import only_fields

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PIXELS = 64_000_000
"""A small file can unpack to an image that fills all memory: it is refused by its header."""
_LIMIT = f"an image of at most {MAX_PIXELS // 1_000_000} million pixels"
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
"""What is read; Pillow's readers of other formats are rarely used, and rarely looked at by anybody."""

_PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
_TIFF_MODES = ("I", "F", "CMYK", "LAB")
_LOSSLESS = {
    "L": ("1",), "LA": ("L", "1"), "RGB": ("L", "1"), "RGBA": ("RGB", "LA", "L", "1"), "F": ("L", "1", "I;16"),
    "I": ("L", "1", "I;16"),
}  # fmt: skip
"""Mode -> modes whose pixels it holds without a change."""


@dataclass(frozen=True)
class ImageType(DataType):
    """An image, of one mode where a mode is spelled."""

    kind = "image"
    media_type = "image/png"
    mode: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {"type": self.kind, **({"mode": self.mode} if self.mode else {})}

    @classmethod
    def from_dict(cls, spelled: Mapping[str, Any]) -> Self:
        only_fields(spelled, "mode")
        mode = spelled.get("mode", "")
        if mode not in ("", *_PNG_MODES, *_TIFF_MODES):
            known = ", ".join((*_PNG_MODES, *_TIFF_MODES))
            raise InvalidInput(f"unknown image mode {mode!r}", hint=f"known: {known}")
        return cls(mode)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "contentEncoding": "base64", "contentMediaType": self.media_type}

    def check(self, value: Any, where: str = "") -> Image:
        from PIL import Image

        if isinstance(value, Path):
            return self.from_path(value, where)
        if isinstance(value, (bytes, bytearray)):
            return self.from_bytes(bytes(value), where)
        if hasattr(value, "dtype") and hasattr(value, "shape"):
            value = _of_array(value, where)
        if not isinstance(value, Image.Image):
            raise mismatch(where, "an image", value)
        _check_size(value, where)
        return self._in_mode(value, where)

    def from_path(self, path: Path, where: str = "") -> Image:
        """The image in a file."""
        if not path.is_file():
            raise refusal(where, "the path of an image", f"'{path}', where there is none")
        return self.from_bytes(path.read_bytes(), where)

    def from_bytes(self, data: bytes, where: str = "", *, name: str = "") -> Image:
        """The image that some bytes are: the first, where a file holds several."""
        return self._in_mode(_opened(data, where), where)

    def takes_mode(self, mode: str) -> bool:
        """Whether any image of a mode is taken, whatever its pixels."""
        return self.mode in ("", mode) or mode in _LOSSLESS.get(self.mode, ())

    def _in_mode(self, image: Image, where: str) -> Image:
        if self.mode in ("", image.mode):
            return image
        if image.mode == "P":
            image = image.convert("RGBA" if "transparency" in image.info else "RGB")
        if image.mode in ("RGBA", "LA") and self.mode not in ("RGBA", "LA"):
            image = _without_alpha(image)
        if image.mode == self.mode:
            return image
        if image.mode in _LOSSLESS.get(self.mode, ()):
            return image.convert(self.mode)
        hint = f"image.convert({self.mode!r}) makes one of it, and changes it"
        raise refusal(
            where, f"an image of mode {self.mode}", f"one of mode {image.mode}", hint=hint
        )

    def decode(self, data: Any, where: str = "") -> Image:
        text = data
        if type(data) is str and data[:5].lower() == "data:":
            head, _, text = data.partition(",")
            if not head.lower().endswith(";base64"):
                text = None
        content = read_base64(text)
        if content is None:
            raise mismatch(where, "base64 text of an image, or a data: URL of one", data)
        return self.from_bytes(content, where)

    def encode(self, value: Any) -> str:
        return base64.b64encode(self.to_bytes(value)).decode()

    def to_bytes(self, value: Any) -> bytes:
        """The image as PNG, or as TIFF where PNG has not its mode."""
        image = self.check(value)
        _check_mode(image.mode)
        out = io.BytesIO()
        # Nothing but the pixels: metadata (a camera's position, say) is not what a model was shown.
        kept = {"transparency": image.info["transparency"]} if "transparency" in image.info else {}
        bare = image.copy()
        bare.info = {}
        if image.mode in _PNG_MODES:
            bare.save(out, "PNG", **kept)
        else:
            bare.save(out, "TIFF", compression="tiff_adobe_deflate")
        return out.getvalue()

    def json_to_bytes(self, encoded: Any) -> bytes:
        """The same, from the JSON form."""
        return base64.b64decode(encoded)


def _opened(data: bytes, where: str) -> Image:
    from PIL import Image

    try:
        with warnings.catch_warnings():
            # Pillow's own limit is a warning, and its remarks on odd but readable files are not for a log.
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(data), formats=FORMATS)
            _check_size(image, where)
            image.load()
    except SchemaMismatch:
        raise
    except Image.DecompressionBombError:
        raise refusal(where, _LIMIT, "a far larger one") from None
    except Exception as error:  # noqa: BLE001  Pillow's readers raise whatever broken bytes lead to
        reason = f"{len(data)} bytes that are none ({type(error).__name__})"
        formats = ", ".join(FORMATS)
        raise refusal(where, "an image", reason, hint=f"these are read: {formats}") from None
    return image.copy()  # of the plain class, and free of the file


def _check_size(image: Image, where: str) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise refusal(where, _LIMIT, f"one of {image.width} x {image.height}")


def _check_mode(mode: str) -> None:
    if mode not in (*_PNG_MODES, *_TIFF_MODES):
        raise UnsupportedType(
            f"images of mode {mode} have no exact form in a file", hint="image.convert('RGB')"
        )


def _of_array(array: Any, where: str) -> Image:
    """Pixels as libraries hold them: height x width, with 1, 3 or 4 channels last."""
    from PIL import Image

    shape = tuple(array.shape)
    plane = len(shape) == 2 or (len(shape) == 3 and shape[2] in (3, 4))
    if str(array.dtype) != "uint8" or not plane or not array.size:
        expected = "pixels as uint8 of shape [height, width] or [height, width, 3 or 4]"
        raise refusal(where, expected, f"{array.dtype} of shape {list(shape)}")
    return Image.fromarray(array)


def _without_alpha(image: Image) -> Image:
    """The image without a channel that says nothing; unchanged where something shines through."""
    opaque = image.getchannel("A").getextrema() == (255, 255)
    return image.convert("RGB" if image.mode == "RGBA" else "L") if opaque else image


KINDS: Mapping[str, type[DataType]] = {"image": ImageType}


def claims(value: Any) -> bool:
    from PIL import Image

    return isinstance(value, Image.Image)


def infer(value: Any) -> DataType:
    _check_mode(value.mode)
    return ImageType(value.mode)


def from_hint(hint: Any) -> DataType | None:
    """``PIL.Image.Image`` and its classes of opened files stand for any image."""
    from PIL import Image

    return ImageType() if isinstance(hint, type) and issubclass(hint, Image.Image) else None
