"""Objects as code: what is stored whole, what is found again, and what is told without loading."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.base.errors import EnvironmentMismatch, InvalidInput, ModelFailed
from modelyard.objects.formats import cloudpickle
from modelyard.objects.formats._pickles.loading import globals_of
from modelyard.testing.flavors import FolderFiles

SCRIPT = """
import json
from pathlib import Path
from modelyard.objects.formats import cloudpickle
LIMIT = 3
def helper(x):
    return x > LIMIT
def rule(values):
    return [helper(v) for v in values]
cloudpickle.dump(rule, Path("out"))
"""


def run(script: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout


def test_a_function_of_a_script_is_stored_with_what_it_uses(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    run(SCRIPT, tmp_path)
    rule = cloudpickle.load(FolderFiles(tmp_path / "out"))
    assert rule([1, 5]) == [False, True]


@pytest.mark.parametrize("whole", [False, True])
def test_a_modules_function_is_found_again_unless_its_module_is_stored(
    whole: bool, tmp_path: Path
) -> None:
    (tmp_path / "features_of_mine.py").write_text("def double(x):\n    return 2 * x\n")
    (tmp_path / "out").mkdir()
    run(
        "from pathlib import Path\nimport features_of_mine\n"
        "from modelyard.objects.formats import cloudpickle\n"
        f"cloudpickle.dump(features_of_mine.double, Path('out'), by_value={['features_of_mine'] if whole else []})",
        tmp_path,
    )
    files = FolderFiles(tmp_path / "out")
    if whole:
        assert cloudpickle.load(files)(4) == 8
        return
    with pytest.raises(EnvironmentMismatch, match="features_of_mine") as caught:
        cloudpickle.load(files)
    assert "requirements" in str(caught.value.hint)


def test_modules_stored_whole_are_so_only_for_one_file() -> None:
    import cloudpickle as library

    import modelyard.objects.flavors.callable as module

    with cloudpickle.stored_whole([module.__name__]):
        assert module.__name__ in library.list_registry_pickle_by_value()
    assert module.__name__ not in library.list_registry_pickle_by_value()


def test_code_that_fails_while_loading_is_the_models_failure(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(b"cbuiltins\nint\n(Vx\ntR.")
    with pytest.raises(ModelFailed, match="failed while it was loaded: ValueError"):
        cloudpickle.load(FolderFiles(tmp_path))


def test_one_file_is_the_model(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    (tmp_path / "b").write_bytes(b"")
    with pytest.raises(InvalidInput, match="one file"):
        cloudpickle.load(FolderFiles(tmp_path))
    (tmp_path / "c.pkl").write_bytes(pickle.dumps([1]))
    assert cloudpickle.load(FolderFiles(tmp_path)) == [1]


class Runs:
    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> Any:
        import os

        return os.system, (self.command,)


@pytest.mark.parametrize("protocol", range(6))
def test_what_a_pickle_would_run_is_told_without_running_it(protocol: int, tmp_path: Path) -> None:
    canary = tmp_path / "ran"
    data = pickle.dumps(["os", "harmless", Runs(f"touch {canary}")], protocol)
    (tmp_path / "model.pkl").write_bytes(data)
    assert "posix.system" in cloudpickle.inspect(FolderFiles(tmp_path))
    assert not canary.exists()


def test_names_fetched_from_the_memo_are_told() -> None:
    """The words of a name may have been pickled long before."""
    words = b"\x8c\x05posix\x94\x8c\x06system\x94"
    data = b"\x80\x04]" + words + b"00h\x00h\x01\x93."
    assert globals_of(io.BytesIO(data)) == ["posix.system"]


@given(st.binary(max_size=200))
def test_any_bytes_can_be_looked_at(data: bytes) -> None:
    assert all(isinstance(name, str) for name in globals_of(io.BytesIO(b"\x80\x04" + data)))


def test_a_damaged_pickle_says_so() -> None:
    data = pickle.dumps([Runs("x")], 4)
    shown = globals_of(io.BytesIO(data[:-4]))
    assert shown[0] == "posix.system"
    assert shown[-1].startswith("(the pickle is damaged")
