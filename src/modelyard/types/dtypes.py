"""Names of element types, as cards spell them: numpy's and pandas' own words, parsed once.

One cell of an array or a column belongs to a family (``float``, ``integer`` …), which decides its JSON form; the rest
(bits, unit, zone) decides what fits. Tables of other libraries use the numpy words for what they hold.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from modelyard.base.errors import InvalidInput, did_you_mean

Family = Literal[
    "float", "integer", "boolean", "string", "bytes", "complex", "datetime", "duration", "period",
    "category", "object",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class DType:
    """A parsed name. ``unit`` of datetimes and durations, frequency of periods; ``zone`` of aware datetimes."""

    name: str
    family: Family
    bits: int = 0
    unsigned: bool = False
    unit: str = ""
    zone: str = ""
    extension: bool = False
    """pandas' own types with a missing value (``Int64``, ``boolean``, ``string``) and the Arrow-backed ones."""

    @property
    def holds_missing(self) -> bool:
        """Whether a missing value needs no permission: the type itself has one, and libraries use it freely."""
        return self.extension or self.family in (
            "float",
            "datetime",
            "duration",
            "period",
            "object",
        )

    @property
    def lowest(self) -> int:
        return 0 if self.unsigned else -(1 << self.bits - 1)

    @property
    def highest(self) -> int:
        return (1 << self.bits - (0 if self.unsigned else 1)) - 1


_PLAIN: dict[str, DType] = {
    d.name: d
    for d in (
        *(DType(f"float{b}", "float", b) for b in (16, 32, 64)),
        *(DType(f"Float{b}", "float", b, extension=True) for b in (32, 64)),
        *(DType(f"int{b}", "integer", b) for b in (8, 16, 32, 64)),
        *(DType(f"uint{b}", "integer", b, unsigned=True) for b in (8, 16, 32, 64)),
        *(DType(f"Int{b}", "integer", b, extension=True) for b in (8, 16, 32, 64)),
        *(DType(f"UInt{b}", "integer", b, unsigned=True, extension=True) for b in (8, 16, 32, 64)),
        *(DType(f"complex{b}", "complex", b) for b in (64, 128)),
        DType("bool", "boolean"),
        DType("boolean", "boolean", extension=True),
        DType("str", "string"),
        DType("string", "string", extension=True),
        DType("bytes", "bytes"),
        DType("object", "object"),
        DType("category", "category"),
        DType("date", "datetime", unit="D"),
    )
}
_ARROW: dict[str, str] = {
    "halffloat": "float16", "float": "float32", "double": "float64", "bool": "bool",
    "string": "str", "large_string": "str", "date32[day]": "date",
    **{f"{u}int{b}": f"{u}int{b}" for u in ("", "u") for b in (8, 16, 32, 64)},
}  # fmt: skip
_TIME = re.compile(
    r"(?P<word>datetime64|timedelta64|timestamp|duration)\[(?P<unit>[A-Za-z]+)(, (tz=)?(?P<zone>[^\]]+))?\]"
)
_PERIOD = re.compile(r"period\[(?P<unit>[A-Za-z0-9-]+)\]")
UNITS = ("D", "h", "m", "s", "ms", "us", "ns")
"""Units of datetimes and durations that have an exact JSON form."""


@lru_cache(maxsize=1024)
def parse_dtype(name: str) -> DType:
    """What a name in a card means; `InvalidInput` for one that means nothing here.

    >>> parse_dtype("datetime64[us, Europe/Berlin]").zone
    'Europe/Berlin'
    """
    if name in _PLAIN:
        return _PLAIN[name]
    base = name.removesuffix("[pyarrow]")
    if base != name:
        inner = _PLAIN.get(_ARROW.get(base, "")) or _parse_time(base)
        if inner is not None:
            return DType(
                name, inner.family, inner.bits, inner.unsigned, inner.unit, inner.zone, True
            )
    elif (parsed := _parse_time(name)) is not None:
        return parsed
    elif match := _PERIOD.fullmatch(name):
        return DType(name, "period", unit=match["unit"])
    raise InvalidInput(
        f"unknown dtype {name!r}",
        hint=did_you_mean(name, _PLAIN) or f"known: {', '.join(_PLAIN)}, datetime64[us, ZONE] …",
    )


def _parse_time(name: str) -> DType | None:
    match = _TIME.fullmatch(name)
    if match is None or match["unit"] not in UNITS:
        return None
    family: Family = "datetime" if match["word"] in ("datetime64", "timestamp") else "duration"
    return DType(name, family, unit=match["unit"], zone=match["zone"] or "")
