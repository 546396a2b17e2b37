"""A call of a model by tensors, whatever carried them: which model and method is meant, what it takes, what it gives."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from modelyard import types
from modelyard.base.errors import (
    InvalidInput,
    ModelFailed,
    ModelyardError,
    NotFound,
    NotSupported,
    SchemaMismatch,
    did_you_mean,
)
from modelyard.objects.model import Model
from modelyard.serving.execution import Method, encode
from modelyard.serving.forms import REFERENCE_ID, read_id
from modelyard.serving.interface import Answer, Request
from modelyard.serving.service import Service
from modelyard.serving.tensors.ports import Form, JsonForm, Port, TableForm, form_of, missing_input
from modelyard.serving.tensors.tensor import BYTES, Tensor, from_base64, from_raw

CONTENT_TYPES = frozenset(["np", "pd", "pd_json", "json", "str", "base64", "datetime"])
"""Hints at what a tensor stands for. The schema knows; only ``base64`` changes what is read."""
OFF_LOOP_ELEMENTS = 16 << 10
"""From this many elements on, answers are written in a thread."""


@dataclass(frozen=True, slots=True)
class TensorCall:
    """What a client asks, as far as it is the same on every wire."""

    model: str
    version: str
    inputs: Sequence[Tensor]
    outputs: Sequence[str] = ()
    """Names of those wanted; empty for all."""
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    id: str = ""
    raw: bytes | None = None
    """The elements of the only input, without any word about it."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and until when."""

    request_id: str
    address: str = ""
    reference_id: str = ""
    deadline: float | None = None


@dataclass(frozen=True, slots=True)
class TensorAnswer:
    """What comes back."""

    model: str
    version: str
    identity: str
    outputs: Sequence[Tensor]


class TensorCalls:
    """Asks a service by tensors."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._methods: WeakKeyDictionary[Method, TensorMethod] = WeakKeyDictionary()

    def model(self, name: str, version: str = "") -> Model:
        """A model that answers now; `NotFound` or `NotReady`, also for a version that is not the one served."""
        model = self._service.models.get(name)
        if model is None or not model.methods:
            model = self._service.find(name, None).model  # says what is wrong
        if version and version != model.version:
            hint = f"version {model.version} is" if model.version else "it is served without one"
            raise NotFound(f"version {version!r} of model {name!r} is not served here", hint=hint)
        return model

    def method(self, model: str, name: str) -> TensorMethod:
        """A method's tensors; the default method for an empty name."""
        method = self._service.find(model, name or self.model(model).default_method)
        found = self._methods.get(method)
        if found is None:
            found = self._methods[method] = TensorMethod(method)
        return found

    def ports(self, model: str, name: str = "") -> tuple[Sequence[Port], Sequence[Port]]:
        """The inputs and outputs of a model's method."""
        method = self.method(model, name)
        return method.inputs, method.outputs

    def streams(self, call: TensorCall) -> bool:
        """Whether the method of a call answers piece by piece."""
        chosen = list(self._methods_of(self.model(call.model, call.version), call))
        return len(chosen) == 1 and self.method(call.model, chosen[0][0]).streams

    async def infer(self, call: TensorCall, caller: Caller) -> TensorAnswer:
        """Answer a call. Raises what `Service.infer` does, and `InvalidInput` for tensors that cannot be meant."""
        model = self.model(call.model, call.version)
        _check_hints(call)
        outputs: list[Tensor] = []
        identity = model.identity
        for name, wanted in self._methods_of(model, call):
            method = self.method(model.name, name)
            answer = await self._service.infer(request_of(method, call, caller))
            outputs += await _written(method, answer, wanted)
            identity = answer.identity
        return TensorAnswer(model.name, model.version, identity, outputs)

    async def stream(self, call: TensorCall, caller: Caller) -> AsyncGenerator[TensorAnswer]:
        """Answer a call piece by piece, where the method does; else with its one answer."""
        if not self.streams(call):
            yield await self.infer(call, caller)
            return
        _check_hints(call)
        model = self.model(call.model, call.version)
        method = self.method(model.name, next(self._methods_of(model, call))[0])
        request = request_of(method, call, caller)
        async with contextlib.aclosing(self._service.stream(request)) as items:
            async for item in items:
                outputs = method.write_item(item)
                yield TensorAnswer(model.name, model.version, model.identity, outputs)

    def _methods_of(
        self, model: Model, call: TensorCall
    ) -> Iterator[tuple[str, Sequence[str] | None]]:
        """The methods to call and the outputs wanted of each: methods may be asked for by the names of their outputs."""
        named = call.parameters.get("method")
        if named is not None and type(named) is not str:
            raise InvalidInput("parameters.method: expected a text", field="parameters.method")
        chosen = self.method(model.name, named or "")
        known = {port.name for port in chosen.outputs}
        strange = [name for name in call.outputs if name not in known]
        if strange and not named and all(name in model.methods for name in call.outputs):
            yield from ((name, None) for name in call.outputs)
            return
        if strange:
            raise InvalidInput(
                f"{strange[0]}: {chosen.name} has no output of that name",
                hint=did_you_mean(strange[0], known) or f"it has: {', '.join(known)}",
                field=strange[0],
            )
        yield chosen.name, call.outputs or None


class TensorMethod:
    """One method as tensors."""

    def __init__(self, method: Method) -> None:
        self.name = method.name
        self._method = method
        args = method.signature.args
        self._forms = {
            name: form_of(name, argument.type, self._others(name))
            for name, argument in args.items()
        }
        self._owners = {p.name: name for name, form in self._forms.items() for p in form.ports}
        for name, form in self._forms.items():
            if isinstance(form, TableForm):
                self._owners.setdefault(name, name)
        self._answer = form_of(method.name, method.signature.returns)
        self._item = form_of(method.name, method.items)
        self.streams = method.items is not None
        """Whether it answers piece by piece."""

    def _others(self, name: str) -> frozenset[str]:
        """What columns of an argument must not be called: other arguments, and their columns."""
        args = self._method.signature.args
        others = [form_of(n, a.type) for n, a in args.items() if n != name]
        return frozenset(p.name for form in others for p in form.ports)

    @property
    def model(self) -> str:
        """The model's name."""
        return self._method.model.name

    @property
    def inputs(self) -> Sequence[Port]:
        """What it takes."""
        return [port for form in self._forms.values() for port in form.ports]

    @property
    def outputs(self) -> Sequence[Port]:
        """What it gives."""
        return self._answer.ports

    def read(self, call: TensorCall) -> tuple[dict[str, Any], int]:
        """Arguments by name, and how many records they hold."""
        inputs = [self._of_raw(call.raw)] if call.raw is not None else call.inputs
        sent: dict[str, dict[str, Tensor]] = {}
        for tensor in inputs:
            owner = self._owners.get(tensor.name)
            if owner is None and self._method.signature.extra is None:
                raise self._unknown(tensor.name)
            argument = sent.setdefault(owner or tensor.name, {})
            if tensor.name in argument:
                raise SchemaMismatch(f"{tensor.name}: expected once, got twice", field=tensor.name)
            argument[tensor.name] = _decoded(tensor, call.parameters)
        for name, argument in self._method.signature.args.items():
            if argument.required and name not in sent:
                raise missing_input(self._forms[name].ports[0].name)
        arguments = {name: self._form(name).read(tensors) for name, tensors in sent.items()}
        return arguments, self._rows(sent)

    def spelled(self, arguments: Mapping[str, Any]) -> list[Tensor]:
        """Tensors of arguments in their JSON form, as a client would send them."""
        return [t for name, value in arguments.items() for t in self._form(name).write(value)]

    def _form(self, name: str) -> Form:
        return self._forms.get(name) or JsonForm(name)

    def _rows(self, sent: Mapping[str, Mapping[str, Tensor]]) -> int:
        tensors = sent.get(self._method.records or "")
        shape = next(iter(tensors.values())).shape if tensors else ()
        return max(1, shape[0]) if shape else 1

    def _unknown(self, name: str) -> SchemaMismatch:
        known = list(self._owners)
        return SchemaMismatch(
            f"{name}: {self.name} takes no such input",
            hint=did_you_mean(name, known) or f"it takes: {', '.join(known) or 'nothing'}",
            field=name,
        )

    def _of_raw(self, raw: bytes) -> Tensor:
        """The tensor of a body that is nothing but the elements of the only input."""
        ports = self.inputs
        if len(ports) != 1:
            raise InvalidInput(
                f"{self.name} takes {len(ports)} inputs: a body without a header is for one"
            )
        port = ports[0]
        if port.datatype == BYTES:
            return Tensor(port.name, BYTES, (1,), [raw])
        free = [i for i, size in enumerate(port.shape) if size < 0]
        if len(free) > 1:
            raise InvalidInput(f"{port.name}: its shape cannot be told from the body's length")
        known = [size for size in port.shape if size >= 0]
        row = _bytes_of(port.datatype)
        for size in known:
            row *= size
        rows = len(raw) // row if row else 0
        shape = tuple(rows if size < 0 else size for size in port.shape)
        return Tensor(
            port.name, port.datatype, shape, from_raw(port.name, port.datatype, shape, raw)
        )

    def write(self, value: Any, wanted: Sequence[str] | None) -> list[Tensor]:
        """The tensors of an answer: all, or those wanted in their order. `ModelFailed` for one its schema refuses."""
        form, returns = self._answer, self._method.signature.returns
        if returns is None:
            form = form_of(self.name, types.infer(value))
        tensors = None
        if returns is not None:
            checked = self._checked(value)
            plain = returns.unwrap(checked) if hasattr(returns, "unwrap") else checked  # type: ignore[attr-defined]
            tensors = form.write_native(plain)
        if tensors is None:
            tensors = self._of_json(form, encode(self._method, value))
        if wanted is None:
            return tensors
        by_name = {tensor.name: tensor for tensor in tensors}
        return [by_name[name] for name in wanted]

    def write_item(self, value: Any) -> list[Tensor]:
        """The tensors of one item of a stream."""
        items = self._method.items
        assert items is not None, "asked of streams only"
        try:
            spelled = items.encode(value)
        except ModelyardError as error:
            raise self._misfit(error) from error
        return self._of_json(self._item, spelled)

    def _of_json(self, form: Form, spelled: Any) -> list[Tensor]:
        try:
            return form.write(spelled)
        except SchemaMismatch as error:
            raise NotSupported(
                f"what {self.name} answered cannot be said in tensors: {error.message}"
            ) from None

    def _checked(self, value: Any) -> Any:
        returns = self._method.signature.returns
        assert returns is not None
        try:
            return returns.check(value)
        except ModelyardError as error:
            raise self._misfit(error) from error

    def _misfit(self, error: ModelyardError) -> ModelFailed:
        return ModelFailed(
            f"what model '{self.model}' answered in {self.name} does not fit its schema: {error.message}"
        )


def request_of(method: TensorMethod, call: TensorCall, caller: Caller) -> Request:
    """The service's request for a call."""
    arguments, rows = method.read(call)
    given = call.parameters.get(REFERENCE_ID, caller.reference_id or None)
    reference_id = read_id(given, REFERENCE_ID)
    return Request(
        method.model,
        method.name,
        arguments,
        caller.request_id,
        rows=rows,
        reference_ids=[reference_id] if reference_id else [],
        caller=caller.address,
        deadline=_deadline(call.parameters, caller.deadline),
        native=True,
    )


def _deadline(parameters: Mapping[str, Any], until: float | None) -> float | None:
    """The caller's deadline, or the one that ``parameters.timeout`` (microseconds) sets before it."""
    given = parameters.get("timeout")
    if given is None:
        return until
    if type(given) is not int or given < 0:
        raise InvalidInput("parameters.timeout: expected microseconds", field="parameters.timeout")
    if not given:  # none
        return until
    mine = time.monotonic() + given / 1e6
    return mine if until is None else min(mine, until)


def _check_hints(call: TensorCall) -> None:
    hints = {"parameters": call.parameters.get("content_type")}
    hints |= {f"{t.name}.parameters": t.parameters.get("content_type") for t in call.inputs}
    for where, hint in hints.items():
        if hint is not None and hint not in CONTENT_TYPES:
            raise InvalidInput(
                f"{where}.content_type: {str(hint)[:40]!r} is not known here",
                hint=f"known: {', '.join(sorted(CONTENT_TYPES))}",
                field=f"{where}.content_type",
            )


def _decoded(tensor: Tensor, parameters: Mapping[str, Any]) -> Tensor:
    own = tensor.parameters.get("content_type")
    hint = own if own is not None else parameters.get("content_type")
    coded = hint == "base64" and (own is not None or tensor.datatype == BYTES)
    return from_base64(tensor) if coded else tensor


def _bytes_of(datatype: str) -> int:
    return 1 if datatype == "BOOL" else int(datatype.lstrip("UINTFP")) // 8


async def _written(
    method: TensorMethod, answer: Answer, wanted: Sequence[str] | None
) -> list[Tensor]:
    size = getattr(answer.value, "size", 0)
    if isinstance(size, int) and size > OFF_LOOP_ELEMENTS:
        return await asyncio.to_thread(method.write, answer.value, wanted)
    return method.write(answer.value, wanted)
