"""What a client wants its answer to be: ``Accept`` against the types at hand. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

JSON = b"application/json"
LONGEST = 1000
"""Longer wishes than this are read as none."""


def chosen(accept: bytes, offers: Sequence[bytes]) -> bytes:
    """The offer that is asked for by its own name rather than JSON: by a higher weight, or at equal weight where JSON
    is not named. JSON otherwise.

    >>> chosen(b"text/csv, */*;q=0.1", (b"text/csv",)), chosen(b"*/*", (b"text/csv",))
    (b'text/csv', b'application/json')
    """
    if not accept or accept in (b"*/*", JSON) or len(accept) > LONGEST:
        return JSON
    return _chosen(accept, tuple(offers))


@lru_cache(maxsize=256)
def _chosen(accept: bytes, offers: tuple[bytes, ...]) -> bytes:
    named = sorted((accept.find(o), o) for o in offers if o in accept and prefers(accept, o))
    return max((o for _, o in named), key=lambda o: quality(accept, o), default=JSON)


def prefers(accept: bytes, kind: bytes) -> bool:
    """Whether one type is asked for rather than JSON."""
    mine, json = quality(accept, kind), quality(accept, JSON)
    return mine > json or (mine == json > 0 and kind in accept and JSON not in accept)


def quality(accept: bytes, wanted: bytes) -> float:
    """How much a media type is wanted, by the most specific range that names it."""
    ranges = (b"*/*", wanted.split(b"/")[0] + b"/*", wanted)
    found = dict.fromkeys(ranges, -1.0)
    for part in accept.split(b","):
        media, _, parameters = part.partition(b";")
        if media.strip() in found:
            found[media.strip()] = _weight(parameters)
    return next((q for q in reversed(list(found.values())) if q >= 0), 0.0)


def _weight(parameters: bytes) -> float:
    for parameter in parameters.split(b";"):
        name, _, value = parameter.partition(b"=")
        if name.strip() == b"q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
