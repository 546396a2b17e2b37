"""How a call of one method is written as a request, and its answer read.

Small values travel as JSON. A table or array of more rows travels as an Arrow stream or as ``.npy`` when the server reads
these and pyarrow is here; files travel as they are.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelyard.base.errors import SchemaMismatch
from modelyard.objects.sampling import required_arguments
from modelyard.serving.calling.parts import File, as_texts, encode_form, files_in
from modelyard.serving.calling.plans import Outgoing
from modelyard.serving.calling.refusals import json_of
from modelyard.serving.calling.typed import FROM_ROWS, format_of, read, write
from modelyard.serving.rows import holds_records
from modelyard.types.arguments import bind_arguments
from modelyard.types.interface import DataType
from modelyard.types.schema import Signature

if TYPE_CHECKING:
    import httpx2

JSON = "application/json"
GZIP_BYTES = 256 << 10
"""JSON from this size on is compressed on its way to another machine."""


@dataclass(frozen=True)
class Server:
    """What a server tells of itself."""

    formats: Sequence[str] = ()
    limits: Mapping[str, float] = field(default_factory=dict[str, float])

    @property
    def repeats(self) -> bool:
        """Whether it knows a request again by its key."""
        return bool(self.limits.get("repeat_seconds"))


class Spelling:
    """Writes the calls of one method, and reads the answers."""

    def __init__(
        self, name: str, path: str, signature: Signature, server: Server, *, compress: bool
    ) -> None:
        self.name = name
        self.path = path
        self.signature = signature
        self.server = server
        self._compress = compress
        required = required_arguments(signature)
        held = [n for n in required[:1] if holds_records(signature.args[n].type)]
        self.records: str | None = held[0] if held else None
        """The argument that holds records, if there is one."""
        self._whole = self.records or (required[0] if len(required) == 1 else None)
        self._taken = (
            format_of(signature.args[self._whole].type, server.formats) if self._whole else None
        )
        self._given = format_of(signature.returns, server.formats)

    @property
    def streams(self) -> bool:
        """Whether the method gives one item after the other."""
        return self.signature.returns is not None and self.signature.returns.kind == "stream"

    def request(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], headers: Mapping[str, str]
    ) -> Outgoing:
        """What is sent for a call. `SchemaMismatch` for arguments that do not fit."""
        signature = self.signature
        values = bind_arguments(signature, tuple(args), kwargs)
        many = self._is_many(values)
        if many and self._given is not None:
            headers = {"accept": f"{self._given}, {JSON};q=0.5", **headers}
        if many and self._taken is not None and (typed := self._typed(values, headers)):
            return typed
        files = files_in(signature, values)
        sent = dict(files)
        fields = {n: _spelled(signature, n, v) for n, v in values.items() if n not in sent}
        if files:
            return self._form(files, as_texts(signature, fields), headers)
        return self._json(fields, headers)

    def read(self, response: httpx2.Response) -> Any:
        """The answer as the method gives it."""
        declared = self.signature.returns
        typed, told = self._given, response.headers.get("content-type", "")
        if declared is not None and typed is not None and told.startswith(typed):
            return read(response.content, declared, typed, self.name)
        answer = json_of(response)
        if declared is None:
            return answer
        try:
            return declared.decode(answer, self.name)
        except ImportError:
            return answer

    def _is_many(self, values: Mapping[str, Any]) -> bool:
        try:
            return len(values[str(self._whole)]) >= FROM_ROWS
        except (KeyError, TypeError):
            return False

    def _typed(self, values: Mapping[str, Any], headers: Mapping[str, str]) -> Outgoing | None:
        """The call with its table or array as it lies in memory; None when it must be JSON after all."""
        name, kind = str(self._whole), str(self._taken)
        declared = self.signature.args[name].type
        checked = declared.check(values[name], name)
        try:
            content = write(checked, declared, kind, name)
        except SchemaMismatch:
            return None  # no cell of Arrow holds it; JSON may
        others = {n: v for n, v in values.items() if n != name}
        if not others:
            return Outgoing("POST", self.path, content, {"content-type": kind, **headers}, self.server.repeats)  # fmt: skip
        files = [(name, (name, content, kind)), *files_in(self.signature, others)]
        sent = dict(files)
        fields = {n: _spelled(self.signature, n, v) for n, v in others.items() if n not in sent}
        return self._form(files, as_texts(self.signature, fields), headers)

    def _json(self, fields: Mapping[str, Any], headers: Mapping[str, str]) -> Outgoing:
        import orjson

        body = orjson.dumps(fields)
        told = {"content-type": JSON, **headers}
        if self._compress and len(body) > GZIP_BYTES:
            body, told = gzip.compress(body, 1), {**told, "content-encoding": "gzip"}
        return Outgoing("POST", self.path, body, told, self.server.repeats)

    def _form(
        self, files: Sequence[File], fields: Mapping[str, str], headers: Mapping[str, str]
    ) -> Outgoing:
        body, content_type = encode_form(files, fields)
        told = {"content-type": content_type, **headers}
        return Outgoing("POST", self.path, body, told, self.server.repeats)


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
