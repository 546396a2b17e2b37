"""Files of runs as other tools write them, from formats as these tools document them: for tests that have none of these tools."""

from __future__ import annotations

import datetime
import json
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from modelyard.compat._run_files.frames import crc32c, masked

BEGAN = 1_790_000_000


class Single(float):
    """A float of 32 bits."""


Value = int | float | str | bytes


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def message(*fields: tuple[int, Value]) -> bytes:
    """Protobuf's wire format."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        elif isinstance(value, Single):
            out += varint(number << 3 | 5) + struct.pack("<f", value)
        elif isinstance(value, float):
            out += varint(number << 3 | 1) + struct.pack("<d", value)
        else:
            data = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(data)) + data
    return out


# TensorBoard


def event(step: int, *values: bytes, at: float = BEGAN) -> bytes:
    summary = message(*((1, value) for value in values))
    return message((1, float(at)), (2, step), (5, summary))


def scalar(tag: str, value: float) -> bytes:
    return message((1, tag), (2, Single(value)))


def tensor(tag: str, plugin: str, *fields: tuple[int, Value]) -> bytes:
    metadata = message((1, message((1, plugin))))
    return message((1, tag), (9, metadata), (8, message(*fields)))


def tfrecord(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    checks = (struct.pack("<I", masked(crc32c(part))) for part in (length, data))
    return length + next(checks) + data + next(checks)


def tensorboard(path: Path, events: Iterable[bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    first = message((1, float(BEGAN)), (3, "brain.Event:2"))
    path.write_bytes(b"".join(map(tfrecord, (first, *events))))
    return path


def losses(values: Sequence[float], first: int = 0) -> list[bytes]:
    return [event(step, scalar("loss", value), at=BEGAN + step) for step, value in enumerate(values, first)]  # fmt: skip


# W&B


def items(values: Mapping[str, Any], field: int = 1) -> bytes:
    """Its records of values: a nested key, and JSON."""
    told = []
    for key, value in values.items():
        place = [(2, part) for part in key.split(".")]
        told.append((field, message(*place, (16, json.dumps(value)))))
    return message(*told)


def history(step: int, **values: Any) -> bytes:
    body = items({**values, "_step": step, "_timestamp": BEGAN + step}) + message(
        (2, message((1, step)))
    )
    return message((2, body))


def begun(run_id: str = "abc123", config: Mapping[str, Any] | None = None, **more: str) -> bytes:
    fields: list[tuple[int, Value]] = [
        (1, run_id), (3, "churn"), (4, items(config or {})), (8, "first"), (10, "a tag"),
        (17, message((1, BEGAN))),
    ]  # fmt: skip
    return message((1, 1), (17, message(*fields)))


def exited(code: int = 0) -> bytes:
    return message((18, message((1, code))))


def wandb_log(records: Iterable[bytes]) -> bytes:
    """LevelDB's log, in blocks of 32 KB."""
    out = bytearray(b":W&B\xe1\xbe\x00")
    for record in records:
        first = True
        while first or record:
            room = 32768 - len(out) % 32768
            if room < 7:
                out += bytes(room)
                continue
            piece, record = record[: room - 7], record[room - 7 :]
            kind = 1 if first and not record else 2 if first else 3 if record else 4
            check = zlib.crc32(piece, zlib.crc32(bytes([kind])))
            out += struct.pack("<IHB", check, len(piece), kind) + piece
            first = False
    return bytes(out)


def wandb(folder: Path, records: Iterable[bytes], run_id: str = "abc123") -> Path:
    place = folder / "wandb" / f"offline-run-20260921_120000-{run_id}"
    (place / "files").mkdir(parents=True, exist_ok=True)
    (place / "files" / "output.log").write_text("hello\n")
    path = place / f"run-{run_id}.wandb"
    path.write_bytes(wandb_log(records))
    return path


# DVCLive


def dvclive(folder: Path, values: Sequence[float], depth: int = 3) -> Path:
    live = folder / "dvclive"
    (live / "plots/metrics/val").mkdir(parents=True, exist_ok=True)
    for name in ("loss", "val/acc"):
        lines = [f"{step}\t{value!r}\n" for step, value in enumerate(values)]
        head = f"step\t{name.rpartition('/')[2]}\n"
        (live / f"plots/metrics/{name}.tsv").write_text(head + "".join(lines))
    told = {"loss": values[-1], "val": {"acc": values[-1]}, "step": len(values) - 1, "best": 0.5}
    (live / "metrics.json").write_text(json.dumps(told))
    (live / "params.yaml").write_text(f"depth: {depth}\nmodel:\n  rate: 0.5\n")
    return live


# Neptune


def neptune(
    folder: Path, rows: Iterable[Mapping[str, Any]], run: str = "RUN-1", part: int = 0
) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    moment = pa.timestamp("ms", "UTC")
    schema = pa.schema(
        {
            **dict.fromkeys(("project_id", "run_id", "attribute_path", "attribute_type"), pa.string()),
            "step": pa.decimal128(18, 6), "timestamp": moment, "int_value": pa.int64(),
            "float_value": pa.float64(), "string_value": pa.string(), "bool_value": pa.bool_(),
            "datetime_value": moment, "string_set_value": pa.list_(pa.string()),
            "file_value": pa.struct([("path", pa.string())]),
            "histogram_value": pa.struct(
                [("type", pa.string()), ("edges", pa.list_(pa.float64())), ("values", pa.list_(pa.float64()))]
            ),
        }
    )  # fmt: skip
    place = folder / "data" / "team_churn-0011"
    place.mkdir(parents=True, exist_ok=True)
    full = [
        {
            name: {"project_id": "team/churn", "run_id": run, **row}.get(name)
            for name in schema.names
        }
        for row in rows
    ]
    path = place / f"{run}-77_part_{part}.parquet"
    pq.write_table(pa.Table.from_pylist(full, schema=schema), path, compression="snappy")
    return path


def series(path: str, values: Sequence[float]) -> list[dict[str, Any]]:
    began = datetime.datetime.fromtimestamp(BEGAN, datetime.UTC)
    return [
        {
            "attribute_path": path, "attribute_type": "float_series", "step": Decimal(step),
            "timestamp": began + datetime.timedelta(seconds=step), "float_value": value,
        }
        for step, value in enumerate(values)
    ]  # fmt: skip


def value(path: str, kind: str, told: Any) -> dict[str, Any]:
    return {"attribute_path": path, "attribute_type": kind, f"{kind}_value": told}
