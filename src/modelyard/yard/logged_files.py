"""What is logged as a file: dicts, figures, images and tables as bytes."""

from __future__ import annotations

import io
import json
import os
import struct
import sys
import tempfile
import zlib
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from modelyard.base.errors import InvalidInput, MissingExtra, UnsupportedFormat
from modelyard.tracking.checks import check_key

_YAML = (".yaml", ".yml")


@contextmanager
def written(data: bytes) -> Generator[Path]:
    """Bytes as a file of this machine, for as long as the block goes on."""
    handle, name = tempfile.mkstemp(prefix="modelyard-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def suffix_of(path: str) -> str:
    """In small letters, with its dot."""
    return PurePosixPath(path).suffix.lower()


# Dicts


def dict_text(value: Any, path: str) -> str:
    """A dict or list as YAML or JSON, by the name of the file. What neither knows is written as its text."""
    if suffix_of(path) in _YAML:
        from modelyard.objects.yaml_text import write_yaml

        plain = json.loads(_json(value))
        return write_yaml(plain) if isinstance(plain, dict) else _json(value)  # which is YAML too
    return _json(value)


def _json(value: Any) -> str:
    try:
        return json.dumps(value, indent=2, ensure_ascii=False, default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"this cannot be written as JSON: {error}") from None


def _plain(value: Any) -> Any:
    """Numbers and arrays of other libraries as JSON has them, anything else as its text."""
    for name in ("tolist", "item"):
        if callable(method := getattr(value, name, None)):
            return method()
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)
    return str(value)


# Figures


def figure_bytes(figure: Any, path: str, options: Mapping[str, Any]) -> bytes:
    """A figure as the name of its file says."""
    suffix = suffix_of(path)
    if not suffix:
        raise UnsupportedFormat(f"{path!r} does not say how to write a figure", hint=f"{path}.png")
    if callable(getattr(figure, "savefig", None)):
        out = io.BytesIO()
        try:
            figure.savefig(out, format=suffix[1:], **options)
        except ValueError as error:
            raise UnsupportedFormat(f"a figure cannot be written as {path!r}: {error}") from None
        return out.getvalue()
    if callable(getattr(figure, "to_html", None)) and hasattr(figure, "to_json"):
        return _plotly(figure, suffix, options)
    raise InvalidInput(
        f"{type(figure).__name__} is no figure",
        hint="one of matplotlib or plotly; log_artifact keeps any file",
    )


def _plotly(figure: Any, suffix: str, options: Mapping[str, Any]) -> bytes:
    if suffix in (".html", ".htm"):
        return str(figure.to_html(**{"include_plotlyjs": "cdn", **options})).encode()
    if suffix == ".json":
        return str(figure.to_json(**options)).encode()
    try:
        return bytes(figure.to_image(format=suffix[1:], **options))
    except (ValueError, ImportError, RuntimeError) as error:
        raise UnsupportedFormat(
            f"plotly cannot write {suffix} here: {str(error).strip().splitlines()[0]}",
            hint="keep it as .html, or install kaleido",
        ) from None


# Images


def image_place(path: str | None, key: str | None, step: int) -> str:
    """Where an image goes: the file it is given, or its place in a series."""
    if (path is None) == (key is None):
        raise InvalidInput("log_image takes a file name, or key= of a series, one of them")
    if path is not None:
        return path
    if step < 0:
        raise InvalidInput(f"step {step}: the images of a series count from 0")
    return f"images/{check_key(str(key), 'series')}/{step:08d}.png"


def image_bytes(image: Any, path: str) -> bytes:
    """An image as the name of its file says: PNG, or what Pillow writes."""
    suffix = suffix_of(path)
    if suffix != ".png":
        return _by_pillow(image, path, suffix)
    if callable(getattr(image, "save", None)) and hasattr(image, "mode"):
        out = io.BytesIO()
        image.save(out, format="PNG")
        return out.getvalue()
    return png(*_pixels(image))


def _by_pillow(image: Any, path: str, suffix: str) -> bytes:
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtra(f"writing {suffix or path}", "image") from None
    if not isinstance(image, Image.Image):
        width, height, channels, data = _pixels(image)
        image = Image.frombytes({1: "L", 3: "RGB", 4: "RGBA"}[channels], (width, height), data)
    kind = Image.registered_extensions().get(suffix)
    if kind is None:
        raise UnsupportedFormat(f"{path!r} is no kind of image", hint="as in plot.png or photo.jpg")
    out = io.BytesIO()
    try:
        image.save(out, format=kind)
    except (OSError, KeyError, ValueError) as error:
        raise UnsupportedFormat(f"this image cannot be written as {suffix}: {error}") from None
    return out.getvalue()


def _pixels(image: Any) -> tuple[int, int, int, bytes]:
    """Width, height, channels and bytes of an array; that of a tensor is taken as it stands."""
    numpy = sys.modules.get("numpy")
    if callable(getattr(image, "detach", None)):  # a tensor of torch, wherever it is
        image = image.detach().cpu().numpy()
    array = None if numpy is None or not hasattr(image, "shape") else numpy.asarray(image)
    if numpy is None or array is None or array.ndim not in (2, 3):
        raise InvalidInput(
            f"{type(image).__name__} is no image",
            hint="an array (height, width[, 1, 3 or 4]) or one of PIL",
        )
    channels = 1 if array.ndim == 2 else array.shape[2]
    if channels not in (1, 3, 4) or 0 in array.shape:
        raise InvalidInput(
            f"an array of shape {tuple(array.shape)} is no image",
            hint="(height, width), or (height, width, channels) with 1, 3 or 4 channels",
        )
    if array.dtype.kind == "f":
        if not (array.min() >= 0 and array.max() <= 1):
            raise InvalidInput("an image of floats has values from 0 to 1")
        array = (array * 255).round()
    elif array.dtype.kind == "b":
        array = array * 255
    elif array.dtype.kind not in "iu" or array.min() < 0 or array.max() > 255:
        raise InvalidInput(f"an image has values from 0 to 255, not {array.dtype} beyond that")
    return array.shape[1], array.shape[0], channels, array.astype("uint8").tobytes()


def png(width: int, height: int, channels: int, data: bytes) -> bytes:
    """Pixels as PNG (ISO 15948): eight bits a channel, lines unfiltered."""
    row = width * channels
    lines = b"".join(b"\0" + data[at : at + row] for at in range(0, height * row, row))
    colour = {1: 0, 3: 2, 4: 6}[channels]
    head = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(lines, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


# Tables


class Table:
    """Rows that grow; columns that some rows lack are empty there."""

    def __init__(self) -> None:
        self.columns: dict[str, None] = {}
        self.rows: list[Mapping[str, Any]] = []

    def add(self, data: Any) -> None:
        """Append a DataFrame, a dict of columns (or of one row), or a list of rows."""
        rows = _rows(data)
        for row in rows:
            self.columns.update(dict.fromkeys(row))
        self.rows += rows

    def text(self, path: str) -> str:
        """All of it, as the name of its file says."""
        suffix = suffix_of(path)
        if suffix == ".json":
            lines = [[row.get(column) for column in self.columns] for row in self.rows]
            return json.dumps(
                {"columns": list(self.columns), "data": lines}, ensure_ascii=False, default=_plain
            )
        if suffix != ".csv":
            raise UnsupportedFormat(f"a table is not written as {path!r}", hint=".json or .csv")
        import csv

        out = io.StringIO()
        writer = csv.DictWriter(out, list(self.columns), restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return out.getvalue()


def _rows(data: Any) -> list[dict[str, Any]]:
    if hasattr(data, "columns") and hasattr(data, "to_dict"):  # pandas
        return [{str(k): v for k, v in row.items()} for row in data.to_dict("records")]
    if hasattr(data, "columns") and hasattr(data, "to_dicts"):  # polars
        return list(data.to_dicts())
    if isinstance(data, Mapping):
        return _from_columns({str(k): v for k, v in data.items()})
    rows: list[Any] = list(data) if isinstance(data, list | tuple) else [data]
    if all(isinstance(row, Mapping) for row in rows):
        return [{str(k): v for k, v in row.items()} for row in rows]
    raise InvalidInput(
        f"{type(data).__name__} is no table",
        hint="a DataFrame, a dict of columns, or a list of rows (dicts)",
    )


def _from_columns(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    lists = {k: _values(v) for k, v in data.items()}
    lengths = {len(v) for v in lists.values() if v is not None}
    if not lengths:
        return [dict(data)]
    if len(lengths) > 1 or None in lists.values():
        raise InvalidInput("the columns of a table are equally long lists")
    return [
        {k: v[at] for k, v in lists.items() if v is not None} for at in range(next(iter(lengths)))
    ]


def _values(column: Any) -> Sequence[Any] | None:
    """The values of a column; None for a single value."""
    if isinstance(column, str | bytes | Mapping) or column is None:
        return None
    if callable(listed := getattr(column, "tolist", None)):
        found = listed()
        return found if isinstance(found, list) else None
    return column if isinstance(column, Sequence) else None
