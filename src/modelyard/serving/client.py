"""Call a served model as if it were here: the same methods, the same arguments, the same kind of answer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast
from urllib.parse import quote

from modelyard.base.errors import (
    TABLE,
    InvalidInput,
    MissingExtra,
    ModelyardError,
    NotFound,
    UnknownMethod,
    Unreachable,
    did_you_mean,
)
from modelyard.objects.model import default_method
from modelyard.types.arguments import bind_arguments
from modelyard.types.binary import Binary, binary, binary_items
from modelyard.types.interface import DataType
from modelyard.types.schema import Signature
from modelyard.types.spelling import signature_from_dict

if TYPE_CHECKING:
    import ssl

    import httpx2

CONNECT_TRIES = 3
_CLASSES = {row.code: cls for cls, row in TABLE.items() if cls is not MissingExtra}
"""What a code is raised as. An extra that the server lacks is not one to install here."""


class Client:
    """The models behind a URL, with their methods as its own when there is only one.

    What the server refuses is raised as the error it would be here (`SchemaMismatch`, `UnknownMethod`, `Overloaded` …); when
    nobody answers, `Unreachable` names the URL. Only connecting is tried again, never a request that may have arrived.

    >>> client = Client("http://127.0.0.1:8080")  # doctest: +SKIP
    >>> client.predict(X)  # doctest: +SKIP
    array([0, 1, 2])
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 60.0,
        headers: Mapping[str, str] | None = None,
        key: str | None = None,
        verify: str | bool | ssl.SSLContext = True,
    ) -> None:
        """Ask the server at ``url`` what it serves.

        ``timeout`` in seconds; ``headers`` go with every request; ``key`` is an API key or a token. ``verify`` is a file of
        certificates that are trusted beside the usual, or a context of `ssl`, which may hold a certificate of one's own.
        """
        sent = {**(headers or {}), **({"Authorization": f"Bearer {key}"} if key else {})}
        self._wire = _Wire(url, timeout, sent, _trusting(verify))
        try:
            described = self._wire.get("/interface.json")
            models = described["modelyard"]["models"].items()
            self._models = {name: RemoteModel(self._wire, name, m) for name, m in models}
        except (AttributeError, KeyError, TypeError) as error:
            self._wire.close()
            raise InvalidInput(
                f"what answers at {self._wire.url} is no server of models"
            ) from error
        except BaseException:
            self._wire.close()
            raise

    @property
    def url(self) -> str:
        """Where the server is."""
        return self._wire.url

    @property
    def models(self) -> Sequence[str]:
        """The names of what is served."""
        return list(self._models)

    def model(self, name: str | None = None) -> RemoteModel:
        """One of the models; the only one need not be named."""
        if name is None and len(self._models) == 1:
            return next(iter(self._models.values()))
        if name not in self._models:
            choices = ", ".join(self._models)
            raise NotFound(
                f"no model named {name!r} is served at {self.url}" if name else "which model?",
                hint=did_you_mean(name or "", self._models) or f"served: {choices}",
                choices=list(self._models),
            )
        return self._models[name]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.model(), name)

    def __dir__(self) -> list[str]:
        own = list(super().__dir__())
        return [*own, *self.model().methods] if len(self._models) == 1 else own

    def __repr__(self) -> str:
        return f"Client({self.url!r}, models={self.models})"

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


class RemoteModel:
    """One served model. Its methods are attributes: ``model.predict(X)``."""

    def __init__(self, wire: _Wire, name: str, described: Mapping[str, Any]) -> None:
        self._wire = wire
        self.name = name
        self.identity = str(described.get("identity", name))
        """``name@version`` as it was when the client was made."""
        self._paths = {m: str(spelled["path"]) for m, spelled in described["methods"].items()}
        self._signatures = {
            method: signature_from_dict({k: v for k, v in spelled.items() if k != "path"})
            for method, spelled in described["methods"].items()
        }

    @property
    def methods(self) -> Sequence[str]:
        """The names of its methods, in the card's order."""
        return list(self._paths)

    @property
    def default_method(self) -> str:
        """``predict``, else ``transform``, else the first."""
        return default_method(self.methods)

    def signature(self, method: str | None = None) -> Signature:
        """What a method takes and gives."""
        return self._signatures[self._known(method)]

    def call(
        self,
        method: str | None = None,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        reference_id: str | None = None,
    ) -> Any:
        """Call a method by its name; ``reference_id`` is kept with the logged predictions."""
        name = self._known(method)
        signature = self._signatures[name]
        values = bind_arguments(signature, tuple(args), kwargs or {})
        headers = {} if reference_id is None else {"X-Reference-ID": reference_id}
        files = _files(signature, values)
        sent = dict(files)
        fields = {n: _spelled(signature, n, v) for n, v in values.items() if n not in sent}
        path = self._paths[name]
        if files:
            answer = self._wire.post_form(path, files, _as_texts(signature, fields), headers)
        else:
            answer = self._wire.post(path, fields, headers)
        return _native(signature.returns, answer, name)

    def _known(self, method: str | None) -> str:
        name = self.default_method if method is None else method
        if name not in self._paths:
            raise UnknownMethod(
                f"model '{self.name}' has no method {name!r}",
                hint=did_you_mean(name, self.methods) or f"it has: {', '.join(self.methods)}",
                choices=list(self.methods),
            )
        return name

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_") or name not in self._paths:
            near = did_you_mean(name, self.methods) or f"it has: {', '.join(self.methods)}"
            raise AttributeError(f"model '{self.name}' has no method {name!r}; {near}")

        def method(*args: Any, **kwargs: Any) -> Any:
            return self.call(name, args, kwargs)

        method.__name__ = name
        method.__doc__ = f"{name} of {self.identity} at {self._wire.url}."
        method.__signature__ = _python_signature(self._signatures[name])  # type: ignore[attr-defined]  # read by inspect
        return method

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.methods]

    def __repr__(self) -> str:
        return f"RemoteModel({self.identity!r} at {self._wire.url})"


def _python_signature(signature: Signature) -> inspect.Signature:
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [
        inspect.Parameter(n, kind, default=inspect.Parameter.empty if a.required else a.default)
        for n, a in signature.args.items()
        if n.isidentifier()
    ]
    parameters.sort(key=lambda p: p.default is not inspect.Parameter.empty)
    if signature.extra is not None:
        parameters.append(inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD))
    return inspect.Signature(parameters)


_File = tuple[str, tuple[str, bytes, str]]


def _files(signature: Signature, values: Mapping[str, Any]) -> list[_File]:
    """The arguments that are files, to be sent as they are: name, and (file name, content, type)."""
    found: list[_File] = []
    for name, value in values.items():
        declared = signature.args[name].type if name in signature.args else None
        one, each = binary(declared), binary_items(declared)
        try:
            if one is not None and value is not None:
                found.append((name, _part(one, value, name)))
            elif each is not None and isinstance(value, (list, tuple)) and value:
                found += [(name, _part(each, v, f"{name}[{i}]")) for i, v in enumerate(value)]
        except ImportError:
            continue  # without Pillow an image can still be sent as base64 text
    return found


def _part(kind: Binary, value: Any, where: str) -> tuple[str, bytes, str]:
    name = value.name if isinstance(value, Path) else "file"
    if isinstance(value, Path):
        value = kind.from_path(value, where)
    checked = cast(DataType, kind).check(value, where)
    return name, kind.to_bytes(checked), kind.media_type


def _as_texts(signature: Signature, fields: Mapping[str, Any]) -> dict[str, str]:
    """The other arguments as fields of a form: texts as they are, everything else as JSON."""
    import orjson

    def text(name: str, value: Any) -> str:
        declared: Any = signature.args[name].type if name in signature.args else None
        kind = getattr(getattr(declared, "of", declared), "kind", "")
        return (
            value if kind == "string" and isinstance(value, str) else orjson.dumps(value).decode()
        )

    return {n: text(n, v) for n, v in fields.items() if v is not None or not _is_file(signature, n)}


def _is_file(signature: Signature, name: str) -> bool:
    return name in signature.args and binary(signature.args[name].type) is not None


def _spelled(signature: Signature, name: str, value: Any) -> Any:
    known = signature.args.get(name)
    declared: DataType | None = known.type if known else signature.extra
    if declared is None:
        return value  # the server knows what to say about it
    try:
        return declared.encode(declared.check(value, name))
    except ImportError:
        # Without the library only plain values can be sent; the server checks them.
        return value


def _native(declared: DataType | None, answer: Any, where: str) -> Any:
    if declared is None:
        return answer
    try:
        return declared.decode(answer, where)
    except ImportError:
        return answer


def _trusting(verify: str | bool | ssl.SSLContext) -> bool | ssl.SSLContext:
    if not isinstance(verify, str):
        return verify
    import ssl

    context = ssl.create_default_context()
    try:
        context.load_verify_locations(verify)
    except (OSError, ssl.SSLError) as error:
        raise InvalidInput(f"verify: {verify} holds no certificates: {error}") from error
    return context


class _Wire:
    """HTTP to one server: JSON in and out, errors as ours."""

    def __init__(
        self,
        url: str,
        timeout: float,
        headers: Mapping[str, str],
        verify: bool | ssl.SSLContext = True,
    ) -> None:
        import httpx2

        self.url = url.rstrip("/")
        if not self.url.startswith(("http://", "https://")):
            raise InvalidInput(f"{url!r} is no http:// or https:// URL")
        transport = httpx2.HTTPTransport(retries=CONNECT_TRIES - 1, verify=verify)
        self._http = httpx2.Client(
            transport=transport, timeout=timeout, headers=dict(headers), follow_redirects=False
        )

    def get(self, path: str) -> Any:
        return self._answer("GET", path, None, {})

    def post(self, path: str, body: Any, headers: Mapping[str, str]) -> Any:
        import orjson

        sent = {"Content-Type": "application/json", **headers}
        return self._answer("POST", path, orjson.dumps(body), sent)

    def post_form(
        self, path: str, files: list[_File], fields: Mapping[str, str], headers: Mapping[str, str]
    ) -> Any:
        return self._answer("POST", path, None, headers, files=files, data=dict(fields))

    def close(self) -> None:
        self._http.close()

    def _answer(
        self, verb: str, path: str, body: bytes | None, headers: Mapping[str, str], **form: Any
    ) -> Any:
        import httpx2

        url = self.url + quote(path)
        try:
            response = self._http.request(verb, url, content=body, headers=dict(headers), **form)
        except httpx2.InvalidURL as error:
            raise InvalidInput(f"{url!r} is no URL: {error}") from error
        except httpx2.TransportError as error:
            raise Unreachable(
                f"no answer from {self.url}: {error or type(error).__name__}",
                hint="is it running, and is the address right?",
                url=self.url,
            ) from error
        if not response.is_success:
            raise _error(response)
        return _json(response)


def _json(response: httpx2.Response) -> Any:
    import orjson

    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"{response.url} does not answer in JSON") from error


def _error(response: httpx2.Response) -> ModelyardError:
    try:
        told = _json(response)["error"]
        code, message = str(told["code"]), str(told["message"])
    except (InvalidInput, KeyError, TypeError):
        if response.status_code in (502, 503, 504):
            return Unreachable(f"{response.url} answered {response.status_code}")
        return ModelyardError(f"{response.url} answered {response.status_code}")
    details = {k: v for k, v in told.items() if k not in ("code", "message", "hint")}
    details["status"] = response.status_code
    return _CLASSES.get(code, ModelyardError)(message, hint=told.get("hint"), **details)
