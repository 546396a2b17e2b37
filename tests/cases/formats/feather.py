"""Feather, through pyarrow."""

from __future__ import annotations

from cases.formats import arrow
from modelyard.objects.formats import feather
from modelyard.testing.formats import Case


def case() -> Case:
    return arrow.case(feather)
