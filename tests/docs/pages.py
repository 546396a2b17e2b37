"""Run a page as its reader would: its blocks in the order they stand, in one folder, in one Python session.

``python`` and ``sh`` blocks run; ``sh not-run`` and all other languages do not. A line of shell that serves goes on in the
background, and ``http://127.0.0.1:8080`` then means the address it got.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

from cli.program import run as run_here

BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"(^|\s+)# .*$")
URL = "http://127.0.0.1:8080"


def blocks(page: Path) -> list[tuple[int, str, str]]:
    """Line, info string and text of each code block."""
    text = page.read_text("utf-8")
    return [(text.count("\n", 0, m.start()) + 2, m[1], m[2]) for m in BLOCK.finditer(text)]


class Session:
    """A reader at work."""

    def __init__(self, page: Path, folder: Path) -> None:
        self._page, self._folder = page, folder
        self._names: dict[str, Any] = {"__name__": "__main__"}
        self._servers: list[subprocess.Popen[str]] = []
        self._url = URL

    def run(self) -> Self:
        for line, info, text in blocks(self._page):
            told = text.replace(URL, self._url)
            if info == "python":
                # Line numbers of a traceback are those of the page.
                code = compile("\n" * (line - 1) + told, str(self._page), "exec")
                with contextlib.chdir(self._folder):
                    exec(code, self._names)
            elif info == "sh":
                for offset, words in enumerate(told.splitlines()):
                    self._shell(words, line + offset)
        return self

    def __getitem__(self, name: str) -> Any:
        return self._names[name]

    def _shell(self, text: str, line: int) -> None:
        text = COMMENT.sub("", text)
        words = shlex.split(text)
        where = f"{self._page.name}:{line}: {text}"
        if not words:
            return
        if words[:2] == ["modelyard", "serve"]:
            self._serve(words)
        elif words[0] == "modelyard" and not {"|", "<", ">"} & set(words):
            done = run_here(*words[1:], cwd=self._folder)
            assert done.code == 0, f"{where}\n{done.err}"
        else:
            path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
            finished = subprocess.run(["bash", "-euo", "pipefail", "-c", text], cwd=self._folder, env={**os.environ, "PATH": path},
                                      capture_output=True, text=True, timeout=60)  # fmt: skip
            assert finished.returncode == 0, f"{where}\n{finished.stderr}"
            assert '"error"' not in finished.stdout, f"{where}\n{finished.stdout}"

    def _serve(self, words: list[str]) -> None:
        wanted = [w for w in words[1:] if w not in ("--port", "8080")]
        command = [sys.executable, "-m", "modelyard", *wanted, "--port", "0"]
        server = subprocess.Popen(command, cwd=self._folder, stderr=subprocess.PIPE, text=True)
        self._servers.append(server)
        assert server.stderr is not None
        said = ""
        for line in server.stderr:
            said += line
            if line.startswith("  docs"):
                self._url = line.split()[1].removesuffix("/docs")
                return
        raise AssertionError(said)

    def close(self) -> None:
        for server in self._servers:
            server.terminate()
            assert server.stderr is not None
            server.stderr.read()
            server.stderr.close()
            assert server.wait(60) == 0
