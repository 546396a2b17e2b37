"""Call a hub as the command line does: its address, the user's token for it, and its errors as the errors they are.

Tokens stand in the user's own configuration (``tokens.<address>``) or in ``MODELYARD_TOKENS``; one is sent to the address
it was kept for and to no other.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from modelyard.base.config import set_setting, settings, user_settings
from modelyard.base.errors import (
    TABLE,
    InvalidInput,
    MissingExtra,
    ModelyardError,
    NotAllowed,
    Unreachable,
)
from modelyard.hub.hosts import is_local

if TYPE_CHECKING:
    from pathlib import Path

    import httpx2

DEFAULT_URL = "http://127.0.0.1:5000"
TIMEOUT = 60.0
_CLASSES = {row.code: cls for cls, row in TABLE.items() if cls is not MissingExtra}


def hub_address(text: str) -> str:
    """An address as tokens are kept for it: scheme, host and port, nothing else.

    >>> hub_address("https://Hub.example/")
    'https://hub.example'
    """
    parts = urlsplit(text if "://" in text else f"https://{text}")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise InvalidInput(
            f"{text!r} is not the address of a hub", hint="as in https://hub.example"
        )
    if parts.path not in ("", "/"):
        raise InvalidInput(f"{text!r} has a path", hint=f"{parts.scheme}://{parts.netloc}")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def known_hub(given: str | None = None) -> str:
    """The hub that is meant: the one given, the project's ``uri`` when it is one, the only one with a token, else the
    one on this machine."""
    if given:
        return hub_address(given)
    uri = settings().get("uri")
    if isinstance(uri, str) and uri.startswith(("http://", "https://")):
        return hub_address(uri)
    kept = list(user_settings().get("tokens", {}))
    return kept[0] if len(kept) == 1 else DEFAULT_URL


def token_for(address: str) -> str | None:
    """The user's token for an address, or None."""
    if found := os.environ.get("MODELYARD_TOKEN"):
        return found
    kept = user_settings().get("tokens", {})
    return kept.get(address)


def keep_token(address: str, token: str) -> Path:
    """Keep a token in the user's configuration, readable by nobody else. Returns the file."""
    return set_setting(f"tokens.{address}", token, "user")


class HubClient:
    """A hub behind an address."""

    def __init__(self, address: str, token: str | None = None, timeout: float = TIMEOUT) -> None:
        import httpx2

        self.address = hub_address(address)
        if token and self.address.startswith("http://") and not _on_this_machine(self.address):
            raise NotAllowed(
                f"a token is not sent to {self.address}: anybody on the way could read it",
                hint="use https://",
            )
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._client = httpx2.Client(base_url=self.address, headers=headers, timeout=timeout)

    def call(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        """One request. What the hub refuses is raised as the error it would be here."""
        import httpx2

        if not path.startswith("/") or path.startswith("//"):
            raise InvalidInput(f"{path!r} is not a path", hint="as in /api/v1/models")
        try:
            answer = self._client.request(
                method, path, content=content, headers=dict(headers or {})
            )
        except httpx2.HTTPError as error:
            raise Unreachable(
                f"no hub answers at {self.address}: {error}", hint="modelyard hub starts one"
            ) from error
        if answer.status_code >= 400:
            raise error_of(answer, self.address)
        return answer

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> HubClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def error_of(answer: httpx2.Response, address: str) -> ModelyardError:
    """A hub's refusal as an error of ours."""
    try:
        told: Any = answer.json()["error"]
        cls = _CLASSES.get(told["code"], ModelyardError)
        return cls(str(told["message"]), hint=told.get("hint"), **(told.get("details") or {}))
    except (ValueError, KeyError, TypeError):
        return ModelyardError(f"{address} answered {answer.status_code}: {answer.text[:200]}")


def _on_this_machine(address: str) -> bool:
    return is_local(urlsplit(address).hostname or "")
