"""Apply a model to data: matched to its schema, one method, result returned or written, in batches when it is large."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, Any, cast

from modelyard.base.errors import FileMissing, InvalidInput, SchemaMismatch, UnsupportedFormat
from modelyard.base.paths import replacing
from modelyard.objects import formats
from modelyard.objects.inputs import STDIN, Inputs, read_words
from modelyard.objects.interface import BatchReader, BatchWriter, DataFormat
from modelyard.objects.model import Model
from modelyard.objects.outputs import write_files
from modelyard.objects.results import EachResult, as_table, joined
from modelyard.objects.sampling import required_arguments
from modelyard.objects.tabular import as_column, to_type
from modelyard.types.binary import binary
from modelyard.types.interface import DataType
from modelyard.types.stream import whole


class Sources(tuple[Any, ...]):
    """Several values or paths, one after another: a list may be one value."""


Progress = Callable[[int], None]
"""Told the number of rows done so far."""


def apply_model(
    model: Model,
    data: Any,
    *,
    method: str | None = None,
    output: str | Path | None = None,
    batch_rows: int | None = None,
    progress: Progress | None = None,
    options: dict[str, Any] | None = None,
) -> Any:
    """Run a method on data and return its result, or write it to ``output`` and return the path.

    ``data`` is a value, a path (csv, parquet, json, arrow, xlsx …), ``-`` for standard input, or several `Sources`
    whose results are joined; for a method that takes files or a text, what `read_words` says. Columns are matched by name. With ``batch_rows`` a file of any size streams through in
    pieces; ``options`` are further arguments of the method.
    """
    name = model.method(method)
    argument, kind = first_argument(model, name)
    inputs = data if isinstance(data, Inputs) else read_words(data, kind)
    if inputs is None:
        pieces = ((argument, piece) for piece in read_pieces(data, (argument, kind), batch_rows))
        results = run(model, name, pieces, progress, options or {})
    else:
        results = run(model, name, inputs, progress, options or {})
    if output is not None:
        rest = write_files(results, str(output))
        write_pieces(rest, Path(output), column_names(model, name))
        return Path(output)
    values = [result for _, result in results]
    if inputs is None:
        return joined(values)
    return EachResult(values) if inputs.several else values[0]


def first_argument(model: Model, method: str) -> tuple[str, DataType]:
    """Name and type of the argument that takes the data."""
    signature = model.signature(method)
    names = required_arguments(signature)
    if not names:
        raise InvalidInput(f"{model.name}.{method} takes no data")
    return names[0], signature.args[names[0]].type


def run(
    model: Model,
    method: str,
    pieces: Iterable[tuple[str, Any]],
    progress: Progress | None,
    options: dict[str, Any],
) -> Iterator[tuple[str, Any]]:
    """The results of the pieces, one at a time, each with its piece's name."""
    argument, kind = first_argument(model, method)
    others = checked_options(model, method, options)
    done = 0
    for name, piece in pieces:
        value = kind.check(to_type(piece, kind), argument)
        rows = kind.rows(value)
        if rows == 0:
            continue
        yield name, whole(model.call(method, **{argument: value}, **others))
        done += rows or 1
        if progress:
            progress(done)
    if not done:
        raise InvalidInput("there is no data: nothing was applied", hint="it has no rows")


def checked_options(model: Model, method: str, options: dict[str, Any]) -> dict[str, Any]:
    """Further arguments, each checked against its type; an unknown one is refused with the choices."""
    signature = model.signature(method)
    checked: dict[str, Any] = {}
    for name, value in options.items():
        kind = signature.args[name].type if name in signature.args else signature.extra
        if kind is None:
            raise SchemaMismatch(
                f"{model.name}.{method} has no argument {name!r}",
                hint=f"it takes: {', '.join(signature.args)}",
                field=name,
            )
        taken = binary(kind)
        if taken is not None and isinstance(value, str):  # typed as -a mask=mask.png
            value = taken.from_path(Path(value).expanduser(), name)
        checked[name] = kind.check(value, name)
    return checked


def read_pieces(data: Any, argument: tuple[str, DataType], batch_rows: int | None) -> Iterator[Any]:
    """The data as one or more pieces, each small enough when ``batch_rows`` is given."""
    _, kind = argument
    if batch_rows is not None and batch_rows < 1:
        raise InvalidInput(f"batch_rows={batch_rows} must be at least 1")
    if isinstance(data, Sources):
        for one in data:
            yield from read_pieces(one, argument, batch_rows)
    elif isinstance(data, str | Path) and is_data_file(data):
        yield from read_file(data, kind, batch_rows)
    elif batch_rows is not None and getattr(data, "ndim", 0) > 0:
        rows: Any = getattr(data, "iloc", data)
        for start in range(0, cast(Any, data).shape[0], batch_rows):
            yield rows[start : start + batch_rows]
    else:
        yield data


def is_data_file(data: str | Path) -> bool:
    """Whether a word names a file of data: standard input, or a path with a suffix of a format we read."""
    if isinstance(data, Path) or data == STDIN:
        return True
    return "\n" not in data and len(data) < 1024 and formats.known_suffix(data)


def read_file(data: str | Path, kind: DataType, batch_rows: int | None) -> Iterator[Any]:
    """One file, or standard input, whole or in batches."""
    with opened(data, kind) as (stream, reader):
        wanted = kind if reader.can_hold(kind) else formats.readable_type(reader, as_column(kind))
        if batch_rows is None:
            yield reader.read(stream, wanted)
        elif isinstance(reader, BatchReader):
            yield from reader.read_batches(stream, wanted, batch_rows)
        else:
            raise UnsupportedFormat(
                f"{reader.NAME} cannot be read in batches", hint="use csv, jsonl, parquet or arrow"
            )


@contextlib.contextmanager
def opened(data: str | Path, kind: DataType) -> Iterator[tuple[IO[bytes], DataFormat]]:
    """The bytes of a file or of standard input, and the format that reads them."""
    if str(data) == STDIN:
        stream, name = formats.sniffed(sys.stdin.buffer)
        if name in ("csv", "tsv") and not any(
            formats.named(name).can_hold(k) for k in (kind, as_column(kind))
        ):
            name = "json"  # a bare number or word is no table
        with stream:
            yield stream, formats.named(name)
        return
    path = Path(data)
    reader = formats.file_format(path)
    if not path.is_file():
        raise FileMissing(f"no data file at {path}")
    with path.open("rb") as stream:
        yield stream, reader


def column_names(model: Model, method: str) -> Sequence[str]:
    """Names for the columns of a bare result: the method's, or one a class for probabilities."""
    classes = getattr(model.object, "classes_", None)
    if method in ("predict_proba", "predict_log_proba") and classes is not None:
        return [str(c) for c in list(classes)]
    return [method]


def write_pieces(results: Iterator[Any], output: Path, names: Sequence[str]) -> Path:
    """Write results to a file in the format of its suffix; the file appears when it is whole. None: no file."""
    first = next(results, None)
    if first is None:
        return output
    results = chain([first], results)
    writer = formats.data_format(output)
    with replacing(output) as temporary:
        if isinstance(writer, BatchWriter):
            with writer.open_writer(temporary) as out:
                for result in results:
                    out.write(as_table(result, names) if writer.NAME != "json" else result)
        else:
            value = joined(list(results))
            formats.write_value(writer, value, temporary)
    return output
