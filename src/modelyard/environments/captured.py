"""What `capture` found, and how a caller's own word changes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Self

from modelyard.base.errors import InvalidInput, did_you_mean
from modelyard.environments.interface import LocalModule
from modelyard.environments.origins import origin, stored_as
from modelyard.environments.requirements import (
    Requirement,
    merge,
    parse_requirement,
    parse_requirements,
    read_requirements,
)
from modelyard.environments.system import check_system_names, system_packages

_GROUPS = ("packages", "system", "modules")


@dataclass(frozen=True, slots=True)
class Captured:
    """What an object needs, as found in the running interpreter."""

    packages: Mapping[str, str] = field(default_factory=dict[str, str])
    """Normalised distribution name -> the version installed here, without a local label (``+cpu``)."""
    system: tuple[str, ...] = ()
    """Debian packages."""
    modules: tuple[LocalModule, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict[str, str])
    """Distribution or local module -> the class, function or module that brought it."""
    notes: tuple[str, ...] = ()
    """A sentence for each thing that could not be found out; empty as a rule."""
    given: tuple[Requirement, ...] = ()
    """What the caller asked for; it takes the place of what was found under the same name."""

    def lines(self) -> tuple[str, ...]:
        """Requirement lines, sorted: a pin for each package found, and what was given as it was given.

        >>> Captured(packages={"numpy": "2.4.6"}).lines()
        ('numpy==2.4.6',)
        """
        pins = [parse_requirement(f"{name}=={version}") for name, version in self.packages.items()]
        return tuple(map(str, merge(pins, self.given)))

    def including(self, *modules: str) -> Self:
        """With the distributions of further modules, by import name (``skops``); absent ones are `InvalidInput`."""
        packages = dict(self.packages)
        for name in modules:
            distribution = origin(name).distribution
            if distribution is None:
                raise InvalidInput(f"no installed package has the module {name!r}")
            packages[distribution.name] = distribution.version
        packages = dict(sorted(packages.items()))
        return replace(self, packages=packages, system=_joined(self.system, packages))

    def only_modules(self, modules: Sequence[Any]) -> Self:
        """With these local modules in place of those found (`find_modules`); an empty list stores none."""
        return replace(self, modules=find_modules(modules))

    def overridden(self, requirements: Any) -> Self:
        """As the caller of ``save(requirements=…)`` says.

        A list of lines, or the path of a requirements file: each replaces or adds its package, the rest stays as found.
        A dict with ``packages`` (lines, or a path), ``system`` or ``modules``: a group that is given replaces all that
        was found of it. Raises `InvalidInput` for lines and keys that cannot be meant.
        """
        if not isinstance(requirements, Mapping):
            given = _lines_of(requirements)
            return replace(self, given=given, system=_joined(self.system, _names(given)))
        for key in requirements:
            if key not in _GROUPS:
                raise InvalidInput(
                    f"requirements have no group {key!r}",
                    hint=did_you_mean(str(key), _GROUPS) or f"known: {', '.join(_GROUPS)}",
                )
        changed = self
        if "packages" in requirements:
            changed = replace(changed, packages={}, given=_lines_of(requirements["packages"]))
        if "system" in requirements:
            changed = replace(changed, system=check_system_names(requirements["system"]))
        if "modules" in requirements:
            changed = changed.only_modules(requirements["modules"])
        return changed


def _lines_of(given: Any) -> tuple[Requirement, ...]:
    if isinstance(given, (str, Path)):
        return read_requirements(Path(given).expanduser())
    if isinstance(given, Iterable):
        return parse_requirements(given)
    raise InvalidInput(
        f"requirements cannot be {type(given).__name__}",
        hint="a list of lines, the path of a requirements.txt, or a dict with packages, system, modules",
    )


def _names(requirements: Iterable[Requirement]) -> list[str]:
    return [requirement.name for requirement in requirements]


def _joined(system: Iterable[str], packages: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({*system, *system_packages(packages)}))


def find_modules(given: Sequence[Any]) -> tuple[LocalModule, ...]:
    """Local modules by import name, by path (a ``.py`` file, or a folder with ``__init__.py``), or as modules.

    Raises `InvalidInput` for what is none of these, and for a module of Python's own. A module from an installed
    package is taken too, since it was asked for.
    """
    if isinstance(given, (str, Path, ModuleType)):
        raise InvalidInput("modules are given as a list, as in modules=['features']")
    return tuple(sorted({_find_module(item) for item in given}))


def _find_module(item: Any) -> LocalModule:
    if isinstance(item, ModuleType):
        item = item.__name__
    path = Path(item) if isinstance(item, (str, Path)) else None
    if path is None:
        raise InvalidInput(f"{item!r} is not a module, its name or its path")
    if isinstance(item, Path) or path.suffix == ".py" or "/" in str(item) or "\\" in str(item):
        return _module_at(path.expanduser())
    found = origin(str(item))
    if found.kind not in ("local", "package") or found.file is None:
        raise InvalidInput(
            f"no local module named {item!r} here",
            hint="or give its path: modules=['src/features.py']",
        )
    return stored_as(found)


def _module_at(path: Path) -> LocalModule:
    path = path.absolute()
    if path.is_file() and path.suffix == ".py" and path.stem.isidentifier():
        return LocalModule(path.stem, path)
    if (path / "__init__.py").is_file() and path.name.isidentifier():
        return LocalModule(path.name, path, is_package=True)
    raise InvalidInput(
        f"{str(path)!r} is no module", hint="a .py file, or a folder that has an __init__.py"
    )
