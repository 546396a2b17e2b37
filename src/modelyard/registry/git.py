"""A registry made of Git tags, the ones that GTO reads and writes.

Versions are SemVer, each a commit; stages and aliases are tags there. Nothing is kept beside the tags: the state is
one fold over one ``git for-each-ref``. Who acts is who Git says makes a tag.

>>> registry = GitRegistryBackend(".")  # doctest: +SKIP
>>> register(registry, "churn", commit=registry.commit_of("HEAD")).label  # doctest: +SKIP
'v0.0.1'
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelyard.base.clock import now_ms
from modelyard.base.errors import Conflict, NotFound
from modelyard.base.events import Draft, Event, Kind, caller
from modelyard.base.names import refuse_twin
from modelyard.base.notes import note
from modelyard.registry._git.history import by_model, states_of, to_events
from modelyard.registry._git.reading import Skipped, Tag, Tags, read
from modelyard.registry.decisions import subject
from modelyard.registry.fold import fold
from modelyard.registry.interface import Decision, ModelState, Versioning
from modelyard.registry.recording import events_of
from modelyard.stores.git.command import GitFailed, git, git_text

if TYPE_CHECKING:
    from modelyard.registry._git.examining import Problem
    from modelyard.registry._git.planning import Plan
    from modelyard.registry._git.settings import Allowed
    from modelyard.registry._git.writing import Identity
    from modelyard.stores.git.repository import Repository

_NOTED = 3
"""How many tags that do not count are told of one by one."""

ATTEMPTS = 300
"""How often a write that somebody else was faster than is decided anew. Of many who write at once one always wins, so
that even the unluckiest waits for no more rounds than there are writes."""
_PAUSE_SECONDS = 0.1
"""At most, between two of them: who waited longer must not be the one who waits longest again."""


class GitRegistryBackend:
    """The tags of one repository. What looks like a registry's tag and does not count is passed over with a note."""

    versioning: Versioning = "semver"

    def __init__(
        self,
        repository: str | Path | Repository = ".",
        *,
        push: bool = False,
        remote: str = "origin",
        identity: tuple[str, str] | None = None,
    ) -> None:
        """``repository`` is a folder in one, a bare one, or what `open_repository` returns: of one behind a URL the tags
        are read from its mirror, and every write goes there at once.

        ``push`` sends the tags of each write to ``remote``, which must take them, or nothing is written. ``identity`` is
        a name and an address to act as; else it is Git's.
        """
        if isinstance(repository, str | Path):
            self.folder, self._away = Path(repository), None
        elif repository.is_local:
            git_dir = repository.git_dir
            self.folder, self._away = git_dir.parent if git_dir.name == ".git" else git_dir, None
        else:
            self.folder, self._away = repository.git_dir, repository
        self.push = push or self._away is not None
        self.remote = remote
        self._given_identity = identity
        self._told: set[str] = set()
        self._fetched = False

    def state(self, name: str) -> ModelState:
        """The state of a name; one without tags does not exist."""
        return fold(self.events(name), name)

    def states(self) -> Iterator[ModelState]:
        """The states of all names that have tags, sorted."""
        return iter(states_of(self._events(self.tags())).values())

    def names(self) -> Iterator[str]:
        """All names that have tags, sorted."""
        return iter(by_model(self._events(self.tags())))

    def events(self, name: str | None = None, *, after: int = 0) -> Iterator[Event]:
        """What the tags say, in order: of all models or of one."""
        about = None if name is None else subject(name)
        found = self._events(self.tags())
        return (e for e in found if e.seq > after and about in (None, e.subject))

    def tags(self) -> Tags:
        """The tags as they are now, for those who look deeper than events; of a repository behind a URL as they were
        when it was asked first, or last by `fetch` or `write`."""
        if self._away is not None and not self._fetched:
            self.fetch()
        try:
            return read(self.folder)
        except GitFailed as error:
            if "not a git repository" in error.stderr:
                raise NotFound(
                    f"{self.folder.absolute()} is in no Git repository",
                    hint="git init makes one; --project names another",
                ) from error
            raise

    def skipped(self) -> list[Skipped]:
        """The tags that look like a registry's and do not count, and why."""
        tags = self.tags()
        return [*tags.skipped, *to_events(tags.tags)[1]]

    def check_ref(self, ref: str) -> dict[str, Any]:
        """What one tag says, under GTO's keys (`_git.checking`); an error where it says nothing."""
        from modelyard.registry._git.checking import check_ref

        return check_ref(self.tags(), ref)

    def examine(self) -> list[Problem]:
        """What in these tags breaks or misleads GTO, for ``modelyard doctor``."""
        from modelyard.registry._git.examining import examine

        return examine(self.tags())

    def allowed(self) -> Allowed:
        """What the repository's ``.gto`` file and the environment allow: stages, types. The file is that of the work
        tree, or where there is none the one at HEAD."""
        from modelyard.registry._git.settings import FILE, allowed

        if self._top is not None:
            file = self._top / FILE
            return allowed(str(file), file.read_text("utf-8", "replace") if file.is_file() else "")
        return allowed(f"HEAD:{FILE}", self._at_head(FILE))

    def _at_head(self, path: str) -> str:
        if self._away is not None:
            found = self._away.tree(self._away.commit()).get(path)
            return self._away.read(found.oid).decode(errors="replace") if found else ""
        try:
            return git(self.folder, "cat-file", "blob", f"HEAD:{path}").decode(errors="replace")
        except GitFailed:
            return ""  # there is none, or no commit yet

    @cached_property
    def _top(self) -> Path | None:
        """The root of the work tree; None of a bare repository."""
        if self._away is not None:
            return None
        try:
            return Path(git_text(self.folder, "rev-parse", "--show-toplevel"))
        except GitFailed:
            return None

    @cached_property
    def _lock(self) -> Path:
        """Held by a writer of ours: beside what all work trees share, or beside a mirror, which is not ours to write."""
        if self._away is not None:
            return self.folder.parent / "registry.lock"
        from modelyard.registry._git.writing import git_folder

        return git_folder(self.folder) / "modelyard-registry.lock"

    def commit_of(self, rev: str = "HEAD") -> str:
        """The full name of the commit that a revision means."""
        if self._away is not None:
            commit = self._away.commit("" if rev == "HEAD" else rev)
            self._away.tree(commit)  # brings it here: a tag is made of what is here
            return commit
        try:
            return git_text(self.folder, "rev-parse", "--verify", "--end-of-options", f"{rev}^{{commit}}")  # fmt: skip
        except GitFailed as error:
            raise NotFound(f"{rev!r} is no commit in {self.folder}") from error

    def fetch(self) -> None:
        """Bring the tags of the other side here."""
        if self._away is not None:
            self._away.fetch_tags()
            self._fetched = True
        else:
            from modelyard.registry._git.remote import fetch_tags

            fetch_tags(self.folder, self.remote)

    def write(self, name: str, decide: Decision) -> Sequence[Event]:
        """Make tags of what is decided: all or none. Decided anew when somebody was faster, here or over there."""
        from random import uniform

        from modelyard.registry._git.writing import Lost, locked

        with locked(self._lock):
            for _ in range(ATTEMPTS):
                if self.push:
                    self.fetch()
                try:
                    return self._write(name, decide)
                except Lost:
                    time.sleep(uniform(0, _PAUSE_SECONDS))
        raise Conflict(
            f"others were faster {ATTEMPTS} times in writing tags of {name!r}", hint="try again"
        )

    def _write(self, name: str, decide: Decision) -> Sequence[Event]:
        from modelyard.registry._git.planning import plan

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

    def _carry_out(self, there: Tags, planned: Plan) -> Sequence[Tag]:
        if self._away is not None:
            return self._carry_out_there(self._away, planned)
        from modelyard.registry._git import remote as remotes
        from modelyard.registry._git import writing

        made = writing.make(self.folder, planned.new, self.identity(self.folder))
        if self.push:
            needed = beside(there, {(tag.said.name, tag.commit) for tag in planned.new})
            remotes.push(self.folder, self.remote, [*needed, *made], planned.gone)
        writing.update(self.folder, made, [(ref, there.refs[ref]) for ref in planned.gone])
        return made

    def send(self, name: str, commit: str) -> None:
        """Bring the other side what it lacks of the tags of a model at a commit: they may have been made without
        being sent."""
        from modelyard.registry._git import remote as remotes

        remotes.push(self.folder, self.remote, beside(self.tags(), {(name, commit)}), ())

    def _carry_out_there(self, away: Repository, planned: Plan) -> Sequence[Tag]:
        from modelyard.registry._git import remote as remotes
        from modelyard.registry._git import writing
        from modelyard.stores.git.pushing import bench_for

        with bench_for(away, {tag.commit for tag in planned.new}) as bench:
            made = writing.make(bench.folder, planned.new, self.identity(bench.folder))
            remotes.push(bench.folder, away.url, made, planned.gone, bench.environment)
        self._fetched = False
        return made

    def identity(self, folder: Path) -> Identity:
        """Who a tag names: the one that was given, else whom Git tells in a folder."""
        from modelyard.registry._git.writing import Identity, identity

        return Identity(*self._given_identity) if self._given_identity else identity(folder)

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


def beside(there: Tags, places: Collection[tuple[str, str]]) -> list[Tag]:
    """The tags of models at commits. A new tag is sent with them: a stage means the version that is registered at its
    commit, so that without that one it means nothing. What is over there already costs nothing."""
    return [tag for tag in there.tags if (tag.said.name, tag.commit) in places]


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
