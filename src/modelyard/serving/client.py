"""Call a served model as if it were here: the same methods, the same arguments, the same kind of answer."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from html import escape
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from modelyard.base.errors import InvalidInput, NotFound, did_you_mean
from modelyard.serving.calling.address import Address, Cert, Verify, address_of
from modelyard.serving.calling.bodies import Server
from modelyard.serving.calling.plans import Outgoing, Patience, Plan, answered
from modelyard.serving.calling.refusals import json_of
from modelyard.serving.calling.remote_model import RemoteModel
from modelyard.serving.calling.wire import AwaitedWire, BlockingWire, Wire

W = TypeVar("W", BlockingWire, AwaitedWire)


class _Served(Generic[W]):
    """The models behind a wire."""

    _wire: W
    _models: dict[str, RemoteModel]

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 60.0,
        retries: int = 4,
        headers: Mapping[str, str] | None = None,
        key: str | None = None,
        verify: Verify = True,
        cert: Cert | None = None,
    ) -> None:
        """A client of the server at ``url``, which is asked what it serves.

        ``timeout`` is for a whole call, in seconds, with its ``retries``. ``headers`` go with every request, and ``key``, an API
        key or a token, as ``Authorization: Bearer``, to this address and no other. ``verify`` is a file of certificates that are
        trusted beside the usual, or a context of `ssl`; ``cert`` is one of your own: its file, or that and the key's.
        """
        address = address_of(url, headers=headers, key=key, verify=verify, cert=cert)  # fmt: skip
        self._wire = self._wire_to(replace(address, patience=Patience(timeout, retries)))
        self._begin()

    def _wire_to(self, address: Address) -> W:
        raise NotImplementedError

    def _begin(self) -> None:
        """What is done as soon as it is made."""

    @property
    def url(self) -> str:
        """Where the server is."""
        return self._wire.url

    @property
    def models(self) -> Sequence[str]:
        """The names of what is served."""
        return list(self._known())

    def model(self, name: str | None = None) -> RemoteModel:
        """One of the models; the only one need not be named."""
        models = self._known()
        if name is None and len(models) == 1:
            return next(iter(models.values()))
        if name not in models:
            choices = ", ".join(models)
            raise NotFound(
                f"no model named {name!r} is served at {self.url}" if name else "which model?",
                hint=did_you_mean(name or "", models) or f"served: {choices}",
                choices=list(models),
            )
        return models[name]

    def _known(self) -> dict[str, RemoteModel]:
        return self._models

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        models = self._known()
        if len(models) != 1:
            raise AttributeError(f"{name!r} of which model? client.model(name) of: {', '.join(models)}")  # fmt: skip
        return getattr(self.model(), name)

    def __dir__(self) -> list[str]:
        own = list(super().__dir__())
        models = self.__dict__.get("_models") or {}
        return [*own, *next(iter(models.values())).methods] if len(models) == 1 else own

    def __repr__(self) -> str:
        told = self.__dict__.get("_models")
        models = "not asked yet" if told is None else f"models={list(told)}"
        return f"{type(self).__name__}({self.url!r}, {models})"

    def _repr_html_(self) -> str:
        """Its models and their methods, for notebooks."""
        models = self.__dict__.get("_models") or {}
        return escape(repr(self)) + "".join(f"<br>{m._repr_html_()}" for m in models.values())


class Client(_Served[BlockingWire]):
    """The models behind a URL, with their methods as its own when there is only one.

    What the server refuses is raised as the error it would be here (`SchemaMismatch`, `UnknownMethod`, `Overloaded` …); when
    nobody answers, `Unreachable` names the URL. What was lost on the way, or turned away for now, is sent again under the same
    key until ``timeout`` is over: the server carries it out once. Threads may share a client.

    >>> client = Client("http://127.0.0.1:8080")  # doctest: +SKIP
    >>> client.predict(X)  # doctest: +SKIP
    array([0, 1, 2])
    """

    def _wire_to(self, address: Address) -> BlockingWire:
        return BlockingWire(address)

    def _begin(self) -> None:
        try:
            self.refresh()
        except BaseException:
            self.close()
            raise

    def refresh(self) -> None:
        """Ask again what is served: models come and go."""
        self._models = self._wire.run(_asking(self._wire))

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class AsyncClient(_Served[AwaitedWire]):
    """The same for `asyncio`: ``async with AsyncClient(url) as client: await client.predict(X)``.

    Arguments are those of `Client`. The server is asked what it serves when the client is entered, or awaited:
    ``client = await AsyncClient(url)``.

    >>> async def main():
    ...     async with AsyncClient("http://127.0.0.1:8080") as client:
    ...         return await client.predict(X)
    """

    def _wire_to(self, address: Address) -> AwaitedWire:
        return AwaitedWire(address)

    async def refresh(self) -> None:
        """Ask again what is served: models come and go."""
        self._models = await self._wire.run(_asking(self._wire))

    async def close(self) -> None:
        """Close the connections."""
        await self._wire.close()

    def _known(self) -> dict[str, RemoteModel]:
        models = self.__dict__.get("_models")
        if models is None:
            raise InvalidInput(
                "this client has not asked its server yet",
                hint="async with AsyncClient(url) as client, or client = await AsyncClient(url)",
            )
        return models

    def __await__(self) -> Generator[Any, None, Self]:
        return self.__aenter__().__await__()

    async def __aenter__(self) -> Self:
        try:
            await self.refresh()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


def _asking(wire: Wire) -> Plan[dict[str, RemoteModel]]:
    address = wire.address
    request = Outgoing("GET", "/interface.json")
    response = yield from answered(request, address.patience, address.url)
    described = json_of(response)
    try:
        told = described["modelyard"]
        server = Server(tuple(told.get("formats", ())), dict(told.get("limits", {})))
        models = told["models"].items()
        return {name: RemoteModel(wire, name, told, server) for name, told in models}
    except (AttributeError, KeyError, TypeError) as error:
        raise InvalidInput(f"what answers at {address.url} is no server of models") from error
