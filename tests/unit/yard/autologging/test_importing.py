"""Being told of imports without importing."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelyard.yard.autologging.importing import forget, when_imported


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a package that nobody has imported yet."""
    name = "learner_of_later"
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("import learner_of_later.engine\nREADY = 1\n")
    (tmp_path / name / "engine.py").write_text("def train():\n    return 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    for module in [m for m in sys.modules if m.partition(".")[0] == name]:
        del sys.modules[module]


def test_it_is_told_once_when_the_whole_module_is_there(later: str) -> None:
    seen = []
    when_imported(later, lambda: seen.append(hasattr(sys.modules[later], "READY")))
    assert later not in sys.modules
    assert not seen
    module = importlib.import_module(later)
    assert seen == [True]
    importlib.reload(module)
    assert seen == [True]


def test_the_loader_and_its_sources_are_the_modules_own(later: str) -> None:
    when_imported(f"{later}.engine", lambda: None)
    module = importlib.import_module(f"{later}.engine")
    assert "exec_module" not in vars(module.__spec__.loader)
    assert inspect.getsource(module.train) == "def train():\n    return 1\n"


def test_what_is_imported_already_is_told_at_once() -> None:
    seen = []
    when_imported("json", lambda: seen.append(1))
    assert seen == [1]


def test_who_waits_no_longer_is_not_told_and_leaves_nothing(later: str) -> None:
    seen = []
    then = lambda: seen.append(1)  # noqa: E731
    when_imported(later, then)
    forget(then)
    importlib.import_module(later)
    assert not seen
    assert not any(type(f).__module__.startswith("modelyard") for f in sys.meta_path)


def test_a_module_that_fails_to_import_fails_as_it_would(later: str, tmp_path: Path) -> None:
    (tmp_path / later / "engine.py").write_text("raise LookupError('broken')\n")
    when_imported(later, lambda: None)
    with pytest.raises(LookupError, match="broken"):
        importlib.import_module(later)


def test_autolog_imports_no_library() -> None:
    code = (
        "import sys, modelyard as my; my.autolog(); "
        "heavy = {'sklearn', 'numpy', 'pandas', 'xgboost', 'lightgbm', 'catboost', 'optuna', 'torch', 'keras'}; "
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
