"""Run the command line: here, where speed matters, or as a process of its own, where streams and signals do."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelyard.cli import program


@dataclass(frozen=True)
class Done:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)


def run(*words: object, cwd: Path, stdin: bytes = b"") -> Done:
    """A command line in this process. Nothing here is a terminal."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="\n") for _ in range(2))
    before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(stdin), "utf-8")
    try:
        with (
            contextlib.chdir(cwd),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = program.run([str(word) for word in words])
    finally:
        sys.stdin = before
    return Done(code, text(out), text(err))


def text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    return stream.buffer.getvalue().decode()  # type: ignore[attr-defined]  # a BytesIO


def process(*words: object, cwd: Path, stdin: bytes = b"", **environment: str) -> Done:
    """A command line as a process of its own, its streams in pipes."""
    done = subprocess.run(
        [sys.executable, "-m", "modelyard", *map(str, words)],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        timeout=120,
        env={**os.environ, **environment},
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())
