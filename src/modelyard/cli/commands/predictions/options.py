"""Options that say which predictions are meant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


def which_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """``--model --since --until --reference-id --request-id``."""
    for option in (
        click.option("--request-id", help="Of this request."),
        click.option("--reference-id", help="With this reference."),
        click.option("--until", metavar="TIME", help="Before this moment (RFC 3339)."),
        click.option("--since", metavar="TIME", help="From this moment on (RFC 3339)."),
        click.option("--model", metavar="NAME[@V]", help="Of this model or version."),
    ):
        function = option(function)
    return function
