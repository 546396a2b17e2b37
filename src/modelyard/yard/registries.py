"""Which registry a project has, its yard or its Git repository, and that registry opened: one face for all callers.

``--registry``, else the setting ``registry``, else the yard; but in a repository that has tags of a registry or a
``.gto`` file and no yard it is Git. Nothing here loads a database library where the registry is Git.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from modelyard.base.config import REGISTRIES, settings
from modelyard.base.errors import FileMissing, InvalidInput, InvalidSetting, NotFound, did_you_mean
from modelyard.base.project import DATABASE, find_root, is_bare

if TYPE_CHECKING:
    from modelyard.yard.git_registry import GitRegistry
    from modelyard.yard.registered import Registered

RegistryName = Literal["yard", "git"]
SETTINGS_FILE = ".gto"


def registry_of(project: str | Path | None = None, told: str | None = None) -> RegistryName:
    """Which registry a project has; ``told`` is what the caller asks for. A repository behind a URL has its tags alone."""
    if told is not None and told not in REGISTRIES:
        near = did_you_mean(told, REGISTRIES) or f"one of: {', '.join(REGISTRIES)}"
        raise InvalidSetting(f"registry {told!r} is not known", hint=near)
    if is_address(project):
        if told == "yard":
            raise InvalidInput(f"{project} has no yard", hint="a yard is found by MODELYARD_URI")
        return "git"
    if told is not None:
        return told  # type: ignore[return-value]  # one of the two
    root = find_root(Path(project) if project is not None else None)
    config = settings(root)
    chosen = config.get("registry")
    if chosen is not None:
        return chosen
    if (root / DATABASE).exists() or config.get("uri") is not None or not _in_repository(root):
        return "yard"
    return "git" if (root / SETTINGS_FILE).is_file() or has_registry_tags(root) else "yard"


def is_address(project: str | Path | None) -> bool:
    """Whether a project is elsewhere: the URL of a repository."""
    return isinstance(project, str) and "://" in project


def _in_repository(root: Path) -> bool:
    return is_bare(root) or any((folder / ".git").exists() for folder in (root, *root.parents))


def has_registry_tags(folder: Path) -> bool:
    """Whether a repository has a tag that reads as a version's, a stage's or an alias'."""
    return next(_named_by_tags(folder), None) is not None


def names_by_tags(folder: Path) -> list[str]:
    """The names that the tags of a repository speak of, from the tags' names alone: for who is in a hurry."""
    return sorted(set(_named_by_tags(folder)))


def _named_by_tags(folder: Path) -> Iterator[str]:
    from modelyard.base.errors import ModelyardError
    from modelyard.registry._git.tags import parse
    from modelyard.stores.git.command import git_text, lines_of

    try:
        names = git_text(folder, "for-each-ref", "--format=%(refname:strip=2)", "refs/tags/")
    except (
        ModelyardError
    ):  # a broken repository, or no Git here: then its tags are nobody's registry
        return
    yield from (said.name for name in lines_of(names) if (said := parse(name)) is not None)


def git_registry(project: str | Path | None = None, **options: Any) -> GitRegistry:
    """The registry of the repository that a project is in, or that a URL names."""
    from modelyard.yard.git_registry import GitRegistry

    if is_address(project):
        return GitRegistry(str(project), **options)
    folder = Path(project or ".").expanduser()
    if not folder.is_dir():
        raise FileMissing(f"no project folder at {folder}")
    return GitRegistry(folder, **options)


@contextlib.contextmanager
def opened_registry(
    project: str | Path | None = None,
    told: str | None = None,
    *,
    push: bool | None = None,
    make: bool = False,
) -> Iterator[Registered[Any] | None]:
    """The registry of a project; None for a yard that is not there yet, unless it may be made. ``push`` is for Git."""
    if registry_of(project, told) == "git":
        yield git_registry(project, push=push)
        return
    if push is not None:
        raise InvalidInput("only a Git registry is pushed", hint="--registry git, or leave it out")
    from modelyard.yard.resolving import opened_yard, project_folder

    folder = project_folder(None if project is None else str(project), None)
    if make:
        from modelyard.yard.yard import Yard

        with Yard(project=folder) as yard:
            yield yard.models
        return
    with opened_yard(folder, None) as found:
        yield None if found is None else found.models


@contextlib.contextmanager
def existing_registry(
    project: str | Path | None = None, told: str | None = None, *, push: bool | None = None
) -> Iterator[Registered[Any]]:
    """The same; `NotFound` where there is none yet."""
    with opened_registry(project, told, push=push) as found:
        if found is None:
            raise NotFound(
                f"there is no yard in {find_root(Path(project or '.'))} yet",
                hint="modelyard register PATH and modelyard data add FILE make one",
            )
        yield found
