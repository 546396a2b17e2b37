"""A file far larger than the memory of the process goes through `apply` in batches."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

import modelyard as my

MEGABYTES = int(os.environ.get("MODELYARD_TEST_CSV_MB", "300"))
"""3000 is the full size; the default takes a tenth of the time and would break a reader that holds the whole file too."""
LIMIT = 1 << 30 if MEGABYTES > 1000 else 600 << 20


@pytest.mark.slow
def test_a_csv_larger_than_memory(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(50_000, 10)), columns=[f"c{i}" for i in range(10)])
    model = LinearRegression().fit(X, X.sum(axis=1))
    my.save(model, tmp_path / "model", sample_data=X[:5])
    block = X.to_csv(index=False, header=False).encode()
    repeats = max(1, (MEGABYTES << 20) // len(block))
    with (tmp_path / "big.csv").open("wb") as out:
        out.write((",".join(X.columns) + "\n").encode())
        for _ in range(repeats):
            out.write(block)
    command = [sys.executable, "-m", "modelyard", "apply", "model", "big.csv", "--batch-rows", "20000", "-o", "out.csv"]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, preexec_fn=limit)
    assert done.returncode == 0, done.stderr
    expected = model.predict(X)
    rows = 0
    for piece in pd.read_csv(tmp_path / "out.csv", chunksize=50_000):
        assert np.allclose(piece["predict"].to_numpy(), expected)
        rows += len(piece)
    assert rows == 50_000 * repeats


def limit() -> None:
    """Private memory of the process; a file mapped by the linker does not count, a table read whole does."""
    resource.setrlimit(resource.RLIMIT_DATA, (LIMIT, LIMIT))
