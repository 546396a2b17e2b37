"""Compare what a saved object needs with the running environment."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Sequence

from modelyard.environments.interface import Difference, Requirements
from modelyard.environments.markers import applies
from modelyard.environments.requirements import Requirement, parse_requirements
from modelyard.environments.system import python_version
from modelyard.environments.versions import parse_version

_ORDER = {"missing": 0, "python": 1, "version": 2}


def check(requirements: Requirements) -> list[Difference]:
    """How the running environment differs: missing packages first, then Python, then versions, by name.

    Python differs when its minor version does. Lines whose marker does not hold here are passed over.
    """
    lines = parse_requirements(requirements.packages)
    found = [d for line in lines if applies(line.marker) and (d := _difference(line))]
    if python := _python_difference(requirements.python):
        found.append(python)
    return sorted(found, key=lambda d: (_ORDER[d.kind], d.package))


def _difference(wanted: Requirement) -> Difference | None:
    from importlib.metadata import PackageNotFoundError, version  # takes 30 ms

    text = wanted.pin or wanted.specifier
    try:
        here = version(wanted.name)
    except PackageNotFoundError:
        return Difference(wanted.name, text, "", "missing")
    return None if wanted.accepts(here) else Difference(wanted.name, text, here, "version")


def _python_difference(wanted: str) -> Difference | None:
    if not wanted or parse_version(wanted).release[:2] == sys.version_info[:2]:
        return None
    return Difference("python", wanted, python_version(), "python")


def describe(differences: Iterable[Difference]) -> list[str]:
    """A line each.

    >>> describe([Difference("scikit-learn", "1.8.0", "1.9.1", "version"), Difference("pandas", ">=2", "", "missing")])
    ['scikit-learn: saved with 1.8.0, here 1.9.1', 'pandas: needs >=2, not installed here']
    """
    return [_sentence(difference) for difference in differences]


def _sentence(difference: Difference) -> str:
    if not difference.wanted:
        said = "needed"
    else:
        said = f"{'saved with' if _is_pin(difference) else 'needs'} {difference.wanted}"
    return f"{difference.package}: {said}, {f'here {difference.found}' if difference.found else 'not installed here'}"


def _is_pin(difference: Difference) -> bool:
    return difference.wanted[:1].isalnum()


def fix_line(differences: Sequence[Difference]) -> str:
    """What to type so that the environment fits: a ``pip install``, and another Python where that differs.

    >>> fix_line([Difference("pandas", ">=2", "", "missing")])
    "pip install 'pandas>=2'"
    """
    packages = [
        shlex.quote(d.package + ("==" if _is_pin(d) else "") + d.wanted)
        for d in differences
        if d.kind != "python"
    ]
    pythons = [d.wanted for d in differences if d.kind == "python"]
    steps = [f"pip install {' '.join(packages)}"] if packages else []
    if pythons:
        minor = ".".join(pythons[0].split(".")[:2])
        steps.append(f"an environment with Python {minor}")
    return ", in ".join(steps)
