"""A registry made of Git tags, the ones that GTO reads and writes.

Versions are SemVer, each a commit; stages and aliases are tags there. Nothing is kept beside the tags: the state is
one fold over one ``git for-each-ref``. Who acts is who Git says makes a tag.

>>> registry = GitRegistryBackend(".")  # doctest: +SKIP
>>> register(registry, "churn", commit=registry.commit_of("HEAD")).label  # doctest: +SKIP
'v0.0.1'
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from modelyard.base.clock import now_ms
from modelyard.base.errors import Conflict, NotFound
from modelyard.base.events import Draft, Event, Kind, caller
from modelyard.base.names import refuse_twin
from modelyard.base.notes import note
from modelyard.registry._git import remote as remotes
from modelyard.registry._git import writing
from modelyard.registry._git.checking import check_ref
from modelyard.registry._git.examining import Problem, examine
from modelyard.registry._git.history import to_events
from modelyard.registry._git.planning import Plan, plan
from modelyard.registry._git.reading import Skipped, Tag, Tags, read
from modelyard.registry._git.settings import Allowed, allowed
from modelyard.registry.decisions import subject
from modelyard.registry.fold import fold
from modelyard.registry.interface import Decision, ModelState, Versioning
from modelyard.registry.recording import events_of
from modelyard.stores.git.command import GitFailed, git_text

_NOTED = 3
"""How many tags that do not count are told of one by one."""

ATTEMPTS = 40
"""How often a write that somebody else was faster than is decided anew."""


class Mirror(Protocol):
    """A copy of a repository behind a URL: what `modelyard.stores.git.repository.open_repository` returns."""

    @property
    def git_dir(self) -> Path:
        """A bare repository whose remote ``origin`` is the URL."""
        ...

    def fetch_tags(self) -> None:
        """Bring its tags up to date."""
        ...


class GitRegistryBackend:
    """The tags of one repository. What looks like a registry's tag and does not count is passed over with a note."""

    versioning: Versioning = "semver"

    def __init__(
        self,
        repository: str | Path | Mirror = ".",
        *,
        push: bool | None = None,
        remote: str = "origin",
        identity: tuple[str, str] | None = None,
    ) -> None:
        """``repository`` is a folder in one, a bare one, or the mirror of a URL, to which every write goes at once.

        ``push`` sends the tags of each write to ``remote``, which must take them, or nothing is written. ``identity`` is
        a name and an address to act as; else it is Git's.
        """
        self._mirror = None if isinstance(repository, str | Path) else repository
        self.folder = Path(repository) if self._mirror is None else self._mirror.git_dir  # type: ignore[arg-type]
        self.push = self._mirror is not None if push is None else push
        self.remote = remote
        self._identity = writing.Identity(*identity) if identity else None
        self._told: set[str] = set()

    def state(self, name: str) -> ModelState:
        """The state of a name; one without tags does not exist."""
        return fold(self.events(name), name)

    def states(self) -> Iterator[ModelState]:
        """The states of all names that have tags, sorted."""
        return iter([fold(events, name) for name, events in sorted(self._by_name().items())])

    def names(self) -> Iterator[str]:
        """All names that have tags, sorted."""
        return iter(sorted(self._by_name()))

    def events(self, name: str | None = None, *, after: int = 0) -> Iterator[Event]:
        """What the tags say, in order: of all models or of one."""
        about = None if name is None else subject(name)
        found = self._events(self.tags())
        return (e for e in found if e.seq > after and about in (None, e.subject))

    def tags(self) -> Tags:
        """The tags as they are now, for those who look deeper than events."""
        try:
            return read(self.folder)
        except GitFailed as error:
            if "not a git repository" in error.stderr:
                raise NotFound(f"{self.folder} is in no Git repository", hint="git init") from error
            raise

    def skipped(self) -> list[Skipped]:
        """The tags that look like a registry's and do not count, and why."""
        tags = self.tags()
        return [*tags.skipped, *to_events(tags.tags)[1]]

    def check_ref(self, ref: str) -> dict[str, Any]:
        """What one tag says, under GTO's keys (`_git.checking`); an error where it says nothing."""
        return check_ref(self.tags(), ref)

    def examine(self) -> list[Problem]:
        """What in these tags breaks or misleads GTO, for ``modelyard doctor``."""
        return examine(self.tags())

    def allowed(self) -> Allowed:
        """What the repository's ``.gto`` file and the environment allow: stages, types."""
        return allowed(self.folder, self._top)

    @cached_property
    def _common(self) -> Path:
        """Where what all work trees share is."""
        return writing.git_folder(self.folder)

    @cached_property
    def _top(self) -> Path | None:
        """The root of the work tree; None of a bare repository."""
        try:
            return Path(git_text(self.folder, "rev-parse", "--show-toplevel"))
        except GitFailed:
            return None

    def commit_of(self, rev: str = "HEAD") -> str:
        """The full name of the commit that a revision means."""
        try:
            return git_text(self.folder, "rev-parse", "--verify", "--end-of-options", f"{rev}^{{commit}}")  # fmt: skip
        except GitFailed as error:
            raise NotFound(f"{rev!r} is no commit in {self.folder}") from error

    def fetch(self) -> None:
        """Bring the tags of the other side here."""
        if self._mirror is not None:
            self._mirror.fetch_tags()
        else:
            remotes.fetch_tags(self.folder, self.remote)

    def write(self, name: str, decide: Decision) -> Sequence[Event]:
        """Make tags of what is decided: all or none. Decided anew when somebody was faster, here or over there."""
        with writing.locked(self._common):
            for attempt in range(ATTEMPTS):
                if self.push:
                    self.fetch()
                try:
                    return self._write(name, decide)
                except writing.Lost:
                    time.sleep(random.uniform(0, min(0.02 * 2**attempt, 1.0)))
        raise Conflict(
            f"others were faster {ATTEMPTS} times in writing tags of {name!r}", hint="try again"
        )

    def _write(self, name: str, decide: Decision) -> Sequence[Event]:
        there = self.tags()
        before = self._events(there)
        about = subject(name)
        state = fold((e for e in before if e.subject == about), name)
        drafts = decide(state)
        events_of(state, drafts)  # refuses what no registry keeps
        if not drafts:
            return []
        self._check(state, drafts, before)
        planned = plan(there, state, drafts, int(time.time()))
        made = self._carry_out(there, planned)
        kept = [tag for tag in there.tags if tag.ref not in planned.gone]
        names = {tag.text for tag in made}
        after, _ = to_events([*kept, *made])
        new = [event for event in after if event.after["tag"] in names]
        return [*new, *_deletions(state, planned, new)]

    def _check(self, state: ModelState, drafts: Sequence[Draft], before: Sequence[Event]) -> None:
        for draft in drafts:
            if draft.kind in (Kind.STAGE_ASSIGNED, Kind.STAGE_UNASSIGNED):
                self.allowed().check_stage(draft.after["stage"])
        if not state.exists:
            for other in {event.subject.partition(":")[2] for event in before}:
                refuse_twin(state.name, other)

    def _carry_out(self, there: Tags, planned: Plan) -> list[Tag]:
        who = self._identity or writing.identity(self.folder)
        made = writing.make(self.folder, planned.new, who)
        gone = [(ref, there.refs[ref]) for ref in planned.gone]
        if self.push:
            remotes.push(self.folder, self.remote, made, planned.gone)
        writing.update(self.folder, made, gone)
        return made

    def _by_name(self) -> Mapping[str, Sequence[Event]]:
        found: defaultdict[str, list[Event]] = defaultdict(list)
        for event in self._events(self.tags()):
            found[event.subject.partition(":")[2]].append(event)
        return found

    def _events(self, tags: Tags) -> list[Event]:
        events, skipped = to_events(tags.tags)
        self._tell([*tags.skipped, *skipped])
        return events

    def _tell(self, skipped: Sequence[Skipped]) -> None:
        """Once of each tag, and of many of them all together."""
        new = [bad for bad in skipped if bad.ref not in self._told]
        self._told |= {bad.ref for bad in new}
        for bad in new[:_NOTED]:
            note(f"the tag {bad.ref!r} is passed over: {bad.why}")
        if len(new) > _NOTED:
            note(f"{len(new) - _NOTED} more tags are passed over: modelyard doctor lists them")


def _deletions(state: ModelState, planned: Plan, new: Sequence[Event]) -> Iterator[Event]:
    """Said to whoever deleted; the tags that could remember it are those that are gone."""
    seq = max([state.seq, *(event.seq for event in new)])
    for place, draft in enumerate(planned.deleted):
        yield Event(
            seq=seq + 1 + place,
            at_ms=max(now_ms(), state.updated_ms),
            actor=caller().actor,
            request_id=caller().request_id,
            kind=draft.kind,
            subject=draft.subject,
            before={**draft.before, "tags": list(planned.gone)},
            after=draft.after,
            comment=draft.comment,
        )
