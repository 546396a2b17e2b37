"""From a reference to what it stands for: a saved object in a folder, or a version in a registry.

A bare name is a path when an object is there, else a registered name; a failure tells everything that was tried.
"""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from modelyard.base.errors import FileMissing, NotFound, NotSupported, did_you_mean
from modelyard.base.project import find_root
from modelyard.base.refs import BareRef, NameRef, PathRef, parse, unavailable
from modelyard.objects.card_file import SUFFIX
from modelyard.objects.importers import open_path, openable
from modelyard.objects.source import Source
from modelyard.yard.addresses import address_of
from modelyard.yard.project import require_yard_registry

if TYPE_CHECKING:
    from modelyard.yard.yard import Yard


def resolve(
    ref: str | Path, *, project: str | None = None, rev: str | None = None, yard: Yard | None = None
) -> Source:
    """The object a reference stands for, not loaded yet. `NotFound` lists what was tried and the nearest names."""
    root = project_folder(project, rev)

    def opened(path: Path) -> Source:
        return open_path(path, lambda name: resolve(name, project=project, rev=rev, yard=yard))

    if isinstance(ref, Path):
        return opened(root / ref)
    parsed = parse(ref)
    if isinstance(parsed, PathRef):
        return opened(root / Path(parsed.path).expanduser())
    if isinstance(parsed, BareRef):
        path = root / parsed.text
        if openable(path):
            return opened(path)
        return _registered(NameRef(parsed.text), root, yard, tried=path)
    if isinstance(parsed, NameRef):
        return _registered(parsed, root, yard, tried=None)
    raise unavailable(parsed)


def opened_place(ref: str | Path, project: str | None = None) -> Path | None:
    """The path that a reference means, or None when it is a registered name."""
    root = project_folder(project, None)
    if isinstance(ref, Path):
        return root / ref
    parsed = parse(ref)
    if isinstance(parsed, PathRef):
        return root / Path(parsed.path).expanduser()
    if isinstance(parsed, BareRef) and openable(root / parsed.text):
        return root / parsed.text
    return None


def project_folder(project: str | None, rev: str | None) -> Path:
    """The folder that relative paths start from."""
    if rev is not None:
        raise NotSupported(f"--rev {rev}: objects at a Git revision cannot be opened here yet")
    if project is None:
        return Path()
    if "://" in project:
        raise unavailable(parse(project))
    folder = Path(project).expanduser()
    if not folder.is_dir():
        raise FileMissing(f"no project folder at {folder}")
    return folder


def _registered(ref: NameRef, root: Path, yard: Yard | None, tried: Path | None) -> Source:
    attempts = [f"no object at {tried}{SUFFIX}"] if tried is not None else []
    if yard is None:
        require_yard_registry(root, "; ".join(attempts))
    with opened_yard(root, yard) as found:
        names = [] if found is None else found.models.names()
        if found is not None and ref.name in names:
            return found.models.source(ref)
        place = "" if found is None else found.label
        hint = did_you_mean(ref.name, [*names, *nearby(tried)])
        if found is not None and ref.name in {d["name"] for d in found.datasets.list(records=True)}:
            hint = f"it is a data set: modelyard data show {ref.name}"
    attempts.append(
        f"no model '{ref.name}' in {place}" if place else f"no yard.db in {find_root(root)}"
    )
    raise NotFound(
        f"nothing is called {ref.name if tried else str(ref)!r}: " + "; ".join(attempts),
        hint=hint or "modelyard list shows the objects here, modelyard show the registered models",
    )


def nearby(path: Path | None) -> list[str]:
    """Objects in the folder of a path that was not found, whose names are near."""
    if path is None or not path.parent.is_dir():
        return []
    names = [c.name.removesuffix(SUFFIX) for c in path.parent.glob(f"*{SUFFIX}")]
    return [str(path.with_name(n)) for n in difflib.get_close_matches(path.name, names, n=2)]


@contextlib.contextmanager
def opened_yard(root: Path, yard: Yard | None) -> Iterator[Yard | None]:
    """The given yard; else the project's, when there is one already: looking must not create it."""
    if yard is not None:
        yield yard
        return
    if not yard_exists(root):
        yield None
        return
    from modelyard.yard.yard import Yard

    with Yard(project=root) as found:
        yield found


def yard_exists(root: Path) -> bool:
    """Whether the project has a yard: named by a setting, or ``yard.db`` at its root."""
    return bool(address_of(None, root).source) or (find_root(root) / "yard.db").exists()
