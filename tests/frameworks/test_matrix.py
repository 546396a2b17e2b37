"""Each flavor goes all the way: saved, then loaded where only its captured requirements can be imported, applied to one row
and in batches, served, and built into a wheel that runs alone. `run.py` prints what passed as a table."""

from __future__ import annotations

import importlib
import json
import os
import pickle
import subprocess
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import modelyard as my
from frameworks.environments import (
    COLUMNS,
    ROOT,
    core_libraries,
    environment_of,
    install,
    new_environment,
    python_of,
)
from modelyard.objects.card import Card
from modelyard.testing.flavors import Example
from modelyard.yard.verbs import open_model
from serving_cases.server import serving


@dataclass(frozen=True)
class Saved:
    """A flavor's first example, saved, and what the live model says to its rows."""

    flavor: str
    path: Path
    card: Card
    example: Example
    method: str
    expected: Any

    @property
    def argument(self) -> str:
        """The name of the method's first argument."""
        return next(iter(self.card.methods[self.method].args))

    def spelled(self, rows: Any) -> Any:
        """Rows in JSON form."""
        return self.card.methods[self.method].args[self.argument].type.encode(rows)

    def answered(self, value: Any) -> Any:
        """A result in JSON form."""
        returns = self.card.methods[self.method].returns
        assert returns is not None
        return json.loads(json.dumps(returns.encode(value)))


@pytest.fixture(scope="module")
def saved(flavor_name: str, tmp_path_factory: pytest.TempPathFactory) -> Saved:
    case = importlib.import_module(f"cases.flavors.{flavor_name}").case()
    example = next(iter(case.models.values()))
    model = example.make()
    path = tmp_path_factory.mktemp(flavor_name) / "model"
    card = my.save(model, path, sample_data=example.rows)
    method = open_model(path).default_method
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = case.flavor.methods(model)[method](example.rows)
    return Saved(flavor_name, path, card, example, method, expected)


@pytest.fixture
def passed(flavor_name: str) -> Callable[[str], None]:
    """Writes a cell of the table that `run.py` prints."""

    def write(column: str) -> None:
        assert column in COLUMNS
        if table := os.environ.get("MODELYARD_MATRIX"):
            with Path(table).open("a") as out:
                out.write(json.dumps([flavor_name, column]) + "\n")

    return write


_LOADS = """
import pickle, sys
from pathlib import Path
import modelyard as my
from modelyard.objects.equality import same_output
path, digest, method = sys.argv[1:4]
rows, expected = pickle.loads(Path(sys.argv[4]).read_bytes())
my.load(path, trust=digest, check_env="error")
found = my.apply(path, rows, method=method, trust=digest)
assert same_output(found, expected), (found, expected)
"""

_CALLS = """
import pickle, sys
from pathlib import Path
import model_wheel
rows, _ = pickle.loads(Path(sys.argv[2]).read_bytes())
found = getattr(model_wheel, sys.argv[1])(rows)
Path(sys.argv[2]).write_bytes(pickle.dumps(found))
assert "modelyard" not in sys.modules
"""


def test_a_fresh_process_needs_only_what_was_captured(
    saved: Saved, tmp_path: Path, passed: Callable[[str], None]
) -> None:
    environment = environment_of(saved.card.requirements.packages)
    paths = os.pathsep.join([str(ROOT / "src"), str(core_libraries())])
    words = [str(saved.path), saved.card.digest, saved.method, str(kept(saved, tmp_path))]
    run(environment, _LOADS, words, PYTHONPATH=paths)
    passed("fresh process")


def test_one_row(saved: Saved, passed: Callable[[str], None]) -> None:
    case = importlib.import_module(f"cases.flavors.{saved.flavor}").case()
    row = saved.example.rows[:1]
    live = case.flavor.methods(saved.example.make())[saved.method](row)
    assert saved.example.equal(my.apply(saved.path, row, method=saved.method), live)
    passed("one row")


def test_batches(saved: Saved, passed: Callable[[str], None]) -> None:
    """All rows at once, and the same rows in pieces of three."""
    whole = my.apply(saved.path, saved.example.rows, method=saved.method)
    assert saved.example.equal(whole, saved.expected)
    pieces = my.apply(saved.path, saved.example.rows, method=saved.method, batch_rows=3)
    assert len(pieces) == len(whole)
    passed("batch")


def test_serving(saved: Saved, passed: Callable[[str], None]) -> None:
    with serving([open_model(saved.path)]) as client:
        body = {saved.argument: saved.spelled(saved.example.rows)}
        answer = client.post(f"/{saved.method}", json=body)
        assert answer.status_code == 200, answer.text
        assert answer.json() == saved.answered(saved.expected)
        assert client.get("/openapi.json").status_code == 200
    passed("serve")


def test_the_wheel_runs_alone(saved: Saved, tmp_path: Path, passed: Callable[[str], None]) -> None:
    built = my.build(saved.path, "wheel", output=tmp_path / "dist", name="model-wheel")
    needed = environment_of(saved.card.requirements.packages)
    own = new_environment(tmp_path / "environment")
    install(own, "--no-deps", str(built.path))
    libraries = next((needed / "lib").glob("python*/site-packages"))
    file = kept(saved, tmp_path)
    run(own, _CALLS, [saved.method, str(file)], PYTHONPATH=str(libraries))
    assert saved.example.equal(pickle.loads(file.read_bytes()), saved.expected)
    passed("wheel")


def kept(saved: Saved, folder: Path) -> Path:
    """Rows and expected answer in a file for another process."""
    path = folder / "expected.pkl"
    path.write_bytes(pickle.dumps((travelling(saved.example.rows), travelling(saved.expected))))
    return path


def travelling(value: Any) -> Any:
    """A frame whose labels are Python's own texts: others can only be unpickled where pyarrow is installed."""
    if not (hasattr(value, "columns") and hasattr(value, "set_axis")):
        return value
    return value.set_axis(value.columns.astype(object), axis=1)


def run(environment: Path, code: str, words: list[str], **variables: str) -> None:
    """A program in an environment of its own; what it says is shown when it fails."""
    keep = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "JAVA_HOME", "LANG")}
    done = subprocess.run(
        [str(python_of(environment)), "-c", code, *words],
        env={**keep, **variables, "MODELYARD_CONFIG_DIR": words[-1] + ".config"},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr[-4000:]
