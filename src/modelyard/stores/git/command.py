"""Git's own command, run so that it asks nobody, in English, and by the protocols we mean.

What a caller names (a revision, a URL, a path) goes behind ``--`` or ``--end-of-options``, or is refused when it begins
with ``-``: it is never an option.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import IO

from modelyard.base.errors import ModelyardError, NotSupported, TimedOut, TooLarge

PROTOCOLS = "file:git:http:https:ssh"
"""What a URL may be; ``ext::`` and the like would run a command."""

_ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX")
"""Set inside hooks, and by people for another repository than the one we mean."""

_SPEAKING = {"fetch", "ls-remote", "push", "clone", "lfs"}
"""What calls another machine. It gets no terminal: ssh would ask there, whatever program the user has for it."""


NO_HIDDEN = ("-c", "safe.bareRepository=explicit")
"""Before the command, where Git looks by itself for the repository of a folder that came from somebody. A folder of a tree
may look like a bare repository (even ``.dvc``, whose ``config`` Git would then read), and its settings name commands."""


class GitFailed(ModelyardError):
    """Git said no; ``stderr`` is what it said. Callers make a condition of it where they know which."""

    def __init__(self, words: tuple[str, ...], code: int, stderr: str) -> None:
        words = words[2:] if words[:2] == NO_HIDDEN else words
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
    output: IO[bytes] | None = None,
    heard: Callable[[str], object] | None = None,
    most: int | None = None,
) -> bytes:
    """What ``git words…`` prints, run in a folder. `GitFailed` when it fails, `TimedOut` after ``seconds``.

    ``output``: a file that takes what is printed, instead. ``heard`` is told what a success wrote to stderr. ``most``:
    bytes that may be printed, `TooLarge` beyond; for what reads no input.
    """
    command = ["git", "-c", "core.quotePath=false", "-c", "advice.detachedHead=false", *words]
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL if input is None else subprocess.PIPE,
            stdout=subprocess.PIPE if output is None else output,
            stderr=subprocess.PIPE,
            env=surroundings(environment),
            start_new_session=not _SPEAKING.isdisjoint(words),
        )
    except FileNotFoundError as error:
        if folder is not None and not folder.exists():
            raise
        raise NotSupported("git is not installed", hint="install git, version 2.30 or newer") from error  # fmt: skip
    try:
        begun = _beginning(process, most) if most is not None else b""
        printed, said = process.communicate(input, timeout=seconds)
        printed = begun + (printed or b"")
    except BaseException as error:
        _end(process)
        if isinstance(error, subprocess.TimeoutExpired):
            raise TimedOut(f"git {words[0]} did not end in {seconds:g} s") from error
        raise
    if process.returncode:
        raise GitFailed(words, process.returncode, said.decode(errors="replace"))
    if heard is not None:
        heard(said.decode(errors="replace"))
    return printed


def _beginning(process: subprocess.Popen[bytes], most: int) -> bytes:
    """What is printed, unless it is more."""
    assert process.stdout is not None
    found = process.stdout.read(most + 1)
    if len(found) > most:
        raise TooLarge(f"git prints more than {most >> 20} MB", limit=most)
    return found


def _end(process: subprocess.Popen[bytes]) -> None:
    """With all that it started, when they are a session of their own."""
    with contextlib.suppress(OSError):
        alone = os.name != "nt" and os.getpgid(process.pid) == process.pid
        os.killpg(process.pid, signal.SIGKILL) if alone else process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def git_text(folder: Path | None, *words: str, **options: object) -> str:
    """The same as text, without the newline at its end; bytes that are not UTF-8 come back as they were (surrogates)."""
    return git(folder, *words, **options).decode(errors="surrogateescape").rstrip("\n")  # type: ignore[arg-type]


def lines_of(printed: str) -> list[str]:
    """The lines that Git printed. A name in them may hold what Python alone takes for the end of a line (U+2028, U+0085):
    the rest of it would pass for a line, and the beginning for another name."""
    return printed.removesuffix("\n").split("\n") if printed else []


def surroundings(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for Git: never a prompt, always English."""
    kept = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    return {
        **kept,
        "LC_ALL": "C.UTF-8",
        "LANGUAGE": "en",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": os.environ.get("GIT_ASKPASS", ""),
        "GIT_ALLOW_PROTOCOL": PROTOCOLS,
        "SSH_ASKPASS_REQUIRE": "never",
        **(more or {}),
    }


def configured(settings: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Variables that give Git settings for one call, after those that the environment gives already. No command line
    shows them."""
    told = os.environ.get("GIT_CONFIG_COUNT", "")
    first = int(told) if told.isdecimal() else 0
    pairs = list(settings)
    found = {"GIT_CONFIG_COUNT": str(first + len(pairs))}
    for number, (key, value) in enumerate(pairs, first):
        found |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return found
