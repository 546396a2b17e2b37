"""The registry of a Git repository: versions are commits, stages and aliases are tags that GTO reads too.

>>> registry = GitRegistry(".")  # doctest: +SKIP
>>> registry.register("models/churn", bump="minor")  # doctest: +SKIP
GitModelVersion('churn@v0.1.0')
>>> registry.promote("churn", "prod").load().predict(X)  # doctest: +SKIP
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelyard.base.errors import InvalidSetting, ModelyardError, NotFound, did_you_mean
from modelyard.base.events import Event
from modelyard.base.names import Part
from modelyard.base.notes import note
from modelyard.registry import queries, verbs
from modelyard.registry._git.checking import FETCH
from modelyard.registry._git.tags import Action
from modelyard.registry.git import GitRegistryBackend, beside
from modelyard.registry.interface import Decision, ModelState, Version
from modelyard.stores.git.command import git_text, lines_of
from modelyard.yard.registered import Registered
from modelyard.yard.summary import entry, shown

if TYPE_CHECKING:
    import pandas

    from modelyard.objects.source import Source
    from modelyard.registry._git.examining import Problem
    from modelyard.registry._git.planning import Plan
    from modelyard.registry._git.reading import Tag, Tags
    from modelyard.registry.rules import Rules
    from modelyard.stores.git.repository import Repository
    from modelyard.yard.git_versions import GitModelVersion

COLUMNS = (
    "name", "version", "created_at", "created_by", "stages", "aliases", "active", "commit", "digest", "comment",
)  # fmt: skip
"""Of listings, in this order."""


class _Tags(GitRegistryBackend):
    """Remembers what it wrote, so that people can be told how to send it."""

    def __init__(self, repository: Any, **options: Any) -> None:
        super().__init__(repository, **options)
        self.unsent: list[str] = []
        """A deleted tag with ``:`` in front."""
        self.idle = False

    @property
    def actor(self) -> str:
        """Whom the next tag will name, with the address; empty where Git does not know, and will refuse to write."""
        try:
            who = self.identity(self.folder)
        except InvalidSetting:
            return ""
        return f"{who.name} <{who.email}>"

    def has_remote(self) -> bool:
        """Whether there is another side."""
        return self.remote in lines_of(git_text(self.folder, "remote"))

    def is_shallow(self) -> bool:
        """Whether this is a clone without its history, as pipelines make them: Git leaves out most tags, too."""
        return git_text(self.folder, "rev-parse", "--is-shallow-repository") == "true"

    def write(self, name: str, decide: Decision) -> Sequence[Event]:
        """As it does; ``idle`` is whether there was nothing to write."""
        events = super().write(name, decide)
        self.idle = not events
        return events

    def _carry_out(self, there: Tags, planned: Plan) -> Sequence[Tag]:
        made = super()._carry_out(there, planned)
        if (
            not self.push
        ):  # with those that they mean nothing without, which may not have been sent either
            needed = beside(there, {(tag.said.name, tag.commit) for tag in made})
            said = [tag.ref for tag in needed if tag.said.action is Action.REGISTER]
            self.unsent += [*said, *(tag.ref for tag in made), *(f":{ref}" for ref in planned.gone)]
        return made


class GitRegistry(Registered["GitModelVersion"]):
    """Models registered in a Git repository, here or behind a URL."""

    def __init__(
        self,
        repo: str | Path | Repository = ".",
        *,
        push: bool | None = None,
        remote: str = "origin",
        identity: tuple[str, str] | None = None,
    ) -> None:
        """``repo`` is a folder in a repository, or its URL, to which every change goes at once. ``push`` sends the tags
        of each change to ``remote``, which must take them, or nothing is changed. ``identity`` is a name and an address
        to act as; else it is Git's."""
        self._given = _opened(repo)
        where = self._given if isinstance(self._given, Path) else self.repository
        self.registry = self._tags = _Tags(where, push=bool(push), remote=remote, identity=identity)
        self._sources: dict[tuple[str, str], Source] = {}

    @cached_property
    def repository(self) -> Repository:
        """For what is read of its commits."""
        from modelyard.stores.git.repository import open_repository

        if not isinstance(self._given, str | Path):
            return self._given
        return open_repository(self._given)

    @property
    def label(self) -> str:
        """The folder, or the address."""
        given = self._given
        return str(given.resolve()) if isinstance(given, Path) else self.repository.label

    @property
    def folder(self) -> Path | None:
        """Where it was opened, when that is on this machine."""
        return self._given if isinstance(self._given, Path) else None

    def _version(self, state: ModelState, version: Version) -> GitModelVersion:
        from modelyard.yard.git_versions import GitModelVersion

        return GitModelVersion(self, state, version)

    # Registering

    def register(
        self,
        ref: str | Path,
        name: str | None = None,
        *,
        semver: str | None = None,
        bump: Part | None = None,
        rev: str | None = None,
        comment: str = "",
        dry_run: bool = False,
    ) -> GitModelVersion:
        """Register what a commit (``rev``, by default HEAD) has at a path, or what it calls so, as the next version.

        A commit has one version of a name: registering it again gives that one. What is not committed, or was changed
        since, is refused with `Conflict`. A name that nothing in the commit says is written down in ``artifacts.yaml``
        (``dvc.yaml`` where DVC is), for other tools. ``dry_run`` answers as if, and writes nothing.
        """
        from modelyard.yard.git_registering import wanted, write_down
        from modelyard.yard.rehearsing import RehearsedRegistry

        registry = RehearsedRegistry(self.registry) if dry_run else self.registry
        found = wanted(self, ref, name, rev)
        version = verbs.register(
            registry,
            found.name,
            digest=found.digest,
            facts={} if found.said or found.path is None else {"path": found.path},
            commit=found.commit,
            semver=semver,
            bump=bump,
            comment=comment,
        )
        if not found.said and not dry_run:
            write_down(self, found)
        if not dry_run:
            self._send(version)
        return self._version(registry.state(version.name), version)

    def promote(
        self, name: str, stage: str, version: int | str | None = None, comment: str = ""
    ) -> GitModelVersion:
        """The same of a yard; a version that is in the stage already is sent, when that is asked for."""
        found = super().promote(name, stage, version, comment)
        self._send(found)
        return found

    def _send(self, version: Version | GitModelVersion) -> None:
        """What was written before without being sent, where a push is asked for and there was nothing to write."""
        if self._tags.push and self._tags.idle and self.folder is not None:
            self._tags.send(version.name, version.commit or "")

    def commit_of(self, rev: str | None = None) -> str:
        """The full id of a commit, by default of HEAD (of a URL: its default branch)."""
        if not isinstance(self._given, Path):
            return self.repository.commit(rev or "")
        try:
            return self._tags.commit_of(rev or "HEAD")
        except NotFound as error:
            if rev is None:
                raise NotFound(
                    f"{self.label} has no commit yet", hint="git add . && git commit"
                ) from error
            raise

    # Finding

    def source_of(self, version: Version) -> Source:
        """What a version is, from its commit."""
        from modelyard.yard.git_sources import open_version

        key = (version.name, version.commit)
        if key not in self._sources:
            self._sources[key] = open_version(self, version)
        return self._sources[key]

    def tag_of(self, version: Version) -> str:
        """The tag that registered a version."""
        told = (e.after for e in self.registry.events(version.name) if e.after.get("semver"))
        tags = [after["tag"] for after in told if after["version"] == version.label]
        return tags[-1] if tags else version.commit

    def load(self, ref: str, *, trust: str | None = None) -> Any:
        """The object that a version is, by ``churn``, ``churn@v1.2.0``, ``churn@champion``, ``churn#prod``."""
        return self.get(ref).load(trust=trust)

    def show(self, name: str | None = None) -> dict[str, Any] | list[dict[str, Any]]:
        """All models at a glance (`summary`), or the versions of one, oldest first."""
        if name is None:
            return self.summary()
        return self.versions(name, records=True)  # type: ignore[return-value]  # records=True gives a list

    def summary(self, *, deprecated: bool = False) -> dict[str, dict[str, Any]]:
        """The same of a yard; and the models that HEAD has and that were never registered, whose ``latest`` is None."""
        states = list(self.registry.states())
        known = {state.name for state in states}
        found = {s.name: entry(s) for s in states if deprecated or not s.deprecated}
        found |= {
            name: {"latest": None, "stages": {}, "aliases": {}}
            for name in self.unregistered()
            if name not in known
        }
        return dict(sorted(found.items()))

    def registered_summary(self, *, deprecated: bool = False) -> dict[str, dict[str, Any]]:
        """The same by its tags alone: no commit is looked into."""
        return super().summary(deprecated=deprecated)

    def unregistered(self) -> list[str]:
        """Names that HEAD has, registered or not; none of a repository without a commit."""
        from modelyard.stores.folders.git import GitFolder
        from modelyard.yard.annotations import names_in

        try:
            return list(names_in(GitFolder(self.repository, self.commit_of())))
        except NotFound:
            return []
        except ModelyardError as error:
            note(f"the models that are not registered are not listed: {error.message}")
            return []

    def list(self, *, records: bool = False) -> pandas.DataFrame | list[dict[str, Any]]:
        """All active versions of all models, as the tags say; in order of registration."""
        found = [(s, v) for s in self.registry.states() for v in queries.active(s)]
        return self._listed(sorted(found, key=lambda one: one[1].seq), records)

    def versions(
        self, name: str, *, records: bool = False
    ) -> pandas.DataFrame | list[dict[str, Any]]:
        """The versions of one model, oldest first, as the tags say; deregistered ones say so."""
        state = self.state(name)
        return self._listed([(state, v) for v in state.versions.values()], records)

    def _listed(self, found: Sequence[tuple[ModelState, Version]], records: bool) -> Any:
        from modelyard.yard.frames import listing

        return listing([_row(s, v) for s, v in found], COLUMNS, records=records)

    def state(self, name: str) -> ModelState:
        """All that a name means now. `NotFound` says whether the name is that of an object that is not registered."""
        try:
            return super().state(name)
        except NotFound as error:
            if name in (there := self.unregistered()):
                error.hint = f"it is there, and not registered: modelyard register {name}"
            else:
                error.hint = did_you_mean(name, {*self.names(), *there}) or error.hint
            if self.folder is not None and self._tags.is_shallow():
                error.hint = (
                    f"{error.hint}; this clone is shallow, and tags may be missing: {FETCH}"
                )
            raise

    def _digest(self, state: ModelState, version: Version) -> str | None:
        return super()._digest(state, version) or self._version(state, version).digest or None

    # By which rules

    @property
    def rules(self) -> Rules:
        """The promotion rules that the repository's settings say: of the work tree, else of the default branch."""
        from modelyard.base.config import settings
        from modelyard.base.project import find_root
        from modelyard.registry.rule_settings import rules_of
        from modelyard.stores.folders.git import GitFolder
        from modelyard.yard.git_registering import work_tree
        from modelyard.yard.promotion import rules_in

        if work_tree(self) is not None:
            return rules_of(settings(find_root(self.folder)))
        try:
            return rules_in(GitFolder(self.repository, self.commit_of()))
        except NotFound:  # a repository without a commit
            return rules_of(settings(find_root()))

    @property
    def actor(self) -> str:
        """Whom its tags will name."""
        return self._tags.actor

    def problems(self) -> Sequence[Problem]:
        """What in the tags breaks GTO, misleads it, or has no effect; one good line when nothing does."""
        return self._tags.examine()

    # Sending

    @property
    def unsent(self) -> Sequence[str]:
        """The tags written so far that the other side does not have."""
        return tuple(self._tags.unsent)

    def push_command(self) -> str | None:
        """How to send them; None when there is nothing to send, or nowhere to send it to."""
        if not self.unsent or not self._tags.has_remote():
            return None
        words = dict.fromkeys(self.unsent)
        return " ".join(["git push", self._tags.remote, *map(shlex.quote, words)])

    def __repr__(self) -> str:
        return f"GitRegistry({self.label!r})"


def _opened(repo: str | Path | Repository) -> Any:
    """A path of this machine, the URL that Git takes, or a repository that is open already."""
    if not isinstance(repo, str) or "://" not in repo:
        return Path(repo) if isinstance(repo, str) else repo
    from modelyard.base.refs import GitRef, parse

    try:
        found = parse(repo)
    except ModelyardError:
        return repo
    return found.repo if isinstance(found, GitRef) else repo


def _row(state: ModelState, version: Version) -> dict[str, Any]:
    from modelyard.base.clock import to_rfc3339

    held = queries.held(state)
    return {
        "name": version.name,
        "version": shown(version.label),
        "created_at": to_rfc3339(version.at_ms),
        "created_by": version.actor,
        "stages": [stage for stage, a in held.items() if a.version == version.label],
        "aliases": queries.aliases_of(state, version.label),
        "active": version.active,
        "commit": version.commit,
        "digest": f"sha256:{version.digest}" if version.digest else None,
        "comment": version.comment,
    }
