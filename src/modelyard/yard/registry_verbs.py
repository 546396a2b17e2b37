"""The verbs of the public interface that act on a project's registry, whichever it has: what `modelyard` exports."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelyard.base.errors import InvalidInput, NotSupported
from modelyard.base.names import Part
from modelyard.registry import verbs
from modelyard.registry.interface import Version
from modelyard.yard.registries import existing_registry, opened_registry, registry_of
from modelyard.yard.versions import RegisteredVersion

if TYPE_CHECKING:
    from modelyard.yard.registered import Registered


def register(
    ref_or_model: Any,
    name: str | None = None,
    *,
    semver: str | None = None,
    bump: Part | None = None,
    comment: str = "",
    project: str | None = None,
    rev: str | None = None,
    registry: str | None = None,
    push: bool | None = None,
    **options: Any,
) -> RegisteredVersion:
    """Register a saved or live model as the next version of ``name``, on any backend, without a run.

    ``name``: else a path's last segment. ``registry``: ``"yard"`` or ``"git"``, else the project's. In a yard ``options`` are
    those of ``Yard.models.add``, and the yard stays open while it is in use. A Git registry takes what is committed (at
    ``rev``, by default HEAD); ``push`` sends the tag at once.
    """
    if name is None and not isinstance(ref_or_model, str | Path):
        raise InvalidInput("a live model needs a name to be registered under")
    told = {"semver": semver, "bump": bump, "comment": comment}
    if registry_of(project, registry) == "git":
        with existing_registry(project, registry, push=push) as found:
            return register_in_git(found, ref_or_model, name, rev=rev, **told, **options)
    if push is not None:
        raise InvalidInput("only a Git registry is pushed", hint="registry='git', or leave it out")
    return _in_yard(ref_or_model, name, project, rev, {**told, **options})


def _in_yard(
    ref_or_model: Any,
    name: str | None,
    project: str | None,
    rev: str | None,
    told: Mapping[str, Any],
) -> RegisteredVersion:
    from modelyard.yard.yard import Yard  # with the database library, which nothing else here needs

    yard = Yard(project=project)
    model = ref_or_model
    if isinstance(model, str | Path):
        model = to_register(model, project, rev, yard)
        name = name or (model.name if not isinstance(model, str | Path) else Path(str(model)).name)
    assert name is not None  # said where it was not
    return yard.models.add(model, name, **told)


def to_register(ref: str | Path, project: str | None, rev: str | None, yard: Any) -> Any:
    """What a yard is given for a reference: a path or name of its own project, else what is found elsewhere."""
    from modelyard.base.refs import BareRef, NameRef, PathRef, parse
    from modelyard.objects.importers import openable
    from modelyard.yard.resolving import project_folder, resolve

    if isinstance(ref, str) and (
        rev is not None or not isinstance(parse(ref), PathRef | BareRef | NameRef)
    ):
        return resolve(ref, project=project, rev=rev, yard=yard)
    here = project_folder(project, None) / ref
    return here if openable(here) else ref


def register_in_git(
    registry: Registered[Any], ref: Any, name: str | None, *, rev: str | None, **options: Any
) -> RegisteredVersion:
    """Register in a Git repository what is committed there. `NotSupported` for a live model."""
    from modelyard.yard.git_registry import GitRegistry

    assert isinstance(registry, GitRegistry)
    if not isinstance(ref, str | Path):
        raise NotSupported(
            "a Git registry registers commits, not a live model",
            hint="my.save(model, 'models/name'), commit it, then register that path",
        )
    known = {"semver", "bump", "comment"}
    others = [key for key, value in options.items() if key not in known and value is not None]
    if others:
        raise InvalidInput(f"{', '.join(others)}: only a yard keeps that", hint="registry='yard'")
    return registry.register(ref, name, rev=rev, **{k: options[k] for k in known if k in options})


def rehearse_in_yard(
    models: Any, model: Any, name: str, *, semver: str | None, bump: Part | None
) -> Version:
    """The version that something would become in a yard; ``models`` is None where there is no yard yet."""
    from modelyard.objects.source import Source
    from modelyard.registry.memory import MemoryRegistry
    from modelyard.yard.rehearsing import RehearsedRegistry

    if isinstance(model, Source):
        source = model
    else:
        source = models.saved(model) if models is not None else resolve_here(model)
    kept = MemoryRegistry() if models is None else models.registry
    digest = source.card.digest
    return verbs.register(RehearsedRegistry(kept), name, digest=digest, semver=semver, bump=bump)


def resolve_here(model: str | Path) -> Any:
    """What a path stands for, where there is no yard that would know names."""
    from modelyard.yard.resolving import resolve

    return resolve(model)


def refuse_registering() -> None:
    """`NotSupported` before something is saved that could not be registered then."""
    if registry_of() == "git":
        raise NotSupported(
            "what is saved is not committed yet, and the registry of this project is Git",
            hint="save it without register=, commit it, then my.register(path)",
        )


def register_saved(path: Path, name: str) -> None:
    """Register what was just saved in the project's yard."""
    with opened_registry(make=True) as models:
        models.add(path, name)  # type: ignore[union-attr]  # a yard's: made when it was not there


def promote(
    name: str,
    stage: str,
    version: int | str | None = None,
    comment: str | None = None,
    *,
    project: str | None = None,
    registry: str | None = None,
    push: bool | None = None,
) -> RegisteredVersion:
    """Assign a version (by default the newest) to a stage."""
    return _kept_open(project, registry, push).promote(name, stage, version, comment or "")


def _kept_open(project: str | None, registry: str | None, push: bool | None) -> Registered[Any]:
    """For a version that is used afterwards: its yard stays open."""
    if registry_of(project, registry) == "git":
        with existing_registry(project, registry, push=push) as found:
            return found
    from modelyard.yard.yard import Yard

    return Yard(project=project).models


def demote(
    name: str,
    stage: str,
    version: int | str | None = None,
    comment: str | None = None,
    *,
    project: str | None = None,
    registry: str | None = None,
    push: bool | None = None,
) -> None:
    """Empty a stage; with a version, take only that one out of it."""
    with opened_registry(project, registry, push=push, make=True) as found:
        assert found is not None
        found.demote(name, stage, version, comment or "")
