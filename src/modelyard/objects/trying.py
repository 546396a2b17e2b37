"""A model tried on the sample of its card: whether it loads here, answers, and answers what its schema says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelyard.base.errors import CheckFailed, ModelyardError
from modelyard.objects.model import Model
from modelyard.objects.sampling import required_arguments, sample_arguments


def tried(model: Model) -> Mapping[str, str]:
    """Each method that the sample has arguments for, and what it answered, in a few words.

    `CheckFailed` when one raises or answers what its schema refuses, and when there is nothing to try.
    """
    sample = sample_arguments(model.card.sample, model.signature())
    answers: dict[str, str] = {}
    for method in model.methods:
        signature = model.signature(method)
        if set(required_arguments(signature)) - set(sample):
            continue
        try:
            given = {
                name: signature.args[name].type.decode(value, name)
                for name, value in sample.items()
                if name in signature.args
            }
            answer = model.call(method, **given)
            if signature.returns is not None:
                signature.returns.check(answer, f"{method}()")
        except ModelyardError as error:
            raise CheckFailed(
                f"{method} of {model.name} fails on its sample: {error.message}", hint=error.hint
            ) from error
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            raise CheckFailed(f"{method} of {model.name} fails on its sample: {what}") from error
        answers[method] = _words(answer)
    if not answers:
        raise CheckFailed(
            f"{model.name} has no sample to be tried on",
            hint="save it with sample_data=",
        )
    return answers


def _words(answer: Any) -> str:
    shape = getattr(answer, "shape", None)
    if shape:
        return f"{type(answer).__name__} of {' x '.join(map(str, shape))}"
    text = repr(answer)
    return text if len(text) <= 60 else f"{text[:57]}…"
