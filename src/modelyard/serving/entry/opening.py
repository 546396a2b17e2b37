"""The gate of a server, made of its options. Each process that serves makes its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from modelyard.serving import tracing
from modelyard.serving.entry.access_log import access_log
from modelyard.serving.entry.addresses import read_networks
from modelyard.serving.entry.auth import AuthSettings, authenticator
from modelyard.serving.entry.gate import Gate
from modelyard.serving.entry.rates import Rates
from modelyard.serving.interface import Limits
from modelyard.serving.metrics import Metrics


@dataclass(frozen=True, slots=True)
class EntryOptions:
    """What a server is told about who comes in; as options of `serve`."""

    auth: AuthSettings | Mapping[str, Any] | None = None
    access_log: str | None = None
    trusted_proxies: Iterable[str] = ()


def open_gate(options: EntryOptions, limits: Limits, metrics: Metrics) -> Gate:
    """A gate as the options say. `InvalidSetting` for what cannot be read, before anything is served."""
    return Gate(
        auth=authenticator(options.auth),
        rates=Rates(limits.rate, limits.burst) if limits.rate > 0 else None,
        log=access_log(options.access_log, on_dropped=metrics.lines_dropped.inc),
        tracing=tracing.begin("modelyard-serve"),
        proxies=read_networks(options.trusted_proxies),
        on_refused=metrics.rejected,
    )
