"""Parquet, Arrow streams and npy in and out, over a real server: equal answers to JSON's, and nothing that is a 500."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard.base.errors import ModelyardError
from modelyard.serving.arrow_wire import read_parquet
from modelyard.serving.interface import Limits
from modelyard.testing.protocol_models import FLOWERS, NUMBERS, Gate, models
from serving_cases.logs import FaultyLog
from serving_cases.models import function_model, iris
from serving_cases.server import serving

Http = httpx2.Client
PARQUET = "application/vnd.apache.parquet"
ARROW = "application/vnd.apache.arrow.stream"
NPY = "application/x-npy"
FRAME = pd.DataFrame(FLOWERS * 3)


def size_of(image: bytes, scale: float = 1.0) -> float:
    return len(image) * scale


def weigh(X: dict[str, float], by: float) -> float:
    return X["a"] * by


@pytest.fixture(scope="module")
def http() -> Iterator[Http]:
    served = [
        *models(Gate()),
        function_model("file", b"x", predict=size_of),
        function_model("record", {"a": 1.0}, predict=weigh),
    ]
    limits = Limits(body_bytes=1 << 20, decoded_bytes=4 << 20)
    with serving(served, limits=limits) as client:
        yield client


def parquet(value: Any, **options: Any) -> bytes:
    out = io.BytesIO()
    table = value if isinstance(value, pa.Table) else pa.table(value)
    pq.write_table(table, out, **options)
    return out.getvalue()


def stream(value: Any, **options: Any) -> bytes:
    table = value if isinstance(value, pa.Table) else pa.table(value)
    out = io.BytesIO()
    with pa.ipc.new_stream(out, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return out.getvalue()


def npy(value: Any, **options: Any) -> bytes:
    out = io.BytesIO()
    np.save(out, np.asarray(value), **options)
    return out.getvalue()


def frames(frame: pd.DataFrame) -> dict[str, tuple[str, bytes]]:
    """A frame in all the ways that people write one."""
    table = pa.Table.from_pandas(frame)
    out = io.BytesIO()
    frame.to_parquet(out)
    polars, polars_stream = io.BytesIO(), io.BytesIO()
    pl.from_pandas(frame).write_parquet(polars)
    pl.from_pandas(frame).write_ipc_stream(polars_stream)
    return {
        "pandas parquet": (PARQUET, out.getvalue()),
        "polars parquet": (PARQUET, polars.getvalue()),
        "zstd parquet": (PARQUET, parquet(table, compression="zstd", row_group_size=2)),
        "second pages": (PARQUET, parquet(table, data_page_version="2.0", use_dictionary=False)),
        "arrow": (ARROW, stream(table)),
        "lz4 arrow": (ARROW, stream(table, compression="lz4")),
        "polars arrow": (ARROW, polars_stream.getvalue()),
        "npy": (NPY, npy(frame.to_numpy())),
        "npy by column": (NPY, npy(np.asfortranarray(frame.to_numpy()))),
    }


def ask(http: Http, path: str, kind: str, body: bytes, **headers: str) -> httpx2.Response:
    return http.post(path, content=body, headers={"Content-Type": kind, **headers})


@pytest.mark.parametrize("form", frames(FRAME))
def test_a_table_is_the_same_in_every_form(http: Http, form: str) -> None:
    kind, body = frames(FRAME)[form]
    for method in ("predict", "predict_proba"):
        wanted = http.post(f"/flowers/{method}", json=FRAME.to_dict("records"))
        answer = ask(http, f"/flowers/{method}", kind, body)
        assert (answer.status_code, answer.json()) == (200, wanted.json())


def test_texts_missing_values_and_large_numbers_arrive_exactly(http: Http) -> None:
    frame = pd.DataFrame(
        {
            "age": [41, 2**53 + 1],
            "income": [10.5, None],
            "town": ["Zürich", ""],
            "new": [True, False],
        }
    )
    records = [
        {"age": 41, "income": 10.5, "town": "Zürich", "new": True},
        {"age": 2**53 + 1, "income": None, "town": "", "new": False},
    ]
    wanted = http.post("/customers/predict", json=records).json()
    for form, (kind, body) in frames(frame).items():
        if kind != NPY:
            assert ask(http, "/customers/predict", kind, body).json() == wanted, form


@pytest.mark.parametrize(
    ("kind", "body"),
    [(NPY, npy(NUMBERS)), (ARROW, stream({str(i): c for i, c in enumerate(zip(*NUMBERS, strict=True))}))],
    ids=["npy", "arrow"],
)  # fmt: skip
def test_an_array_is_the_same_in_every_form(http: Http, kind: str, body: bytes) -> None:
    wanted = http.post("/numbers/double", json=NUMBERS).json()
    assert ask(http, "/numbers/double", kind, body).json() == wanted


def test_a_list_may_come_as_an_array_or_a_column(http: Http) -> None:
    wanted = ["A!", "ß!".upper()]
    assert ask(http, "/texts/predict", NPY, npy(["a", "ß"])).json() == wanted
    assert ask(http, "/texts/predict", PARQUET, parquet({"any": ["a", "ß"]})).json() == wanted


READ: dict[str, Callable[[bytes], Any]] = {
    PARQUET: lambda body: pq.read_table(io.BytesIO(body)),
    ARROW: lambda body: pa.ipc.open_stream(body).read_all(),
}


@pytest.mark.parametrize("kind", READ)
def test_answers_as_tables(http: Http, kind: str) -> None:
    records = [{**r, "reference_id": f"r{i}"} for i, r in enumerate(FLOWERS)]
    answer = http.post("/flowers/predict_proba", json=records, headers={"Accept": kind})
    assert answer.headers["content-type"] == kind
    table = READ[kind](answer.content)
    assert table.column_names == ["reference_id", "0", "1"]
    wanted = http.post("/flowers/predict_proba", json=FLOWERS).json()
    assert table.drop_columns("reference_id").to_pandas().to_numpy().tolist() == wanted
    answer = http.post("/gaps/predict", json=FLOWERS, headers={"Accept": kind})
    assert READ[kind](answer.content).to_pydict() == {"value": [0, 0]}


def test_answers_as_arrays(http: Http) -> None:
    answer = http.post("/numbers/double", json=NUMBERS, headers={"Accept": NPY})
    assert answer.headers["content-type"] == NPY
    array = np.load(io.BytesIO(answer.content), allow_pickle=False)
    assert (array.tolist(), array.dtype) == ((np.array(NUMBERS) * 2).tolist(), np.float64)


def test_an_answer_that_a_format_cannot_hold_is_refused_with_a_way_out(http: Http) -> None:
    answer = http.post("/customers/predict", json=[
        {"age": 41, "income": 10.5, "town": "Zürich", "new": True},
    ], headers={"Accept": NPY})  # fmt: skip
    assert answer.status_code == 415
    assert answer.json()["error"]["hint"] == "Accept: application/json"


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "application/json"),
        (f"{PARQUET};q=0.5, {ARROW}", ARROW),
        (f"{PARQUET}, {ARROW}", PARQUET),
        (f"{ARROW};q=0.5, application/json;q=0.6", "application/json"),
        (f"{ARROW}, application/json", "application/json"),
        (f"{ARROW};q=0, */*", "application/json"),
        (f"{NPY};q=0.9, text/csv;q=0.8, */*;q=0.1", NPY),
        ("application/x-unheard-of", "application/json"),
        ("," * 5000, "application/json"),
    ],
)
def test_the_format_is_the_one_that_is_wanted_most(http: Http, accept: str, kind: str) -> None:
    answer = http.post("/numbers/double", json=NUMBERS, headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == kind


def test_reference_ids_are_taken_from_a_column() -> None:
    log = FaultyLog()
    table = pa.table({**pa.table(FRAME).to_pydict(), "reference_id": list("abcdef")})
    with serving(iris(), log=log) as client:
        assert ask(client, "/predict", ARROW, stream(table)).status_code == 200
    assert [p.reference_id for p in log.kept] == list("abcdef")


def test_a_form_takes_tables_and_arrays_as_files(http: Http) -> None:
    wanted = http.post("/flowers/predict", json=FRAME.to_dict("records")).json()
    parts = {
        "x.parquet": parquet(FRAME),
        "x.arrows": stream(FRAME),
        "x.npy": npy(FRAME.to_numpy()),
        "x.csv": FRAME.to_csv(index=False).encode(),
    }
    for name, content in parts.items():
        for field in ("X", "file"):
            answer = http.post("/flowers/predict", files={field: (name, content)})
            assert (answer.status_code, answer.json()) == (200, wanted), (name, field)


def test_other_arguments_go_beside_a_table_in_a_form(http: Http) -> None:
    maps = pa.array([[("a", 2.0)]], pa.map_(pa.string(), pa.float64()))
    table = ("t.parquet", parquet({"X": maps}), PARQUET)
    answer = http.post("/record/predict", files={"X": table}, data={"by": "3"})
    assert (answer.status_code, answer.json()) == (200, 6.0)
    refused = ask(http, "/record/predict", PARQUET, parquet({"a": [2.0]}))
    assert refused.status_code == 415
    assert "part for each argument" in refused.json()["error"]["hint"]


def test_a_method_that_takes_files_takes_these_as_files(http: Http) -> None:
    body = parquet({"a": [1]})
    assert ask(http, "/file/predict", PARQUET, body).json() == len(body)


def zeros(count: int) -> dict[str, Any]:
    return {"length": np.zeros(count), "width": np.zeros(count)}


def null_column() -> bytes:
    """Two thousand million rows without a byte."""
    column = pa.Array.from_buffers(pa.null(), 2**31 - 1, [None])
    batch = pa.RecordBatch.from_arrays([column], ["X"])
    out = io.BytesIO()
    with pa.ipc.new_stream(out, batch.schema) as writer:
        writer.write_batch(batch)
    return out.getvalue()


def long_texts(count: int) -> pa.Table:
    """One text of 100 kB in every row."""
    return pa.table({"X": pa.array(["x" * 100_000]).take(pa.array([0] * count))})


def one_text_named_often() -> pa.Table:
    indices = pa.array(np.zeros(5000, "int32"))
    return pa.table({"X": pa.DictionaryArray.from_arrays(indices, pa.array(["x" * 100_000]))})


def header(shape: str, descr: str = "'<f8'") -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


BOMBS: dict[str, tuple[str, Callable[[], bytes], int]] = {
    "zstd pages": (PARQUET, lambda: parquet(zeros(500_000), compression="zstd", use_dictionary=False), 413),
    "runs of one value": (PARQUET, lambda: parquet(zeros(500_000), compression="none"), 413),
    "texts in a dictionary": (PARQUET, lambda: parquet(long_texts(200), compression="none"), 413),
    "texts in lists": (PARQUET, lambda: parquet({"X": [["x" * 100_000] * 200]}, compression="none"), 413),
    "zstd buffers": (ARROW, lambda: stream(zeros(500_000), compression="zstd"), 413),
    "rows without bytes": (ARROW, null_column, 413),
    "texts by index": (ARROW, lambda: stream(one_text_named_often()), 413),
    "an array that is not there": (NPY, lambda: header("(1000000000000, 2)"), 400),
    "items of no size": (NPY, lambda: header("(1000000000000,)", "'|S0'"), 400),
    "nested brackets": (NPY, lambda: header("(" * 5000 + ")" * 5000), 400),
    "a negative size": (NPY, lambda: header("(-1, -8)") + bytes(64), 400),
    "objects": (NPY, lambda: npy([{}, None], allow_pickle=True), 400),
    "records of objects": (NPY, lambda: header("(1,)", "[('a', '|O')]") + bytes(8), 400),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_what_is_small_and_becomes_huge_is_refused_before_it_does(http: Http, name: str) -> None:
    kind, make, status = BOMBS[name]
    body = make()
    assert len(body) < 1 << 20
    answer = ask(http, "/flowers/predict" if "X" not in name else "/texts/predict", kind, body)
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["code"] == {413: "too_large", 400: "invalid_input"}[status]


EMPTY = pa.array([], "float64")
MISFITS: dict[str, tuple[str, bytes, int, str]] = {
    "a missing column": (PARQUET, parquet({"length": [1.0]}), 422, "width"),
    "a wrong type": (ARROW, stream({"length": [1.0], "width": ["x"]}), 422, "width"),
    "an extra column": (PARQUET, parquet({"length": [1.0], "width": [1.0], "hue": [1.0]}), 422, "hue"),
    "a column twice": (ARROW, stream(pa.table([[1.0], [1.0]], names=["length", "length"])), 422, "twice"),
    "no rows": (PARQUET, parquet({"length": EMPTY, "width": EMPTY}), 422, "at least one"),
    "no rows in a stream": (ARROW, stream({"length": EMPTY, "width": EMPTY}), 422, "at least one"),
    "a missing value": (PARQUET, parquet({"length": [None, 1.0], "width": [1.0, 1.0]}), 422, "length"),
    "one column of two": (NPY, npy([[1.0]]), 422, "2 columns"),
    "not a number": (NPY, npy([[float("nan"), 1.0]]), 422, "length"),
    "no rows in an array": (NPY, npy(np.zeros((0, 2))), 422, "at least one"),
    "a cube": (NPY, npy(np.zeros((2, 2, 2))), 422, "X"),
    "complex numbers": (NPY, npy([[1j, 1j]]), 422, "X"),
    "no Parquet": (PARQUET, b"", 400, "Parquet"),
    "no stream": (ARROW, b"", 400, "Arrow"),
    "no array": (NPY, b"", 400, "npy"),
    "Parquet for a stream": (ARROW, parquet(zeros(2)), 400, "Arrow"),
    "an exotic type": (ARROW, stream({"X": pa.array([{}], pa.struct([]))}), 415, "struct"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISFITS)
def test_what_does_not_fit_says_where(http: Http, name: str) -> None:
    kind, body, status, word = MISFITS[name]
    answer = ask(http, "/flowers/predict", kind, body)
    assert answer.status_code == status, answer.text
    assert word in answer.text


SEEDS = {
    PARQUET: parquet(FRAME),
    ARROW: stream(pa.table({**pa.table(FRAME).to_pydict(), "t": pa.array(["a", "b"] * 3).dictionary_encode()}), compression="lz4"),
    NPY: npy(FRAME.to_numpy()),
    "text/csv": FRAME.to_csv(index=False).encode(),
    "application/json": FRAME.to_json(orient="records").encode(),
    "multipart/form-data; boundary=b": b'--b\r\nContent-Disposition: form-data; name="X"; filename="a.parquet"\r\n\r\n'
    + parquet(FRAME) + b"\r\n--b--\r\n",
}  # fmt: skip


@pytest.mark.parametrize("kind", SEEDS)
def test_no_bytes_make_the_server_fail(http: Http, kind: str) -> None:
    seed = SEEDS[kind]
    places = st.lists(st.tuples(st.integers(0, len(seed) - 1), st.integers(0, 255)), max_size=8)

    @settings(max_examples=120)
    @given(st.binary(max_size=200), places, st.integers(0, len(seed)), st.integers(0, 3))
    def fuzz(noise: bytes, changes: list[tuple[int, int]], cut: int, how: int) -> None:
        body = bytearray(noise if how == 0 else seed[:cut] + noise if how == 1 else seed)
        for place, value in changes if how > 1 else ():
            body[place] = value
        answer = ask(http, "/flowers/predict", kind, bytes(body))
        assert answer.status_code in (200, 400, 413, 415, 422), (answer.text, bytes(body))

    fuzz()


def test_no_footer_that_lies_ends_the_process() -> None:
    """pyarrow aborts over some of these when it is asked where a column lies."""
    good = parquet({"X": ["a", "b"]})
    footer = len(good) - 8 - int.from_bytes(good[-8:-4], "little")
    refused = 0
    for place in range(footer, len(good) - 8):
        for value in (0, 2, 4, 127, 255):
            body = bytearray(good)
            body[place] = value
            try:
                read_parquet(bytes(body), 1 << 20)
            except ModelyardError:
                refused += 1
    assert refused > footer


def test_long_answers_are_packed_for_whoever_takes_that(http: Http) -> None:
    many = {"X": FLOWERS * 5000}
    plain = http.post("/flowers/predict_proba", json=many, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == "accept-encoding"
    for accept, packed in [("gzip", True), ("br, gzip;q=0.5", True), ("gzip;q=0", False), ("br", False)]:  # fmt: skip
        with http.stream(
            "POST", "/flowers/predict_proba", json=many, headers={"Accept-Encoding": accept}
        ) as answer:
            raw = b"".join(answer.iter_raw())
            assert (answer.headers.get("content-encoding") == "gzip") == packed
            assert int(answer.headers["content-length"]) == len(raw)
        assert (gzip.decompress(raw) if packed else raw) == plain.content
    short = http.post("/flowers/predict", json=FLOWERS, headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in short.headers
