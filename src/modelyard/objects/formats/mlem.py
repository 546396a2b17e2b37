"""Models as MLEM kept them, where no format of ours reads the file itself: functions, and models with steps. Read only.

Without ``mlem.json`` it is a function's pickle and the models it holds; with it, the parts and how they are chained.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from modelyard.objects.formats._mlem.pickles import load_function, names_in
from modelyard.objects.formats._mlem.plan import FILE, Plan
from modelyard.objects.formats._mlem.steps import read_chain
from modelyard.objects.interface import Files, Tier

NAME = "mlem"
TIER: Tier = 2
SUFFIX = ""


def load(files: Files) -> Any:
    """The model; runs the code in its pickles."""
    if FILE not in files.names():
        return load_function(files)
    return read_chain(Plan.from_plain(json.loads(files.read(FILE))), files)


def inspect(files: Files) -> Sequence[str]:
    """What the pickles would import, and the ways in which other parts are read."""
    return names_in(files)
