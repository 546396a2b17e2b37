"""Models as MLEM kept them, where no format of ours reads the file itself: functions, and models with steps. Read only.

Without ``mlem.json`` it is a function's pickle and the models it holds; with it, the parts and how they are chained.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from modelyard.base.errors import Corrupted
from modelyard.objects.formats._mlem.pickles import load_function, names_in
from modelyard.objects.formats._mlem.plan import FILE, Plan
from modelyard.objects.formats._mlem.steps import read_chain
from modelyard.objects.interface import Files, Tier

NAME = "mlem"
TIER: Tier = 2
SUFFIX = ""


def load(files: Files) -> Any:
    """The model; runs the code in its pickles."""
    plan = _plan(files)
    return load_function(files) if plan is None else read_chain(plan, files)


def inspect(files: Files) -> Sequence[str]:
    """What the pickles would import, and how other parts are written."""
    plan = _plan(files)
    ways = [] if plan is None else [f"written by {way}" for way in plan.code()]
    return [*names_in(files, plan), *ways]


def _plan(files: Files) -> Plan | None:
    if FILE not in files.names():
        return None
    try:
        return Plan.from_plain(json.loads(files.read(FILE)))
    except ValueError as error:
        raise Corrupted(f"{FILE} is damaged: {error}") from None
