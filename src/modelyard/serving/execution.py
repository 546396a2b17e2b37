"""Run requests on a model: decode, call, encode, for one request or for many joined into one call.

Synchronous, without any state but one flag, and never raising: this is what a worker thread does.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from modelyard import types
from modelyard.base.errors import InvalidInput, ModelFailed, ModelyardError, SchemaMismatch
from modelyard.base.notes import note
from modelyard.objects.engines.interface import Engine
from modelyard.objects.engines.row_wise import answers_row_by_row, near
from modelyard.objects.model import Model
from modelyard.objects.sampling import required_arguments
from modelyard.serving.forms import columns_of
from modelyard.serving.interface import Json, Request
from modelyard.serving.rows import JOINING, cut, holds_records, is_joinable
from modelyard.types.interface import DataType
from modelyard.types.schema import Signature
from modelyard.types.stream import StreamType, close, is_stream, iterate

logger = logging.getLogger("modelyard.serving")

Outcome = Any
"""The value a request asked for, or the `ModelyardError` it gets instead."""

ROW_WISE: Mapping[str, frozenset[str]] = {
    "sklearn": frozenset(
        (
            *("predict", "predict_proba", "predict_log_proba", "decision_function", "transform"),
            *("inverse_transform", "score_samples", "apply"),
        )
    ),
    "xgboost": frozenset(("predict", "predict_proba", "apply")),
    "lightgbm": frozenset(("predict", "predict_proba")),
    "catboost": frozenset(("predict", "predict_proba", "predict_log_proba")),
}
"""Flavor -> methods whose answer to a record does not depend on the records beside it."""


JOINED_WITHIN = 1e-4
"""How far a float may be from what it was alone when a joined call is looked at again: rows are others than those of the trial."""


class Method:
    """One method of a served model, with what can be known before the first request."""

    def __init__(self, model: Model, name: str) -> None:
        self.model = model
        self.name = model.method(name)
        self.signature: Signature = model.signature(name)
        self.function: Callable[..., Any] = partial(model.call, name)
        self.identity = model.identity
        self.digest = model.card.digest.removeprefix("sha256:")
        first = required_arguments(self.signature)[:1]
        holds = [a for a in first if holds_records(self.signature.args[a].type)]
        self.records: str | None = holds[0] if holds else None
        """The argument that holds records, if there is one."""
        self.columns = columns_of(self.signature.args[holds[0]].type) if holds else None
        """Their columns, when they are a table."""
        returns = self.signature.returns
        self.items = returns.items if isinstance(returns, StreamType) else None
        """What the items are of a method that answers piece by piece; None for every other."""
        self.engine: Engine | None = None
        """A quicker way to answer, where there is one. Put here once it is proven; requests may be running meanwhile."""
        self.joinable = self._is_joinable()
        """Whether what it takes and what it answers can be joined and cut."""
        self.row_wise = self.joinable and self._is_known()
        """Whether one call of it may answer several requests. Turned off for good when the model's answer shows
        that it is not one row a record."""
        self.tried = False
        """Only a trial says that it is `row_wise`: then its joined calls are looked at now and then."""
        self.joint_calls = 0

    @property
    def joins(self) -> bool:
        """Whether several requests may be answered by one call: of the method, or of its engine, which is proven alone and
        together."""
        return self.row_wise or (self.engine is not None and self.joinable)

    def try_joining(self) -> None:
        """Find out whether a method of which nothing is known answers record by record; see `row_wise.answers_row_by_row`."""
        if self.joinable and not self.row_wise and answers_row_by_row(self.model, self.name):
            self.tried = self.row_wise = True

    def _is_known(self) -> bool:
        card = self.model.card
        # Tier 2 means code of the user's own: a step that centres on the batch's mean would mix people's answers.
        own_code = card.format is None or card.format.tier == 2
        return not own_code and self.name in ROW_WISE.get(card.flavor, ())

    def _is_joinable(self) -> bool:
        if self.records is None or self.model.card.steps:
            return False
        taken = self.signature.args[self.records].type
        return is_joinable(taken) and is_joinable(self.signature.returns)

    def type_of(self, argument: str) -> DataType | None:
        """The declared type of an argument; None for one of ``**kwargs`` that has none."""
        known = self.signature.args.get(argument)
        return known.type if known else self.signature.extra

    def group(self, request: Request) -> Hashable | None:
        """Requests of equal groups may be joined; None joins with nothing."""
        if not self.joins or set(request.arguments) != {self.records}:
            return None
        sent = request.arguments[str(self.records)]
        records = sent.value if isinstance(sent, Json) else None
        # Records and rows of one table decode apart, but not in one list.
        form = type(records[0]) if isinstance(records, list) and records else None
        return self.name, request.native, form


def answer(method: Method, requests: Sequence[Request]) -> list[Outcome]:
    """One outcome a request, in their order. Several requests must be of one group; one that fails harms no other."""
    if method.engine is not None:
        answers = _by_engine(method, method.engine, requests)
        if answers is not None:
            return answers
    if len(requests) == 1 or not method.row_wise:
        return [_alone(method, request) for request in requests]
    try:
        joined, counts = _join(method, requests)
    except Exception:  # noqa: BLE001  whatever it is, it is told to the request that caused it
        return _without_refused(method, requests)
    try:
        value = method.function(**{str(method.records): joined})
        outcomes = _cut_up(method, requests[0].native, value, counts)
        if method.tried:
            _look_again(method, requests, outcomes)
        return outcomes
    except _NotRowWise:
        method.row_wise = False
        note(
            f"{method.identity}: {method.name} is not one row a record; its requests run one by one"
        )
        return answer(method, requests)
    except Exception:  # noqa: BLE001  halving finds the request that the model fails on
        half = len(requests) // 2
        return answer(method, requests[:half]) + answer(method, requests[half:])


def _by_engine(method: Method, engine: Engine, requests: Sequence[Request]) -> list[Outcome] | None:
    """The answers of a quicker engine; None for whatever is not plain, which the usual way then explains."""
    try:
        fed, counts = _feed(method, engine, requests)
        value = engine.call(fed)
        if len(requests) > 1:
            return _cut_up(method, requests[0].native, value, counts)
        return [value if requests[0].native else encode(method, value)]
    except BaseException:  # noqa: BLE001  also panics of extension modules: the usual way finds them again
        return None


def _feed(method: Method, engine: Engine, requests: Sequence[Request]) -> tuple[Any, Sequence[int]]:
    name, form = engine.argument, engine.form
    sent = [request.arguments[name] for request in requests if len(request.arguments) == 1]
    if len(sent) < len(requests) or (len(requests) > 1 and not method.joins):
        raise ValueError("not the one argument that the engine takes")
    if all(isinstance(part, Json) and type(part.value) is list for part in sent):
        counts = [len(part.value) for part in sent]
        one = sent[0].value if len(sent) == 1 else [row for part in sent for row in part.value]
        return form.decode(one, name), counts
    declared = method.signature.args[name].type
    fed = [
        form.decode(part.value, name)
        if isinstance(part, Json)
        else form.fit(declared.check(part, name))
        for part in sent
    ]
    return form.join(fed), [form.rows(part) for part in fed]


def decode(method: Method, request: Request) -> dict[str, Any]:
    """The native arguments of a request, or `SchemaMismatch`."""
    native: dict[str, Any] = {}
    for name, value in request.arguments.items():
        declared = method.type_of(name)
        if not isinstance(value, Json):
            native[name] = value if declared is None else declared.check(value, name)
        else:
            native[name] = value.value if declared is None else declared.decode(value.value, name)
    _refuse_empty(method, native)
    return native


def _refuse_empty(method: Method, native: Mapping[str, Any]) -> None:
    name = method.records
    if name is None or name not in native:
        return
    if method.signature.args[name].type.rows(native[name]) == 0:
        raise SchemaMismatch(
            f"{name}: expected at least one record, got none",
            field=name,
            expected="at least one record",
        )


def _alone(method: Method, request: Request) -> Outcome:
    try:
        arguments = decode(method, request)
    except ModelyardError as error:
        return error
    except BaseException as error:  # noqa: BLE001  a worker thread must outlive anything
        return _failed(method, request, error)
    try:
        value = method.function(**arguments)
        return value if request.native else encode(method, value)
    except InvalidInput as error:
        # The model's own code refuses this input on purpose.
        return error
    except BaseException as error:  # noqa: BLE001  also SystemExit and panics of extension modules
        return _missing_value(method, arguments, error) or _failed(method, request, error)


def stream(method: Method, request: Request) -> Iterator[Any]:
    """The items of a streaming method as they come, in their JSON form unless the request is native. Raises our own errors only."""
    arguments: dict[str, Any] = {}
    try:
        arguments = decode(method, request)
        result = method.function(**arguments)
        items = iterate(result) if is_stream(result) else iter(result)
        try:
            for item in items:
                yield item if request.native else _spelled(method, method.items, item)
        finally:
            close(items)
    except InvalidInput:
        raise
    except Exception as error:
        raise _missing_value(method, arguments, error) or _failed(method, request, error) from error
    except (SystemExit, KeyboardInterrupt) as error:
        raise _failed(method, request, error) from error


def encode(method: Method, value: Any) -> Any:
    """JSON form of a method's answer. One that its own schema refuses is the model's fault: `ModelFailed`."""
    return _spelled(method, method.signature.returns, value)


def _spelled(method: Method, kind: DataType | None, value: Any) -> Any:
    try:
        return (kind or types.infer(value)).encode(value)
    except ModelyardError as error:
        raise ModelFailed(
            f"what model '{method.model.name}' answered in {method.name} does not fit its schema: {error.message}"
        ) from error


class _NotRowWise(Exception):
    """A joined call whose answer has another number of rows than went in, or tells a request what it would not hear alone."""


def _look_again(method: Method, requests: Sequence[Request], outcomes: Sequence[Outcome]) -> None:
    """Ask one of the requests alone: at the first joined call, the second, the fourth, the eighth, and so on."""
    method.joint_calls += 1
    if method.joint_calls & (method.joint_calls - 1):
        return
    i = method.joint_calls.bit_length() % len(requests)
    alone = _alone(method, requests[i])
    if isinstance(alone, ModelyardError) or not near(alone, outcomes[i], JOINED_WITHIN):
        raise _NotRowWise


def _join(method: Method, requests: Sequence[Request]) -> tuple[Any, list[int]]:
    name = str(method.records)
    records = method.signature.args[name].type
    parts = [request.arguments[name] for request in requests]
    if all(isinstance(part, Json) and isinstance(part.value, list) for part in parts):
        counts = [len(part.value) for part in parts]
        if 0 in counts:
            raise ValueError("an empty request")
        return records.decode([record for part in parts for record in part.value], name), counts
    natives = [decode(method, request)[name] for request in requests]
    return JOINING[records.kind].join(natives), [records.rows(native) or 0 for native in natives]


def _cut_up(method: Method, native: bool, value: Any, counts: Sequence[int]) -> list[Outcome]:
    returns = method.signature.returns
    assert returns is not None, "only methods whose answer holds records are joined"
    if returns.rows(value) != sum(counts):
        raise _NotRowWise
    if native:
        return cut(value, counts, returns.kind)
    spelled = encode(method, value)
    if not isinstance(spelled, list) or len(spelled) != sum(counts):
        raise _NotRowWise
    return cut(spelled, counts, "list")


def _without_refused(method: Method, requests: Sequence[Request]) -> list[Outcome]:
    """Answer what decodes by itself; the others get their own error, with the place in what they sent."""
    refused: dict[int, ModelyardError] = {}
    for i, request in enumerate(requests):
        try:
            decode(method, request)
        except ModelyardError as error:
            refused[i] = error
        except Exception as error:  # noqa: BLE001
            refused[i] = _failed(method, request, error)
    good = [request for i, request in enumerate(requests) if i not in refused]
    if not refused:  # they decode one by one, but not together
        return [_alone(method, request) for request in requests]
    answers = iter(answer(method, good) if good else ())
    return [refused[i] if i in refused else next(answers) for i in range(len(requests))]


def _failed(method: Method, request: Request, error: BaseException) -> ModelyardError:
    if isinstance(error, ModelFailed):
        failure = error
    else:
        failure = ModelFailed(
            f"model '{method.model.name}' raised {type(error).__name__} in {method.name}",
            hint="the server's log has the traceback under this request id",
        )
    logger.error("request %s: %s", request.request_id, failure.message, exc_info=error)
    return failure


def _missing_value(
    method: Method, arguments: Mapping[str, Any], error: BaseException
) -> SchemaMismatch | None:
    """A model that raises ValueError over a missing or infinite value was asked the wrong thing.

    Float columns may hold missing values by nature, so the schema lets them pass; many models do not.
    """
    if not isinstance(error, ValueError) or method.records not in arguments:
        return None
    name = str(method.records)
    spelled = method.signature.args[name].type.encode(arguments[name])
    where = _place_of_missing(spelled, name)
    if where is None:
        return None
    return SchemaMismatch(
        f"{where}: expected a finite value, got a missing or infinite one, which this model does not take",
        field=where,
        expected="a finite value",
    )


def _place_of_missing(value: Any, where: str) -> str | None:
    if isinstance(value, dict):
        inner = ((f"{where}.{key}", item) for key, item in value.items())
    elif isinstance(value, list):
        inner = ((f"{where}[{i}]", item) for i, item in enumerate(value))
    else:
        return where if value is None or value in ("NaN", "Infinity", "-Infinity") else None
    return next((place for w, item in inner if (place := _place_of_missing(item, w))), None)
