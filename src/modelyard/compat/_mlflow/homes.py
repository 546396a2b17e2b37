"""Experiments of a source in a yard: found by name, or made under the same id where that is free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from modelyard.base.clock import to_rfc3339
from modelyard.base.errors import AlreadyExists, ModelyardError, NotFound
from modelyard.compat._mlflow.comparing import texts_differ
from modelyard.compat._mlflow.interface import MARK, Home
from modelyard.compat._mlflow.report import Report
from modelyard.tracking.interface import Experiment, Tracker

MOST_ID = 2**31
"""Ids from a file store have 18 digits: every experiment made after one of those would have more."""


@dataclass(slots=True)
class Homes:
    """Which experiment here is which over there."""

    tracker: Tracker
    report: Report
    numbers: dict[str, int] = field(default_factory=dict[str, int])
    """Id over there -> id here; one that was only looked for, and would be made, is -1."""
    _deleted: set[int] = field(default_factory=set[int])

    def settle(self, homes: Sequence[Home]) -> None:
        """Find or make all of them."""
        count = self.report.counts["experiments"]
        count.found = len(homes)
        for home in homes:
            try:
                self._settle(home)
            except ModelyardError as error:
                count.failed += 1
                self.report.failed(f"experiment {home.name!r}", error.message)

    def _settle(self, home: Home) -> None:
        count = self.report.counts["experiments"]
        there = self.found(home)
        if there is None:
            count.new += 1
            self.numbers[home.id] = -1 if self.report.dry_run else self._made(home).id
            return
        self.numbers[home.id] = there.id
        if there.deleted_ms is not None:
            self._deleted.add(there.id)
        changed = {k: v for k, v in home.tags.items() if there.tags.get(k) != v}
        back = there.deleted_ms is not None and not home.deleted
        count.changed += bool(changed or back)
        count.unchanged += not (changed or back)
        if self.report.dry_run:
            return
        if back:
            self.awake(there.id)
        if changed:
            self.tracker.update_experiment(there.id, tags=changed)

    def found(self, home: Home) -> Experiment | None:
        """The experiment here that is one over there."""
        try:
            return self.tracker.experiment(home.name)
        except NotFound:
            return None

    def _made(self, home: Home) -> Experiment:
        tags = {**home.tags, f"{MARK}created_at": to_rfc3339(home.created_ms)}
        number = int(home.id) if home.id.isdecimal() else 0
        if 0 < number < MOST_ID:
            try:
                return self.tracker.create_experiment(home.name, tags=tags, experiment_id=number)
            except AlreadyExists:
                pass  # another experiment has that id
        tags[f"{MARK}experiment_id"] = home.id
        self.report.note("an experiment has another id here; its former one is its tag migrated.experiment_id")  # fmt: skip
        return self.tracker.create_experiment(home.name, tags=tags)

    def awake(self, number: int) -> None:
        """An experiment that is deleted comes back, so that it can be written to."""
        if number in self._deleted:
            self.tracker.restore_experiment(number)
            self._deleted.discard(number)

    def put_to_rest(self, homes: Sequence[Home]) -> None:
        """What is deleted over there is deleted here."""
        for home in homes:
            number = self.numbers.get(home.id, 0)
            if home.deleted and number and number not in self._deleted:
                self.tracker.delete_experiment(number)
                self._deleted.add(number)


def home_differences(home: Home, there: Experiment) -> list[str]:
    """In words."""
    found = list(texts_differ("tag", home.tags, there.tags))
    if home.deleted != (there.deleted_ms is not None):
        found.append("it is not deleted" if home.deleted else "it is deleted")
    return found


def in_order(homes: Sequence[Home], wanted: Sequence[str]) -> list[Home]:
    """Those that were asked for by name or id, by id; all when none was."""
    known: Mapping[str, Home] = {key: home for home in homes for key in (home.id, home.name)}
    for name in wanted:
        if name not in known:
            raise NotFound(f"no experiment {name!r} over there", hint=", ".join(sorted(h.name for h in homes)[:10]))  # fmt: skip
    chosen = [home for home in homes if not wanted or {home.id, home.name} & set(wanted)]
    return sorted(chosen, key=lambda home: (len(home.id), home.id))
