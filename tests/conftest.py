"""Fixtures for all tests."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

pytest.register_assert_rewrite("modelyard.testing")
pytest_plugins = ("servers", "disks")
collect_ignore = [] if "MODELYARD_FRAMEWORK" in os.environ else ["frameworks"]

# uv and modelyard are those of the environment that runs the tests, whoever else has some.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])

# Tests share the processors: threads of OpenMP that wait for each other, spinning, take ten times as long on a busy machine.
for setting in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(setting, "1")

# Time says nothing on a shared machine; a failing example is printed with what brings it back.
hypothesis.settings.register_profile("modelyard", deadline=None, print_blob=True)
hypothesis.settings.load_profile("modelyard")


@pytest.fixture(scope="session", autouse=True)
def own_user() -> Iterator[None]:
    """Tests have a user of their own: nobody's trust store, settings, tokens or cache are read or changed."""
    names = ("MODELYARD_CONFIG_DIR", "MODELYARD_CACHE_DIR", "MODELYARD_SPOOL")
    before = {name: os.environ.get(name) for name in names}
    with tempfile.TemporaryDirectory(prefix="modelyard-test-user-") as folder:
        for name in names:
            os.environ[name] = str(Path(folder, name.split("_")[1].lower()))
        yield
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value
