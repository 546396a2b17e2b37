"""A server without the libraries of a format says which extra brings them."""

from __future__ import annotations

import asyncio
import sys

import pytest

from modelyard.base.errors import MissingExtra
from modelyard.serving.answers import Answers
from modelyard.serving.interface import Answer
from modelyard.serving.npy_wire import read_npy
from modelyard.serving.service import Service
from serving_cases.models import function_model


def twice(x: float) -> float:
    return 2 * x


@pytest.mark.parametrize("kind", ["application/vnd.apache.arrow.stream", "application/x-npy"])
def test_an_answer_whose_library_is_not_installed_names_the_extra(kind, monkeypatch) -> None:
    answers = Answers(Service([function_model("twice", 1.0, predict=twice)]).methods[0])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(MissingExtra, match="is not installed"):
        asyncio.run(answers.reply(kind.encode(), Answer(2.0, "", 0.0, ""), []))


def test_an_array_without_numpy_names_the_extra(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(MissingExtra, match="numpy is not installed"):
        read_npy(b"")
