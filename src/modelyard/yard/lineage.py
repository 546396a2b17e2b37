"""Where a version comes from and where it went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelyard.base.clock import to_rfc3339
from modelyard.base.errors import NotFound
from modelyard.predictions.interface import PredictionQuery
from modelyard.yard.summary import shown

if TYPE_CHECKING:
    from modelyard.yard.versions import ModelVersion
    from modelyard.yard.yard import Yard


def lineage(yard: Yard, version: ModelVersion) -> dict[str, Any]:
    """Data set -> run -> version -> stages, aliases -> predictions; what is not known is None or empty."""
    facts = version.record.facts
    predictions = yard.predictions.log.count(PredictionQuery(model=version.ref))
    return {
        "dataset": _dataset(version),
        "run": _run(yard, facts.get("run")),
        "version": {
            "name": version.name,
            "version": shown(version.record.label),
            "digest": version.digest,
            "registered_at": to_rfc3339(version.record.at_ms),
            "by": version.record.actor,
        },
        "stages": list(version.stages),
        "aliases": list(version.aliases),
        "predictions": predictions,
    }


def _dataset(version: ModelVersion) -> dict[str, Any] | None:
    found = version.dataset
    return None if found is None else {"ref": found.ref, "target": version.target}


def _run(yard: Yard, run_id: str | None) -> dict[str, Any] | None:
    """The run that made it; one that was purged meanwhile is only its id."""
    if not run_id:
        return None
    try:
        run = yard.tracker.run(run_id)
    except NotFound:
        return {"run_id": run_id}
    return {
        "run_id": run_id,
        "name": run.name,
        "experiment": yard.tracker.experiment(run.experiment_id).name,
        "status": run.status.value,
        "inputs": [f"{i.name}@{i.digest}" for i in run.inputs],
    }
