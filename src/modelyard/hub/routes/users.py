"""Users and tokens."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body, Query, Response

from modelyard.base.clock import from_rfc3339
from modelyard.hub import accounts
from modelyard.hub.asked import YardOf
from modelyard.hub.routing import Router, needs
from modelyard.hub.shapes import NewToken, NewUser, Page, Token, TokenWithSecret, User

router = Router("users and tokens")


@router.get("/users", **needs("user.read"))
def list_users(yard: YardOf) -> Page[User]:
    """List users."""
    return {"items": accounts.list_users(yard.database), "next": None}  # type: ignore[return-value]


@router.post("/users", status_code=201, **needs("user.write"))
def add_user(yard: YardOf, new: Annotated[NewUser, Body()]) -> User:
    """Add a user.

    The first one makes the hub ask everybody for a token.
    """
    accounts.add_user(yard.database, new.name, new.role)
    return accounts.get_user(yard.database, new.name)  # type: ignore[return-value]


@router.delete("/users/{name}", status_code=204, **needs("user.write"))
def remove_user(name: str, yard: YardOf) -> Response:
    """Remove a user with all tokens."""
    accounts.remove_user(yard.database, name)
    return Response(status_code=204)


@router.get("/tokens", **needs("user.read"))
def list_tokens(
    yard: YardOf, user: Annotated[str | None, Query(max_length=256)] = None
) -> Page[Token]:
    """List tokens."""
    return {"items": accounts.list_tokens(yard.database, user), "next": None}  # type: ignore[return-value]


@router.post("/tokens", status_code=201, **needs("user.write"))
def create_token(yard: YardOf, new: Annotated[NewToken, Body()]) -> TokenWithSecret:
    """Make a token.

    `secret` is shown this once.
    """
    return accounts.create_token(  # type: ignore[return-value]
        yard.database,
        new.user,
        name=new.name,
        role=new.role,
        scopes=new.scopes,
        expires_ms=from_rfc3339(new.expires_at) if new.expires_at else None,
    )


@router.delete("/tokens/{id}", **needs("user.write"))
def revoke_token(id: int, yard: YardOf) -> Token:
    """Revoke a token."""
    return accounts.revoke_token(yard.database, id)  # type: ignore[return-value]
