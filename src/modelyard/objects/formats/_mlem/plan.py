"""How the parts of a model are read and called, as plain data: the file ``mlem.json`` of an artifact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from modelyard.base.errors import Corrupted

FILE = "mlem.json"

DEFAULT_IO: Mapping[str, str] = {
    "sklearn": "simple_pickle",
    "sklearn_pipeline": "simple_pickle",
    "sklearn_transformer": "simple_pickle",
    "callable": "pickle",
    "xgboost": "xgboost_io",
    "lightgbm": "lightgbm_io",
    "catboost": "catboost_io",
    "torch": "torch_io",
    "tf_keras": "tf_keras",
    "onnx": "model_proto",
}
"""Type of a model -> how it is written when the description does not say."""


NATIVE: Mapping[str, tuple[str, str]] = {
    "lightgbm_io": ("lightgbm", "lightgbm_text"),
    "xgboost_io": ("xgboost", "ubj"),
    "catboost_io": ("catboost", "cbm"),
    "model_proto": ("onnx", "onnx"),
}
"""The way a model was written -> the flavor, and the format of it that reads that very file, as data."""

OLD_BINARY = b"binf"
"""How a booster begins that xgboost before 2.0 wrote under a name of no known suffix; no format here reads it."""


@dataclass(frozen=True)
class Step:
    """One processor: the model itself, or what runs before or after it."""

    kind: str
    io: Mapping[str, Any]
    methods: Mapping[str, str]
    """Name -> what it is called in Python."""
    spelled: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    """Name -> its signature, as the description has it; not kept in the file."""


@dataclass(frozen=True)
class Plan:
    """All processors, and for each method the chain of ``(processor, method)`` that answers it."""

    steps: Mapping[str, Step]
    orders: Mapping[str, Sequence[tuple[str, str]]]

    def code(self) -> list[str]:
        """Ways of writing, other than plain pickles and data, that run code when read."""
        ways = dict.fromkeys(str(step.io.get("type")) for step in self.steps.values())
        return [way for way in ways if way not in (*NATIVE, "pickle", "simple_pickle")]

    def to_plain(self) -> dict[str, Any]:
        """As it stands in the file."""
        return {
            "steps": {
                name: {"kind": s.kind, "io": dict(s.io), "methods": dict(s.methods)}
                for name, s in self.steps.items()
            },
            "orders": {name: [list(link) for link in chain] for name, chain in self.orders.items()},
        }

    @classmethod
    def from_plain(cls, plain: Any) -> Plan:
        """The inverse of `to_plain`."""
        try:
            steps = {
                name: Step(str(s["kind"]), dict(s["io"]), dict(s["methods"]))
                for name, s in plain["steps"].items()
            }
            orders = {
                name: [(str(step), str(method)) for step, method in chain]
                for name, chain in plain["orders"].items()
            }
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Corrupted(f"{FILE} is damaged: {error!r}") from None
        return cls(steps, orders)
