"""A page with Streamlit, for those who want one of their own: ``modelyard serve MODEL streamlit``.

The models are served as ever, on a free port of this machine alone; Streamlit runs a script that asks them. ``--write app.py``
writes that script, to be changed at will, and ``--script app.py`` runs it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.request import urlopen

from modelyard.base.errors import AlreadyExists, FileMissing, MissingExtra, ModelyardError
from modelyard.base.loopback import is_loopback
from modelyard.base.notes import note
from modelyard.objects.model import Model
from modelyard.predictions.interface import PredictionLog
from modelyard.serving.announcing import announce
from modelyard.serving.interface import Batching, Limits, Running
from modelyard.serving.process import listen, url_of
from modelyard.serving.servers import fastapi

EXTRA = "streamlit"
START_SECONDS = 60.0
STOP_SECONDS = 10.0


def serve(
    models: Model | Sequence[Model],
    *,
    host: str = "127.0.0.1",
    port: int = 8501,
    title: str = "",
    script: str | None = None,
    write: str | None = None,
    log: PredictionLog | None = None,
    opener: Callable[[str], Model] | None = None,
    limits: Limits | Mapping[str, Any] | None = None,
    batching: Batching | Mapping[str, Any] | None = None,
    on_ready: Callable[[Running], object] = announce,
    stop: threading.Event | None = None,
) -> None:
    """Show a page until SIGTERM or SIGINT. ``script`` is one of your own; ``write`` only writes ours to that file.

    ``port=0`` takes a free one. ``limits`` and ``batching`` are those of the server that answers behind the page. Raises
    `MissingExtra` without Streamlit.
    """
    if write is not None:
        write_script(Path(write))
        return
    if find_spec("streamlit") is None:
        raise MissingExtra("a page with Streamlit", EXTRA, missing="streamlit")
    if script is not None and not Path(script).is_file():
        raise FileMissing(f"there is no script {script!r}", hint="--write app.py writes one")
    ending = stop or threading.Event()
    behind = {"log": log, "opener": opener, "limits": limits, "batching": batching}
    with _signals(ending), _answering(models, behind) as facts, _script(script) as file:
        with contextlib.closing(listen(host, port)) as sock:  # says what is wrong with the address
            url = url_of(sock, host)
        if not is_loopback(host):
            note(
                f"anyone who can reach {url} can use these models: Streamlit asks nobody who they are"
            )
        shown = {"MODELYARD_URL": facts.url, "MODELYARD_TITLE": title}
        process = _start(file, host, int(url.rpartition(":")[2]), shown)
        try:
            _wait_until_up(process, url, ending)
            on_ready(replace(facts, url=url, docs_url=f"{facts.url}/docs", grpc=""))
            _wait_for_the_end(process, ending)
        finally:
            _end(process)


def write_script(file: Path) -> None:
    """Write the page's script, for its user to change. `AlreadyExists` when something is there."""
    if file.exists():
        raise AlreadyExists(f"{file} is there already", hint="name another file")
    file.write_text(script_text(), "utf-8", newline="\n")
    note(f"wrote {file}: change it, and serve with --script {file}")


def script_text() -> str:
    """The page's script as we have it."""
    return resources.files(f"{__package__}._streamlit").joinpath("app.py").read_text("utf-8")


@contextlib.contextmanager
def _script(own: str | None) -> Iterator[Path]:
    if own is not None:
        yield Path(own)
        return
    # A copy in a folder of its own: Streamlit puts the script's folder before all others on the path.
    with tempfile.TemporaryDirectory(prefix="modelyard-page-") as folder:
        file = Path(folder, "page.py")
        file.write_text(script_text(), "utf-8")
        yield file


@contextlib.contextmanager
def _answering(models: Model | Sequence[Model], options: dict[str, Any]) -> Iterator[Running]:
    """The server behind the page, on a free port of this machine, in a thread."""
    up, stop = threading.Event(), threading.Event()
    found: list[Running] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            fastapi.serve(
                models, port=0, stop=stop, on_ready=lambda r: (found.append(r), up.set()), **options
            )
        except BaseException as error:  # noqa: BLE001  it is raised where the page is waited for
            failed.append(error)
        up.set()

    thread = threading.Thread(target=run, name="models")
    thread.start()
    try:
        up.wait()
        if failed:
            raise failed[0]
        yield found[0]
    finally:
        stop.set()
        thread.join()


@contextlib.contextmanager
def _signals(stop: threading.Event) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _start(script: Path, host: str, port: int, shown: Mapping[str, str]) -> subprocess.Popen[bytes]:
    options = {
        "server.address": host,
        "server.port": port,
        "server.headless": "true",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "viewer",
        "client.showErrorDetails": "none",
        "logger.level": "warning",
    }
    words = [word for key, value in options.items() for word in (f"--{key}", str(value))]
    command = [sys.executable, "-m", "streamlit", "run", str(script), *words]
    # A session of its own: Ctrl+C is for us, and we end it in order.
    return subprocess.Popen(
        command,
        env={**os.environ, **shown},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )


def _wait_until_up(process: subprocess.Popen[bytes], url: str, stop: threading.Event) -> None:
    until = time.monotonic() + START_SECONDS
    while process.poll() is None and not stop.is_set() and time.monotonic() < until:
        with contextlib.suppress(OSError), urlopen(f"{url}/_stcore/health", timeout=2) as answer:
            if answer.status == 200:
                return
        stop.wait(0.1)
    if not stop.is_set():
        raise ModelyardError("Streamlit did not come up", hint="what it said stands above")


def _wait_for_the_end(process: subprocess.Popen[bytes], stop: threading.Event) -> None:
    while not stop.wait(0.2):
        if process.poll() is not None:
            raise ModelyardError(f"Streamlit ended with exit code {process.returncode}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
