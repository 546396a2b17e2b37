"""One version of a registered model: what it is, and its methods, ready to be called and logged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

from modelyard.base.clock import to_rfc3339
from modelyard.objects.card import Card
from modelyard.objects.load import load_model
from modelyard.objects.model import Model
from modelyard.objects.source import Source
from modelyard.predictions.interface import PredictionLog
from modelyard.registry import queries
from modelyard.registry.interface import ModelState, Version
from modelyard.yard.calling import predict_and_log

if TYPE_CHECKING:
    from modelyard.yard.datasets import Dataset
    from modelyard.yard.yard import Yard


class RegisteredVersion:
    """A version as it was when it was asked for, of whatever registry; its model is loaded on first use."""

    def __init__(self, state: ModelState, version: Version) -> None:
        self._state, self.record = state, version

    @property
    def name(self) -> str:
        return self.record.name

    @property
    def version(self) -> int | str:
        """As the registry counts: 3 in a yard, ``v1.2.0`` in Git."""
        return self.record.label if self.record.number is None else self.record.number

    @property
    def ref(self) -> str:
        """``name@version``."""
        return f"{self.name}@{self.record.label}"

    @property
    def digest(self) -> str:
        return f"sha256:{self.record.digest}"

    @property
    def semver(self) -> str | None:
        return self.record.semver

    @property
    def commit(self) -> str | None:
        """The Git commit that the version is, where it is one."""
        return self.record.commit or None

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """What is known of it beside its files: flavor, format, metrics …"""
        return self.record.facts

    @property
    def description(self) -> str:
        return str(self.facts.get("description", ""))

    @property
    def metrics(self) -> Mapping[str, float]:
        kept = self.facts.get("metrics", {})
        return {name: float(value) for name, value in kept.items()}  # "NaN" is a text there

    @property
    def stages(self) -> Sequence[str]:
        """Stages this version holds."""
        held = queries.held(self._state)
        return [stage for stage, a in held.items() if a.version == self.record.label]

    @property
    def aliases(self) -> Sequence[str]:
        return [alias for alias, to in self._state.aliases.items() if to == self.record.label]

    @cached_property
    def card(self) -> Card:
        """The card, without the model."""
        return self.source.card

    @property
    def source(self) -> Source:
        """What `load` and `serve` take."""
        raise NotImplementedError

    @cached_property
    def model(self) -> Model:
        """The loaded model with its card."""
        return load_model(self.source)

    def load(self, *, trust: str | None = None) -> Any:
        """The object itself, with the methods it had when it was saved."""
        return load_model(self.source, trust=trust).object if trust else self.model.object

    def predict(
        self,
        data: Any,
        *,
        log: bool = False,
        reference_id: str | None = None,
        method: str | None = None,
    ) -> list[dict[str, Any]]:
        """Predict for records (a list of dicts) or a DataFrame; one result a record.

        ``[{"reference_id": …, "results": {class: probability}}]`` from a classifier, a number in ``results`` from a
        regressor. A field ``reference_id`` of a record is not a feature: it comes back with its result. With ``log``
        every record is kept in the yard, linked to this version and its data set.
        """
        return predict_and_log(
            self.model,
            data,
            log=self._log() if log else None,
            reference_id=reference_id,
            method=method,
        )

    def _log(self) -> PredictionLog:
        raise NotImplementedError

    def __repr__(self) -> str:
        stages = "".join(f" #{s}" for s in self.stages)
        return f"{type(self).__name__}({self.ref!r}{stages})"

    def _repr_html_(self) -> str:
        rows = {
            "version": self.ref,
            "description": self.description,
            "flavor": self.facts.get("flavor"),
            "format": f"{self.facts.get('format')} (tier {self.facts.get('tier')})",
            "stages": ", ".join(self.stages),
            "aliases": ", ".join(self.aliases),
            "metrics": ", ".join(f"{k} {v:.4g}" for k, v in self.metrics.items()),
            "dataset": self.facts.get("dataset"),
            "target": self.facts.get("target"),
            "registered": f"{to_rfc3339(self.record.at_ms)} by {self.record.actor}",
            "commit": self.commit,
            "digest": self.digest,
        }
        cells = "".join(
            f"<tr><th style='text-align:left'>{escape(k)}</th><td>{escape(str(v))}</td></tr>"
            for k, v in rows.items()
            if v
        )
        return f"<table>{cells}</table>"


class ModelVersion(RegisteredVersion):
    """A version in a yard."""

    def __init__(self, yard: Yard, row_id: int, state: ModelState, version: Version) -> None:
        super().__init__(state, version)
        self.yard = yard
        self.id = row_id

    @property
    def version(self) -> int:
        """The number; a yard counts 1, 2, 3."""
        assert self.record.number is not None
        return self.record.number

    @property
    def target(self) -> str | None:
        """The column it was trained to tell."""
        return self.record.facts.get("target")

    @property
    def dataset(self) -> Dataset | None:
        """The data set it was trained on, when that was said."""
        ref = self.record.facts.get("dataset")
        return None if ref is None else self.yard.datasets.get(str(ref))

    @cached_property
    def card(self) -> Card:
        """The card, without the model."""
        return self.yard.models.card_of(self.record)

    @property
    def source(self) -> Source:
        """What `load` and `serve` take. Of a version mirrored from Git without its files, what stands at its commit."""
        elsewhere = self.record.facts.get("elsewhere")
        if elsewhere is not None and str(elsewhere).startswith("git+"):
            from modelyard.yard.resolving import resolve

            found = resolve(str(elsewhere))
            return replace(found, name=self.name, version=self.record.label, ref=self.ref)
        return Source(
            card=self.card,
            files=self.yard.models.files_of(self.card, self.ref),
            name=self.name,
            version=self.record.label,
            trusted=self.yard.trusted and bool(self.record.facts.get("vouched", True)),
            provenance={
                "model_version_id": self.id,
                "dataset_id": self.record.facts.get("dataset_id"),
                **{k: v for k, v in self.record.facts.items() if k == "origin"},
            },
            ref=self.ref,
        )

    def _log(self) -> PredictionLog:
        return self.yard.predictions.log
