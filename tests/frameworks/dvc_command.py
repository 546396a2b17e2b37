"""DVC's own command, imported once: each call is a fork of a process that has it loaded, so it costs no start of seconds."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any


class Command:
    """``command(folder, "pull")``: the exit code and all that it printed."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self, folder: Path, *words: str) -> tuple[int, str]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {"folder": str(folder), "words": words, "environ": dict(os.environ)}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return answer["code"], answer["text"]

    def close(self) -> None:
        """End it; it goes when nothing more is asked."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


def answered(asked: dict[str, Any]) -> dict[str, Any]:
    """One call, in a child of its own."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(write, 1)
        os.dup2(write, 2)
        code = 99
        try:
            os.environ.clear()
            os.environ.update(asked["environ"])
            os.chdir(asked["folder"])
            from dvc.cli import main

            code = int(main(asked["words"]))
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    os.close(write)
    with os.fdopen(read, "rb") as stream:
        text = stream.read().decode(errors="replace")
    _, status = os.waitpid(child, 0)
    return {"code": os.waitstatus_to_exitcode(status), "text": text}


def serve() -> None:
    """Answer calls, a line each, until the end of the input."""
    for name in ("dvc.cli", "dvc.commands", "dvc.repo", "dvc_s3"):
        importlib.import_module(name)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answered(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
