"""pydantic models: records, as in `modelyard.types.record`, whose class checks more than the types of its fields.

Fields go by their alias where they have one, as in pydantic's own JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelyard.types.interface import DataType
from modelyard.types.record import EMPTY, RecordType, defaults_of, with_values
from modelyard.types.scalar import AnyType

KINDS: Mapping[str, type[DataType]] = {}


def claims(value: Any) -> bool:
    from pydantic import BaseModel

    return isinstance(value, BaseModel)


def infer(value: Any) -> DataType:
    return with_values(from_hint(type(value)), value)


def from_hint(hint: Any) -> DataType | None:
    """The record that a model class describes."""
    from pydantic import BaseModel

    from modelyard.types.hints import read_hint

    if not (isinstance(hint, type) and issubclass(hint, BaseModel)) or hint is BaseModel:
        return None
    own = hint.model_fields
    fields = {
        name: read_hint(own[field].annotation) or AnyType()
        for name, field in fields_of(hint).items()
    }
    values: dict[str, Any] = {}
    for name, field in fields_of(hint).items():
        if own[field].default_factory in EMPTY:
            values[name] = own[field].default_factory()  # type: ignore[call-arg, misc]
        elif not own[field].is_required() and own[field].default_factory is None:
            values[name] = own[field].default
    return RecordType(hint.__name__, fields, hint, defaults_of(fields, values))


def fields_of(model: Any) -> Mapping[str, str]:
    """Name in JSON -> name of the attribute."""
    return {
        (f.validation_alias if isinstance(f.validation_alias, str) else name): name
        for name, f in model.model_fields.items()
    }
