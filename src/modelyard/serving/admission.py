"""How many requests are in the house at one time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelyard.base.errors import Overloaded

if TYPE_CHECKING:
    from modelyard.serving.service import Service


class Admission:
    """A context around each request, from its first byte to its last: counts it, or refuses it with `Overloaded`."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def __enter__(self) -> None:
        service = self._service
        if service.in_flight >= service.limits.requests:
            service.metrics.rejected("requests")
            raise Overloaded(
                f"{service.in_flight} requests are being answered already",
                hint="try again in 1 s",
                retry_after=1,
            )
        service.in_flight += 1

    def __exit__(self, *error: object) -> None:
        self._service.in_flight -= 1
