"""What an engine is: a quicker way to call one method, proven to give the answers of the method itself.

A method takes the tables of some library, since that is what it was fitted on; building one for a single row often costs more
than the prediction. An engine takes bare numpy arrays instead, made straight from what a client sent:

* `array`: the model's own method, called on the matrix instead of the table, when its answers are the same to the last bit;
* `onnx`: the method as a graph of ONNX, for who asks for it.

How to add one: write ``engines/<name>.py`` with a function that takes a `Model` and the name of a method and gives an
`Engine`, or None (a reason, where somebody asked for it), and that **proves** on data that answers agree before it does.
An engine may raise whatever it likes: its caller then takes the method itself, which knows how to say what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class Form(Protocol):
    """How an engine wants the argument that holds records."""

    def decode(self, data: Any, where: str = "") -> Any:
        """From parsed JSON, in all forms that the argument's own type takes, and with the same errors."""
        ...

    def fit(self, value: Any) -> Any:
        """From a native value that the argument's own type has checked."""
        ...

    def join(self, parts: Sequence[Any]) -> Any:
        """Several values one after the other."""
        ...

    def rows(self, value: Any) -> int:
        """How many records a value holds."""
        ...


@dataclass(frozen=True, slots=True)
class Engine:
    """One method, callable on what its form makes. The answer is a native value like the method's own."""

    name: str
    """``array``, ``onnx`` …"""
    argument: str
    """The only argument that it takes: the one that holds records."""
    form: Form
    call: Callable[[Any], Any]
