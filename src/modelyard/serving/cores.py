"""How many processors there are for us, and how many threads each of several processes may take of them.

Libraries of numbers start a thread for every processor of the machine. Several processes that each do so, or one in a container
that may use two processors of sixty-four, spend their time waiting for each other.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path

THREADS = (
    "OMP_NUM_THREADS",  # scikit-learn, XGBoost, LightGBM, torch
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "RAYON_NUM_THREADS",  # tokenizers
    "POLARS_MAX_THREADS",
    "LOKY_MAX_CPU_COUNT",  # joblib, for n_jobs=-1
)
"""Variables that libraries read when they are loaded."""


def cores(root: Path = Path("/")) -> int:
    """Processors that this process may use: those it is bound to, or fewer if a control group grants less time."""
    try:
        here = len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        here = os.cpu_count() or 1
    return max(1, math.ceil(min(here, _granted(root))))


def thread_settings(processes: int, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Variables for each of so many processes; what somebody set already is not among them."""
    each = max(1, cores() // processes)
    return {name: str(each) for name in THREADS if name not in environ}


def _granted(root: Path) -> float:
    """The least that a control group above us grants, in processors; infinite without one."""
    found = [math.inf, *(_quota(group / "cpu.max") for group in _groups(root))]
    v1 = root / "sys/fs/cgroup/cpu"
    period = _number(v1 / "cpu.cfs_period_us")
    quota = _number(v1 / "cpu.cfs_quota_us")
    if quota > 0 and period > 0:
        found.append(quota / period)
    return min(found)


def _groups(root: Path) -> list[Path]:
    """Our control group and all above it, as mounted here."""
    mounted = root / "sys/fs/cgroup"
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        lines = []
    # In a container of its own name space this says "/", and the mount is the container's.
    own = next((line[3:].lstrip("/") for line in lines if line.startswith("0::")), "")
    group = mounted / own
    return [group, *(g for g in group.parents if g == mounted or mounted in g.parents)]


def _quota(file: Path) -> float:
    try:
        quota, period = file.read_text().split()[:2]
        return int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):  # "max 100000" is no limit
        return math.inf


def _number(file: Path) -> int:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return 0
