"""Roles, and the least one that may do a thing. A word that is not in the table is nobody's.

>>> may("editor", "run.write"), may("editor", "stage.write")
(True, False)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

Role = Literal["viewer", "editor", "promoter", "deployer", "admin"]

ROLES: Sequence[Role] = ("viewer", "editor", "promoter", "deployer", "admin")
"""From the least to the most; each may do what those before it may."""

ADMIN: Role = "admin"

PUBLIC = "public"
"""For what anybody may ask, without saying who they are: whether the hub is alive, and what its pages are made of."""

LEAST_ROLE: Mapping[str, Role] = {
    "server.read": "viewer",
    "event.read": "viewer",
    "model.read": "viewer",
    "model.download": "viewer",
    "dataset.read": "viewer",
    "experiment.read": "viewer",
    "run.read": "viewer",
    "artifact.read": "viewer",
    "webhook.read": "viewer",
    "model.write": "editor",
    "dataset.write": "editor",
    "experiment.write": "editor",
    "experiment.delete": "editor",
    "run.write": "editor",
    "run.delete": "editor",
    "artifact.write": "editor",
    "artifact.delete": "editor",
    "prediction.read": "editor",
    "prediction.write": "editor",
    "alias.write": "promoter",
    "stage.write": "promoter",
    "deployment.write": "deployer",
    "model.delete": "admin",
    "dataset.delete": "admin",
    "experiment.purge": "admin",
    "run.purge": "admin",
    "prediction.erase": "admin",
    "webhook.write": "admin",
    "user.read": "admin",
    "user.write": "admin",
}
"""What can be done -> the least role that may. Logged predictions hold people's data: a viewer does not see them."""


def least_role(permission: str) -> Role:
    """The least role that has a permission."""
    return LEAST_ROLE.get(permission, ADMIN)


def may(role: Role, permission: str) -> bool:
    """Whether a role has a permission."""
    return permission in LEAST_ROLE and ROLES.index(role) >= ROLES.index(LEAST_ROLE[permission])
