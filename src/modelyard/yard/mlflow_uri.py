"""MLflow's environment variable that names a tracking server: used as the yard's address when a Modelyard hub answers
there. A stock server is said in one line and not used."""

from __future__ import annotations

import os
from functools import lru_cache

from modelyard.base.errors import ModelyardError, Unauthenticated, Unreachable
from modelyard.base.hub_client import HubClient, hub_address
from modelyard.base.notes import note

VARIABLE = "MLFLOW_TRACKING_URI"
SOURCE = f"${VARIABLE}"
TIMEOUT = 3.0


def hub() -> str | None:
    """The address of the hub that the variable names, or None."""
    named = os.environ.get(VARIABLE, "")
    return _asked(named) if named.startswith(("http://", "https://")) else None


@lru_cache(maxsize=8)
def _asked(named: str) -> str | None:
    """Asked once in a process."""
    address = None
    try:
        address = hub_address(named)
        with HubClient(address, timeout=TIMEOUT) as client:
            if isinstance(client.ask("GET", "server").get("yard"), str):
                return address
    except (
        Unauthenticated
    ):  # a hub of ours that wants to know who asks: another server has other words for it
        return address
    except Unreachable as error:
        note(f"{SOURCE} is not used: {error.message}")
        return None
    except (ModelyardError, AttributeError):
        pass
    note(f"{SOURCE} is not used: no Modelyard hub answers at {named.partition('@')[2] or named}")
    return None


def token() -> str | None:
    """The token that MLflow's own variables name, for a hub that was named so."""
    return os.environ.get("MLFLOW_TRACKING_TOKEN") or os.environ.get("MLFLOW_TRACKING_PASSWORD")
