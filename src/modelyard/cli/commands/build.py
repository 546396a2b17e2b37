"""``modelyard build``: a model as a package."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from modelyard.base.errors import InvalidInput
from modelyard.cli.options import method_options
from modelyard.cli.output import dry_run_option, emit, json_option, project_option, rev_option
from modelyard.shipping.build import build, plan_build


@click.command(name="build", context_settings={"ignore_unknown_options": True})
@click.argument("ref")
@click.argument("builder")
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "-o", "--output", "--target", type=click.Path(path_type=Path), help="File or folder to write."
)
@click.option("-c", "settings", multiple=True, metavar="KEY=VALUE", help="Option of the builder.")
@dry_run_option
@json_option
@project_option
@rev_option
def command(ref: str, builder: str, words: tuple[str, ...], output: Path | None, settings: tuple[str, ...],
            dry_run: bool, as_json: bool, project: str | None, rev: str | None) -> None:  # fmt: skip
    """Build a package of a model: wheel or requirements.

    An option of the builder is -c KEY=VALUE, or --KEY VALUE.

    \b
    Examples:
      modelyard build models/churn wheel -o dist --name churn-model
      modelyard build churn@3 requirements -o requirements.txt
    """
    options = {**method_options(settings), **free_options(words)}
    texts = {k: str(v) for k, v in options.items()}
    if dry_run:
        plan = plan_build(ref, builder, output=output, project=project, rev=rev, **texts)
        facts = {"builder": plan.builder, "target": str(plan.target), "steps": list(plan.steps)}
        emit(facts, as_json, lambda: "\n".join(["would:", *(f"  {step}" for step in plan.steps)]))
        return
    built = build(ref, builder, output=output, project=project, rev=rev, **texts)
    facts = {
        "builder": built.builder,
        "path": str(built.path),
        "digest": built.digest,
        **built.facts,
    }
    emit(facts, as_json, lambda: str(built.path))


def free_options(words: Sequence[str]) -> dict[str, str]:
    """``--key value`` and ``--key=value`` words that the command itself does not know."""
    found: dict[str, str] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--") or len(word) < 3:
            raise InvalidInput(
                f"unexpected word {word!r}", hint="options of the builder are --KEY VALUE"
            )
        key, equals, value = word[2:].partition("=")
        if not equals:
            if not rest:
                raise InvalidInput(f"--{key} needs a value")
            value = rest.pop(0)
        found[key.replace("-", "_")] = value
    return found
