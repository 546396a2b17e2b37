"""Protocol buffers from a few words: a table of messages becomes classes, without a compiler and its generated files.

A field is ``name:type=number``; ``*`` behind the type repeats it, ``map<type>`` maps texts to it, and ``name|group`` makes it one
of a group of which one is set. Types are those of protocol buffers, or messages of the package; ``Outer.Inner`` is a message
inside another.

Each package has a pool of its own: it meets nobody else's definition of the same names in this process.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

_FIELD = re.compile(
    r"(?P<name>\w+)(\|(?P<group>\w+))?:((?P<map>map<)?(?P<type>[\w.]+)>?)(?P<many>\*)?=(?P<number>\d+)"
)
_SCALARS = frozenset(
    ["double", "float", "int32", "int64", "uint32", "uint64", "bool", "string", "bytes"]
)


@dataclass(frozen=True, slots=True)
class Rpc:
    """A call of a service: its messages, and which side sends many."""

    name: str
    request: str
    response: str
    asks_many: bool = False
    answers_many: bool = False


@dataclass(frozen=True)
class Package:
    """The messages and the service of one package."""

    name: str
    service: str
    rpcs: Sequence[Rpc]
    messages: Mapping[str, str]
    enums: Mapping[str, Sequence[str]]
    """``Message.Enum`` -> the words for 0, 1, …"""

    @property
    def file_name(self) -> str:
        """What reflection calls the file."""
        return f"{self.name.replace('.', '/')}.proto"

    @property
    def full_service(self) -> str:
        """The service as it stands in paths."""
        return f"{self.name}.{self.service}"

    @cached_property
    def file(self) -> Any:
        """The package's descriptor, as a message."""
        from google.protobuf.descriptor_pb2 import FileDescriptorProto

        file = FileDescriptorProto(name=self.file_name, package=self.name, syntax="proto3")
        made: dict[str, Any] = {}
        for name, fields in self.messages.items():
            outer, _, inner = name.rpartition(".")
            message = made[outer].nested_type.add() if outer else file.message_type.add()
            made[name] = message
            message.name = inner
            for field in fields.split():
                self._add_field(message, f".{self.name}.{name}", field)
        for name, words in self.enums.items():
            outer, _, inner = name.rpartition(".")
            enum = made[outer].enum_type.add(name=inner)
            for number, word in enumerate(words):
                enum.value.add(name=word, number=number)
        self._add_service(file)
        return file

    def _add_service(self, file: Any) -> None:
        service = file.service.add(name=self.service)
        for rpc in self.rpcs:
            service.method.add(
                name=rpc.name,
                input_type=f".{self.name}.{rpc.request}",
                output_type=f".{self.name}.{rpc.response}",
                client_streaming=rpc.asks_many,
                server_streaming=rpc.answers_many,
            )

    def _add_field(self, message: Any, place: str, spelled: str) -> None:
        match = _FIELD.fullmatch(spelled)
        assert match is not None, f"{place}: {spelled}"
        field = message.field.add(name=match["name"], number=int(match["number"]))
        repeated = match["many"] or match["map"]
        field.label = field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL
        if match["map"]:
            entry = message.nested_type.add(name=_entry(match["name"]))
            entry.options.map_entry = True
            self._add_field(entry, "", "key:string=1")
            self._add_field(entry, "", f"value:{match['type']}=2")
            field.type, field.type_name = field.TYPE_MESSAGE, f"{place}.{entry.name}"
        elif match["type"] in _SCALARS:
            field.type = getattr(field, f"TYPE_{match['type'].upper()}")
        else:
            enum = match["type"] in self.enums
            field.type = field.TYPE_ENUM if enum else field.TYPE_MESSAGE
            field.type_name = f".{self.name}.{match['type']}"
        if match["group"]:
            groups = [group.name for group in message.oneof_decl]
            if match["group"] not in groups:
                message.oneof_decl.add(name=match["group"])
                groups.append(match["group"])
            field.oneof_index = groups.index(match["group"])

    @cached_property
    def _classes(self) -> Mapping[str, Any]:
        from google.protobuf.descriptor_pool import DescriptorPool
        from google.protobuf.message_factory import GetMessageClass

        pool = DescriptorPool()
        pool.Add(self.file)
        find = pool.FindMessageTypeByName
        return {name: GetMessageClass(find(f"{self.name}.{name}")) for name in self.messages}

    def message(self, name: str) -> Any:
        """The class of a message."""
        return self._classes[name]


def _entry(field: str) -> str:
    return "".join(part.capitalize() for part in field.split("_")) + "Entry"
