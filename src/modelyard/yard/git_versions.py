"""One version of a model in a Git registry: a commit, and what stands there."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from modelyard.base.errors import ModelyardError
from modelyard.objects.source import Source
from modelyard.predictions.interface import PredictionLog
from modelyard.registry.interface import ModelState, Version
from modelyard.yard.facts import card_facts
from modelyard.yard.versions import RegisteredVersion

if TYPE_CHECKING:
    from modelyard.yard.git_registry import GitRegistry


class GitModelVersion(RegisteredVersion):
    """A version as it was when it was asked for; its card is read at its commit on first use."""

    def __init__(self, registry: GitRegistry, state: ModelState, version: Version) -> None:
        super().__init__(state, version)
        self.registry = registry

    @property
    def version(self) -> str:
        """The SemVer, with its ``v``."""
        return self.record.label

    @property
    def tag(self) -> str:
        """The Git tag that registered it."""
        return self.registry.tag_of(self.record)

    @property
    def digest(self) -> str:
        """As the tag or the card says; empty where nothing tells what the version is."""
        if self.record.digest:
            return f"sha256:{self.record.digest}"
        return self._readable.card.digest if self._readable else ""

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """What its card says, and what was noted in its tag."""
        said = card_facts(self._readable.card) if self._readable else {}
        return {**said, **self.record.facts}

    @cached_property
    def _readable(self) -> Source | None:
        """None for a version whose object cannot be read: it has its place in the registry all the same."""
        try:
            return self.source
        except ModelyardError:
            return None

    @property
    def source(self) -> Source:
        """What `load` and `serve` take."""
        return self.registry.source_of(self.record)

    def _log(self) -> PredictionLog:
        """A repository keeps no predictions: the project's yard does."""
        from modelyard.yard.yard import Yard

        return Yard(project=self.registry.folder).predictions.log
