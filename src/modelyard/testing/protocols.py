"""The contract of a serving protocol, as tests: whatever the wire, equal answers and equal refusals.

A test module subclasses `ProtocolContract` and gives the fixtures ``gate`` and ``case``: the models of
`testing.protocol_models` are served with `LIMITS`, and a `Case` speaks the protocol to them. What a protocol has no words for
is named in ``never`` with the reason, and its ``ask`` raises `Never` for it, which is checked too.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import pytest

from modelyard.objects.model import Model
from modelyard.serving.interface import Limits
from modelyard.testing.protocol_models import CUSTOMERS, FLOWERS, NUMBERS, SECRET, Gate, models

LIMITS = Limits(body_bytes=20_000, file_bytes=20_000, queued_rows=1)
"""A server of the suite takes little, so that a test can ask for too much."""


@dataclass(frozen=True)
class Question:
    """A call, with arguments as JSON has them: a table is a list of records."""

    model: str
    arguments: Mapping[str, Any]
    method: str = "predict"
    request_id: str = ""


@dataclass(frozen=True)
class Answered:
    """An answer, again as JSON has it."""

    value: Any
    identity: str
    request_id: str


@dataclass(frozen=True)
class Refused:
    """``kind`` is one word for all protocols: invalid, not_found, too_large, overloaded, failed."""

    kind: str
    message: str
    retry_after: float | None = None


class Never(Exception):
    """The protocol has no way to say this."""


@dataclass(frozen=True)
class Case:
    """A protocol that is spoken to a server of the suite's models."""

    ask: Callable[[Question], Answered | Refused] = field(repr=False)
    never: Mapping[str, str] = field(default_factory=dict[str, str])
    """Names of `ANSWERED`, `REFUSED` or `EXTRAS` that cannot be said, and why."""
    close_enough: float = 0.0
    """The relative error of numbers on the way; most protocols carry them exactly."""


KINDS: Mapping[int, str] = {
    400: "invalid", 415: "invalid", 422: "invalid", 404: "not_found", 413: "too_large", 429: "overloaded",
    500: "failed",
}  # fmt: skip
"""What the statuses of HTTP mean here."""

NAN = float("nan")

ANSWERED: Mapping[str, Question] = {
    "a table": Question("flowers", {"X": FLOWERS}),
    "one record": Question("flowers", {"X": FLOWERS[:1]}),
    "many records": Question("flowers", {"X": FLOWERS * 50}),
    "another method": Question("flowers", {"X": FLOWERS}, "predict_proba"),
    "columns in another order": Question(
        "flowers", {"X": [dict(reversed(f.items())) for f in FLOWERS]}
    ),
    "a table of many types": Question("customers", {"X": CUSTOMERS}),
    "missing values": Question("gaps", {"X": [{"length": None, "width": 0.5}, FLOWERS[0]]}),
    "only missing values": Question("gaps", {"X": [{"length": None, "width": None}]}),
    "an array": Question("numbers", {"X": NUMBERS}),
    "an array back": Question("numbers", {"X": NUMBERS}, "double"),
    "whole numbers": Question("counts", {"X": [0, -7, 2**53 + 1, 2**63 - 2]}),
    "texts": Question("texts", {"X": ["a", "", "Zürich 😀", "line\nbreak", '","']}),
    "several arguments": Question("scale", {"x": 1.5, "by": 4.0, "label": "é"}),
    "a default": Question("scale", {"x": 1.5}),
}

REFUSED: Mapping[str, tuple[Question, str, str]] = {
    "a wrong type": (Question("flowers", {"X": [{"length": "long", "width": 1.0}]}), "invalid", "length"),
    "a fraction for a whole number": (Question("counts", {"X": [1.5]}), "invalid", ""),
    "a text for a number": (Question("scale", {"x": "1.5"}), "invalid", "x"),
    "a number for a text": (Question("texts", {"X": [1, 2]}), "invalid", ""),
    "a missing column": (Question("flowers", {"X": [{"length": 1.0}]}), "invalid", "width"),
    "an extra column": (Question("flowers", {"X": [{**FLOWERS[0], "hue": 1.0}]}), "invalid", "hue"),
    "a missing argument": (Question("scale", {"by": 4.0}), "invalid", "x"),
    "an unknown argument": (Question("scale", {"x": 1.0, "bye": 4.0}), "invalid", "bye"),
    "another shape": (Question("numbers", {"X": [[1.0, 2.0]]}), "invalid", "3"),
    "no records": (Question("flowers", {"X": []}), "invalid", "at least one"),
    "an empty array": (Question("numbers", {"X": []}), "invalid", "at least one"),
    "a missing value": (Question("flowers", {"X": [{"length": None, "width": 1.0}]}), "invalid", "length"),
    "not a number": (Question("flowers", {"X": [{"length": NAN, "width": 1.0}]}), "invalid", ""),
    "too large": (Question("texts", {"X": ["x" * LIMITS.body_bytes]}), "too_large", str(LIMITS.body_bytes)),
    "an unknown model": (Question("flowrs", {"X": FLOWERS}), "not_found", "flowers"),
    "an unknown method": (Question("flowers", {"X": FLOWERS}, "predit"), "not_found", "predict"),
    "a model that raises": (Question("broken", {"x": 1.0}), "failed", "RuntimeError"),
}  # fmt: skip
"""Name -> what is asked, the kind of refusal, and a word that its message has."""

EXTRAS = ("request id", "retry after")
"""What else may be in ``never``."""


def expected(question: Question) -> Any:
    """What the model answers in this process, as JSON."""
    return _called(_own()[question.model], question)


@cache
def _own() -> Mapping[str, Model]:
    return {model.name: model for model in models(Gate())}


def _called(model: Model, question: Question) -> Any:
    signature = model.signature(question.method)
    native = {n: signature.args[n].type.decode(v, n) for n, v in question.arguments.items()}
    assert signature.returns is not None
    return signature.returns.encode(model.call(question.method, **native))


class ProtocolContract:
    """Every protocol passes these."""

    @pytest.fixture
    def gate(self) -> Gate:
        """The one that the served models were made with."""
        raise NotImplementedError

    @pytest.fixture
    def case(self) -> Case:
        """The protocol; a subclass gives it."""
        raise NotImplementedError

    @pytest.mark.parametrize("topic", ANSWERED)
    def test_it_answers_what_the_model_answers(self, case: Case, topic: str) -> None:
        said = _ask(case, topic, ANSWERED[topic])
        if said is None:
            return
        assert isinstance(said, Answered), said
        wanted = expected(ANSWERED[topic])
        if case.close_enough:
            assert said.value == pytest.approx(wanted, rel=case.close_enough)
        else:
            assert said.value == wanted
            assert repr(said.value) == repr(wanted), "whole numbers stay whole, and -0.0 is not 0.0"

    @pytest.mark.parametrize("topic", REFUSED)
    def test_it_refuses_what_the_model_does_not_take(self, case: Case, topic: str) -> None:
        question, kind, word = REFUSED[topic]
        said = _ask(case, topic, question)
        if said is None:
            return
        assert isinstance(said, Refused), said
        assert said.kind == kind, said
        assert word in said.message
        assert SECRET not in said.message

    def test_a_refusal_harms_nobody_else(self, case: Case) -> None:
        for name, (question, _, _) in REFUSED.items():
            if name not in case.never:
                assert isinstance(case.ask(question), Refused)
                said = case.ask(ANSWERED["a table"])
                assert isinstance(said, Answered)
                assert said.value == expected(ANSWERED["a table"])

    def test_an_answer_says_which_version_gave_it(self, case: Case) -> None:
        said = case.ask(ANSWERED["a table"])
        assert isinstance(said, Answered)
        assert said.identity == _own()["flowers"].identity

    def test_a_request_keeps_its_id(self, case: Case) -> None:
        question = replace(ANSWERED["a table"], request_id="my-id-17")
        said = _ask(case, "request id", question)
        if said is not None:
            assert isinstance(said, Answered)
            assert said.request_id == "my-id-17"
            one, other = (case.ask(ANSWERED["a table"]) for _ in range(2))
            assert isinstance(one, Answered)
            assert isinstance(other, Answered)
            assert one.request_id != other.request_id
            assert one.request_id

    def test_too_much_at_once_is_refused_and_what_was_taken_is_answered(
        self, case: Case, gate: Gate
    ) -> None:
        question = Question("busy", {"x": 1.5})
        answers: queue.SimpleQueue[Answered | Refused] = queue.SimpleQueue()
        askers = [
            threading.Thread(target=lambda: answers.put(case.ask(question))) for _ in range(3)
        ]
        askers[0].start()
        assert gate.entered.acquire(timeout=30), "the model was never called"
        for asker in askers[1:]:
            asker.start()
        # Of the two that come while it is busy one waits, and the other hears at once that it is too much.
        refused = answers.get(timeout=30)
        gate.leave.release(2)
        for asker in askers:
            asker.join(30)
        assert gate.entered.acquire(timeout=30), "what waited was never answered"
        assert isinstance(refused, Refused)
        assert refused.kind == "overloaded"
        if "retry after" not in case.never:
            assert refused.retry_after is not None
            assert refused.retry_after >= 1
        answered = [answers.get(timeout=30) for _ in range(2)]
        assert [a.value for a in answered if isinstance(a, Answered)] == [1.5, 1.5]

    def test_it_names_nothing_as_impossible_that_is_not_asked(self, case: Case) -> None:
        assert set(case.never) <= {*ANSWERED, *REFUSED, *EXTRAS}


def _ask(case: Case, name: str, question: Question) -> Answered | Refused | None:
    """What it says; None when it cannot be asked, which is tried."""
    if name not in case.never:
        return case.ask(question)
    if name != "retry after":
        with pytest.raises(Never):
            case.ask(question)
    return None
