"""Git's own command, run so that it asks nobody, in English, and by the protocols we mean.

What a caller names (a revision, a URL, a path) goes behind ``--`` or ``--end-of-options``, or is refused when it begins
with ``-``: it is never an option.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from modelyard.base.errors import ModelyardError, NotSupported, TimedOut

PROTOCOLS = "file:git:http:https:ssh"
"""What a URL may be; ``ext::`` and the like would run a command."""

_ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX")
"""Set inside hooks, and by people for another repository than the one we mean."""


class GitFailed(ModelyardError):
    """Git said no; ``stderr`` is what it said. Callers make a condition of it where they know which."""

    def __init__(self, words: tuple[str, ...], code: int, stderr: str) -> None:
        shown = " ".join(word for word in words[:2] if not word.startswith("-"))
        lines = [line for line in stderr.splitlines() if line.strip()]
        what = next((line for line in lines if line.startswith(("fatal:", "error:"))), "")
        super().__init__(f"git {shown} failed: {what or (lines or [f'exit code {code}'])[-1]}")
        self.exit_status = code
        self.stderr = stderr


def git(
    folder: Path | None,
    *words: str,
    input: bytes | None = None,
    environment: Mapping[str, str] | None = None,
    seconds: float | None = None,
) -> bytes:
    """What ``git words…`` prints, run in a folder. `GitFailed` when it fails, `TimedOut` after ``seconds``."""
    command = ["git", "-c", "core.quotePath=false", "-c", "advice.detachedHead=false", *words]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            env=surroundings(environment),
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError as error:
        if folder is not None and not folder.exists():
            raise
        raise NotSupported("git is not installed", hint="install git, version 2.30 or newer") from error  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise TimedOut(f"git {words[0]} did not end in {seconds:g} s") from error
    if done.returncode:
        raise GitFailed(words, done.returncode, done.stderr.decode(errors="replace"))
    return done.stdout


def git_text(folder: Path | None, *words: str, **options: object) -> str:
    """The same as text, without the newline at its end; bytes that are not UTF-8 come back as they were (surrogates)."""
    return git(folder, *words, **options).decode(errors="surrogateescape").rstrip("\n")  # type: ignore[arg-type]


def surroundings(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for Git: never a prompt, always English."""
    kept = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    return {
        **kept,
        "LC_ALL": "C.UTF-8",
        "LANGUAGE": "en",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": PROTOCOLS,
        "SSH_ASKPASS_REQUIRE": "never",
        "GIT_SSH_COMMAND": os.environ.get("GIT_SSH_COMMAND", "ssh -o BatchMode=yes"),
        **(more or {}),
    }
