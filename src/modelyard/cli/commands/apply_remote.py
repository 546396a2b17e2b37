"""``modelyard apply-remote``: a served model on data."""

from __future__ import annotations

import sys

import click

from modelyard.base.secrets import read_secret
from modelyard.cli.options import argument_option, method_options
from modelyard.cli.output import emit_result, say
from modelyard.cli.progress import Progress


@click.command(name="apply-remote")
@click.argument("url")
@click.argument("data", nargs=-1, required=True)
@click.option("-m", "--method", help="Method to call; the default one when left out.")
@click.option("--model", metavar="NAME", help="Which model, when several are served.")
@click.option(
    "-o",
    "--output",
    type=click.Path(),
    help="Write there, in the format of the suffix; files into a folder/.",
)
@click.option(
    "-b",
    "--batch-rows",
    type=click.IntRange(min=1),
    help="Send the data in requests of so many rows.",
)
@argument_option
@click.option("--timeout", type=float, default=60.0, show_default=True, help="Seconds to wait for an answer.")  # fmt: skip
@click.option("--key", metavar="REF", help="API key or token, by reference: env:NAME or file:PATH.")
@click.option("--ca", metavar="FILE", help="Certificates to trust, besides the usual (PEM).")
@click.option("--json", "as_json", is_flag=True, help="Print texts and files as JSON, too.")
def command(
    url: str,
    data: tuple[str, ...],
    method: str | None,
    model: str | None,
    output: str | None,
    batch_rows: int | None,
    arguments: tuple[str, ...],
    timeout: float,
    key: str | None,
    ca: str | None,
    as_json: bool,
) -> None:
    """Apply a served model to data: what apply does, with the model behind a URL.

    DATA is read and checked here, by what the server says of its model. Exit code 7 when nobody answers.

    \b
    Examples:
      modelyard apply-remote http://127.0.0.1:8080 new.csv
      modelyard apply-remote http://127.0.0.1:8080 new.csv -m predict_proba -o scores.csv
      modelyard apply-remote http://127.0.0.1:8080 large.csv -b 1000 -o answers.csv
      modelyard apply-remote https://models.example new.csv --key env:SHOP_KEY
    """
    from modelyard.serving.client import Client
    from modelyard.serving.remote import as_model
    from modelyard.yard.verbs import apply

    with (
        Client(
            url, timeout=timeout, key=key and read_secret(key, "--key"), verify=ca or True
        ) as client,
        Progress(shown=output is not None and sys.stderr.isatty()) as progress,
    ):
        result = apply(
            as_model(client.model(model)),
            data[0] if len(data) == 1 else list(data),
            method=method,
            output=output,
            batch_rows=batch_rows,
            progress=progress,
            options=method_options(arguments),
        )
    if output is not None:
        say(f"wrote {output}")
    else:
        emit_result(result, as_json)
