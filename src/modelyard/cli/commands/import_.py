"""``modelyard import``: what another tool saved becomes an object with a card."""

from __future__ import annotations

from pathlib import Path

import click

from modelyard.cli.options import json_option, trust_option
from modelyard.cli.output import emit, say


@click.command(name="import")
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("target", required=False)
@click.option(
    "--type", "kind", help="What the file is, where its name does not tell: onnx, lightgbm, csv …"
)
@click.option(
    "--sample", help="Data to try the model on: a file, a saved data object or a data set."
)
@trust_option
@json_option
def command(
    source: Path,
    target: str | None,
    kind: str | None,
    sample: str | None,
    trust: str | None,
    as_json: bool,
) -> None:
    """Make an object of a file that another tool saved.

    A pickle, a joblib or ONNX file, a booster, a folder of another product, a file of data: a card is written beside it,
    or beside the copy at TARGET. Nothing is loaded. With --sample the model is loaded, tried on the data and saved
    anew in its safest format, so that it can be served; one that runs code when loaded must be trusted first.

    \b
    Examples:
      modelyard import model.joblib
      modelyard import model.onnx models/churn
      modelyard import model.pkl models/churn --sample rows.csv
      modelyard import weights.dat models/booster --type lightgbm
    """
    from modelyard.cli.reports import card_report
    from modelyard.objects.card_file import card_to_dict
    from modelyard.yard.resolving import resolve
    from modelyard.yard.verbs import import_object

    card = import_object(source, target, type=kind, sample_data=sample, trust=trust)
    say(f"wrote {card.path}")
    imported = resolve(Path(card.path))
    facts = {**card_to_dict(imported.card), "digest": imported.card.digest}
    emit(facts, as_json, lambda: card_report(imported))
