"""gRPC as an ordinary client speaks it: grpcio, and messages by their fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import grpc

from modelyard.serving.rpc.inference import INFERENCE
from modelyard.serving.rpc.packages import Package


class GrpcClient:
    """A connection to one server."""

    def __init__(self, target: str, credentials: grpc.ChannelCredentials | None = None) -> None:
        options = [("grpc.max_receive_message_length", -1)]
        if credentials is None:
            self.channel = grpc.insecure_channel(target, options=options)
        else:
            self.channel = grpc.secure_channel(target, credentials, options=options)

    def __enter__(self) -> GrpcClient:
        return self

    def __exit__(self, *error: object) -> None:
        self.channel.close()

    def ask(
        self,
        name: str,
        fields: Mapping[str, Any] | None = None,
        metadata: Mapping[str, str] | None = None,
        *,
        package: Package = INFERENCE,
        timeout: float = 30.0,
    ) -> tuple[Any, dict[str, str]]:
        """An answer and its trailing metadata; `grpc.RpcError` for a refusal."""
        call = self.call(name, package)
        request = self.message(name, fields or {}, package)
        answer, done = call.with_call(request, timeout, tuple((metadata or {}).items()))
        return answer, dict(done.trailing_metadata())

    def stream(
        self, name: str, requests: Iterable[Any], package: Package = INFERENCE
    ) -> Iterator[Any]:
        """The answers of a call that takes and gives many."""
        return self.call(name, package)(iter(requests), timeout=30.0)

    def call(self, name: str, package: Package = INFERENCE) -> Any:
        """A call by its name."""
        [rpc] = [rpc for rpc in package.rpcs if rpc.name == name]
        kind = (
            f"{'stream' if rpc.asks_many else 'unary'}_{'stream' if rpc.answers_many else 'unary'}"
        )
        return getattr(self.channel, kind)(
            f"/{package.full_service}/{name}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=package.message(rpc.response).FromString,
        )

    def message(self, name: str, fields: Mapping[str, Any], package: Package = INFERENCE) -> Any:
        """The request of a call."""
        from google.protobuf.json_format import ParseDict

        [rpc] = [rpc for rpc in package.rpcs if rpc.name == name]
        message = package.message(rpc.request)()
        plain = {k: v for k, v in fields.items() if k != "raw_input_contents"}
        ParseDict(plain, message)
        if "raw_input_contents" in fields:
            message.raw_input_contents.extend(fields["raw_input_contents"])
        return message
