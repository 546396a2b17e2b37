"""Models compiled while they are served: a server answers at once, and more quickly once the proof is done.

One thread compiles one model after the other, each with the threads of one call, so that requests keep the processors. What is
proven is put in the place of the engine before it; requests that run meanwhile end with that one.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping

from modelyard.base.notes import note
from modelyard.objects.engines.interface import Engine
from modelyard.objects.engines.onnx import check_mode, compile_model
from modelyard.serving.housing import Housed


class BackgroundCompiler:
    """Compiles what it is given, in turn. With mode ``off`` it does nothing."""

    def __init__(
        self, mode: str = "off", tell: Callable[..., object] = lambda housed, here: None
    ) -> None:
        """``tell`` hears of a model that goes, ``here=False``, and comes back with other engines."""
        check_mode(mode)
        self.mode = mode
        self._tell = tell
        self._waiting: queue.SimpleQueue[Housed | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, housed: Housed) -> None:
        """Compile a model when its turn comes."""
        if (
            self.mode == "off" or not housed.methods or housed.isolated
        ):  # there it is done where the model is
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
            engines = compiled_engines(housed, self._stop)
            if self._stop.is_set():
                return
            if engines:
                self._tell(housed, here=False)
                for name, engine in engines.items():
                    housed.methods[name].engine = engine
                self._tell(housed, here=True)


def compiled_engines(housed: Housed, stop: threading.Event | None = None) -> Mapping[str, Engine]:
    """The compiled engines of a model; a line says which methods have one, and why others have none."""
    compiled = compile_model(housed.model, stop=stop)
    if stop is None or not stop.is_set():
        for line in compiled.lines(housed.model.name):
            note(line)
    return compiled.engines
