"""What a method takes and gives, from its hints, its defaults and one run on a sample.

A hint that says something wins (``list[float]`` with a sample of integers stays a list of numbers); the sample fills in what
hints leave open (``pd.DataFrame`` without columns, no hint at all). A default of None allows null beside the hint's type.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from modelyard import types
from modelyard.base.errors import InvalidInput, ModelFailed, SchemaMismatch, UnsupportedType
from modelyard.types.container import DictType, ListType, TupleType
from modelyard.types.hints import hints_of, read_hint, read_result_hint
from modelyard.types.interface import DataType
from modelyard.types.merging import common_type, optional
from modelyard.types.mismatch import listed
from modelyard.types.scalar import AnyType
from modelyard.types.schema import MISSING, Argument, Signature
from modelyard.types.stream import StreamType, beginning, is_stream
from modelyard.types.union import OptionalType

_KEYWORDS = inspect.Parameter.VAR_KEYWORD
_POSITIONALS = inspect.Parameter.VAR_POSITIONAL
_ONLY_BY_NAME = inspect.Parameter.KEYWORD_ONLY
_ONLY_BY_PLACE = inspect.Parameter.POSITIONAL_ONLY


@dataclass(frozen=True, slots=True)
class _Parameter:
    name: str
    kind: Any
    default: Any
    hint: DataType | None

    @property
    def required(self) -> bool:
        return self.default is MISSING and self.kind not in (_KEYWORDS, _POSITIONALS)


def infer_signature(
    function: Callable[..., Any], sample: Any = MISSING, *, run: bool = True
) -> tuple[Signature, Any]:
    """The signature, and what the function answered to the sample (`MISSING` when it was not run).

    A sample is the value of the first argument; a tuple, of the first several; a dict whose keys are all names of
    arguments, of those. With no sample (or None) the function runs only if it needs no argument. Of a generator the
    first few items are the answer, as a list.

    Raises `InvalidInput` when the sample does not fit the arguments, `ModelFailed` when the function raises.

    >>> def grow(x: float, *, by: int | None = None) -> float: return x + (by or 1)
    >>> signature, result = infer_signature(grow, 2)
    >>> signature.args["by"].type.to_dict(), result
    ({'type': 'optional', 'of': 'integer'}, 3.0)
    """
    parameters = _parameters(function, sample)
    given = _as_hinted(_by_name(sample, parameters), parameters)
    args = {p.name: _argument(p, given) for p in parameters if p.kind is not _KEYWORDS}
    extra = next((p.hint or AnyType() for p in parameters if p.kind is _KEYWORDS), None)
    result, streamed = _run(function, given, parameters) if run else (MISSING, False)
    hint = read_hint_of_result(function)
    if streamed:
        returns = _stream_of(hint, _result_type(_listed(hint), result))
    else:
        returns = hint if result is MISSING else _result_type(hint, result)
    return Signature(args, returns, extra), result


def bind_sample(function: Callable[..., Any], sample: Any) -> dict[str, Any]:
    """A sample as values by argument name, as `infer_signature` takes it.

    >>> bind_sample(pow, (2, 3))
    {'base': 2, 'exp': 3}
    """
    return _by_name(sample, _parameters(function, sample))


def read_hint_of_result(function: Callable[..., Any]) -> DataType | None:
    """What a function's return annotation says, or None."""
    own = _annotated(function)
    hints = hints_of(own)
    found = read_result_hint(hints["return"]) if "return" in hints else None
    yields = inspect.isgeneratorfunction(own) or inspect.isasyncgenfunction(own)
    return _stream_of(found, found) if yields else found


def _stream_of(hint: DataType | None, found: DataType | None) -> StreamType:
    """A stream, of the items of what was found, or else was promised."""
    known = next((t for t in (found, hint) if isinstance(t, ListType)), None)
    return StreamType(known.items) if known else StreamType()


def _listed(hint: DataType | None) -> DataType | None:
    """What a hint says of the beginning of a stream, which is a list."""
    return ListType(hint.items) if isinstance(hint, StreamType) else hint


def with_classes(signature: Signature, function: Callable[..., Any]) -> Signature:
    """A card's signature with the classes that the hints of the live function name: what was recorded as a record is
    then decoded into an object of the function's own class."""
    try:
        hints = {p.name: p.hint for p in _parameters(function, MISSING)}
    except Exception:  # noqa: BLE001  reading annotations runs code of somebody's own
        return signature
    args = {
        name: replace(argument, type=hints[name])
        if name in hints and hints[name] == argument.type
        else argument
        for name, argument in signature.args.items()
    }
    return replace(signature, args=args)  # type: ignore[arg-type]  # equal types are types


def _parameters(function: Callable[..., Any], sample: Any) -> list[_Parameter]:
    try:
        found = inspect.signature(function).parameters.values()
    except (ValueError, TypeError):
        return _unknown_parameters(sample)
    hints = hints_of(_annotated(function))
    empty = inspect.Parameter.empty
    return [
        _Parameter(
            name=p.name,
            kind=p.kind,
            default=MISSING if p.default is empty else p.default,
            hint=read_hint(hints[p.name]) if p.name in hints else None,
        )
        for p in found
    ]


def _unknown_parameters(sample: Any) -> list[_Parameter]:
    """Of a builtin that does not tell: as many as the sample has, by place."""
    count = len(sample) if isinstance(sample, tuple) else 1
    names = ["X"] if count == 1 else [f"x{i}" for i in range(count)]
    return [_Parameter(name, _ONLY_BY_PLACE, MISSING, None) for name in names]


def _annotated(function: Any) -> Any:
    """Where the annotations of a callable stand."""
    while isinstance(function, functools.partial):
        function = function.func
    if inspect.isroutine(function) or inspect.isclass(function):
        return function
    return getattr(function, "__call__", function)  # noqa: B004  # the method itself is wanted


def _by_name(sample: Any, parameters: Sequence[_Parameter]) -> dict[str, Any]:
    """The sample as values by argument name; those of ``*args`` as one list."""
    if sample is MISSING or sample is None:
        return {}
    places = [p for p in parameters if p.kind not in (_KEYWORDS, _ONLY_BY_NAME)]
    names = [p.name for p in parameters if p.kind is not _KEYWORDS]
    first = _bare(places[0].hint) if places else None
    if (
        isinstance(sample, dict)
        and sample
        and set(sample) <= set(names)
        and not isinstance(first, DictType)
    ):
        return {name: sample[name] for name in names if name in sample}
    if (
        isinstance(sample, tuple)
        and not hasattr(sample, "_fields")
        and not isinstance(first, TupleType)
    ):
        return _by_place(sample, places)
    return _by_place((sample,), places)


def _by_place(values: tuple[Any, ...], places: Sequence[_Parameter]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    rest = list(values)
    for parameter in places:
        if parameter.kind is _POSITIONALS:
            given[parameter.name], rest = rest, []
        elif rest:
            given[parameter.name] = rest.pop(0)
    if rest:
        raise InvalidInput(
            f"the sample has {len(values)} values, and the method takes {len(values) - len(rest)}",
            hint="a tuple stands for several arguments; one argument that is a tuple goes in as ((…),)",
        )
    return given


def _as_hinted(given: dict[str, Any], parameters: Sequence[_Parameter]) -> dict[str, Any]:
    """The sample as served values will come: with the hint ``float``, 2 is 2.0, and so may be the answer."""
    hints = {p.name: p.hint for p in parameters if p.kind is not _POSITIONALS}
    return {name: _checked(hints.get(name), value) for name, value in given.items()}


def _checked(hint: DataType | None, value: Any) -> Any:
    if hint is None:
        return value
    try:
        return hint.check(value)
    except SchemaMismatch:
        return value


def _argument(parameter: _Parameter, given: Mapping[str, Any]) -> Argument:
    if parameter.kind is _POSITIONALS:
        items = parameter.hint or _common(given.get(parameter.name, []))
        return Argument(ListType(items), [])
    kind = _argument_type(parameter, given)
    return (
        Argument(kind) if parameter.default is MISSING else _with_default(kind, parameter.default)
    )


def _common(values: Sequence[Any]) -> DataType:
    found = types.infer(list(values))
    return found.items if isinstance(found, ListType) else AnyType()


def _argument_type(parameter: _Parameter, given: Mapping[str, Any]) -> DataType:
    default = parameter.default
    if parameter.name in given:
        found = reconcile(parameter.hint, given[parameter.name])
        if parameter.hint is None and default is not MISSING and default is not None:
            return _with_sample(given[parameter.name], default, found)
        return found
    if parameter.hint is not None:
        return parameter.hint
    return AnyType() if default is MISSING or default is None else _described(default)


def _described(default: Any) -> DataType:
    try:
        return types.infer(default)
    except UnsupportedType:
        return AnyType()


def _with_sample(value: Any, default: Any, found: DataType) -> DataType:
    try:
        return common_type([value, default])
    except UnsupportedType:
        return found


def _with_default(kind: DataType, default: Any) -> Argument:
    """The argument with its default in JSON form; a default that has none (a sentinel object) is shown as null."""
    if default is None:
        return Argument(optional(kind), None)
    try:
        return Argument(kind, kind.encode(default))
    except (SchemaMismatch, UnsupportedType):
        return Argument(kind, None)


def reconcile(hint: DataType | None, value: Any) -> DataType:
    """The type of an argument or result of which a hint and one value are known."""
    if hint is None or isinstance(hint, AnyType):
        return AnyType() if value is None else types.infer(value)
    try:
        hint.check(value)
    except SchemaMismatch:
        return types.infer(value)  # it ran with this value: the hint is too narrow, or wrong
    try:
        return _refine(hint, types.infer(value))
    except UnsupportedType:
        return hint


def _refine(hint: DataType, found: DataType) -> DataType:
    """The hint, with what it leaves open taken from the sample."""
    if isinstance(hint, AnyType):
        return found
    if isinstance(hint, OptionalType):
        inner = _bare(found)
        return optional(_refine(hint.of, inner if inner is not None else found))
    if type(hint) is type(found) and isinstance(hint, ListType) and isinstance(found, ListType):
        return type(hint)(_refine(hint.items, found.items))
    if isinstance(hint, TupleType) and isinstance(found, TupleType):
        pairs = zip(hint.items, found.items, strict=True)
        return TupleType(tuple(_refine(h, f) for h, f in pairs))
    if isinstance(hint, DictType) and isinstance(found, DictType) and hint.fields is None:
        if isinstance(hint.values, AnyType):
            return found
        if found.fields is None:
            return DictType(keys=hint.keys, values=_refine(hint.values, found.values))
    return hint


def _bare(type_: DataType | None) -> DataType | None:
    return type_.of if isinstance(type_, OptionalType) else type_


def _result_type(hint: DataType | None, result: Any) -> DataType | None:
    try:
        return reconcile(hint, result)
    except UnsupportedType:
        return hint


def _run(
    function: Callable[..., Any], given: Mapping[str, Any], parameters: Sequence[_Parameter]
) -> tuple[Any, bool]:
    """What the function answers (`MISSING` when there is nothing to ask), and whether that is the beginning of a stream."""
    lacking = [p.name for p in parameters if p.required and p.name not in given]
    if lacking and not given:
        return MISSING, False
    name = getattr(function, "__name__", type(function).__name__)
    if lacking:
        raise InvalidInput(
            f"the sample for '{name}' has no value for {listed(lacking)}",
            hint="give a tuple of values, or a dict by argument name",
        )
    try:
        result = _call(function, given, parameters)
        begun = beginning(result)
    except Exception as error:
        raise ModelFailed(
            f"'{name}' raised {type(error).__name__} on the sample: {error}", method=name
        ) from error
    if inspect.iscoroutine(result):
        result.close()
        raise UnsupportedType(
            f"'{name}' is asynchronous",
            hint="wrap it in a plain function, or yield what it answers",
        )
    return begun, is_stream(result)


def by_name(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, callable by keywords alone, as signatures are: arguments that it takes only by place are
    placed, and those of ``*args`` come as one list under that name.

    >>> by_name(divmod)(x=7, y=2)
    (3, 1)
    """
    parameters = _parameters(function, MISSING)
    if not any(p.kind in (_ONLY_BY_PLACE, _POSITIONALS) for p in parameters):
        return function
    try:
        inspect.signature(function)
    except (ValueError, TypeError):
        return lambda **arguments: function(*arguments.values())
    return lambda **arguments: _call(function, arguments, parameters)


def by_names_of(function: Callable[..., Any], signature: Signature) -> Callable[..., Any]:
    """The same function, callable by the names of a signature that was written elsewhere: an argument that the
    function calls otherwise goes to the parameter in its place.

    >>> wanted = Signature({"X": Argument(AnyType())})
    >>> by_names_of(lambda data, scale=2: data * scale, wanted)(X=3)
    6
    """
    found = by_name(function)
    own = [p.name for p in _parameters(function, MISSING) if p.kind is not _KEYWORDS]
    places = zip(signature.args, own, strict=False)
    renamed = {n: p for n, p in places if n not in own and p not in signature.args}
    if not renamed:
        return found
    return lambda **arguments: found(**{renamed.get(n, n): v for n, v in arguments.items()})


def _call(
    function: Callable[..., Any], given: Mapping[str, Any], parameters: Sequence[_Parameter]
) -> Any:
    rest = next((p.name for p in parameters if p.kind is _POSITIONALS), None)
    by_place = [p.name for p in parameters if p.kind is _ONLY_BY_PLACE]
    if rest is not None and given.get(rest):
        # What follows in the star must have everything before it placed too.
        by_place = [p.name for p in parameters[: [p.name for p in parameters].index(rest)]]
    placed: list[Any] = []
    for parameter in parameters:
        if parameter.name not in by_place:
            break
        if parameter.name not in given and parameter.default is MISSING:
            break
        placed.append(given.get(parameter.name, parameter.default))
    named = {k: v for k, v in given.items() if k not in by_place and k != rest}
    return function(*placed, *(given.get(rest, ()) if rest is not None else ()), **named)
