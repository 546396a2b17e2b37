"""Results as JSON under ``results/``, and as one section of README.md a family."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import peers
from benchmarks.harness import OURS, Row

HERE = Path(__file__).parent
RESULTS = HERE / "results"
README = HERE / "README.md"


def publish(
    family: str,
    rows: Sequence[Row],
    failures: Mapping[str, str],
    contenders: Iterable[str],
    *,
    keep: bool,
) -> None:
    """Print the family's section; with ``keep``, write it and its figures too."""
    result = {
        "family": family,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "versions": versions(contenders),
        "rows": [asdict(row) for row in rows],
        "failures": dict(failures),
    }
    section = "\n".join(lines(result))
    print(section)
    if keep:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{family}.json").write_text(json.dumps(result, indent=1) + "\n")
        README.write_text(replace_section(README.read_text(), family, section))


def replace_section(text: str, family: str, section: str) -> str:
    """The text with what stands between the family's markers replaced."""
    begin, end = f"<!-- {family}: begin -->", f"<!-- {family}: end -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"{README.name} has no section {begin} ... {end}")
    return pattern.sub(lambda _: f"{begin}\n{section}\n{end}", text)


def lines(result: Mapping[str, Any]) -> Iterable[str]:
    """A family's section in Markdown."""
    rows = [Row(**row) for row in result["rows"]]
    rounds = max((len(values) for row in rows for values in row.samples.values()), default=0)
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    yield f"{result['date']} · {result['machine']} · {rounds} rounds · {versions}"
    yield ""
    yield f"| Work | Contender | Median (least–most) | {OURS} is better by |"
    yield "|---|---|---|---|"
    for row in rows:
        if any(
            map(any, row.samples.values())
        ):  # what is 0 for everybody (errors, mostly) needs no lines
            yield from table_lines(row)
    for name, reason in result["failures"].items():
        yield f"\nNot measured: {name} ({reason})"


def table_lines(row: Row) -> Iterable[str]:
    """One line a contender; the work is named once, and ratios are those of the rounds."""
    ours = next((name for name in row.samples if name.split()[0] == OURS), None)
    for number, (name, values) in enumerate(row.samples.items()):
        title = row.title if number == 0 else ""
        better = spread(row.ratios(ours, name), "x") if ours and name != ours else ""
        yield f"| {title} | {name} | {spread(values, row.unit)} | {better} |"


def spread(values: Sequence[float], unit: str) -> str:
    """``21.4 ms (20.9–33.1)``: the median and the extremes; seconds become milliseconds when they are few."""
    middle = median(values)
    scale, unit = (1000, "ms") if unit == "s" and middle < 0.9995 else (1, unit)
    low, middle, high = (
        f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
        for value in (scale * min(values), scale * middle, scale * max(values))
    )
    return f"{middle} {unit}" + (f" ({low}–{high})" if len(values) > 1 else "")


def machine() -> str:
    """What the figures were taken on, without its name."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{processor()}, {os.cpu_count()} cores{load}, {system}"


def processor() -> str:
    described = Path("/proc/cpuinfo")
    if described.exists():
        found = re.search(r"^model name\s*:\s*(.+)$", described.read_text(), re.MULTILINE)
        if found:
            return found.group(1).strip()
    return platform.processor() or "unknown processor"


def versions(contenders: Iterable[str]) -> dict[str, str]:
    """Of the contenders, and of what all of them stand on."""
    found: dict[str, str] = {}
    for name in contenders:
        distribution = peers.peer(name).DISTRIBUTION
        found |= peers.environment(name).versions([distribution, "scikit-learn", "pandas"])
    return found
