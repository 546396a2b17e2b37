"""``modelyard apply``: a model on data."""

from __future__ import annotations

import sys
from typing import Any

import click

from modelyard.cli.options import (
    argument_option,
    check_env_option,
    method_options,
    project_option,
    ref_argument,
    rev_option,
    trust_option,
)
from modelyard.cli.output import emit_result, say
from modelyard.cli.progress import Progress


@click.command(name="apply")
@ref_argument()
@click.argument("data", nargs=-1, required=True)
@click.option("-m", "--method", help="Method to call; the default one when left out.")
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
    help="Stream the data in pieces of so many rows.",
)
@argument_option
@click.option("--engine", type=click.Choice(["local"]), default="local", hidden=True)
@click.option(
    "--compile",
    type=click.Choice(["auto", "off"]),
    default="off",
    show_default=True,
    help="Compile the model to a graph that is proven to answer alike.",
)
@trust_option
@check_env_option
@click.option("--data-project", metavar="FOLDER|URL", help="Project that DATA is in.")
@click.option("--data-rev", metavar="REV", help="Git revision of that project.")
@click.option("--json", "as_json", is_flag=True, help="Print texts and files as JSON, too.")
@project_option
@rev_option
def command(
    ref: str,
    data: tuple[str, ...],
    output: str | None,
    arguments: tuple[str, ...],
    as_json: bool,
    **options: Any,
) -> None:
    """Apply a model to data: csv, tsv, json, jsonl, parquet, arrow, feather, xlsx, npz, npy, a saved data object, a
    data set, or - for standard input.

    Columns are matched by name. A model that takes a file, bytes or an image gets a path, a pattern such as '*.wav' or
    a URL; one that takes a text gets the word itself, or what is in a .txt or .md file. Prints the result as JSON, one
    array, and a text as it is; or writes it with -o.

    \b
    Examples:
      modelyard apply models/churn new.csv
      modelyard apply models/churn new.parquet -m predict_proba -o scores.csv
      modelyard apply churn@champion large.csv -b 100000 -o answers.parquet
      modelyard apply models/churn - < new.csv
      modelyard apply dog-bark-translator short-dog-phrase.wav
      modelyard apply models/thumbnail photos/*.jpg -o thumbnails/
    """
    from modelyard.yard.verbs import apply

    with Progress(shown=output is not None and sys.stderr.isatty()) as progress:
        result = apply(
            ref,
            data[0] if len(data) == 1 else list(data),
            output=output,
            progress=progress,
            options=method_options(arguments),
            **options,
        )
    if output is not None:
        say(f"wrote {output}")
    else:
        emit_result(result, as_json)
