"""``modelyard deregister``: a version out of use."""

from __future__ import annotations

import click

from modelyard.base.errors import InvalidInput
from modelyard.base.refs import Newest, Number, SemVer
from modelyard.cli.options import Change, changes_registry, comment_option, name_argument
from modelyard.cli.output import emit


@click.command(name="deregister")
@name_argument()
@comment_option
@changes_registry
def command(name: str, comment: str, as_json: bool, change: Change) -> None:
    """Take a version out of use: NAME@3, NAME@v1.2.0. Its record stays; registering its content again brings it back.

    \b
    Examples:
      modelyard deregister churn@3 -m "trained on the wrong months"
      modelyard deregister churn@v1.2.0 --dry-run
    """
    from modelyard.cli.registries import changing
    from modelyard.yard.naming import named_ref

    wanted = named_ref(name)
    if isinstance(wanted.selector, Newest):
        raise InvalidInput("which version is to be deregistered?", hint=f"as in {wanted.name}@3")
    with changing(change) as models:
        # A number finds one that is deregistered already, so that the command may be repeated.
        exact = isinstance(wanted.selector, Number | SemVer)
        label = name.rpartition("@")[2] if exact else models.get(wanted).version
        version = models.deregister(wanted.name, label, comment)
        verb = "would be" if change.dry_run else "is"
        emit({"name": version.name, "version": version.version, "active": False}, as_json,
             lambda: f"{version.ref} {verb} deregistered")  # fmt: skip
