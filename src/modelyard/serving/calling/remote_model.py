"""A served model with its methods, for blocking and for awaited calls: a wire's `run` says which."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from modelyard.base.errors import InvalidInput, UnknownMethod, did_you_mean
from modelyard.objects.model import default_method
from modelyard.serving.calling.batches import Batches
from modelyard.serving.calling.bodies import Server, Spelling
from modelyard.serving.calling.hints import docstring, python_signature
from modelyard.serving.calling.plans import Plan, answered, once
from modelyard.serving.calling.refusals import json_of
from modelyard.serving.calling.remote_job import RemoteJob, sent_as_job
from modelyard.serving.calling.streams import EVENTS, streamed
from modelyard.serving.calling.wire import Wire
from modelyard.types.schema import Schema, Signature
from modelyard.types.spelling import signature_from_dict

SIGNATURE = ("args", "extra", "returns")
"""What the signature of a method is made of; a server may tell more of it."""


class RemoteModel:
    """One served model. Its methods are attributes: ``model.predict(X)``; those of an `AsyncClient` are awaited."""

    def __init__(self, wire: Wire, name: str, described: Mapping[str, Any], server: Server) -> None:
        self._wire = wire
        self.name = name
        self.identity = str(described.get("identity", name))
        """``name@version`` as it was when the client was made."""
        self.description = str(described.get("description", ""))
        self._spellings = {
            method: Spelling(
                method,
                str(spelled["path"]),
                signature_from_dict({k: spelled[k] for k in SIGNATURE if k in spelled}),
                server,
                compress=not wire.address.local,
            )
            for method, spelled in described["methods"].items()
        }

    @property
    def methods(self) -> Sequence[str]:
        """The names of its methods, in the card's order."""
        return list(self._spellings)

    @property
    def default_method(self) -> str:
        """``predict``, else ``transform``, else the first."""
        return default_method(self.methods)

    @property
    def interface(self) -> Schema:
        """What all its methods take and give."""
        return Schema({name: s.signature for name, s in self._spellings.items()})

    def signature(self, method: str | None = None) -> Signature:
        """What a method takes and gives."""
        return self._known(method).signature

    def call(
        self,
        method: str | None = None,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        reference_id: str | None = None,
    ) -> Any:
        """Call a method by its name; ``reference_id`` is kept with the logged predictions."""
        headers = {} if reference_id is None else {"x-reference-id": reference_id}
        return self._wire.run(self._calling(method, args, kwargs or {}, headers))

    def map(
        self,
        method: str | None,
        data: Any,
        *,
        batch_rows: int | None = None,
        concurrency: int = 4,
        **arguments: Any,
    ) -> Any:
        """Call a method on data of any size, cut into requests that the server takes. The answers, in order, one a request.

        ``data`` is a table, an array or a list, which is cut; or an iterable of such, or of records, which is read as it is
        needed. Of ``concurrency`` requests that are on their way each has ``batch_rows`` rows at most, fewer where the server
        says that it is too much. ``arguments`` are further ones of the method. The first error ends it, and says which rows it is about
        (``details['rows']``, ``details['row']``). An iterator, of an `AsyncClient` an asynchronous one.
        """
        address = self._wire.address
        batches = Batches(self._known(method), arguments, address.patience, address.url, batch_rows, concurrency)  # fmt: skip
        return self._wire.run_all(batches.plans(data), concurrency)

    def stream(self, method: str | None, *args: Any, **kwargs: Any) -> Any:
        """What a method that yields gives, one item after the other as the model makes them. An iterator, of an `AsyncClient` an
        asynchronous one; closing it ends the model's work."""
        spelling, address = self._known(method), self._wire.address
        if not spelling.streams:
            raise InvalidInput(f"{spelling.name} gives its answer as a whole", hint=f"call {spelling.name} itself")  # fmt: skip
        request = once(spelling.request(args, kwargs, {"accept": EVENTS}))
        # Half an answer was given already: only what never arrived is sent again.
        request = replace(request, repeatable=False, streamed=True)
        items = getattr(spelling.signature.returns, "items", None)
        return self._wire.items(streamed(request, address.patience, address.url, items))

    def submit(self, method: str | None, *args: Any, **kwargs: Any) -> Any:
        """Have a method called that takes long, and go on: a `RemoteJob`, which has the result later. Submitted again because an
        answer was lost it is the same job."""
        return self._wire.run(self._submitting(method, args, kwargs))

    def _submitting(
        self, method: str | None, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Plan[RemoteJob]:
        spelling, address = self._known(method), self._wire.address
        request = once(sent_as_job(spelling.request(args, kwargs, {})))
        response = yield from answered(request, address.patience, address.url)
        return RemoteJob(self._wire, spelling, json_of(response))

    def _calling(
        self,
        method: str | None,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        headers: Mapping[str, str],
    ) -> Plan[Any]:
        spelling = self._known(method)
        request = once(spelling.request(args, kwargs, headers))
        address = self._wire.address
        return spelling.read((yield from answered(request, address.patience, address.url)))

    def _known(self, method: str | None) -> Spelling:
        name = self.default_method if method is None else method
        if name not in self._spellings:
            raise UnknownMethod(
                f"model '{self.name}' has no method {name!r}",
                hint=did_you_mean(name, self.methods) or f"it has: {', '.join(self.methods)}",
                choices=list(self.methods),
            )
        return self._spellings[name]

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_") or name not in self._spellings:
            near = did_you_mean(name, self.methods) or f"it has: {', '.join(self.methods)}"
            raise AttributeError(f"model '{self.name}' has no method {name!r}; {near}")

        spelling = self._spellings[name]
        signature = spelling.signature

        def method(*args: Any, **kwargs: Any) -> Any:
            return (
                self.stream(name, *args, **kwargs)
                if spelling.streams
                else self.call(name, args, kwargs)
            )

        method.__name__ = name
        method.__qualname__ = f"{self.name}.{name}"
        method.__doc__ = docstring(signature, f"{name} of {self.identity} at {self._wire.url}.")
        method.__signature__ = python_signature(signature)  # type: ignore[attr-defined]  # read by inspect
        return method

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.methods]

    def __repr__(self) -> str:
        calls = ", ".join(f"{n}{python_signature(s.signature)}" for n, s in self._spellings.items())
        return f"RemoteModel({self.identity!r} at {self._wire.url}: {calls})"

    def _repr_html_(self) -> str:
        """Its methods, for notebooks."""
        from html import escape

        head = f"<b>{escape(self.identity)}</b> at {escape(self._wire.url)}<br>{escape(self.description)}"
        return head + self.interface._repr_html_()
