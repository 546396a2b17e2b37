"""A name for a run that was given none: two words and a number, easy to say and to tell apart."""

from __future__ import annotations

import random

_QUALITIES = (
    "amber", "ample", "bold", "brisk", "calm", "clear", "crisp", "deft", "early", "even", "fair", "fleet", "fresh",
    "gentle", "glad", "grand", "hardy", "honest", "jolly", "keen", "kind", "light", "lively", "loyal", "lucid", "mellow",
    "merry", "mild", "neat", "noble", "patient", "plain", "proud", "quick", "quiet", "ready", "serene", "sharp", "sober",
    "solid", "steady", "sunny", "swift", "tidy", "true", "vivid", "warm", "wise", "witty", "young",
)  # fmt: skip
_THINGS = (
    "alder", "anchor", "aspen", "badger", "beacon", "birch", "brook", "canyon", "cedar", "cliff", "clover", "comet",
    "coral", "crane", "delta", "dune", "falcon", "fern", "finch", "fjord", "glacier", "harbor", "hazel", "heron", "island",
    "ivy", "lagoon", "lark", "linden", "lynx", "maple", "marsh", "meadow", "mesa", "moss", "oak", "orchard", "otter",
    "pebble", "pine", "prairie", "quartz", "raven", "reef", "ridge", "river", "sparrow", "summit", "thistle", "willow",
)  # fmt: skip

_random = random.SystemRandom()
"""Not the generator that a training has seeded: its numbers are its own, and names differ from one run to the next."""


def run_name() -> str:
    """Such as ``brisk-heron-417``."""
    return f"{_random.choice(_QUALITIES)}-{_random.choice(_THINGS)}-{_random.randrange(1000)}"
