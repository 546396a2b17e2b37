"""Users and their tokens, in the yard's database. A token is looked up for each request: a revoked one is dead at once."""

from __future__ import annotations

import base64
import hashlib
import os
import unicodedata
from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import Connection, delete, func, insert, select, update

from modelyard.base.clock import now_ms, to_rfc3339
from modelyard.base.errors import (
    AlreadyExists,
    InvalidInput,
    NotFound,
    Unauthenticated,
    did_you_mean,
)
from modelyard.base.events import Draft, Kind
from modelyard.base.names import check_name
from modelyard.hub.interface import Principal
from modelyard.hub.permissions import ROLES, Role
from modelyard.hub.tables import tokens, users
from modelyard.registry.sql import append, name_key
from modelyard.stores.rows.engine import Database

PREFIX = "my_"
SHOWN = 8
"""Characters of a token that listings show."""
USED_EVERY_MS = 60_000
"""How exactly it is remembered when a token was used last: a write for each request would be its price."""


def check_role(role: str) -> Role:
    """The role, or `InvalidInput` with the nearest."""
    if role not in ROLES:
        hint = did_you_mean(role, ROLES) or f"one of: {', '.join(ROLES)}"
        raise InvalidInput(f"there is no role {role!r}", hint=hint)
    return cast(Role, role)


def add_user(database: Database, name: str, role: str = "editor") -> dict[str, Any]:
    """A new user; from now on the hub asks everybody for a token."""
    name = check_name(name, kind="user")
    check_role(role)

    def change(connection: Connection) -> None:
        key = name_key(name)
        if connection.scalar(select(users.c.id).where(users.c.name_key == key)) is not None:
            raise AlreadyExists(f"there is a user {name!r} already")
        row = {"name": name, "name_key": key, "role": role, "created_ms": now_ms()}
        connection.execute(insert(users).values(**row))
        append(connection, [Draft(Kind.USER_ADDED, f"user:{name}", after={"role": role})])

    database.transact(change)
    return {"name": name, "role": role}


def change_role(database: Database, name: str, role: str) -> dict[str, Any]:
    """Another role for a user, and so for all their tokens."""
    check_role(role)

    def change(connection: Connection) -> None:
        row = _user(connection, name)
        connection.execute(update(users).where(users.c.id == row.id).values(role=role))
        before, after = {"role": row.role}, {"role": role}
        append(connection, [Draft(Kind.USER_CHANGED, f"user:{name}", before, after)])

    database.transact(change)
    return {"name": name, "role": role}


def remove_user(database: Database, name: str) -> None:
    """A user gone, with all their tokens."""

    def change(connection: Connection) -> None:
        row = _user(connection, name)
        connection.execute(delete(tokens).where(tokens.c.user_id == row.id))
        connection.execute(delete(users).where(users.c.id == row.id))
        append(connection, [Draft(Kind.USER_REMOVED, f"user:{name}", before={"role": row.role})])

    database.transact(change)


def list_users(database: Database) -> list[dict[str, Any]]:
    """All users by name, with how many tokens of theirs are in force."""
    return _listed(database)


def get_user(database: Database, name: str) -> dict[str, Any]:
    """One user."""
    found = _listed(database, unicodedata.normalize("NFC", name))
    if not found:
        raise NotFound(f"there is no user {name!r}")
    return found[0]


def _listed(database: Database, name: str | None = None) -> list[dict[str, Any]]:
    live = tokens.c.revoked_ms.is_(None)
    count = select(func.count()).where(tokens.c.user_id == users.c.id, live).scalar_subquery()
    query = select(users, count.label("live")).order_by(users.c.name)
    if name is not None:
        query = query.where(users.c.name == name)
    with database.read() as connection:
        return [
            {
                "name": row.name,
                "role": row.role,
                "tokens": row.live,
                "created_at": to_rfc3339(row.created_ms),
            }
            for row in connection.execute(query)
        ]


def create_token(
    database: Database,
    user: str,
    *,
    name: str = "",
    role: str | None = None,
    scopes: Sequence[str] = (),
    expires_ms: int | None = None,
) -> dict[str, Any]:
    """A new token of a user. ``secret`` in the answer is shown this once. ``role`` makes it less than its user."""
    if any(not s or len(s) > 256 for s in scopes) or len(scopes) > 100:
        raise InvalidInput("a scope is a pattern of names", hint="as in 'churn' or 'churn*'")
    if expires_ms is not None and expires_ms <= now_ms():
        raise InvalidInput("a token that has expired already is of no use")
    secret = PREFIX + base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")

    def change(connection: Connection) -> dict[str, Any]:
        row = _user(connection, user)
        given = check_role(role) if role else row.role
        values = {
            "user_id": row.id,
            "name": name,
            "start": secret[:SHOWN],
            "digest": digest_of(secret),
            "role": given,
            "scopes": list(scopes),
            "created_ms": now_ms(),
            "expires_ms": expires_ms,
        }
        done = connection.execute(insert(tokens).values(**values))
        token_id = int(done.inserted_primary_key[0])  # type: ignore[index]  # one row was inserted
        after = {"id": token_id, "role": given, "scopes": list(scopes)}
        append(connection, [Draft(Kind.TOKEN_CREATED, f"user:{user}", after=after)])
        return {**_shown({**values, "id": token_id, "user": user}), "secret": secret}

    return database.transact(change)


def list_tokens(database: Database, user: str | None = None) -> list[dict[str, Any]]:
    """Tokens, the oldest first: all, or a user's. Never their secrets."""
    query = select(tokens, users.c.name.label("user")).join(users).order_by(tokens.c.id)
    if user is not None:
        query = query.where(users.c.name == user)
    with database.read() as connection:
        return [_shown(dict(row)) for row in connection.execute(query).mappings()]


def revoke_token(database: Database, token_id: int) -> dict[str, Any]:
    """A token out of force, for every process that serves this yard, from the next request on."""

    def change(connection: Connection) -> dict[str, Any]:
        query = select(tokens, users.c.name.label("user")).join(users)
        row = connection.execute(query.where(tokens.c.id == token_id)).mappings().first()
        if row is None:
            raise NotFound(f"there is no token {token_id}")
        at_ms = row["revoked_ms"] or now_ms()
        if row["revoked_ms"] is None:
            connection.execute(
                update(tokens).where(tokens.c.id == token_id).values(revoked_ms=at_ms)
            )
            before = {"id": token_id}
            append(connection, [Draft(Kind.TOKEN_REVOKED, f"user:{row['user']}", before=before)])
        return _shown({**row, "revoked_ms": at_ms})

    return database.transact(change)


def has_users(database: Database) -> bool:
    """Whether authentication is set up."""
    with database.read() as connection:
        return connection.scalar(select(users.c.id).limit(1)) is not None


def authenticate(database: Database, secret: str, user: str | None = None) -> Principal:
    """Whose token this is. `Unauthenticated` for one that is unknown, revoked, expired, or another user's."""
    query = select(tokens, users.c.name.label("user"), users.c.role.label("user_role")).join(users)
    with database.read() as connection:
        row = connection.execute(query.where(tokens.c.digest == digest_of(secret))).first()
    now = now_ms()
    if (
        row is None
        or row.revoked_ms is not None
        or (row.expires_ms is not None and row.expires_ms <= now)
        or (user and user != row.user)
    ):
        raise Unauthenticated(
            "this token is not known here, or not in force any more",
            hint="modelyard token create makes one, and modelyard login HUB keeps it",
        )
    if row.last_used_ms is None or row.last_used_ms < now - USED_EVERY_MS:
        used = update(tokens).where(tokens.c.id == row.id).values(last_used_ms=now)
        database.transact(lambda connection: connection.execute(used))
    role = min(row.role, row.user_role, key=ROLES.index)
    return Principal(row.user, role, tuple(row.scopes), row.id)


def digest_of(secret: str) -> str:
    """What is kept of a token. It has 256 bits of chance: nothing slower than sha256 would make it safer."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _user(connection: Connection, name: str) -> Any:
    row = connection.execute(select(users).where(users.c.name == name).with_for_update()).first()
    if row is None:
        names = list(connection.scalars(select(users.c.name)))
        raise NotFound(
            f"there is no user {name!r}",
            hint=did_you_mean(name, names) or "modelyard user add NAME makes one",
        )
    return row


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    moments = ("created", "expires", "last_used", "revoked")
    told = {m: row.get(f"{m}_ms") for m in moments}
    return {
        "id": row["id"],
        "user": row["user"],
        "name": row["name"],
        "start": row["start"],
        "role": row["role"],
        "scopes": list(row["scopes"]),
        **{f"{m}_at": None if at is None else to_rfc3339(at) for m, at in told.items()},
    }
