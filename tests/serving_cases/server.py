"""A real server on a loopback port, in a thread of the test's process."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx2

from modelyard.serving.interface import Running
from modelyard.serving.servers.fastapi import serve


class Http(httpx2.Client):
    """A client of one server, which may answer gRPC, too."""

    grpc: str = ""
    """Its host and port."""


@contextlib.contextmanager
def serving(models: Any, *, by: Callable[..., None] = serve, **options: Any) -> Iterator[Http]:
    """A client whose URLs start at a server of these models; it is stopped in order afterwards."""
    up, stop, facts = threading.Event(), threading.Event(), []
    failed: list[BaseException] = []

    def on_ready(running: Running) -> None:
        facts.append(running)
        up.set()

    def run() -> None:
        try:
            by(models, port=0, on_ready=on_ready, stop=stop, **options)
        except BaseException as error:
            failed.append(error)
            up.set()
            raise

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert up.wait(60), "the server did not come up"
        assert not failed, failed
        with Http(base_url=facts[0].url, timeout=60) as client:
            client.grpc = facts[0].grpc
            yield client
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive(), "the server did not stop"
