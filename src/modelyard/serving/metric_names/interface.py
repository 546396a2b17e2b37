"""How a table of other names is written, and how their families are made of ours.

To add one, write ``metric_names/<server>.py`` with ``FAMILIES``, a sequence of `Family`. Nothing is counted twice: when
somebody asks for the figures, families are added that hold the numbers of ours.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from prometheus_client import Metric

from modelyard.base import plugins

GROUP = "metric_names"
INFO = "modelyard_model_info"


@dataclass(frozen=True, slots=True)
class Family:
    """One of their families: its name, and which of our numbers it shows."""

    name: str
    of: str
    """The name of our family, without ``_total``."""
    help: str
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """Their label -> text with ours in braces; ``{version}`` is that of the model."""
    kind: Literal["counter", "gauge", "histogram", "summary", "unknown"] = "counter"
    """``unknown`` for a counter whose name does not end in ``_total``."""
    part: Literal["", "_total", "_sum", "_count"] = "_total"
    """Which samples of ours; of a histogram or summary all."""
    scale: float = 1.0
    """Of a single number, not of a histogram or summary."""
    statuses: Sequence[str] = ()
    """First digits of the HTTP status, where only some count."""


class Renamed:
    """A collector: what another one shows, and after it the families of other names."""

    def __init__(self, source: Any, names: Sequence[str]) -> None:
        self._source = source
        self._families = [f for name in names for f in plugins.load(GROUP, name).FAMILIES]

    def collect(self) -> Iterator[Metric]:
        """Ours, then theirs."""
        ours = list(self._source.collect())
        yield from ours
        known = {metric.name: metric for metric in ours}
        versions = _versions(known.get(INFO))
        for family in self._families:
            if (source := known.get(family.of)) is not None:
                yield _made(family, source, versions)


def _made(family: Family, source: Metric, versions: Mapping[str, str]) -> Metric:
    made = Metric(family.name, family.help, family.kind)
    sums: defaultdict[tuple[str, tuple[tuple[str, str], ...]], float] = defaultdict(float)
    for sample in source.samples:
        suffix = sample.name.removeprefix(source.name)
        if not _is_wanted(family, suffix, sample.labels):
            continue
        words = {**sample.labels, "version": versions.get(sample.labels.get("model", ""), "")}
        labels = {theirs: text.format_map(words) for theirs, text in family.labels.items()}
        if "le" in sample.labels:
            labels["le"] = sample.labels["le"]
        whole = family.kind in ("histogram", "summary", "counter")
        name = family.name + (_theirs(family, suffix) if whole else "")
        sums[name, tuple(labels.items())] += sample.value * family.scale
    for (name, labels), value in sums.items():
        made.add_sample(name, dict(labels), value)
    return made


def _theirs(family: Family, suffix: str) -> str:
    return "_total" if family.kind == "counter" else suffix


def _is_wanted(family: Family, suffix: str, labels: Mapping[str, str]) -> bool:
    if family.statuses and not labels.get("status", "").startswith(tuple(family.statuses)):
        return False
    if family.kind == "histogram":
        return suffix in ("_bucket", "_sum", "_count")
    if family.kind == "summary":
        return suffix in ("_sum", "_count")
    return suffix == family.part


def _versions(info: Metric | None) -> dict[str, str]:
    """Model -> the version that is loaded."""
    samples = info.samples if info is not None else []
    return {s.labels["model"]: s.labels["version"] for s in samples if s.value}
