"""Two versions of a model's signatures side by side: what changed, and whether a caller would notice.

A change is breaking when a call that worked before may be refused now, or when an answer may be something its reader does
not expect. So inputs may widen and answers may narrow. A column or argument that is gone breaks the callers who still send
it, for unknown ones are refused; a new order breaks those who send rows by position.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from modelyard.base.errors import InvalidInput
from modelyard.types.columns import Column
from modelyard.types.container import DictType, ListType, TupleType
from modelyard.types.interface import DataType
from modelyard.types.mismatch import inside, listed
from modelyard.types.moment import DatetimeType
from modelyard.types.scalar import AnyType, ChoiceType, IntegerType, NullType, NumberType
from modelyard.types.schema import Argument, Signature
from modelyard.types.union import OptionalType, UnionType

Change = Literal["added", "removed", "widened", "narrowed", "changed", "reordered"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One change: ``where`` (``predict.X.age``), what happened there, and why it breaks callers or does not."""

    where: str
    change: Change
    breaking: bool
    reason: str


def compare(old: Mapping[str, Signature], new: Mapping[str, Signature]) -> list[Difference]:
    """All differences, method by method; an empty list when callers cannot tell the two apart."""
    found: list[Difference] = []
    for name in old.keys() | new.keys():
        if name not in new:
            found.append(Difference(name, "removed", True, "callers of this method are refused"))
        elif name not in old:
            found.append(Difference(name, "added", False, "a new method disturbs nobody"))
        else:
            found += _signatures(old[name], new[name], name)
    return sorted(found, key=lambda d: (d.where, d.change))


def _signatures(old: Signature, new: Signature, where: str) -> Iterator[Difference]:
    yield from _arguments(old, new, where)
    common = [n for n in new.args if n in old.args]
    if common != [n for n in old.args if n in new.args]:
        yield Difference(
            where, "reordered", True, "callers who pass arguments by position mean others"
        )
    if old.extra is not None and new.extra is None:
        yield Difference(f"{where}.**", "removed", True, "further keyword arguments are refused")
    elif old.extra is None and new.extra is not None:
        yield Difference(f"{where}.**", "added", False, "further keyword arguments are taken")
    yield from _returns(old.returns, new.returns, f"{where}.returns")


def _arguments(old: Signature, new: Signature, where: str) -> Iterator[Difference]:
    for name, argument in old.args.items():
        place = inside(where, name)
        if name in new.args:
            yield from _argument(argument, new.args[name], place)
        elif new.extra is None:
            yield Difference(place, "removed", True, "callers who send it are refused")
        else:
            yield Difference(place, "removed", False, "it is taken as a further keyword argument")
    for name, argument in new.args.items():
        if name not in old.args:
            reason = "callers do not send it yet" if argument.required else "it has a default"
            yield Difference(inside(where, name), "added", argument.required, reason)


def _argument(old: Argument, new: Argument, where: str) -> Iterator[Difference]:
    if new.required and not old.required:
        yield Difference(where, "narrowed", True, "callers who leave it out are refused")
    elif old.required and not new.required:
        yield Difference(where, "widened", False, "it may be left out now")
    elif not old.required and old.default != new.default:
        reason = f"its default was {old.default!r} and is {new.default!r}: the same call may mean another thing"
        yield Difference(where, "changed", False, reason)
    yield from _types(old.type, new.type, where, answer=False)


def _returns(old: DataType | None, new: DataType | None, where: str) -> Iterator[Difference]:
    if old is None or new is None:
        if old is not new:
            yield Difference(where, "changed", False, "the answer's type was not known on one side")
    else:
        yield from _types(old, new, where, answer=True)


def _types(old: DataType, new: DataType, where: str, *, answer: bool) -> Iterator[Difference]:
    if old == new and list(_columns(old)) == list(_columns(new)):
        return
    if type(old) is type(new) and (parts := _parts(old, new)) is not None:
        for name, a, b in parts:
            yield from _types(a, b, f"{where}{name}", answer=answer)
    elif type(old) is type(new) and (_columns(old) or _columns(new)):
        yield from _tables(_columns(old), _columns(new), where, answer=answer)
        yield from _levels(
            getattr(old, "index", {}), getattr(new, "index", {}), where, answer=answer
        )
    elif _fields(old) and _fields(
        new
    ):  # a dict and a record of the same fields are one object in JSON
        yield from _members(old, new, where, answer=answer)
    elif (a := _column(old)) is not None and (b := _column(new)) is not None and _alike(old, new):
        yield from _cells(a, b, where, answer=answer)
    else:
        yield _replaced(old, new, where, answer=answer)


def _replaced(old: DataType, new: DataType, where: str, *, answer: bool) -> Difference:
    was, now = _in_words(old), _in_words(new)
    wider, narrower = _takes(new, old), _takes(old, new)
    if (old.kind, new.kind) == ("bytes", "file") and not answer:
        wider = True  # base64 text is a file without a name; an answer would have another shape
    if not (wider or narrower):
        return Difference(where, "changed", True, f"it was {was} and is {now}")
    breaking = narrower and not wider if not answer else wider and not narrower
    change: Change = "widened" if wider else "narrowed"
    return Difference(where, change, breaking, f"it was {was} and is {now}")


def _takes(wide: DataType, narrow: DataType) -> bool:
    """Whether a type takes every value of another."""
    if wide == narrow or isinstance(wide, AnyType):
        return True
    if isinstance(wide, NumberType) and isinstance(narrow, IntegerType):
        return True
    if isinstance(wide, DatetimeType) and isinstance(narrow, DatetimeType):
        return wide.aware is None
    if wide.kind == narrow.kind == "image":
        return cast(Any, wide).takes_mode(cast(Any, narrow).mode)
    if isinstance(narrow, UnionType):
        return all(_takes(wide, member) for member in narrow.of)
    if isinstance(wide, OptionalType):
        inner = narrow.of if isinstance(narrow, OptionalType) else narrow
        return isinstance(narrow, NullType) or _takes(wide.of, inner)
    if isinstance(wide, UnionType):
        return any(_takes(member, narrow) for member in wide.of)
    if isinstance(narrow, ChoiceType):
        if isinstance(wide, ChoiceType):
            return set(narrow.of) <= set(wide.of)
        return all(_is_of(wide, choice) for choice in narrow.of)
    return False


def _is_of(kind: DataType, value: Any) -> bool:
    words = {"string": str, "boolean": bool, "integer": int}
    return type(value) is words.get(kind.kind)


def _parts(old: DataType, new: DataType) -> list[tuple[str, DataType, DataType]] | None:
    """Pairs of inner types of two containers of one kind; None where there is no such pairing."""
    if isinstance(old, ListType) and isinstance(new, ListType):
        return [("[]", old.items, new.items)]
    if isinstance(old, OptionalType) and isinstance(new, OptionalType):
        return [("", old.of, new.of)]
    if (
        isinstance(old, TupleType)
        and isinstance(new, TupleType)
        and len(old.items) == len(new.items)
    ):
        pairs = zip(old.items, new.items, strict=True)
        return [(f"[{i}]", a, b) for i, (a, b) in enumerate(pairs)]
    if isinstance(old, DictType) and isinstance(new, DictType) and old.fields is None is new.fields:
        return [(".keys", old.keys, new.keys), (".values", old.values, new.values)]
    return None


def _fields(type_: DataType) -> Mapping[str, DataType]:
    return getattr(type_, "fields", None) or {}


def _members(old: Any, new: Any, where: str, *, answer: bool) -> Iterator[Difference]:
    before, after = _fields(old), _fields(new)
    had, has = getattr(old, "defaults", {}), getattr(new, "defaults", {})
    yield from _names(list(before), list(after), where, answer=answer, word="field", optional=has)
    for name in before.keys() & after.keys():
        yield from _types(before[name], after[name], inside(where, name), answer=answer)
        if not answer and (name in had) != (name in has):
            wider = name in has
            reason = "it may be left out now" if wider else "callers who leave it out are refused"
            change: Change = "widened" if wider else "narrowed"
            yield Difference(inside(where, name), change, not wider, reason)


def _columns(type_: DataType) -> Mapping[Any, Column]:
    columns = getattr(type_, "columns", {})
    return columns if isinstance(columns, Mapping) else {}


def _tables(
    old: Mapping[Any, Column], new: Mapping[Any, Column], where: str, *, answer: bool
) -> Iterator[Difference]:
    yield from _names(list(old), list(new), where, answer=answer, word="column")
    common = [n for n in new if n in old]
    if not answer and common != [n for n in old if n in new]:
        reason = f"those who send rows by position mean other columns: now {listed(common)}"
        yield Difference(where, "reordered", True, reason)
    for name in common:
        if old[name] != new[name]:
            yield from _cells(old[name], new[name], inside(where, name), answer=answer)


def _levels(
    old: Mapping[str, Column], new: Mapping[str, Column], where: str, *, answer: bool
) -> Iterator[Difference]:
    """Named levels of an index, which may be left out of what is sent."""
    names = list(old), list(new)
    yield from _names(*names, where, answer=answer, word="index level", optional=new)
    for name in old.keys() & new.keys():
        if old[name] != new[name]:
            yield from _cells(old[name], new[name], inside(where, name), answer=answer)


def _names(
    old: Sequence[Any],
    new: Sequence[Any],
    where: str,
    *,
    answer: bool,
    word: str,
    optional: Container[Any] = (),
) -> Iterator[Difference]:
    for name in [n for n in old if n not in new]:
        reason = (
            "readers look for it"
            if answer
            else f"callers who send it are refused: the {word} is unknown"
        )
        yield Difference(inside(where, name), "removed", True, reason)
    for name in [n for n in new if n not in old]:
        reason = "readers need not look at it" if answer else f"callers do not send this {word} yet"
        if not answer and name in optional:
            reason = "it may be left out"
        breaking = not answer and name not in optional
        yield Difference(inside(where, name), "added", breaking, reason)


def _column(type_: DataType) -> Column | None:
    column = getattr(type_, "column", None)
    return column if isinstance(column, Column) else None


def _alike(old: DataType, new: DataType) -> bool:
    """Whether two arrays or series differ in their cells alone."""
    return type(old) is type(new) and getattr(old, "shape", None) == getattr(new, "shape", None)


def _cells(old: Column, new: Column, where: str, *, answer: bool) -> Iterator[Difference]:
    if old.dtype != new.dtype:
        yield _dtypes(old, new, where, answer=answer)
    elif old.takes_missing != new.takes_missing:
        widened = new.takes_missing
        reason = "missing values may come" if widened else "missing values are refused"
        breaking = widened if answer else not widened
        yield Difference(where, "widened" if widened else "narrowed", breaking, reason)
    gone = [c for c in old.categories if c not in new.categories]
    more = [c for c in new.categories if c not in old.categories]
    if old.categories and gone:
        yield Difference(where, "narrowed", not answer, f"categories {listed(gone)} are gone")
    if old.categories and more:
        yield Difference(where, "widened", answer, f"categories {listed(more)} are new")
    if old.items != new.items and old.dtype == new.dtype:
        widened = new.items == "mixed"
        reason = f"cells were {old.items} and are {new.items}"
        yield Difference(where, "widened" if widened else "narrowed", widened is answer, reason)


def _dtypes(old: Column, new: Column, where: str, *, answer: bool) -> Difference:
    reason = f"its dtype was {old.dtype} and is {new.dtype}"
    try:
        wider, narrower = _holds(new, old), _holds(old, new)
    except InvalidInput:
        wider = narrower = False
    if answer or not (wider or narrower):
        return Difference(where, "changed", True, reason)
    return Difference(where, "widened" if wider else "narrowed", not wider, reason)


def _holds(wide: Column, narrow: Column) -> bool:
    """Whether one dtype takes what another took: more bits, integers as floats, texts as objects, missing values."""
    if narrow.takes_missing and not wide.takes_missing:
        return False
    a, b = wide.parsed, narrow.parsed
    if a.family == b.family == "integer":
        return a.lowest <= b.lowest and a.highest >= b.highest
    if a.family == "float" and b.family in ("float", "integer"):
        return a.bits >= b.bits
    if a.family == b.family == "datetime":
        return a.unit == b.unit and bool(a.zone) == bool(b.zone)
    if a.family == "object":
        return b.family == "string" or (
            wide.items == "mixed" and b.family in ("boolean", "integer", "float")
        )
    return (a.family == b.family and a.family in ("string", "boolean")) or (a.family, b.family) == (
        "string",
        "category",
    )


def _in_words(type_: DataType) -> str:
    text = str(type_.to_dict()) if len(type_.to_dict()) > 1 else type_.kind
    return text if len(text) <= 80 else f"{text[:79]}…"
