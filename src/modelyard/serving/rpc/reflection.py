"""Reflection: tools such as grpcurl ask a server what it speaks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from modelyard.serving.rpc.packages import Package, Rpc

_NOT_FOUND = 5


def _package(version: str) -> Package:
    request, response = "ServerReflectionRequest", "ServerReflectionResponse"
    return Package(
        f"grpc.reflection.{version}",
        "ServerReflection",
        [Rpc("ServerReflectionInfo", request, response, asks_many=True, answers_many=True)],
        {
            request: "host:string=1 file_by_filename|message_request:string=3"
            " file_containing_symbol|message_request:string=4"
            " file_containing_extension|message_request:ExtensionRequest=5"
            " all_extension_numbers_of_type|message_request:string=6"
            " list_services|message_request:string=7",
            "ExtensionRequest": "containing_type:string=1 extension_number:int32=2",
            response: "valid_host:string=1 original_request:ServerReflectionRequest=2"
            " file_descriptor_response|message_response:FileDescriptorResponse=4"
            " all_extension_numbers_response|message_response:ExtensionNumberResponse=5"
            " list_services_response|message_response:ListServiceResponse=6"
            " error_response|message_response:ErrorResponse=7",
            "FileDescriptorResponse": "file_descriptor_proto:bytes*=1",
            "ExtensionNumberResponse": "base_type_name:string=1 extension_number:int32*=2",
            "ListServiceResponse": "service:ServiceResponse*=1",
            "ServiceResponse": "name:string=1",
            "ErrorResponse": "error_code:int32=1 error_message:string=2",
        },
        {},
    )


REFLECTION = (_package("v1"), _package("v1alpha"))
"""The protocol, and the same under its older name."""


class Reflection:
    """Tells of some packages, in the words of one version."""

    def __init__(self, own: Package, packages: Sequence[Package]) -> None:
        self._own = own
        self._packages = packages

    async def ServerReflectionInfo(  # noqa: N802  as in the protocol
        self, requests: AsyncIterator[Any], context: Any
    ) -> AsyncIterator[Any]:
        """One answer a question."""
        async for request in requests:
            response = self._own.message("ServerReflectionResponse")(
                valid_host=request.host, original_request=request
            )
            self._answer(request, response)
            yield response

    def _answer(self, request: Any, response: Any) -> None:
        asked = request.WhichOneof("message_request")
        if asked == "list_services":
            for package in self._packages:
                response.list_services_response.service.add(name=package.full_service)
            return
        found = None
        if asked == "file_by_filename":
            found = self._find(lambda p: p.file_name == request.file_by_filename)
        elif asked == "file_containing_symbol":
            found = self._find(lambda p: _defines(p, request.file_containing_symbol))
        if found is None:
            response.error_response.error_code = _NOT_FOUND
            response.error_response.error_message = "not found"
            return
        files = response.file_descriptor_response.file_descriptor_proto
        files.append(found.file.SerializeToString())

    def _find(self, fits: Any) -> Package | None:
        return next((package for package in self._packages if fits(package)), None)


def _defines(package: Package, symbol: str) -> bool:
    names = [package.full_service, *(f"{package.full_service}.{rpc.name}" for rpc in package.rpcs)]
    names += [f"{package.name}.{name}" for name in (*package.messages, *package.enums)]
    return symbol in names
