"""Everything that MLflow kept, into a yard: the same again brings only what is new.

What was sent is counted in a spool of the source's own, in the transaction that keeps it: whoever is killed when, nothing is
there twice, and the next migration goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from modelyard.compat._mlflow.homes import Homes, in_order
from modelyard.compat._mlflow.interface import Home, Source
from modelyard.compat._mlflow.moving_runs import Moving
from modelyard.compat._mlflow.opening import open_source
from modelyard.compat._mlflow.registering import Registering
from modelyard.compat._mlflow.report import Report
from modelyard.compat._mlflow.verifying import Verifying
from modelyard.yard.yard import Yard


def migrate(
    uri: str,
    yard: Yard,
    *,
    experiments: Sequence[str] = (),
    artifacts: Sequence[str] = (),
    dry_run: bool = False,
    verify: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> Report:
    """Copy experiments (all, or those named), and with all of them the registry.

    ``artifacts`` are roots below which files may be opened, besides the source's own; ``verify`` compares both sides
    afterwards (with ``dry_run`` it compares, and copies nothing).
    """
    source = open_source(uri, artifacts)
    try:
        report = Report(source.shown, yard.label, dry_run, progress=progress)
        homes = in_order(source.homes(), experiments)
        places = Homes(yard.tracker, report)
        if dry_run and verify:
            seen: set[str] = set()
        else:
            seen = _move(source, yard, report, homes, places, registry=not experiments)
        for line in source.left_out():
            report.note(line)
        if experiments:
            report.note("registered models are copied with all experiments only")
        if verify:
            report.progress("comparing")
            seen = seen or _ids(source, homes)
            comparing = Verifying(source, yard, places, seen, report.note)
            report.differences = list(comparing.differences(homes, registry=not experiments))
        return report
    finally:
        source.close()


def _move(source: Source, yard: Yard, report: Report, homes: Sequence[Home], places: Homes, *, registry: bool) -> set[str]:  # fmt: skip
    places.settle(homes)
    moving = Moving(source, yard, places, report)
    try:
        for home in homes:
            moving.runs(home)
        for home in homes:
            moving.models(home)
        if not report.dry_run:
            moving.finish()
    finally:
        moving.close()
    if registry:
        registering = Registering(source, yard, report)
        try:
            registering.models()
        finally:
            registering.close()
    if not report.dry_run:
        places.put_to_rest(homes)
    return moving.seen


def _ids(source: Source, homes: Sequence[Home]) -> set[str]:
    from modelyard.compat._mlflow.interface import run_id_of

    return {run_id_of(f.run.run_id) for home in homes for page in source.runs(home) for f in page}
