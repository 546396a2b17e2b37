"""How a call of one method is written as a request, and its answer read.

Small values travel as JSON. A table or array of more rows travels as an Arrow stream or as ``.npy`` when the server reads
these and pyarrow is here; files travel as they are.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modelyard.serving.calling.parts import File, as_texts, encode_form, files_in
from modelyard.serving.calling.plans import Outgoing
from modelyard.serving.calling.refusals import json_of
from modelyard.types.arguments import bind_arguments
from modelyard.types.interface import DataType
from modelyard.types.schema import Signature

if TYPE_CHECKING:
    import httpx2

JSON = "application/json"
GZIP_BYTES = 256 << 10
"""JSON from this size on is compressed on its way to another machine."""


class Spelling:
    """Writes the calls of one method, and reads the answers."""

    def __init__(self, name: str, path: str, signature: Signature, *, formats: Sequence[str], repeatable: bool, compress: bool) -> None:  # fmt: skip
        self.name = name
        self.path = path
        self.signature = signature
        self._formats = formats
        self._repeatable = repeatable
        self._compress = compress

    def request(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], headers: Mapping[str, str]
    ) -> Outgoing:
        """What is sent for a call. `SchemaMismatch` for arguments that do not fit."""
        signature = self.signature
        values = bind_arguments(signature, tuple(args), kwargs)
        files = files_in(signature, values)
        sent = dict(files)
        fields = {n: _spelled(signature, n, v) for n, v in values.items() if n not in sent}
        if files:
            return self._form(files, as_texts(signature, fields), headers)
        return self._json(fields, headers)

    def read(self, response: httpx2.Response) -> Any:
        """The answer as the method gives it."""
        declared, answer = self.signature.returns, json_of(response)
        if declared is None:
            return answer
        try:
            return declared.decode(answer, self.name)
        except ImportError:
            return answer

    def _json(self, fields: Mapping[str, Any], headers: Mapping[str, str]) -> Outgoing:
        import orjson

        body = orjson.dumps(fields)
        told = {"content-type": JSON, **headers}
        if self._compress and len(body) > GZIP_BYTES:
            body, told = gzip.compress(body, 1), {**told, "content-encoding": "gzip"}
        return Outgoing("POST", self.path, body, told, self._repeatable)

    def _form(
        self, files: Sequence[File], fields: Mapping[str, str], headers: Mapping[str, str]
    ) -> Outgoing:
        body, content_type = encode_form(files, fields)
        told = {"content-type": content_type, **headers}
        return Outgoing("POST", self.path, body, told, self._repeatable)


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
