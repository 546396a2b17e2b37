"""What a server refuses, as the error it would be here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelyard.base.errors import (
    TABLE,
    InvalidInput,
    MissingExtra,
    ModelyardError,
    NotAllowed,
    Overloaded,
    TooLarge,
    Unauthenticated,
    Unreachable,
)

if TYPE_CHECKING:
    import httpx2

_CLASSES = {row.code: cls for cls, row in TABLE.items() if cls is not MissingExtra}
"""What a code is raised as. An extra that the server lacks is not one to install here."""
_BY_STATUS: dict[int, type[ModelyardError]] = {
    401: Unauthenticated, 403: NotAllowed, 413: TooLarge, 429: Overloaded, 502: Unreachable, 503: Unreachable,
    504: Unreachable,
}  # fmt: skip
"""The same for answers of what stands between, which knows no codes."""


def error_of(response: httpx2.Response, address: str) -> ModelyardError:
    """The error that an answer stands for. ``details`` has what the server told, and the ``status``."""
    status = response.status_code
    if response.is_redirect:
        return Unreachable(
            f"{address} leads to {response.headers.get('location', 'nowhere')}",
            hint="name that address: what is sent to one server is not sent on to another",
            status=status,
        )
    try:
        told = json_of(response)["error"]
        return error_from(told, status)
    except (InvalidInput, KeyError, TypeError):
        cls = _BY_STATUS.get(status, ModelyardError)
        return cls(f"{response.url.copy_with(userinfo=b'')} answered {status}", status=status)


def error_from(told: Any, status: int) -> ModelyardError:
    """The error that is told under ``error``; `KeyError` or `TypeError` for what is no such thing."""
    code, message = str(told["code"]), str(told["message"])
    details = {k: v for k, v in told.items() if k not in ("code", "message", "hint")}
    return _CLASSES.get(code, ModelyardError)(
        message, hint=told.get("hint"), **{**details, "status": status}
    )


def json_of(response: httpx2.Response) -> Any:
    """The JSON of an answer; `InvalidInput` when it is none."""
    import orjson

    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError as error:
        where = response.url.copy_with(userinfo=b"")
        raise InvalidInput(f"{where} does not answer in JSON") from error
