"""One model: candidates in turn, until each method has a graph that is proven, or a reason why not."""

from __future__ import annotations

import importlib
import importlib.util
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property
from typing import Any

from modelyard.base import plugins
from modelyard.base.errors import MissingExtra, ModelyardError, UnsupportedType
from modelyard.objects.engines._onnx import adapting, calls, proving
from modelyard.objects.engines._onnx.domain import Domain
from modelyard.objects.engines._onnx.feeding import Feed, feed_of
from modelyard.objects.engines._onnx.hints import hints_of
from modelyard.objects.engines._onnx.proving import Asked, NotEqual
from modelyard.objects.engines._onnx.rows import Hints, Rows
from modelyard.objects.engines.interface import Engine
from modelyard.objects.formats._onnx import converting
from modelyard.objects.formats._onnx.model import OnnxModel, Port, Way
from modelyard.objects.model import Model
from modelyard.objects.sampling import required_arguments, sample_arguments

Candidates = Iterator[tuple[str, Callable[[], Any]]]
SHAPES = (*converting.SHAPES, "column")


class Stopped(Exception):
    """Nobody waits for it any more."""


class Compiling:
    """A model that is being compiled."""

    def __init__(self, model: Model, threads: int = 1, stop: threading.Event | None = None) -> None:
        self._model, self._threads = model, threads
        self._stop = stop or threading.Event()
        signature = model.signature()
        self._argument = _only_argument(signature)
        self._type = signature.args[self._argument].type
        self._feed: Feed = feed_of(self._type, network=model.card.flavor in ("torch", "keras"))
        self._reasons: dict[str, str] = {}
        self._proofs: dict[str, str] = {}
        self._engines: dict[str, Engine] = {}
        self._expected: dict[str, Any] = {}

    def of(
        self, methods: Sequence[str], known: Collection[str]
    ) -> tuple[dict[str, Engine], dict[str, str]]:
        """Engines, and reasons for the other methods."""
        left = [name for name in methods if self._is_possible(name, known)]
        if left:
            for word, make in self._candidates():
                if self._stop.is_set():
                    raise Stopped
                self._try(word, make, left)
                left = [name for name in left if name not in self._engines]
                if not left:
                    break
        # How a graph failed its proof says more than why another one could not be made.
        reasons = {n: self._proofs.get(n) or self._reasons.get(n, "no conversion") for n in methods}
        return self._engines, {n: r for n, r in reasons.items() if n not in self._engines}

    def _is_possible(self, name: str, known: Collection[str]) -> bool:
        if name not in known:
            self._refuse(name, "graphs have nothing for it")
            return False
        try:
            signature = self._model.signature(name)
            if signature.args[_only_argument(signature)].type != self._type:
                raise UnsupportedType("it takes something else than the other methods")
            self._expected[name] = self._asked(name)(self._fed)
            calls.require_plain(self._expected[name])
        except Exception as error:  # noqa: BLE001  models raise anything
            self._refuse(name, _line(error))
            return False
        return True

    def _refuse(self, name: str, reason: str) -> None:
        self._reasons.setdefault(name, reason)

    @cached_property
    def sample(self) -> Any:
        """The card's sample as a native value, else rows made of the schema."""
        sample = sample_arguments(self._model.card.sample, self._model.signature())
        if self._argument in sample:
            return self._type.decode(sample[self._argument], self._argument)
        return self._feed.native(Rows(self._feed, None, Hints()).some(5, Domain(limit=1e3)))

    @cached_property
    def _fed(self) -> Any:
        return self._feed.form.fit(self.sample)

    def _asked(self, name: str) -> Asked:
        function, argument = (
            self._model.functions[name],
            _only_argument(self._model.signature(name)),
        )
        scale = 1.0 if name == "predict_proba" else None

        def ask(value: Any) -> Any:
            if self._stop.is_set():
                raise Stopped
            return function(**{argument: value})

        return Asked(self._feed, ask, scale)

    def _candidates(self) -> Candidates:
        flavor = self._model.card.flavor
        module = f"{__package__}.{flavor}"
        if importlib.util.find_spec(module) is not None:
            return importlib.import_module(module).candidates(self._model.object, self.sample)
        find = converting.conversion_of
        return find(self._model.object, plugins.load("flavors", flavor))(self._model.object, self.sample)  # fmt: skip

    def _try(self, word: str, make: Callable[[], Any], left: Sequence[str]) -> None:
        try:
            proto = make()
            outputs = self._outputs(proto)
        except MissingExtra:
            raise
        except Exception as error:  # noqa: BLE001  whatever a converter says of what it does not know
            for name in left:
                self._refuse(name, f"{word}: {_line(error)}")
            return
        for name in left:
            try:
                self._engines[name] = self._engine(name, proto, outputs)
            except Exception as error:  # noqa: BLE001
                self._refuse(name, f"{word}: {_line(error)}")
                if isinstance(error, NotEqual):
                    self._proofs.setdefault(name, f"{word}: {_line(error)}")

    def proven(self, name: str, proto: Any) -> Engine:
        """The engine of a method by such a graph; `NotEqual` says how it differs."""
        self._expected[name] = self._asked(name)(self._fed)
        return self._engine(name, proto, self._outputs(proto))

    def _outputs(self, proto: Any) -> dict[str, Any]:
        """All that a graph says to the sample."""
        whole = adapting.fed(adapting.copied(proto), self._feed)
        session = calls.session_of(whole, 1)
        fed = (
            {"fed_" + n: v for n, v in self._fed.items()} if self._feed.kind == "columns" else None
        )
        named = {p.name: fed[p.name] if fed else calls.objects(self._fed) for p in session.get_inputs()}  # fmt: skip
        ports = [Port.of(value) for value in proto.graph.output]
        model = OnnxModel(proto)
        found = dict(zip([p.name for p in ports], session.run(None, named), strict=True))
        return {port.name: model.as_array(found[port.name], port) for port in ports}

    def _engine(self, name: str, proto: Any, outputs: dict[str, Any]) -> Engine:
        wanted = self._expected[name]
        array = calls.plain(wanted)
        way = _way(array, outputs)
        if way is None:
            raise NotEqual(f"its {name} is {converting.distance(array, outputs)}")
        asked = self._asked(name)
        hints = hints_of(self._model.object, proto, self._feed.names or self._feed.columns)
        rows = Rows(self._feed, calls.objects(self._fed), hints)
        reasons: list[NotEqual] = []
        for domain in proving.domains(asked, rows):
            call = calls.call_of(proto, way, self._feed, wanted, domain, self._threads)
            try:
                proving.prove(call, asked, calls.objects(self._fed), rows, domain)
                _require_quicker(call, asked, proving.cut(calls.objects(self._fed), 0))
                argument = _only_argument(self._model.signature(name))
                return Engine("onnx", argument, self._feed.form, call)
            except NotEqual as error:
                reasons.append(error)
        raise reasons[0]


def _require_quicker(call: Callable[[Any], Any], asked: Asked, row: Any) -> None:
    """`UnsupportedType` where the model itself is quicker with a row."""
    ours, theirs = _seconds(call, row), _seconds(asked, row)
    if ours > theirs:
        raise NotEqual(
            f"its graph needs {ours * 1000:.2g} ms for a row, the model {theirs * 1000:.2g}"
        )


def _seconds(call: Callable[[Any], Any], row: Any) -> float:
    best = float("inf")
    for _ in range(7):
        started = time.perf_counter()
        call(row)
        best = min(best, time.perf_counter() - started)
    return best


def _way(wanted: Any, outputs: dict[str, Any]) -> Way | None:
    return converting.way(wanted, outputs, SHAPES)


def _only_argument(signature: Any) -> str:
    names = required_arguments(signature)
    if len(names) != 1:
        raise UnsupportedType(f"it takes {len(names)} arguments")
    return names[0]


def _line(error: Exception) -> str:
    text = error.message if isinstance(error, ModelyardError) else str(error)
    return (text.strip() or type(error).__name__).splitlines()[0][:200]
