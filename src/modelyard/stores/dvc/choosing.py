"""What the paths mean that somebody pushes or pulls: outputs of projects on this machine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelyard.base.errors import FileMissing, NotFound
from modelyard.stores.dvc.config import FILE
from modelyard.stores.dvc.pointers import LOCK, PIPELINE, SUFFIX, Output
from modelyard.stores.dvc.project import Project
from modelyard.stores.dvc.roots import project_root
from modelyard.stores.folders.local import LocalFolder

_CARD = ".yard.yaml"


@dataclass(frozen=True)
class Chosen:
    """An output, or a part of one that is a folder."""

    output: Output
    inner: str = ""

    def has(self, path: str) -> bool:
        """Whether a file of the folder is meant."""
        return not self.inner or path == self.inner or path.startswith(f"{self.inner}/")


def chosen(paths: Sequence[str | Path]) -> list[tuple[Project, list[Chosen]]]:
    """Projects with what is meant of each. Without paths: all of the project that we are in."""
    projects: dict[Path, tuple[Project, list[Chosen]]] = {}
    for path in paths or ("",):
        at = Path(path or ".").expanduser().absolute()
        root = project_root(at if at.is_dir() else at.parent)
        if root is None:
            raise NotFound(
                f"{at} is in no DVC project (there is no {FILE} above it)",
                hint="dvc init, or name a path in one",
            )
        project, found = projects.setdefault(root, (Project(LocalFolder(root)), []))
        if path:
            found += _at(project, _relative(at, root))
        else:
            found += _all(project, project.all_pointers())
    return list(projects.values())


def _relative(path: Path, root: Path) -> str:
    parts = path.relative_to(root).as_posix()
    return "" if parts == "." else parts.removesuffix(_CARD)


def _at(project: Project, path: str) -> list[Chosen]:
    name = path.rpartition("/")[2]
    if name == PIPELINE:
        path, name = path.removesuffix(PIPELINE) + LOCK, LOCK
    entry = project.folder.entry(path) if path and _is_plain(project, path) else None
    if entry is not None and not entry.is_folder and (name == LOCK or name.endswith(SUFFIX)):
        return _all(project, [path])
    output = project.tracking(path) if path else None
    if output is not None:
        return [Chosen(output, path[len(output.path) + 1 :])]
    if entry is None and path:
        raise FileMissing(
            f"{project.label}: nothing at {path}, and no pointer or dvc.lock tells of it",
            hint="modelyard pull without a path brings all that is tracked",
        )
    outputs = _all(project, project.all_pointers(path))
    inside = [c for c in (Chosen(o) for o in project.outputs_below(path)) if c not in outputs]
    return [*outputs, *inside]


def _is_plain(project: Project, path: str) -> bool:
    assert isinstance(project.folder, LocalFolder)
    return not (project.folder.root / path).is_symlink()


def _all(project: Project, pointers: Iterable[str]) -> list[Chosen]:
    return [Chosen(output) for pointer in pointers for output in project.outputs_of(pointer)]
