"""Models compiled while they are served: a server answers at once, and more quickly once the proof is done.

One thread compiles one model after the other, each with the threads of one call, so that requests keep the processors. What is
proven is put in the place of the engine before it; requests that run meanwhile end with that one.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from modelyard.base.notes import note
from modelyard.objects.engines.onnx import check_mode, compile_model
from modelyard.serving.housing import Housed


class BackgroundCompiler:
    """Compiles what it is given, in turn. With mode ``off`` it does nothing."""

    def __init__(
        self, mode: str = "off", threads: int = 1, on_done: Callable[[Housed], object] | None = None
    ) -> None:
        check_mode(mode)
        self.mode = mode
        self._threads, self._on_done = threads, on_done
        self._waiting: queue.SimpleQueue[Housed | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, housed: Housed) -> None:
        """Compile a model when its turn comes."""
        if self.mode == "off" or not housed.methods:
            return
        self._waiting.put(housed)
        if self._thread is None:
            # A daemon, so that a converter that hangs cannot keep the process alive.
            self._thread = threading.Thread(target=self._work, name="compiling", daemon=True)
            self._thread.start()

    def close(self, timeout: float = 5.0) -> None:
        """Give up what is not done."""
        self._stop.set()
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join(timeout)

    def _work(self) -> None:
        while (housed := self._waiting.get()) is not None:
            compile_housed(housed, self._threads, self._stop)
            if self._stop.is_set():
                return
            if self._on_done is not None:
                self._on_done(housed)


def compile_housed(housed: Housed, threads: int, stop: threading.Event | None = None) -> None:
    """Put compiled engines in the place of those that methods have, and tell what was compiled and what was not."""
    compiled = compile_model(housed.model, threads=threads, stop=stop)
    if stop is not None and stop.is_set():
        return
    for name, engine in compiled.engines.items():
        housed.methods[name].engine = engine
    for line in compiled.lines(housed.model.name):
        note(line)
