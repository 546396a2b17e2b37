"""Random registries of Git tags: made by GTO, by us, and by hand, in turns; and what each of both says of one."""

from __future__ import annotations

import contextlib
import functools
import random
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import gto.api
import gto.index
import gto.registry
from gto.config import RegistryConfig, read_registry_config
from gto.exceptions import GTOException
from gto.registry import GitRegistry

from cases.registries.git_answers import Answers
from modelyard.base.errors import ModelyardError
from modelyard.registry import queries, verbs
from modelyard.registry._git.planning import highest_counter
from modelyard.registry._git.reading import Tags
from modelyard.registry._git.tags import Action, TagName
from modelyard.registry.git import GitRegistryBackend
from modelyard.registry.interface import ModelState

NAMES = ("churn", "m", "a/b", "cv/sub:net", "dir.x:y", "A-1_z")
STAGES = ("prod", "dev", "eu/prod", "123")
OURS, THEIRS, HAND = "modelyard", "gto", "by hand"
ACTIONS = tuple(str(action) for action in Action if action not in (Action.ALIAS, Action.UNALIAS, Action.CREATE))  # fmt: skip


def git(folder: Path, *words: str, input: str | None = None, **environment: str) -> str:
    done = subprocess.run(
        ["git", *words], cwd=folder, input=input, capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL if input is None else None,
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(folder), **environment},
    )  # fmt: skip
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout


@dataclass
class Repository:
    """A repository in the making."""

    folder: Path
    chance: random.Random
    commits: list[str] = field(default_factory=list)
    made: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Who and what -> how many tags."""
    refs: set[str] = field(default_factory=set)

    def begin(self) -> None:
        git(self.folder, "init", "--quiet", "--initial-branch=main", ".")
        for key, value in (("user.name", "Ana Muster"), ("user.email", "ana@example.org")):
            git(self.folder, "config", key, value)
        at = int(time.time()) - 100_000
        lines = []
        for number in range(self.chance.randint(3, 8)):
            lines.append(f"commit refs/heads/main\nmark :{number + 1}\n")
            lines.append(f"committer Ana Muster <ana@example.org> {at + number} +0000\ndata 1\nx\n")
        git(self.folder, "fast-import", "--quiet", input="".join(lines))
        self.commits = git(self.folder, "rev-list", "--reverse", "main").split()

    @property
    def registry(self) -> GitRegistryBackend:
        return GitRegistryBackend(self.folder)

    def step(self) -> None:
        """One thing done by somebody; a refusal is nothing done."""
        who = self.chance.choices([OURS, THEIRS, HAND], [55, 25, 20])[0]
        do = {OURS: self._ours, THEIRS: self._theirs, HAND: self._by_hand}[who]
        with contextlib.suppress(ModelyardError, GTOException):
            do()
        refs = set(git(self.folder, "tag", "--list").split("\n")) - {""}
        for ref in refs - self.refs:
            said = self.registry_said(ref)
            if said in ACTIONS:
                self.made[who, said] += 1
        self.refs = refs

    @staticmethod
    def registry_said(ref: str) -> str:
        from modelyard.registry._git.tags import parse

        said = parse(ref)
        return str(said.action) if said else ""

    def _name(self) -> str:
        return self.chance.choice(NAMES[: 1 + self.chance.randint(0, 2) * 2])

    def _ours(self) -> None:
        name, stage, registry = self._name(), self.chance.choice(STAGES), self.registry
        state = registry.state(name)
        version = self.chance.choice([None, *state.versions])
        bump = self.chance.choice([None, None, "minor", "major"])
        commit = self._commit(state)
        if not state.versions:
            verbs.register(registry, name, commit=commit, bump=bump)
            return
        do: Callable[[], Any] = self.chance.choices(
            [
                lambda: verbs.register(registry, name, commit=commit, bump=bump, digest="0" * 64),
                lambda: verbs.promote(registry, name, stage, version, comment=self._words()),
                lambda: verbs.demote(registry, name, stage, version),
                lambda: verbs.demote(registry, name, self._held(state)[0]),
                lambda: verbs.deregister(registry, name, version),
                lambda: verbs.deprecate(registry, name),
                lambda: verbs.set_alias(registry, name, "best", version),
                lambda: verbs.remove_alias(registry, name, "best"),
                lambda: verbs.delete_version(registry, name, version),
            ],
            [24, 26, 5, 20, 10, 7, 4, 2, 1],
        )[0]
        do()

    def _held(self, state: ModelState) -> tuple[str, str]:
        """A stage and what holds it."""
        return self.chance.choice([*queries.holders(state).items()] or [("prod", "v0.0.1")])

    def _commit(self, state: ModelState) -> str:
        """Mostly one that has no version yet."""
        taken = {version.commit for version in state.versions.values()}
        free = [commit for commit in self.commits if commit not in taken]
        return self.chance.choice(free if free and self.chance.random() < 0.8 else self.commits)

    def _words(self) -> str:
        return self.chance.choice(["", "", "Grüße\n\nand more", "# no comment", "x"])

    def _theirs(self) -> None:
        name, stage, where = self._name(), self.chance.choice(STAGES), str(self.folder)
        state = self.registry.state(name)
        version = self.chance.choice([*state.versions] or ["v0.0.1"])
        simple = self.chance.choice([None, None, True, False])
        commit, (held, holder) = self._commit(state), self._held(state)
        own = self.chance.choice([None, None, "v1.0.0-rc.1", "v3.1.4+b.2"])
        do: Callable[[], Any] = self.chance.choices(
            [
                lambda: gto.api.register(where, name, commit, version=own, simple=simple),
                lambda: gto.api.assign(where, name, stage, version=version, simple=simple, force=self.chance.random() < 0.3),
                lambda: gto.api.unassign(where, name, stage=held, version=holder, simple=simple),
                lambda: gto.api.deregister(where, name, version=version, simple=simple),
                lambda: gto.api.deprecate(where, name, simple=simple),
            ],
            [30, 30, 20, 10, 10],
        )[0]  # fmt: skip
        do()

    def _by_hand(self) -> None:
        """Any form, at any time: ties, and the past and the future too."""
        there = self.registry.tags()
        name = self._name()
        mine = [tag for tag in there.tags if tag.said.name == name]
        state = self.registry.state(name)
        versions = {version.label: version.commit for version in state.versions.values()}
        version = self.chance.choice([*versions] or [""])
        at = self.chance.choice([t.at for t in mine] or [int(time.time())])
        at += self.chance.choice([0, 0, 0, 1, -1, 5, 3600])
        action = self.chance.choice([a for a in Action if str(a) in ACTIONS])
        if action is Action.REGISTER or not versions:
            self._register_by_hand(name, versions, there, at)
            return
        stage = self.chance.choice(STAGES)
        what = {Action.ASSIGN: stage, Action.UNASSIGN: stage, Action.DEREGISTER: version}
        said = TagName(action, name, what.get(action, ""), self._counter(there, name))
        self._tag(said, versions[version], at, there)

    def _register_by_hand(self, name: str, versions: dict[str, str], there: Tags, at: int) -> None:
        """A version again, or a new one where there never was one: of two at one commit GTO dies."""
        again = versions and self.chance.random() < 0.5
        if again:
            version = self.chance.choice([*versions])
            commit = versions[version]
        else:
            registered = [t for t in there.tags if t.said.action is Action.REGISTER]
            # The new tag may be set before another was ended, so that no commit that ever had a version will do.
            had = {t.commit for t in registered if t.said.name == name}
            free = [c for c in self.commits if c not in had]
            version = f"v{self.chance.randint(0, 2)}.{self.chance.randint(0, 3)}.0"
            if not free or version in versions:
                return
            commit = self.chance.choice(free)
        self._tag(TagName(Action.REGISTER, name, version, self._counter(there, name)), commit, at, there)  # fmt: skip

    def _counter(self, there: Tags, name: str) -> int | None:
        if self.chance.random() < 0.3:
            return None
        return highest_counter(there.refs, name) + self.chance.choice([0, 1, 1, 7])

    def _tag(self, said: TagName, commit: str, at: int, there: Tags) -> None:
        ref = str(said)
        if any(o == ref or o.startswith(f"{ref}/") or ref.startswith(f"{o}/") for o in there.refs):
            return
        zone = self.chance.choice(["+0000", "+0230", "-1100"])
        text = f"object {commit}\ntype commit\ntag {ref}\ntagger Bo Ö <bo@example.org> {at} {zone}\n\nby hand\n"
        oid = git(self.folder, "mktag", input=text).strip()
        git(self.folder, "update-ref", f"refs/tags/{ref}", oid, "")


@functools.cache
def _config(path: str) -> RegistryConfig:
    """GTO makes classes of pydantic anew for every settings file that it reads, some hundred times a question."""
    assert not Path(path).exists()
    return read_registry_config(path)


gto.registry.read_registry_config = gto.index.read_registry_config = _config


@contextlib.contextmanager
def one_state(folder: Path) -> Iterator[None]:
    """Several questions about a repository that nobody changes: GTO makes its state once."""
    state, fresh = gto.api._get_state(str(folder)), GitRegistry.get_state
    GitRegistry.get_state = lambda self, **_: state.model_copy(deep=True)
    try:
        yield
    finally:
        GitRegistry.get_state = fresh


def gto_says(folder: Path, names: list[str]) -> Answers:
    """The state by GTO: the table, each model with its versions, the journal."""
    where = str(folder)
    with one_state(folder):
        return {
            "show": gto.api.show(where),
            "deprecated": gto.api.show(where, deprecated=True),
            "versions": {n: [_their_version(v) for v in gto.api.show(where, n)] for n in names},
            "history": [_their_event(dict(event)) for event in gto.api.history(where)],
        }


def _their_version(version: dict[str, Any]) -> Answers:
    kept = ("version", "commit_hexsha", "is_active", "author", "author_email", "message", "ref")
    stages = [
        {"stage": s["stage"], "ref": s["ref"], "at": _seconds(s["created_at"]), "author": s["author"]}
        for s in version["stages"]
    ]  # fmt: skip
    return {
        **{key: version[key] for key in kept},
        "at": _seconds(version["created_at"]),
        "stages": sorted(stages, key=lambda s: s["stage"]),
    }


def _their_event(event: dict[str, Any]) -> Answers:
    at, priority = event.pop("timestamp"), event.pop("priority")
    return {"at": _seconds(at), "priority": priority, **event}


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
