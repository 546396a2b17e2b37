"""Which tags a decision becomes: their names, commits, times and messages, and which tags go. Pure.

Forms are those that GTO writes: the plain one for a version and a deprecation (with a counter when that tag is there
already), one with a counter for stages and aliases. A model's counters are one sequence. Each tag of a model is at
least a second after the one before it: GTO decides ties badly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from modelyard.base.errors import Conflict, InvalidInput, NotSupported
from modelyard.base.events import Draft, Kind
from modelyard.registry._git.history import Commits
from modelyard.registry._git.messages import compose
from modelyard.registry._git.reading import Tag, Tags
from modelyard.registry._git.tags import Action, TagName, parse
from modelyard.registry.interface import ModelState
from modelyard.registry.recording import check_draft


@dataclass(frozen=True, slots=True)
class NewTag:
    """A tag to be made."""

    said: TagName
    commit: str
    at: int
    message: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What one decision does to the repository."""

    new: Sequence[NewTag] = ()
    gone: Sequence[str] = ()
    """Refs under ``refs/tags/`` to be deleted."""
    deleted: Sequence[Draft] = ()
    """What is said of them: no tag remembers a deletion."""


_ACTIONS = {
    Kind.MODEL_DEPRECATED: Action.DEPRECATE,
    Kind.VERSION_REGISTERED: Action.REGISTER,
    Kind.VERSION_DEREGISTERED: Action.DEREGISTER,
    Kind.STAGE_ASSIGNED: Action.ASSIGN,
    Kind.STAGE_UNASSIGNED: Action.UNASSIGN,
    Kind.ALIAS_MOVED: Action.ALIAS,
    Kind.ALIAS_REMOVED: Action.UNALIAS,
}

_COUNTED = (Action.ASSIGN, Action.UNASSIGN, Action.ALIAS, Action.UNALIAS)

_INSTEAD = {
    Kind.MODEL_CREATED: "a model in a Git registry begins with its first version: register one",
    Kind.MODEL_RENAMED: "register under the new name and deprecate the old one",
    Kind.MODEL_DESCRIBED: "describe it in its card, artifacts.yaml or dvc.yaml, and commit that",
    Kind.VERSION_DESCRIBED: "describe it in its card, and register the next commit",
    Kind.MODEL_COMMENTED: "say it with a promotion, a registration or the like: they take a comment",
    Kind.VERSION_COMMENTED: "say it with a promotion, a registration or the like: they take a comment",
}
"""What tags have no word for, and what to do."""


def plan(there: Tags, state: ModelState, drafts: Sequence[Draft], now: int) -> Plan:
    """The tags for drafts, on top of those that are there. ``now`` is in seconds."""
    for draft in drafts:
        check_draft(draft)
        if draft.kind in _INSTEAD:
            raise NotSupported(f"Git tags cannot say {draft.kind}", hint=_INSTEAD[draft.kind])
    mine = [tag for tag in there.tags if tag.said.name == state.name]
    gone, about = _deletions(mine, drafts)
    kept = [tag for tag in mine if tag.ref not in gone]
    said = [d for d in drafts if d.kind in _ACTIONS and not _is_moot(d, about, kept)]
    counter = highest_counter(there.refs, state.name)
    at = max([now, *(tag.at + 1 for tag in mine)])
    new: list[NewTag] = []
    taken = dict(there.refs)
    for place, draft in enumerate(said):
        tag = _new(state, mine, draft, taken, counter + 1, at + place)
        counter = max(counter, tag.said.counter or 0)
        taken[str(tag.said)] = ""
        new.append(tag)
    deleted = [d for d in drafts if d.kind in (Kind.VERSION_DELETED, Kind.MODEL_DELETED)]
    return Plan(new, sorted(gone), deleted)


def highest_counter(refs: Iterable[str], name: str) -> int:
    """The highest counter of any tag of a model, those that do not count too."""
    found = (parse(ref) for ref in refs)
    return max((s.counter or 0 for s in found if s and s.name == name), default=0)


def _deletions(mine: Sequence[Tag], drafts: Sequence[Draft]) -> tuple[set[str], set[str]]:
    """Refs to delete, and the versions that go."""
    if any(draft.kind is Kind.MODEL_DELETED for draft in drafts):
        return {tag.ref for tag in mine}, {v for d in drafts for v in d.before.get("versions", ())}
    about = {d.before["version"] for d in drafts if d.kind is Kind.VERSION_DELETED}
    commits = Commits(mine)
    return {tag.ref for tag in mine if commits.version(tag) in about}, about


def _is_moot(draft: Draft, about: set[str], kept: Sequence[Tag]) -> bool:
    """Whether the deletion of its version's tags has done already what a draft says."""
    if draft.before.get("version") not in about:
        return False
    alias = draft.before.get("alias")  # an older tag of it, for another version, would come back
    return not any(tag.said.action is Action.ALIAS and tag.said.what == alias for tag in kept)


def _new(
    state: ModelState,
    mine: Sequence[Tag],
    draft: Draft,
    taken: Mapping[str, str],
    counter: int,
    at: int,
) -> NewTag:
    action = _ACTIONS[draft.kind]
    if action in (Action.ALIAS, Action.UNALIAS) and state.deprecated:
        raise Conflict(
            f"{state.name!r} is deprecated, and GTO does not see an alias undo that",
            hint="register or promote a version first",
        )
    values = {**draft.before, **{k: v for k, v in draft.after.items() if v is not None}}
    version = str(values.get("version", ""))
    what = str(values.get("stage") or values.get("alias") or version)
    said = TagName(action, state.name, what, counter if action in _COUNTED else None)
    if str(said) in taken:
        said = TagName(action, state.name, what, counter)
    _refuse_in_the_way(str(said), taken)
    message = compose(
        said, version, draft.comment, str(values.get("digest", "")), values.get("facts")
    )
    return NewTag(said, _commit(state, mine, action, version, values.get("commit")), at, message)


def _commit(
    state: ModelState, mine: Sequence[Tag], action: Action, version: str, given: str | None
) -> str:
    if action is Action.DEPRECATE:
        return max(mine, key=lambda tag: tag.at).commit
    if action is not Action.REGISTER:
        return _only_version(mine, state.versions[version].commit, action)
    if not given:
        raise InvalidInput(
            "a version in a Git registry is a commit, and none is named",
            hint="commit the model (or its pointer and card) first",
        )
    if len(given) not in (40, 64) or set(given) - set("0123456789abcdef"):
        raise InvalidInput(f"{given[:80]!r} is not the full name of a commit")
    others = [v for v in Commits(mine).at(state.name, given) if v != version]
    if others:  # passed over, or deleted in another's eyes: its tag is there, and GTO reads it
        raise Conflict(
            f"commit {given[:12]} was registered as {others[-1]} of {state.name!r} once",
            hint="one commit has one version; make another commit, an empty one will do",
        )
    return given


def _only_version(mine: Sequence[Tag], commit: str, action: Action) -> str:
    """The commit, where a tag without a version in its name can mean but one."""
    several = next((v for _, at, v in Commits(mine).shared() if at == commit), None)
    if several and action is not Action.DEREGISTER:
        raise Conflict(
            f"commit {commit[:12]} has the versions {', '.join(several)}: GTO would die of a stage there",
            hint=f"keep one of them (git tag -d, or register {several[-1]} at a commit of its own)",
        )
    return commit


def _refuse_in_the_way(ref: str, taken: Mapping[str, str]) -> None:
    """Git keeps refs as files: none can stand below another."""
    above = ref.split("/")
    shorter = ["/".join(above[:n]) for n in range(1, len(above))]
    blocking = [other for other in shorter if other in taken]
    blocking += [other for other in taken if other.startswith(f"{ref}/")]
    if blocking:
        raise Conflict(
            f"the tag {blocking[0]!r} stands in the way of {ref!r}: Git keeps tags as files and folders",
            hint=f"choose another name, or remove it: git tag -d '{blocking[0]}'",
        )
