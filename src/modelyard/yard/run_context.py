"""What is known of the process that a run begins in: its code, its machine, its packages. Secrets are left out.

The tags that MLflow's clients and pages know have its names (``mlflow.source.name``, ``mlflow.source.git.commit``).
"""

from __future__ import annotations

import os
import platform
import re
import shlex
import socket
import subprocess
import sys
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from modelyard import __version__
from modelyard.base.secrets import text_without_secrets, without_secrets

if TYPE_CHECKING:
    from modelyard.yard.active_run import ActiveRun

REQUIREMENTS = "environment/requirements.txt"
MAX_COMMAND = 4000
MAX_ERROR = 4000
WAIT_SECONDS = 5.0
"""The end of a run waits no longer for what is looked up beside it."""


def tell_context(run: ActiveRun) -> None:
    """Log to a run what is known at once, and the rest from a thread of its own."""
    run.set_tags(known_at_once())
    looking = threading.Thread(target=_look, args=[run], name="modelyard-context", daemon=True)
    looking.start()
    run.accompany(lambda: looking.join(WAIT_SECONDS))


def _look(run: ActiveRun) -> None:
    try:
        if tags := git_tags(code_folder()):
            run.set_tags(tags)
        run.add_bytes(REQUIREMENTS, packages().encode())
    except Exception as error:  # noqa: BLE001  it must not disturb the training
        from modelyard.base.notes import note

        note(f"what the run {run.name} runs in is not recorded whole: {error}")


def known_at_once() -> dict[str, str]:
    """Tags that cost nothing to know."""
    from modelyard.yard.current_run import user

    kind, entry = entry_point()
    return {
        "mlflow.user": user(),
        "mlflow.source.name": entry,
        "mlflow.source.type": kind,
        "modelyard.host": socket.gethostname(),
        "modelyard.python": platform.python_version(),
        "modelyard.version": __version__,
        "modelyard.command": command_line(),
    }


def entry_point() -> tuple[str, str]:
    """What kind of program this is, and its file, module or notebook."""
    if shell := _notebook():
        names: Any = getattr(shell, "user_ns", {})
        found = os.environ.get("JPY_SESSION_NAME") or names.get("__vsc_ipynb_file__") or "notebook"
        return "NOTEBOOK", str(found)
    main: Any = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    if spec is not None and spec.name:
        return "LOCAL", str(spec.name.removesuffix(".__main__"))
    return "LOCAL", str(getattr(main, "__file__", None) or sys.argv[0] or "python")


def _notebook() -> Any:
    """The shell of a notebook; None in any other program, a terminal of IPython too."""
    known: Any = sys.modules.get("IPython")
    shell = None if known is None else known.get_ipython()
    return shell if shell is not None and hasattr(shell, "kernel") else None


def command_line() -> str:
    """The words of this process as one would type them, without secrets."""
    words = [Path(sys.orig_argv[0]).name, *sys.orig_argv[1:]] if sys.orig_argv else sys.argv
    return shlex.join(without_secrets(words))[:MAX_COMMAND]


def code_folder() -> Path:
    """Where the code is that runs: that of the script, else the current folder."""
    from modelyard.objects.provenance import (
        git_root,  # here and below: only the thread beside the training pays
    )

    file = getattr(sys.modules.get("__main__"), "__file__", None)
    folder = Path(file).resolve().parent if file else Path.cwd()
    return folder if git_root(folder) is not None else Path.cwd()


def git_tags(folder: Path) -> dict[str, str]:
    """Commit, branch, whether files differ from it, and the repository's address; empty outside of one."""
    from modelyard.objects.provenance import git_root

    if git_root(folder) is None:
        return {}
    said = _git(folder, "status", "--porcelain=v2", "--branch", "--untracked-files=no")
    lines = said.splitlines()
    facts = dict(line[2:].split(" ", 1) for line in lines if line.startswith("# branch."))
    commit = facts.get("branch.oid", "")
    if not re.fullmatch(r"[0-9a-f]{40,64}", commit):  # "(initial)": a repository without a commit
        return {}
    dirty = any(not line.startswith("#") for line in lines)
    tags = {"mlflow.source.git.commit": commit, "mlflow.source.git.dirty": str(dirty).lower()}
    branch = facts.get("branch.head", "(detached)")
    if not branch.startswith("("):
        tags["mlflow.source.git.branch"] = branch
    if address := _git(folder, "config", "--get", "remote.origin.url").strip():
        tags["mlflow.source.git.repoURL"] = _public(address)
    return tags


def _git(folder: Path, *words: str) -> str:
    from modelyard.stores.git.command import NO_HIDDEN

    try:
        done = subprocess.run(
            ["git", *NO_HIDDEN, *words], cwd=folder, capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _public(address: str) -> str:
    """The address of a repository without who asks for it."""
    if "://" not in address:
        return address
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


@cache
def packages() -> str:
    """The packages of this environment, ``name==version`` a line: by the names of their folders, which opens no file."""
    found: dict[str, str] = {}
    for folder in sys.path:
        try:
            names = [path.name for path in Path(folder or ".").iterdir()]
        except OSError:
            continue
        for name in names:
            if name.endswith(".dist-info"):
                project, _, version = name.removesuffix(".dist-info").partition("-")
                found.setdefault(re.sub(r"[-_.]+", "-", project).lower(), version)
    lines = [f"{name}=={version}" for name, version in sorted(found.items()) if version]
    return "\n".join([f"# Python {platform.python_version()}", *lines, ""])


def error_tags(error: BaseException) -> dict[str, str]:
    """How a run tells of the exception that ended it."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001  somebody's own, which cannot say what it is
        text = ""
    return {
        "modelyard.error.type": type(error).__name__,
        "modelyard.error": text_without_secrets(text)[:MAX_ERROR],
    }
