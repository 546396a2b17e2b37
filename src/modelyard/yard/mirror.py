"""A yard and a Git registry kept in step: `modelyard registry mirror`.

A version that comes from Git is registered with its card and the place it stands at; its files are fetched from the
repository when it is loaded, or copied into the yard when that is asked for. A version that goes to Git becomes a tag at
its commit. What was alike the last time is remembered in the yard, by repository.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Literal

from modelyard.base.errors import InvalidInput, ModelyardError, NotFound, NotSupported
from modelyard.objects.opening import Place, source_at
from modelyard.registry.interface import Version
from modelyard.registry.mirroring import Outcome, Pair, Side, mirror, preview
from modelyard.registry.sql import SqlRegistry
from modelyard.stores.folders.git import GitFolder
from modelyard.stores.folders.overlays import overlaid
from modelyard.yard.facts import card_facts
from modelyard.yard.git_registry import GitRegistry
from modelyard.yard.git_sources import path_of
from modelyard.yard.keeping import Kept, keep, keep_card
from modelyard.yard.origins import repository_url
from modelyard.yard.settings import get_setting, put_setting

if TYPE_CHECKING:
    from modelyard.yard.yard import Yard

_OURS = frozenset(
    ["path", "card", "vouched", "elsewhere", "origin", "dataset", "dataset_id", "run"]
)
"""What a yard says of its own versions, and believes: whoever can push a tag has no say in it."""

From = Literal["git", "yard", "both"]


def mirror_yard(
    yard: Yard,
    git: GitRegistry,
    *,
    source: From = "both",
    prefer: Side | None = None,
    copy: bool = False,
    dry_run: bool = False,
) -> Outcome:
    """Bring both in step: what is new in ``source`` goes to the other side. ``prefer`` says who is right where both
    changed the same; else that model is left as it is, and told. ``copy`` brings the files into the yard too."""
    if not isinstance(yard.models.registry, SqlRegistry):
        raise NotSupported(
            f"{yard.label} is a hub, and a mirror writes to its yard",
            hint="run it where the hub runs, or with MODELYARD_URI naming its database",
        )
    key = f"mirror:{hashlib.sha256(identity(git).encode()).hexdigest()[:32]}"
    bases = get_setting(yard.database, key) or {}
    bridge = _Bridge(yard, git, copy, dry_run)
    pair = Pair(
        yard.models.registry,
        git.registry,
        commits=bridge.present,
        learn_from_git=bridge.from_git,
        learn_from_yard=bridge.from_yard,
        sides={"git": ("yard",), "yard": ("git",), "both": ("yard", "git")}[source],
        prefer=prefer,
    )
    if dry_run:
        return preview(pair, bases)
    outcome, after = mirror(pair, bases)
    if after != bases:
        put_setting(yard.database, key, after)
    yard.database.checkpoint()
    return outcome


def identity(git: GitRegistry) -> str:
    """What a repository is remembered by, wherever it is looked at from: where it was cloned from."""
    return git.repository.url if git.folder is None else repository_url(git.folder)


class _Bridge:
    """What a version is that comes over to the other side."""

    def __init__(self, yard: Yard, git: GitRegistry, copy: bool, dry_run: bool) -> None:
        self._yard, self._git, self._copy, self._dry_run = yard, git, copy, dry_run
        self._present: dict[str, bool] = {}

    def present(self, commits: Collection[str]) -> Collection[str]:
        """Of some commits, those that the repository has."""
        for commit in commits:
            if commit not in self._present:
                self._present[commit] = self._has(commit)
        return {commit for commit in commits if self._present[commit]}

    def _has(self, commit: str) -> bool:
        try:
            return self._git.commit_of(commit) == commit
        except (NotFound, InvalidInput):
            return False

    def from_git(self, version: Version) -> tuple[str, Mapping[str, Any]]:
        """Its digest, and as facts what its card says and where its files are."""
        if self._dry_run:
            return version.digest, version.facts
        folder = GitFolder(self._git.repository, version.commit, f"{version.name}@{version.label}")
        try:
            path = path_of(folder, version)
            if path is None:
                raise NotFound(f"nothing at commit {version.commit[:7]} says what it is")
            source = source_at(Place(overlaid(folder), path), self._git.source)
        except ModelyardError as error:
            known = {k: v for k, v in version.facts.items() if k not in _OURS}
            return version.digest, {**known, "note": error.message, "vouched": False}
        card = source.card
        if self._copy:
            kept = keep(self._yard.stores, source)
        else:
            kept = keep_card(self._yard.stores, card)
            kept = Kept(card, kept.card_sha256, [kept.card_sha256], kept.pin)
        self._yard.models.refer(kept)
        facts: dict[str, Any] = {
            **card_facts(card),
            "card": kept.card_sha256,
            "vouched": False,
            "origin": {**source.provenance, "path": path},
        }
        if not self._copy:
            facts["elsewhere"] = GitFolder(self._git.repository, version.commit).ref(path)
        facts = {k: v for k, v in facts.items() if v not in (None, "", [], {})}
        return card.digest.removeprefix("sha256:"), facts

    def from_yard(self, version: Version) -> tuple[str, Mapping[str, Any]]:
        """Its digest, and where it is in its commit."""
        path = version.facts.get("origin", {}).get("path")
        return version.digest, {"path": path} if path else {}
