"""Results that are files of their own: texts, bytes, images and files, written as what they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from modelyard.base.errors import InvalidInput, UnsupportedFormat
from modelyard.base.paths import replacing
from modelyard.objects import formats
from modelyard.types import infer
from modelyard.types.binary import binary

Named = tuple[str, Any]
"""A result, and the name of what it came from."""


def is_file(result: Any) -> bool:
    """Whether a result has the content of a file: bytes, a file, an image."""
    return not isinstance(result, str) and binary(_kind(result)) is not None


def _kind(result: Any) -> Any:
    try:
        return infer(result)
    except (TypeError, LookupError):  # no data type describes it, or it names a file that is gone
        return None


def to_bytes(result: Any) -> bytes:
    """The content of a result that `is_file`; a text as UTF-8."""
    if isinstance(result, str):
        return result.encode()
    kind = binary(infer(result))
    assert kind is not None, "asked only of results that are files"
    return kind.to_bytes(result)


def write_files(results: Iterator[Named], output: str) -> Iterator[Any]:
    """Write texts and files to ``output``: one file, or a folder (``out/``) with one for each.

    What is neither, or goes into a data format by the suffix, is given back for the caller to write.
    """
    first = next(results, None)
    if first is None:
        return iter(())
    own = is_file(first[1]) or (isinstance(first[1], str) and not formats.known_suffix(output))
    if not own:
        return (result for _, result in chain([first], results))
    everything = chain([first], results)
    if output.endswith(("/", "\\")) or Path(output).is_dir():
        _into_folder(everything, Path(output))
    else:
        _into_file(list(everything), Path(output))
    return iter(())


def _into_folder(results: Iterable[Named], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    taken: set[str] = set()
    for name, result in results:
        unique, n = name, 1
        while unique in taken:
            n += 1
            unique = f"{name}-{n}"
        taken.add(unique)
        with replacing(folder / f"{unique}{_suffix(result)}") as temporary:
            temporary.write_bytes(to_bytes(result))


def _suffix(result: Any) -> str:
    if isinstance(result, str):
        return ".txt"
    if isinstance(result, Path):
        return result.suffix
    return ".bin" if isinstance(result, (bytes, bytearray)) else ".png"


def _into_file(results: list[Named], output: Path) -> None:
    values = [result for _, result in results]
    if len(values) > 1 and not all(isinstance(v, str) for v in values):
        raise InvalidInput(
            f"{len(values)} results do not go into one file",
            hint=f"name a folder: -o {output.stem}/",
        )
    with replacing(output) as temporary:
        if isinstance(values[0], str):  # one a line, as they are printed
            temporary.write_text("".join(f"{v}\n" for v in values), "utf-8", newline="\n")
        elif hasattr(values[0], "save") and hasattr(values[0], "mode"):
            _save_image(values[0], temporary, output)
        else:
            temporary.write_bytes(to_bytes(values[0]))


def _save_image(image: Any, temporary: Path, output: Path) -> None:
    """In the format of the suffix, as Pillow writes it."""
    from PIL import Image

    form = Image.registered_extensions().get(output.suffix.lower())
    if form is None or form not in Image.SAVE:
        raise UnsupportedFormat(
            f"no image format has the suffix {output.suffix!r}: '{output}'", hint="as in out.png"
        )
    try:
        with temporary.open("wb") as out:
            image.save(out, form)
    except (OSError, ValueError) as error:
        raise UnsupportedFormat(f"{form} cannot hold this image: {error}") from None
