"""The main path for many kinds of estimators: save, show, load, apply, serve, client — always equal predictions."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import modelyard as my
from e2e.zoo import KINDS, Kind, load
from modelyard.objects.equality import same_output


def run(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The command line, as a user has it."""
    return subprocess.run(
        [sys.executable, "-m", "modelyard", *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Any, Any]]:
    """Every kind fitted and saved: name -> path, live model, unseen rows."""
    folder = tmp_path_factory.mktemp("models")
    made: dict[str, tuple[Path, Any, Any]] = {}
    for kind in KINDS:
        X, y = load(kind.data)
        train, rows = X.iloc[::2], X.iloc[1:22:2]
        if not kind.frame:
            train, rows = train.to_numpy(), rows.to_numpy()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = kind.make().fit(train, y.iloc[::2])
        card = my.save(model, folder / kind.name, sample_data=train[:20])
        assert card.format is not None
        assert card.format.tier == 1, (kind.name, card.format)
        made[kind.name] = (folder / kind.name, model, rows)
    return made


def method_of(model: Any) -> str:
    return "predict" if hasattr(model, "predict") else "transform"


@pytest.mark.filterwarnings(
    "ignore"
)  # what scikit-learn says of log(0), and of its own inner trees
@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.name)
def test_loaded_models_answer_as_the_original(kind: Kind, saved: dict) -> None:
    path, model, rows = saved[kind.name]
    again = my.load(path)
    card = my.load_card(path)
    for method in card.methods:
        ours, theirs = (
            getattr(m, method)(rows if method != "inverse_transform" else model.transform(rows))
            for m in (again, model)
        )
        assert same_output(ours, theirs), method


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.name)
def test_applied_to_a_file_they_answer_as_the_original(
    kind: Kind, saved: dict, tmp_path: Path
) -> None:
    path, model, rows = saved[kind.name]
    if kind.frame:
        file = tmp_path / "rows.csv"
        # Columns in another order: they are matched by name.
        rows[rows.columns[::-1]].to_csv(file, index=False)
    else:
        file = tmp_path / "rows.npy"
        np.save(file, rows)
    assert same_output(my.apply(path, file), getattr(model, method_of(model))(rows))


def test_the_command_line_shows_and_applies(saved: dict, tmp_path: Path) -> None:
    path, model, rows = saved["column_transformer"]
    shown = run("show", str(path), "--json")
    assert shown.returncode == 0, shown.stderr
    facts = json.loads(shown.stdout)
    assert facts["flavor"] == "sklearn"
    assert facts["format"] == {"name": "skops", "tier": 1}
    rows.to_csv(tmp_path / "rows.csv", index=False)
    applied = run("apply", str(path), str(tmp_path / "rows.csv"), "-m", "predict_proba")
    assert applied.returncode == 0, applied.stderr
    assert json.loads(applied.stdout) == model.predict_proba(rows).tolist()


def test_an_unknown_method_is_refused_with_the_choices(saved: dict, tmp_path: Path) -> None:
    path, _, rows = saved["logistic"]
    rows.to_csv(tmp_path / "rows.csv", index=False)
    done = run("apply", str(path), str(tmp_path / "rows.csv"), "-m", "predcit")
    assert done.returncode == 3
    assert done.stdout == ""
    assert "has no method 'predcit'" in done.stderr
    assert "did you mean 'predict'" in done.stderr


@pytest.fixture(scope="module")
def server(saved: dict) -> Iterator[str]:
    """All models behind one ``modelyard serve``."""
    paths = [str(path) for path, _, _ in saved.values()]
    process = subprocess.Popen(
        [sys.executable, "-m", "modelyard", "serve", *paths, "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    url = ""
    for line in process.stderr:
        if line.startswith("  docs"):
            url = line.split()[1].removesuffix("/docs")
            break
    assert url, "the server did not come up"
    yield url
    os.kill(process.pid, signal.SIGTERM)
    process.stderr.read()
    process.stderr.close()
    assert process.wait(30) == 0


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.name)
def test_served_models_answer_as_the_original(kind: Kind, saved: dict, server: str) -> None:
    _, model, rows = saved[kind.name]
    method = method_of(model)
    with my.Client(server) as client:
        remote = client.model(kind.name)
        assert same_output(getattr(remote, method)(rows), getattr(model, method)(rows))
        if hasattr(model, "predict_proba"):
            assert same_output(remote.predict_proba(rows), model.predict_proba(rows))
