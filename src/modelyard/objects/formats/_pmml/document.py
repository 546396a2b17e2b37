"""Read a PMML document as XML: refuse what reaches beyond it or is endless, and find what its model takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from modelyard.base.errors import Corrupted, TooLarge
from modelyard.types import parse
from modelyard.types.schema import Argument, Signature

MAX_BYTES = 512 << 20
MAX_DEPTH = 400
"""Of nested elements; Java reads them one inside the other. A deep tree of a forest has 60."""

_DTYPES = {
    "double": "float64",
    "float": "float64",
    "integer": "int64",
    "boolean": "bool",
    "string": "str",
}
_UNUSED = frozenset(["target", "predicted", "supplementary", "group", "order", "frequencyWeight", "analysisWeight"])  # fmt: skip


@dataclass
class Document:
    """What a document says of its model."""

    version: str = ""
    model: str = ""
    """The element that the model is: ``RegressionModel``."""
    fields: dict[str, str] = field(default_factory=dict[str, str])
    """Name of a field of its dictionary -> data type, in PMML's words."""
    inputs: list[str] = field(default_factory=list[str])
    application: str = ""

    def signature(self) -> Signature | None:
        """Of ``predict``, when all inputs are of a type that tables have."""
        dtypes = {name: _DTYPES.get(self.fields.get(name, "")) for name in self.inputs}
        if not dtypes or None in dtypes.values():
            return None
        spelled = {"type": "dataframe", "columns": dtypes}
        return Signature({"X": Argument(parse(spelled))})


def read(data: bytes) -> Document:
    """The document. `Corrupted` for what is no PMML, or XML that asks for more than it has; `TooLarge` beyond limits."""
    if len(data) > MAX_BYTES:
        raise TooLarge(f"a PMML document of {len(data)} bytes is larger than {MAX_BYTES}")
    reader = _Reader()
    try:
        if "\0" in data.decode(
            "utf-8"
        ):  # two bytes a letter, which the parser would notice and follow
            raise Corrupted("it is not in UTF-8", hint="convert it, and its first line too")
        reader.parser.Parse(data, True)
    except UnicodeDecodeError as error:
        raise Corrupted("it is not in UTF-8", hint="convert it, and its first line too") from error
    except expat.ExpatError as error:
        raise Corrupted(f"it is no XML: {error}") from error
    if not reader.found.model:
        raise Corrupted("the PMML document holds no model")
    return reader.found


class _Reader:
    def __init__(self) -> None:
        self.found = Document()
        self.open: list[str] = []
        self.parser: Any = expat.ParserCreate("utf-8", "}")
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = lambda name: self.open.pop()
        self.parser.XmlDeclHandler = self.declared
        self.parser.StartDoctypeDeclHandler = self.refused
        self.parser.EntityDeclHandler = self.refused

    def refused(self, *_: Any) -> None:
        raise Corrupted("it has a DOCTYPE, which can bring other files in")

    def declared(self, version: str, encoding: str | None, standalone: int) -> None:
        if (encoding or "utf-8").lower() not in ("utf-8", "utf8", "us-ascii", "ascii"):
            raise Corrupted(
                f"it is in {encoding!r}", hint="convert it to UTF-8, and its first line too"
            )

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        name = name.rpartition("}")[2]
        self.open.append(name)
        if len(self.open) > MAX_DEPTH:
            raise TooLarge(f"its elements are nested deeper than {MAX_DEPTH}")
        match self.open:
            case ["PMML"]:
                self.found.version = attributes.get("version", "")
            case [_]:
                raise Corrupted(f"its first element is {name!r}, not 'PMML'")
            case [_, "Header", "Application"]:
                self.found.application = attributes.get("name", "")
            case [_, "DataDictionary", "DataField"]:
                self.found.fields[attributes.get("name", "")] = attributes.get("dataType", "")
            case [_, _] if name.endswith(("Model", "Network")) and not self.found.model:
                self.found.model = name
            case [_, model, "MiningSchema", "MiningField"] if model == self.found.model:
                if attributes.get("usageType", "active") not in _UNUSED:
                    self.found.inputs.append(attributes.get("name", ""))
            case _:
                pass
