"""Tables, series and indexes of pandas in pickles, made by pandas' public constructors.

Texts that Arrow holds are read from its buffers after every offset was checked.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np

from modelyard.base.errors import Corrupted, MissingExtra
from modelyard.objects.formats._pickles.machine import Made, Named

Build = Callable[[Any], Any]


@functools.cache
def _pandas() -> Any:
    try:
        import pandas
    except ModuleNotFoundError as error:
        raise MissingExtra("reading tables", "pandas", missing=error.name) from error
    return pandas


def frame(build: Build, node: Made) -> Any:
    """A DataFrame of its blocks, put together column by column."""
    axes, blocks = _manager(build, node.state["_mgr"])
    columns, index = axes
    parts: dict[int, Any] = {}
    for values, places in blocks:
        for number, place in enumerate(places):
            part = values[number] if getattr(values, "ndim", 1) == 2 else values
            if place in parts:
                raise Corrupted("two blocks of a table have the same column")
            parts[place] = _column(part, index)
    if sorted(parts) != list(range(len(columns))):
        raise Corrupted("a table has not one block for each column")
    series = {n: _pandas().Series(part, index=index, copy=False) for n, part in parts.items()}
    made = _pandas().DataFrame({n: series[n] for n in range(len(columns))}, index=index)
    made.columns = columns
    return _with_attrs(made, build(node.state.get("attrs")))


def series(build: Build, node: Made) -> Any:
    """A Series of its one block."""
    [index], [(values, _)] = _manager(build, node.state["_mgr"])
    name = build(node.state.get("_name", node.state.get("name")))
    made = _pandas().Series(_column(values, index), index=index, name=name)
    return _with_attrs(made, build(node.state.get("attrs")))


def _column(values: Any, index: Any) -> Any:
    """An array as long as the index: one value alone would be repeated as often as the file says."""
    arrays = (np.ndarray, _pandas().api.extensions.ExtensionArray)
    if not isinstance(values, arrays) or len(values) != len(index):
        raise Corrupted("a column of a table is no array as long as its index")
    return values


def _with_attrs(made: Any, attrs: Any) -> Any:
    if isinstance(attrs, dict):
        made.attrs.update(cast("dict[Any, Any]", attrs))
    return made


def _manager(build: Build, node: Any) -> tuple[list[Any], list[tuple[Any, list[int]]]]:
    """The axes of a block manager, and its blocks with the columns each of them holds."""
    if not isinstance(node, Made) or node.name not in _MANAGERS:
        raise Corrupted("a table without its blocks")
    if node.args:  # a table of pandas since 1.3
        blocks, axes = node.args
        found = [(build(b.args[0]), _places(build(b.args[1]))) for b in blocks]
    else:
        content = next(part for part in node.state if isinstance(part, dict))["0.14.1"]
        axes = content["axes"]
        found = [(build(b["values"]), _places(build(b["mgr_locs"]))) for b in content["blocks"]]
    return [build(axis) for axis in axes], found


def _places(places: Any) -> list[int]:
    if isinstance(places, slice):
        size = max(abs(places.start or 0), abs(places.stop or 0))
        if size > 1_000_000:
            raise Corrupted("a block of too many columns")
        return list(range(*places.indices(size + 1)))
    return [int(p) for p in places]


def index(build: Build, node: Made) -> Any:
    """An index of any of the kinds that pandas pickles by ``_new_Index``."""
    cls, parts = node.args
    kind = cls.dotted.rpartition(".")[2] if isinstance(cls, Named) else ""
    make = _INDEXES.get(kind)
    if make is None or cls.dotted not in CLASSES:
        raise Corrupted("an index of an unknown class")
    return make(build(parts))


def _plain_index(parts: Any) -> Any:
    return _pandas().Index(parts["data"], name=parts["name"])


def _times(parts: Any) -> Any:
    made = _pandas().Index(parts["data"], name=parts["name"])
    freq = parts.get("freq")
    if isinstance(freq, _pandas().offsets.BaseOffset):
        made.freq = freq
    return made


def _offset(build: Build, node: Made) -> Any:
    """The step of a regular index: a number of days, hours, months …"""
    count, *normalize = build(node.args)
    if not isinstance(count, int) or not all(isinstance(n, bool) for n in normalize):
        raise Corrupted("a step of no number")
    return getattr(_pandas().offsets, node.name.rpartition(".")[2])(count, *normalize)


_INDEXES: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(
        [
            "Index",
            "Int64Index",
            "Float64Index",
            "UInt64Index",
            "NumericIndex",
            "CategoricalIndex",
            "PeriodIndex",
        ],
        _plain_index,
    ),
    "RangeIndex": lambda p: _pandas().RangeIndex(p["start"], p["stop"], p["step"], name=p["name"]),
    "DatetimeIndex": _times,
    "TimedeltaIndex": _times,
    "MultiIndex": lambda p: _pandas().MultiIndex(
        levels=p["levels"], codes=p["codes"], names=p["names"], verify_integrity=True
    ),
}


def _backed(build: Build, node: Made) -> Any:
    """Categories and times: a dtype and the array of numbers behind it."""
    cls = node.args[0]
    kind = cls.dotted.rpartition(".")[2] if isinstance(cls, Named) else ""
    dtype, values = (build(part) for part in node.state[:2])
    if not isinstance(values, np.ndarray):
        dtype, values = values, dtype
    if kind == "Categorical":
        return _pandas().Categorical.from_codes(values, dtype=dtype)
    if kind in ("DatetimeArray", "TimedeltaArray"):
        letter = "M" if kind == "DatetimeArray" else "m"
        if values.dtype.kind != letter:
            values = values.view(f"{letter}8[ns]")
        made = _pandas().array(values)
        tz = getattr(dtype, "tz", None)
        return made if tz is None else made.tz_localize("UTC").tz_convert(tz)
    if kind == "PeriodArray":
        return _pandas().arrays.PeriodArray(values, dtype=dtype)
    if kind.startswith("StringArray"):
        return _pandas().array(values, dtype=dtype)
    raise Corrupted("an array of an unknown class")


def _categories(build: Build, node: Made) -> Any:
    state = build(node.state)
    return _pandas().CategoricalDtype(state["categories"], ordered=bool(state["ordered"]))


def _zoned(build: Build, node: Made) -> Any:
    state = build(node.state)
    return _pandas().DatetimeTZDtype(state["unit"], state["tz"])


def _period(build: Build, node: Made) -> Any:
    [freq] = node.args
    if not isinstance(freq, str):
        raise Corrupted("periods of no length")
    return _pandas().PeriodDtype(freq)


def _zone(build: Build, node: Made) -> Any:
    """A time zone by its key, which `zoneinfo` checks."""
    import zoneinfo

    key = node.args[0]
    if not isinstance(key, str):
        raise Corrupted("a time zone without a name")
    return zoneinfo.ZoneInfo(key)


def _masked(build: Build, node: Made) -> Any:
    """Numbers with missing ones."""
    state = build(node.state)
    values, mask = state["_data"], state["_mask"]
    if not (isinstance(values, np.ndarray) and isinstance(mask, np.ndarray)):
        raise Corrupted("an array without values or mask")
    return getattr(_pandas().arrays, node.name.rpartition(".")[2])(values, mask)


def _text_type(build: Build, node: Made) -> Any:
    storage, *missing = build(node.args)
    if storage not in ("python", "pyarrow"):
        raise Corrupted("texts that are kept in an unknown way")
    missing = [m for m in missing if m is _pandas().NA or m != m]
    return _pandas().StringDtype(storage, *missing)


def _texts(build: Build, node: Made) -> Any:
    """An array of texts, in its dtype."""
    state = build(node.state)
    values = state["_pa_array"] if "_pa_array" in state else state["_ndarray"]
    return _pandas().array(values, dtype=state["_dtype"])


def _arrow(build: Build, node: Made) -> Any:
    """Texts in Arrow's buffers, as a list: each offset is checked before it is followed."""
    kind, length, _, offset, buffers, children, dictionary = node.args[0]
    name = (
        kind.args[0] if isinstance(kind, Made) and kind.name == "pyarrow.lib.type_for_alias" else ""
    )
    if name not in ("string", "large_string") or children or dictionary is not None:
        raise Corrupted("an Arrow array of other things than texts")
    valid, offsets, data = (None if b is None else bytes(build(b)) for b in buffers)
    places = np.frombuffer(offsets or b"\0" * 8, np.int32 if name == "string" else np.int64)
    ends = places[offset : offset + length + 1]
    text = data or b""
    if len(ends) != length + 1 or np.any(np.diff(ends) < 0) or ends[0] < 0 or ends[-1] > len(text):
        raise Corrupted("texts that are beyond their bytes")
    present = _present(valid, offset, length)
    return [
        text[a:b].decode("utf-8") if there else None
        for a, b, there in zip(ends[:-1].tolist(), ends[1:].tolist(), present, strict=True)
    ]


def _present(bits: bytes | None, offset: int, length: int) -> list[bool]:
    if bits is None:
        return [True] * length
    unpacked = np.unpackbits(np.frombuffer(bits, np.uint8), bitorder="little")
    found = unpacked[offset : offset + length].astype(bool).tolist()
    if len(found) != length:
        raise Corrupted("texts without a mark whether they are there")
    return found


def _chunked(build: Build, node: Made) -> Any:
    """Several Arrow arrays in a row."""
    chunks = build(node.args[0])
    return [text for chunk in chunks for text in chunk]


def _first(build: Build, node: Made) -> Any:
    return build(node.args[0])


def _extension(build: Build, node: Made) -> Any:
    return getattr(_pandas(), node.name.rpartition(".")[2])()


def _timestamp(build: Build, node: Made) -> Any:
    value, _, tz, *unit = build(node.args)
    made = np.int64(value).view(f"M8[{_RESOLUTIONS[unit[0] if unit else 10]}]")
    return (
        _pandas().Timestamp(made)
        if tz is None
        else _pandas().Timestamp(made, tz="UTC").tz_convert(tz)
    )


def _timedelta(build: Build, node: Made) -> Any:
    value, *unit = build(node.args)
    return _pandas().Timedelta(np.int64(value).view(f"m8[{_RESOLUTIONS[unit[0] if unit else 10]}]"))


_RESOLUTIONS = {7: "s", 8: "ms", 9: "us", 10: "ns"}

_INTEGERS = [f"{sign}Int{bits}Dtype" for sign in ("", "U") for bits in (8, 16, 32, 64)]

_PUBLIC: Mapping[str, Callable[[Build, Made], Any]] = {
    "DataFrame": frame,
    "Series": series,
    "CategoricalDtype": _categories,
    "DatetimeTZDtype": _zoned,
    "PeriodDtype": _period,
    "StringDtype": _text_type,
    "arrays.IntegerArray": _masked,
    "arrays.FloatingArray": _masked,
    "arrays.BooleanArray": _masked,
    "arrays.ArrowStringArray": _texts,
    "arrays.StringArray": _texts,
    **dict.fromkeys([*_INTEGERS, "Float32Dtype", "Float64Dtype", "BooleanDtype"], _extension),
}

_MODULES = {
    "DataFrame": "core.frame",
    "Series": "core.series",
    "CategoricalDtype": "core.dtypes.dtypes",
    "DatetimeTZDtype": "core.dtypes.dtypes",
    "PeriodDtype": "core.dtypes.dtypes",
    "StringDtype": "core.arrays.string_",
    "arrays.IntegerArray": "core.arrays.integer",
    "arrays.FloatingArray": "core.arrays.floating",
    "arrays.BooleanArray": "core.arrays.boolean",
    "arrays.ArrowStringArray": "core.arrays.string_arrow",
    "arrays.StringArray": "core.arrays.string_",
    "BooleanDtype": "core.arrays.boolean",
    "Float32Dtype": "core.arrays.floating",
    "Float64Dtype": "core.arrays.floating",
    **dict.fromkeys(_INTEGERS, "core.arrays.integer"),
}
"""Where pandas before version 3 says that its public classes are."""

RECIPES: Mapping[str, Callable[[Build, Made], Any]] = {
    **{f"pandas.{name}": recipe for name, recipe in _PUBLIC.items()},
    **{
        f"pandas.{_MODULES[name]}.{name.rpartition('.')[2]}": recipe
        for name, recipe in _PUBLIC.items()
    },
    "pandas.core.indexes.base._new_Index": index,
    "pandas.core.indexes.datetimes._new_DatetimeIndex": index,
    "pandas._libs.arrays.__pyx_unpickle_NDArrayBacked": _backed,
    "pandas._libs.tslibs.timestamps._unpickle_timestamp": _timestamp,
    "pandas._libs.tslibs.timedeltas._timedelta_unpickle": _timedelta,
    "pandas._libs.tslibs.nattype._nat_unpickle": lambda build, node: _pandas().NaT,
    **{
        f"pandas._libs.tslibs.offsets.{name}": _offset
        for name in [
            "Day",
            "Hour",
            "Minute",
            "Second",
            "Milli",
            "Micro",
            "Nano",
            "MonthEnd",
            "MonthBegin",
        ]
    },
    "pyarrow.lib._restore_array": _arrow,
    "pyarrow.lib.chunked_array": _chunked,
    "pyarrow.lib.py_buffer": _first,
    "zoneinfo.ZoneInfo._unpickle": _zone,
}

_MANAGERS = frozenset(
    f"pandas.core.internals.managers.{name}" for name in ("BlockManager", "SingleBlockManager")
)
CLASSES = (
    _MANAGERS
    | frozenset(
        f"pandas.{module}{name}"
        for name, modules in {
            "Index": " core.indexes.base.",
            "RangeIndex": " core.indexes.range.",
            "MultiIndex": " core.indexes.multi.",
            "DatetimeIndex": " core.indexes.datetimes.",
            "TimedeltaIndex": " core.indexes.timedeltas.",
            "PeriodIndex": " core.indexes.period.",
            "arrays.PeriodArray": " ",
            "PeriodArray": "core.arrays.period.",
            "CategoricalIndex": " core.indexes.category.",
            "Int64Index": "core.indexes.numeric.",
            "Float64Index": "core.indexes.numeric.",
            "UInt64Index": "core.indexes.numeric.",
            "Categorical": " core.arrays.categorical.",
            "arrays.DatetimeArray": " ",
            "arrays.TimedeltaArray": " ",
            "arrays.StringArray": " ",
            "StringArray": "core.arrays.string_.",
            "StringArrayNumpySemantics": "core.arrays.string_.",
            "DatetimeArray": "core.arrays.datetimes.",
            "TimedeltaArray": "core.arrays.timedeltas.",
        }.items()
        for module in modules.split(" ")
    )
    | {"zoneinfo.ZoneInfo", "pyarrow.lib.type_for_alias", "pandas._libs.internals._unpickle_block"}
)
"""Names that recipes look at in their arguments."""

VALUES: Mapping[str, Callable[[], Any]] = {"pandas.NA": lambda: _pandas().NA}
