"""Options that many commands share, and words of the command line as Python values."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click

from modelyard.base.errors import InvalidInput
from modelyard.cli.completion import complete_name, complete_ref

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
project_option = click.option(
    "--project",
    metavar="FOLDER|URL",
    help="Look there instead of in this folder's project: a folder, or the URL of a repository or bucket.",
)
registry_option = click.option(
    "--registry",
    type=click.Choice(["yard", "git"]),
    help="The registry to act on, if not the project's own.",
)
push_option = click.option(
    "--push/--no-push", default=None, help="Send the tags of a Git registry to origin at once."
)
uri_option = click.option("--uri", metavar="URI", help="The yard's database, if not the project's.")
rev_option = click.option("--rev", metavar="REV", help="Git revision of the project to look at.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Say what would be done, do nothing.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
comment_option = click.option("-m", "--comment", default="", help="Why.")
trust_option = click.option(
    "--trust", metavar="DIGEST", help="Load a tier 2 model with this digest."
)
check_env_option = click.option(
    "--check-env",
    type=click.Choice(["warn", "error", "off"]),
    default="warn",
    show_default=True,
    help="What to do when the environment differs from the model's.",
)
argument_option = click.option(
    "-a",
    "--argument",
    "arguments",
    multiple=True,
    metavar="NAME=VALUE",
    help="Further argument of the method.",
)
settings_option = click.option(
    "-c", "settings", multiple=True, metavar="KEY=VALUE", help="Option of it, as --KEY VALUE."
)

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


@dataclass(frozen=True, slots=True)
class Change:
    """The registry that a command changes, and how."""

    project: str | None
    registry: str | None
    push: bool | None = None
    dry_run: bool = False


def changes_registry(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command that changes a registry: it gets ``as_json``, and the others as one ``change``."""

    @functools.wraps(command)
    def collected(
        *,
        project: str | None,
        registry: str | None,
        push: bool | None,
        dry_run: bool,
        **others: Any,
    ) -> Any:
        return command(change=Change(project, registry, push, dry_run), **others)

    for option in (project_option, registry_option, json_option, dry_run_option, push_option):
        collected = option(collected)
    return collected


def ref_argument(name: str = "ref", **named: Any) -> Decorator:
    """A reference to a saved or registered object; the shell completes paths and names."""
    return click.argument(name, shell_complete=complete_ref, **named)


def name_argument(name: str = "name", **named: Any) -> Decorator:
    """The name of a registered model; the shell completes it."""
    return click.argument(name, shell_complete=complete_name, **named)


def method_options(words: Sequence[str]) -> dict[str, Any]:
    """``name=value`` words as arguments: values are JSON where they can be, else text.

    >>> method_options(["alpha=0.5", "names=[\\"a\\"]", "mode=fast"])
    {'alpha': 0.5, 'names': ['a'], 'mode': 'fast'}
    """
    found: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.isidentifier():
            raise InvalidInput(f"{word!r} is not NAME=VALUE", hint="as in alpha=0.5")
        found[name] = value_of(value)
    return found


def plugin_options(settings: Sequence[str], words: Sequence[str]) -> dict[str, str]:
    """Options of a builder or server: ``-c key=value``, ``--key value`` and ``--key=value``, as texts by key.

    >>> plugin_options(["name=churn"], ["--limits.depth", "8"])
    {'name': 'churn', 'limits.depth': '8'}
    """
    found: dict[str, str] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key:
            raise InvalidInput(f"{setting!r} is not KEY=VALUE", hint="as in -c name=churn")
        found[_key(key)] = value
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--") or len(word) < 3:
            raise InvalidInput(f"unexpected word {word!r}", hint="options are --KEY VALUE")
        key, equals, value = word[2:].partition("=")
        if not equals:
            if not rest:
                raise InvalidInput(f"--{key} needs a value")
            value = rest.pop(0)
        found[_key(key)] = value
    return found


def _key(word: str) -> str:
    return word.replace("-", "_")


def nested(options: dict[str, str]) -> dict[str, Any]:
    """Dotted keys as tables, values as JSON where they can be.

    >>> nested({"limits.depth": "8", "drain_seconds": "5"})
    {'limits': {'depth': 8}, 'drain_seconds': 5}
    """
    found: dict[str, Any] = {}
    for key, text in options.items():
        *above, last = key.split(".")
        place = found
        for word in above:
            place = place.setdefault(word, {})
            if not isinstance(place, dict):
                raise InvalidInput(f"{word!r} is a value and a table in {key!r}")
        place[last] = value_of(text)
    return found


def value_of(text: str) -> Any:
    """JSON where it can be read as JSON, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text
