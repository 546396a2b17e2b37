"""Models of a yard: registered with their files, found by reference, promoted, called, logged."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from modelyard.base.errors import InvalidInput, ModelyardError, NotFound, NotSupported, did_you_mean
from modelyard.base.names import Part
from modelyard.base.refs import BareRef, LoggedModelRef, NameRef, RunRef, parse
from modelyard.objects.card import Card
from modelyard.objects.card_file import SUFFIX
from modelyard.objects.importers import open_path, openable
from modelyard.objects.save import save
from modelyard.objects.source import Source
from modelyard.registry import queries, verbs
from modelyard.registry.interface import ModelState, Version
from modelyard.registry.sql import SqlRegistry, version_of_row, version_row_id, version_row_ids
from modelyard.stores.references import refer, release
from modelyard.yard.datasets import Dataset
from modelyard.yard.facts import card_facts
from modelyard.yard.frames import listing
from modelyard.yard.keeping import (
    Kept,
    keep,
    keep_card,
    kept_card,
    kept_files,
    missing_files,
    saved_for_yard,
)
from modelyard.yard.lineage import lineage
from modelyard.yard.naming import label_of
from modelyard.yard.origins import committed
from modelyard.yard.registered import Registered
from modelyard.yard.rows import version_rows
from modelyard.yard.training import check_target, features_of
from modelyard.yard.versions import ModelVersion

if TYPE_CHECKING:
    import pandas

    from modelyard.registry.rules import Rules
    from modelyard.yard.yard import Yard

COLUMNS = (
    "id", "name", "version", "dataset_registry_id", "estimator_class", "estimator_type", "description",
    "created_at",
)  # fmt: skip
"""Of listings, in this order (mlops-lite's); more follow."""


class Models(Registered[ModelVersion]):
    """``yard.models``."""

    registry: SqlRegistry

    def __init__(self, yard: Yard) -> None:
        self.yard = yard
        self.registry = SqlRegistry(yard.database)  # type: ignore[assignment]  # a wider one

    @property
    def label(self) -> str:
        """Of the yard."""
        return self.yard.label

    # Registering

    def add(
        self,
        model: Any,
        name: str,
        *,
        dataset: Dataset | str | None = None,
        target: str | None = None,
        run: str | None = None,
        description: str = "",
        semver: str | None = None,
        bump: Part | None = None,
        comment: str = "",
        sample_data: Any = None,
        **save_options: Any,
    ) -> ModelVersion:
        """Register a live model, or one saved at a path, as the next version of ``name``; no run is needed.

        Equal content is the version it was already. ``dataset`` (a `Dataset` or ``"iris@1"``) and ``target`` record
        what it was trained on; without ``sample_data`` the schema is learned from that data set.
        ``save_options`` are those of `modelyard.save`.
        """
        trained_on = self._dataset(dataset)
        check_target(trained_on, target)
        with self._opened(
            model, trained_on, target, sample_data, description, save_options
        ) as source:
            if source.card.kind != "model":
                raise InvalidInput(f"{source.ref or name} is {source.card.kind}, not a model")
            kept = self._keep(source)
        return self.register_kept(
            kept,
            name,
            **self._origin(source),
            dataset=trained_on,
            target=target,
            run=run,
            description=description,
            semver=semver,
            bump=bump,
            comment=comment,
        )

    def _keep(self, source: Source) -> Kept:
        return keep(self.yard.stores, source)

    def _origin(self, source: Source) -> dict[str, Any]:
        """Of what came out of a repository: the commit, and all that is known of the place."""
        known = source.provenance.get("origin") or source.provenance
        known = known or (committed(Path(source.ref)) if source.ref else None) or {}
        if not known.get("git"):
            return {}
        return {"commit": known["git"]["commit"], "facts": {"origin": dict(known)}}

    def _dataset(self, dataset: Dataset | str | None) -> Dataset | None:
        if dataset is None or isinstance(dataset, Dataset):
            return dataset
        return self.yard.datasets.get(dataset)

    def _opened(
        self,
        model: Any,
        dataset: Dataset | None,
        target: str | None,
        sample: Any,
        description: str,
        options: Mapping[str, Any],
    ) -> Any:
        if isinstance(model, Source):
            return nullcontext(model)
        if isinstance(model, str | Path):
            if sample is not None or options:
                given = ", ".join(["sample_data"] * (sample is not None) + list(options))
                raise InvalidInput(f"{model} is saved already: {given} is for live objects")
            return nullcontext(self.saved(model))
        if sample is None and dataset is not None:
            sample = features_of(dataset.data, target, model)
        options = {"description": description, **options}
        return saved_for_yard(lambda path: save(model, path, sample_data=sample, **options))

    def saved(self, ref: str | Path) -> Source:
        """What a path or the name of a registered model stands for."""
        path = Path(str(ref).removesuffix(SUFFIX)).expanduser()
        if isinstance(ref, Path) or openable(path):
            return open_path(path)
        found = parse(ref)
        if isinstance(found, BareRef):
            found = NameRef(found.text)
        if isinstance(found, NameRef) and found.name in self.names():
            return self.source(found)
        if isinstance(found, LoggedModelRef | RunRef):
            from modelyard.yard.logged_models import logged_source

            return logged_source(self.yard, found)
        raise NotFound(
            f"no saved model at {path} and no registered model {ref!r}",
            hint=did_you_mean(str(ref), self.names()),
        )

    def register_kept(
        self,
        kept: Kept,
        name: str,
        *,
        dataset: Dataset | None = None,
        target: str | None = None,
        run: str | None = None,
        description: str = "",
        semver: str | None = None,
        bump: Part | None = None,
        comment: str = "",
        commit: str = "",
        vouched: bool = True,
        facts: Mapping[str, Any] | None = None,
        reuse: bool = True,
    ) -> ModelVersion:
        """Register an object whose bytes are in the yard. ``vouched=False`` for what came out of somebody else's file: being
        here is then no reason to run its code. ``facts`` are more to remember; without ``reuse`` equal content counts."""
        card = kept.card
        known: dict[str, Any] = {
            **(facts or {}),
            **card_facts(card),
            "card": kept.card_sha256,
            "description": description or card.description,
            "dataset": dataset.ref if dataset else None,
            "dataset_id": dataset.id if dataset else None,
            "target": target,
            "run": run or (facts or {}).get("run"),
            "vouched": None if vouched else False,
        }
        # Referred to before it is registered: a blob without a version is a leak, the other way round a loss.
        self.refer(kept)
        version = verbs.register(
            self.registry,
            name,
            digest=card.digest.removeprefix("sha256:"),
            commit=commit,
            facts={k: v for k, v in known.items() if v not in (None, "", [], {})},
            semver=semver,
            bump=bump,
            reuse=reuse,
            comment=comment,
        )
        self.yard.database.checkpoint()
        return self._version(self.registry.state(version.name), version)

    def refer(self, kept: Kept) -> None:
        """Keep what an object needs from being collected."""
        owner = f"model:{kept.card.digest}"

        def change(connection: Connection) -> None:
            refer(connection, owner, kept.digests)
            release(connection, kept.pin)

        self.yard.database.transact(change)

    # Finding

    def get(self, ref: str | int | NameRef) -> ModelVersion:
        """By ``churn``, ``churn@3``, ``churn@champion``, ``churn#prod``, ``models:/churn/3`` — or by row id."""
        if isinstance(ref, int):
            return self._by_id(ref)
        return super().get(ref)

    def _by_id(self, row_id: int) -> ModelVersion:
        name, label = version_of_row(self.yard.database, row_id)
        state = self.registry.state(name)
        return self._version(state, state.versions[label])

    def row_id(self, version: Version) -> int:
        """The number of a version's row: what predictions link to."""
        return version_row_id(self.yard.database, version.name, version.label)

    def _version(self, state: ModelState, version: Version) -> ModelVersion:
        return ModelVersion(self.yard, self.row_id(version), state, version)

    def _row_ids(self, name: str | None = None) -> Mapping[tuple[str, str], int]:
        return version_row_ids(self.yard.database, name)

    def card_of(self, version: Version) -> Card:
        """The card kept with a version. `NotSupported` for files that are no model we read."""
        if "card" not in version.facts:
            what = f"{version.name}@{version.label} has no card: its files are no model that is read here"
            raise NotSupported(what, hint=version.facts.get("note"))
        return kept_card(self.yard.stores, version.facts["card"], f"{version.name}@{version.label}")

    @property
    def rules(self) -> Rules:
        """The promotion rules of the yard's project; behind a hub they are the hub's own."""
        from modelyard.registry.rule_settings import rules_of

        return rules_of(self.yard.config)

    def files_of(self, card: Card, label: str) -> Any:
        """The verified files of a kept card; ``label`` is ``name@version``."""
        return kept_files(self.yard.stores, card, label)

    def list(self, *, records: bool = False) -> pandas.DataFrame | list[dict[str, Any]]:
        """All active versions of all models, in order of registration."""
        found = [(s, v) for s in self.registry.states() for v in queries.active(s)]
        rows = version_rows(found, self._row_ids())
        return listing(sorted(rows, key=lambda row: row["id"]), COLUMNS, records=records)

    def versions(
        self, name: str, *, records: bool = False
    ) -> pandas.DataFrame | list[dict[str, Any]]:
        """The versions of one model, oldest first; deregistered ones say so."""
        state = self.state(name)
        found = [(state, v) for v in state.versions.values()]
        ids = self._row_ids(state.name)
        rows = [
            {**row, "active": state.versions[str(row["version"])].active}
            for row in version_rows(found, ids)
        ]
        return listing(rows, COLUMNS, records=records)

    # Changing

    def comment(self, name: str, text: str, version: int | str | None = None) -> None:
        """Say something about a model, or about one of its versions: `history` shows it."""
        verbs.comment(self.registry, name, text, label_of(version))

    def lineage(self, ref: str | NameRef) -> dict[str, Any]:
        """Where a version comes from and where it went: data set, run, version, stages and aliases, predictions."""
        return lineage(self.yard, self.get(ref))

    def describe_version(self, version: Version, card: Card, **facts: Any) -> None:
        """Replace the card of a version (metrics were added, a description) without touching its files."""
        kept = keep_card(self.yard.stores, card)
        self.refer(kept)
        changes = {"card": kept.card_sha256, **facts}
        verbs.describe_version(self.registry, version.name, version.label, facts=changes)

    def problems(self) -> list[str]:
        """Versions whose card or files are missing, a line each."""
        found: list[str] = []
        for state in self.registry.states():
            for version in state.versions.values():
                found += self._missing(version)
        return found

    def _missing(self, version: Version) -> list[str]:
        label = f"{version.name}@{version.label}"
        if "card" not in version.facts or "elsewhere" in version.facts:
            return []  # its files are those of an overlay, which is looked at by itself
        try:
            card = self.card_of(version)
        except (ModelyardError, KeyError) as error:
            return [f"{label}: its card cannot be read: {error}"]
        return missing_files(self.yard.stores, card, label)
