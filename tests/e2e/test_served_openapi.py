"""The OpenAPI of served models, asked by a stock schemathesis: whatever it sends, answers are as the document says."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PROGRAM = TESTS / "serving_cases" / "typed_program.py"
LEFT_OUT = (
    r"^/jobs/(?!label|flip)\w+/predict$"  # they take what the methods take; two of them will do
    r"|^/v2/models/(?!price|flip|label)\w+/infer$"
    r"|/(un)?load$"  # it would let go of the models that are asked
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    process = subprocess.Popen([sys.executable, PROGRAM], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        assert process.wait(60) == 0
        process.stdout.close()


@pytest.mark.slow
def test_nothing_that_is_sent_breaks_the_server_or_the_document(url: str, tmp_path: Path) -> None:
    told = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--no-color", "run", f"{url}/openapi.json"),
            *("--checks", "all", "--exclude-checks", "positive_data_acceptance"),
            *("--phases", "examples,coverage,fuzzing", "--max-examples", "8"),
            *("--seed", "1", "--generation-deterministic", "--no-shrink", "--workers", "1"),
            *("--continue-on-failure", "--exclude-path-regex", LEFT_OUT),
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": "serving_cases.schemathesis_checks",
            "PYTHONPATH": os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")]),
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
