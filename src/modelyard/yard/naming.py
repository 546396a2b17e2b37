"""What callers write for a registered model, one of its versions or a stage, as the registry's words."""

from __future__ import annotations

from typing import Any

from modelyard.base.errors import InvalidInput
from modelyard.base.refs import BareRef, NameRef, Newest, parse


def named_ref(ref: str | NameRef) -> NameRef:
    """A reference to a registered name."""
    if isinstance(ref, NameRef):
        return ref
    found = parse(ref)
    if isinstance(found, BareRef):
        return NameRef(found.text, Newest())
    if isinstance(found, NameRef):
        return found
    raise InvalidInput(
        f"{ref!r} is not the name of a registered model", hint="as in churn, churn@3, churn#prod"
    )


def parse_stage(name: str, stage: str) -> Any:
    """The selector of a stage."""
    return named_ref(f"models:/{name}#{stage}" if "/" not in name else f"{name}#{stage}").selector


def label_of(version: int | str | None) -> str | None:
    """A version as the registry labels it."""
    return None if version is None else str(version)
