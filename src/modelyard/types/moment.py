"""Dates, times and durations of Python's own; in JSON ISO 8601 text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar, Self

from modelyard.base.errors import InvalidInput
from modelyard.types.instants import read_duration, read_moment, timedelta_to_ns, write_duration
from modelyard.types.interface import DataType
from modelyard.types.mismatch import mismatch, refusal
from modelyard.types.scalar import Scalar, only_fields, or_none


@dataclass(frozen=True)
class DatetimeType(Scalar):
    """A datetime. ``aware: true`` ones carry an offset from UTC, ``aware: false`` ones must not; without it both go."""

    kind = "datetime"
    expected = "an ISO 8601 date and time"
    schema: ClassVar = {"type": "string", "format": "date-time"}
    aware: bool | None = None

    def to_dict(self) -> dict[str, Any]:
        return {"type": self.kind, **({} if self.aware is None else {"aware": self.aware})}

    @classmethod
    def from_dict(cls, spelled: Mapping[str, Any]) -> Self:
        only_fields(spelled, "aware")
        aware = spelled.get("aware")
        if aware is not None and not isinstance(aware, bool):
            raise InvalidInput("'aware' of type 'datetime' is true or false")
        return cls(aware)

    def check(self, value: Any, where: str = "") -> Any:
        value = super().check(value, where)
        if self.aware not in (None, value.utcoffset() is not None):
            raise refusal(where, self._wanted, value.isoformat())
        return value

    def decode(self, data: Any, where: str = "") -> Any:
        value = super().decode(data, where)
        if self.aware not in (None, value.tzinfo is not None):
            raise mismatch(where, self._wanted, data)
        return value

    @property
    def _wanted(self) -> str:
        return f"{self.expected} {'with' if self.aware else 'without'} an offset"

    def holds(self, value: Any) -> bool:
        return isinstance(value, datetime)

    def read(self, data: Any) -> Any:
        moment = read_moment(data) if type(data) is str else None
        # Python would cut nanoseconds off without a word.
        return None if moment is None or moment[0] % 1000 else datetime.fromisoformat(data)

    def write(self, value: Any) -> Any:
        return value.isoformat()


class DateType(Scalar):
    kind = "date"
    expected = "an ISO 8601 date"
    schema: ClassVar = {"type": "string", "format": "date"}

    def holds(self, value: Any) -> bool:
        return isinstance(value, date) and not isinstance(value, datetime)

    def read(self, data: Any) -> Any:
        return or_none(date.fromisoformat, data)

    def write(self, value: Any) -> Any:
        return value.isoformat()


class TimeType(Scalar):
    kind = "time"
    expected = "an ISO 8601 time"
    schema: ClassVar = {"type": "string", "format": "time"}

    def holds(self, value: Any) -> bool:
        return isinstance(value, time)

    def read(self, data: Any) -> Any:
        return or_none(time.fromisoformat, data)

    def write(self, value: Any) -> Any:
        return value.isoformat()


class TimedeltaType(Scalar):
    kind = "timedelta"
    expected = "an ISO 8601 duration"
    schema: ClassVar = {"type": "string", "format": "duration"}

    def holds(self, value: Any) -> bool:
        return isinstance(value, timedelta)

    def read(self, data: Any) -> Any:
        duration = read_duration(data) if type(data) is str else None
        if duration is None or duration % 1000 or abs(duration) >= 86_400_000_000_000 * 10**9:
            return None
        return timedelta(microseconds=duration // 1000)

    def write(self, value: Any) -> Any:
        return write_duration(timedelta_to_ns(value))


KINDS: Mapping[str, type[DataType]] = {
    k.kind: k for k in (DatetimeType, DateType, TimeType, TimedeltaType)
}


def claims(value: Any) -> bool:
    return isinstance(value, (date, time, timedelta))


def infer(value: Any) -> DataType:
    if isinstance(value, datetime):
        return DatetimeType(aware=value.utcoffset() is not None)
    if isinstance(value, date):
        return DateType()
    return TimeType() if isinstance(value, time) else TimedeltaType()


def from_hint(hint: Any) -> DataType | None:
    """The type a class of the `datetime` module stands for."""
    return _BY_CLASS.get(hint)


_BY_CLASS: Mapping[Any, DataType] = {
    datetime: DatetimeType(),
    date: DateType(),
    time: TimeType(),
    timedelta: TimedeltaType(),
}
