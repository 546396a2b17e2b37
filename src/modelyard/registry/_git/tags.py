"""The grammar of tags: what each says, and how it is spelled. GTO's, and below ours for aliases, which GTO passes over.

==========================  =================================================
``churn@v1.2.0``            version v1.2.0 is registered at this commit
``churn@v1.2.0!``           it is deregistered
``churn#prod``              the version registered at this commit is assigned
``churn#prod!``             it is unassigned
``churn@deprecated``        the model is deprecated
``churn@alias/champion``    the alias points to the version at this commit
``churn@alias/champion!``   the alias is removed
==========================  =================================================

Each may end with a counter, ``#3``. A model of a folder, ``cv/sub:net``, is written ``cv/sub=net``: Git takes no colon.

>>> str(parse("cv/sub=net#prod!#3"))
'cv/sub=net#prod!#3'
>>> parse("cv/sub=net#prod!#3").name
'cv/sub:net'
>>> parse("model#prod@v1.2.3") is None
True
"""

from __future__ import annotations

import enum
import re
from typing import NamedTuple


class Action(enum.StrEnum):
    """What a tag says. ``created`` is in GTO's grammar alone: it dies of such a tag."""

    DEPRECATE = "deprecation"
    REGISTER = "registration"
    DEREGISTER = "deregistration"
    ASSIGN = "assignment"
    UNASSIGN = "unassignment"
    ALIAS = "alias"
    UNALIAS = "alias removal"
    CREATE = "creation"


_NAME = r"[a-zA-Z0-9](?:[a-zA-Z0-9/_-]*[a-zA-Z0-9])?"
_LABELS = r"(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
_SEMVER = (
    r"v(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)"
    rf"(?:-{_LABELS}(?:\.{_LABELS})*)?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?"
)
_TAG = re.compile(
    rf"(?P<name>(?:[a-zA-Z0-9_./-]+=)?{_NAME})"
    rf"(?:(?:\#(?P<stage>{_NAME})|@(?P<version>{_SEMVER})|@alias/(?P<alias>\w[\w-]*))(?P<not>!?)"
    r"|@(?P<word>deprecated|created))"
    r"(?:\#(?P<counter>[0-9]{1,300}))?"
)


class TagName(NamedTuple):
    """One tag's name, taken apart; ``str`` puts it together again."""

    action: Action
    name: str
    """The model's, with ``:`` where the tag has ``=``."""
    what: str = ""
    """The version, the stage or the alias; empty for a deprecation."""
    counter: int | None = None

    def __str__(self) -> str:
        end = "" if self.counter is None else f"#{self.counter}"
        return f"{self.name.replace(':', '=')}{_said(self.action, self.what)}{end}"


def _said(action: Action, what: str) -> str:
    match action:
        case Action.REGISTER:
            return f"@{what}"
        case Action.DEREGISTER:
            return f"@{what}!"
        case Action.ASSIGN:
            return f"#{what}"
        case Action.UNASSIGN:
            return f"#{what}!"
        case Action.ALIAS:
            return f"@alias/{what}"
        case Action.UNALIAS:
            return f"@alias/{what}!"
        case Action.DEPRECATE:
            return "@deprecated"
        case Action.CREATE:
            return "@created"


_STAGES = (Action.ASSIGN, Action.UNASSIGN)
_VERSIONS = (Action.REGISTER, Action.DEREGISTER)
_ALIASES = (Action.ALIAS, Action.UNALIAS)


def parse(text: str) -> TagName | None:
    """What a tag of this name says; None for one that is none of a registry."""
    found = _TAG.fullmatch(text) if "@" in text or "#" in text else None
    if found is None:
        return None
    name, stage, version, alias, ends, word, counter = found.groups()
    name = name.replace("=", ":")
    number = None if counter is None else int(counter)
    if version:
        return TagName(_VERSIONS[ends == "!"], name, version, number)
    if stage:
        return TagName(_STAGES[ends == "!"], name, stage, number)
    if alias:
        return TagName(_ALIASES[ends == "!"], name, alias, number)
    action = Action.DEPRECATE if word == "deprecated" else Action.CREATE
    return TagName(action, name, "", number)
