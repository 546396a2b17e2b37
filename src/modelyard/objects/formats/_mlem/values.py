"""Values as MLEM kept them: one file for each leaf of a list or dict, tables in a dozen formats of pandas.

Its mistakes are not repeated: the text "None" stays a text, and an index without a name stays without one.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from typing import Any

from modelyard.base.errors import Corrupted, InvalidInput, NotAllowed
from modelyard.objects.files import Part
from modelyard.objects.formats._arrays import load_numpy, not_an_array
from modelyard.objects.formats._mlem.lacking import library_named
from modelyard.objects.formats._mlem.tables import read_series, read_table
from modelyard.objects.interface import Files

READER = "reader.json"
"""How the files are read: the description's own words."""
DATA = "data"
"""The key of a leaf's file."""


def read_value(files: Files, *, pickles: bool) -> Any:
    """The value that the files hold. ``pickles``: whether tables may be read from pickles, which runs what they say."""
    try:
        reader = _joined(json.loads(files.read(READER)))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise Corrupted(f"{READER} is damaged: {error}") from None
    with library_named("this data"):
        return read(reader, files, pickles)


def _joined(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _joined(v) for k, v in value["pairs"]}
    return [_joined(v) for v in value] if isinstance(value, list) else value


def read(reader: Any, files: Files, pickles: bool) -> Any:
    """The value of one reader, whose files stand under their bare keys."""
    kind = str(reader.get("type")) if isinstance(reader, dict) else ""
    if kind in _NESTED:
        return _NESTED[kind](reader, files, pickles)
    if kind not in _LEAVES:
        known = sorted([*_LEAVES, *_NESTED])
        raise InvalidInput(f"data read by {kind!r} is none of {', '.join(known)}")
    if reader.get("format") == "pickle" and not pickles:
        raise NotAllowed("a pickle stands where its card says that there is data only")
    return _LEAVES[kind](reader, files.read(DATA))


def _below(files: Files, name: Any) -> Files:
    return Part(files, f"{name}/")  # type: ignore[arg-type]  # any files will do


def _array(reader: Mapping[str, Any], files: Files, pickles: bool) -> Any:
    return [read(r, _below(files, i), pickles) for i, r in enumerate(reader.get("readers") or [])]


def _tuple_like(reader: Mapping[str, Any], files: Files, pickles: bool) -> Any:
    items = _array(reader, files, pickles)
    return tuple(items) if _type(reader).get("type") == "tuple" else items


def _dict(reader: Mapping[str, Any], files: Files, pickles: bool) -> Any:
    inner = reader.get("item_readers") or {}
    return {key: read(r, _below(files, key), pickles) for key, r in inner.items()}


def _dataset(reader: Mapping[str, Any], files: Files, pickles: bool) -> Any:
    import lightgbm

    if not reader.get("labels"):
        return lightgbm.Dataset(read(reader["inner"], files, pickles), free_raw_data=False)
    data = read(reader["inner"], _below(files, "inner"), pickles)
    label = read(reader["labels"], _below(files, "label"), pickles)
    return lightgbm.Dataset(data, label=label, free_raw_data=False)


def _type(reader: Mapping[str, Any]) -> Mapping[str, Any]:
    return reader.get("data_type") or {}


_TRUE = {"True": True, "False": False}


def _primitive(reader: Mapping[str, Any], data: bytes) -> Any:
    word, text = _type(reader).get("ptype"), data.decode("utf-8")
    try:
        return {
            "str": str,
            "int": int,
            "float": float,
            "complex": complex,
            "bool": _TRUE.__getitem__,
            "NoneType": lambda _: None,
        }[str(word)](text)
    except (KeyError, ValueError):
        raise Corrupted(f"{text[:40]!r} is no {word}") from None


def _number(reader: Mapping[str, Any], data: bytes) -> Any:
    numpy = load_numpy("reading this number")
    try:
        return numpy.dtype(_type(reader)["dtype"]).type(data.decode())
    except (KeyError, TypeError, ValueError) as error:
        raise Corrupted(f"{data[:40]!r} is no number: {error}") from None


def _ndarray(reader: Mapping[str, Any], data: bytes) -> Any:
    numpy = load_numpy("reading this array")
    try:
        with numpy.load(io.BytesIO(data), allow_pickle=False) as archive:
            return archive[DATA]
    except (ValueError, KeyError, OSError, EOFError, AttributeError, TypeError) as error:
        raise not_an_array("the file", error) from None


def _dynamic_dict(reader: Mapping[str, Any], data: bytes) -> Any:
    """JSON has no keys but texts; what they were stands in the description."""
    key: Any = {"int": int, "float": float}.get(_type(reader).get("key_type", {}).get("ptype"), str)
    try:
        return {key(k): v for k, v in json.loads(data).items()}
    except (ValueError, AttributeError) as error:
        raise Corrupted(f"the dict is damaged: {error}") from None


def _sparse(reader: Mapping[str, Any], data: bytes) -> Any:
    from scipy import sparse

    try:
        return sparse.load_npz(io.BytesIO(data))
    except (ValueError, KeyError, OSError) as error:
        raise not_an_array("the matrix", error) from None


def _torch(reader: Mapping[str, Any], data: bytes) -> Any:
    import torch

    try:
        return torch.load(io.BytesIO(data), weights_only=True)
    except Exception as error:  # its unpickler words each refusal differently
        raise Corrupted(f"this is no tensor: {error}") from error


def _tf_tensor(reader: Mapping[str, Any], data: bytes) -> Any:
    import tensorflow

    return tensorflow.convert_to_tensor(_ndarray(reader, data))


_NESTED: Mapping[str, Callable[[Mapping[str, Any], Files, bool], Any]] = {
    "array": _array,
    "tuple_like": _tuple_like,
    "dict": _dict,
    "lightgbm": _dataset,
}
_LEAVES: Mapping[str, Callable[[Mapping[str, Any], bytes], Any]] = {
    "primitive": _primitive,
    "numpy_number": _number,
    "numpy": _ndarray,
    "d_dict": _dynamic_dict,
    "pandas": lambda reader, data: read_table(reader, data),
    "pandas_series": lambda reader, data: read_series(reader, data),
    "csr_matrix": _sparse,
    "torch": _torch,
    "tf_tensor": _tf_tensor,
    "binary": lambda _, data: data,
}
