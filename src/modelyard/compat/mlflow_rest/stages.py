"""MLflow's four stages and ours. What ``registry.stages`` in the settings calls by one of MLflow's names goes by that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modelyard.compat.mlflow_rest.errors import INVALID, Refusal, refused
from modelyard.registry import queries
from modelyard.registry.interface import ModelState, Version

NONE, STAGING, PRODUCTION, ARCHIVED = "None", "Staging", "Production", "Archived"
ALL = (NONE, STAGING, PRODUCTION, ARCHIVED)
ACTIVE = (STAGING, PRODUCTION)


class Stages:
    """Names of stages both ways: ``names`` maps ours to theirs, as ``{"prod": "Production"}``."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._theirs = {ours: self._canonical(theirs) or theirs for ours, theirs in names.items()}
        self._ours = {theirs: ours for ours, theirs in self._theirs.items()}

    @staticmethod
    def _canonical(word: str) -> str | None:
        return next((stage for stage in ALL if stage.lower() == word.lower()), None)

    def ours(self, word: str, state: ModelState | None = None) -> str | None:
        """The stage that a client means; None is no stage. Besides MLflow's four those that are named in the settings
        or in use on this model."""
        found = self._canonical(word)
        if found is not None:
            return None if found == NONE else self._ours.get(found, found)
        if word in self._ours or word in self._theirs:
            return self._ours.get(word, word)
        if state is not None and any(a.stage == word for a in state.assignments):
            return word
        raise refused("stage", word, ", ".join(ALL), code=INVALID)

    def shown(self, state: ModelState, version: Version) -> str:
        """The stage a version is in, as clients call it: the one it was put into last."""
        stages = queries.stages_of(state, version.label)
        return self._theirs.get(stages[-1], stages[-1]) if stages else NONE

    def latest(self, state: ModelState, wanted: Sequence[str] = ()) -> list[Version]:
        """The highest version in each of some stages, or in every one."""
        words = {self._word(word, state) for word in wanted}
        groups: dict[str, list[Version]] = {}
        for version in queries.active(state):
            groups.setdefault(self.shown(state, version), []).append(version)
        chosen = [v for stage, v in groups.items() if not words or stage in words]
        return [found for group in chosen if (found := queries.highest(group)) is not None]

    def _word(self, word: str, state: ModelState) -> str:
        stage = self.ours(word, state)
        return NONE if stage is None else self._theirs.get(stage, stage)

    def archive_of(self, word: str, archive: bool) -> str | None:
        """Where the others in a stage go; None when they stay."""
        if not archive:
            return None
        if self._canonical(word) not in ACTIVE:
            raise Refusal(
                "Model version transition cannot archive existing model versions because "
                f"'{word}' is not an Active stage. Valid stages are {list(ACTIVE)}"
            )
        return self._ours.get(ARCHIVED, ARCHIVED)
