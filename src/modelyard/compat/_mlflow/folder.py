"""A folder ``mlruns``: experiments, runs and the registry as MLflow's file store writes them, a file a value."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelyard.base.errors import FileMissing, ForeignSchema, ModelyardError, NotAllowed
from modelyard.base.notes import note
from modelyard.compat._mlflow.interface import (
    MODEL_ID,
    PARENT,
    RUN_NAME,
    FoundModel,
    FoundRun,
    FoundVersion,
    Home,
    Registered,
    in_contexts,
    in_order,
    latest_of,
    run_id_of,
    status_of,
)
from modelyard.compat._mlflow.places import LocalFolder, Places
from modelyard.stores.plain_yaml import read_yaml
from modelyard.tracking.interface import Context, Input, LoggedModel, Metric, ModelLink, Run

PAGE = 200
META = "meta.yaml"
_TRASH = ".trash"
_DELETED = "Deleted_Internal"
_MODEL_STATUSES = {"1": "PENDING", "2": "READY", "3": "UPLOAD_FAILED"}


class FolderSource:
    """All that is in one folder. Links that lead out of it are not followed."""

    def __init__(self, path: Path, roots: Sequence[str]) -> None:
        self._root = path.absolute()
        self.shown, self.key = str(path), f"folder {path.resolve()}"
        if not self._root.is_dir():
            raise FileMissing(f"{path}: there is no such folder")
        if not any(self._experiments()):
            raise ForeignSchema(f"{path} has no experiments as MLflow's file store keeps them")
        self._places = Places([*roots, str(self._root)])
        self._contexts: dict[str, Mapping[str, list[Metric]]] = {}

    def close(self) -> None:
        """Nothing is held."""

    def _experiments(self) -> Iterator[Path]:
        for folder in (self._root, self._root / _TRASH):
            for path in _folders(folder):
                if path.name not in (_TRASH, "models") and (path / META).is_file():
                    yield path

    def homes(self) -> list[Home]:
        found: list[Home] = []
        for path in self._experiments():
            told = self._meta(path)
            if told is None:
                continue
            found.append(
                Home(
                    path.name,
                    told.get("name") or path.name,
                    told.get("lifecycle_stage") == "deleted" or path.parent.name == _TRASH,
                    _number(told.get("creation_time")) or 0,
                    told.get("artifact_location") or "",
                    {**_plain(told.get("tags")), **self._texts(path / "tags")},
                )
            )
        return found

    def _home(self, home: Home) -> Path:
        path = self._root / home.id
        return path if path.is_dir() else self._root / _TRASH / home.id

    def _meta(self, folder: Path) -> dict[str, Any] | None:
        """What ``meta.yaml`` says; None with a remark when it says nothing that can be read."""
        file = folder / META
        try:
            self._inside(file)
            told = read_yaml(file.read_bytes(), str(file))
        except (OSError, ModelyardError) as error:
            note(f"{file} is passed over: {getattr(error, 'message', error)}")
            return None
        return told if isinstance(told, dict) else None

    def _inside(self, path: Path) -> Path:
        if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self._root)):
            raise NotAllowed(f"{path} leads out of {self.shown}")
        return path

    def _texts(self, folder: Path) -> dict[str, str]:
        """A file a key, which may have slashes."""
        return {key: path.read_text("utf-8") for key, path in self._files(folder)}

    def _files(self, folder: Path) -> Iterator[tuple[str, Path]]:
        if not folder.is_dir():
            return
        for key in LocalFolder(folder).list():
            yield key, self._inside(folder / key)

    # Runs

    def runs(self, home: Home) -> Iterator[Sequence[FoundRun]]:
        place, found = self._home(home), []
        sets = {p.name: p for p in _folders(place / "datasets")}
        self._contexts[home.id] = self._measured(place)
        for path in _folders(place):
            if path.name in ("datasets", "models", "tags", "traces") or not (path / META).is_file():
                continue
            told = self._meta(path)
            if told is not None:
                found.append(self._run(home, path, told, sets))
            if len(found) == PAGE:
                yield found
                found = []
        if found:
            yield found

    def _run(self, home: Home, path: Path, told: Mapping[str, Any], sets: Mapping[str, Path]) -> FoundRun:  # fmt: skip
        tags = self._texts(path / "tags")
        taken, made = self._links(path)
        run_id = told.get("run_id") or told.get("run_uuid") or path.name
        points = self._points(path, home, run_id)
        run = Run(
            run_id,
            0,
            told.get("run_name") or told.get("name") or tags.get(RUN_NAME, ""),
            status_of(told.get("status")),
            told.get("user_id") or "",
            _number(told.get("start_time")) or 0,
            _number(told.get("end_time")),
            deleted_ms=_number(told.get("deleted_time")),
            parent_run_id=tags.get(PARENT) or None,
            metrics=latest_of(points),
            params=self._texts(path / "params"),
            tags=tags,
            inputs=list(self._inputs(path, sets)),
            model_inputs=taken,
            model_outputs=made,
        )
        deleted = told.get("lifecycle_stage") == "deleted"
        return FoundRun(run, home.id, deleted, str(path / "artifacts"))

    def _points(self, path: Path, home: Home, run_id: str) -> list[Metric]:
        points = [
            point
            for key, file in self._files(path / "metrics")
            for line in file.read_text("utf-8").splitlines()
            if (point := _point(key, line.split())) is not None
        ]
        contexts = self._contexts.get(home.id, {}).get(run_id)
        return in_contexts(points, contexts) if contexts else points

    def _measured(self, home: Path) -> Mapping[str, list[Metric]]:
        """Points of logged models, by the run that logged them."""
        found: defaultdict[str, list[Metric]] = defaultdict(list)
        for model in _folders(home / "models"):
            for key, file in self._files(model / "metrics"):
                for line in file.read_text("utf-8").splitlines():
                    words = line.split()
                    if len(words) < 4:
                        continue
                    point = _point(key, [*words[:3], *words[4:]])
                    if point is not None:
                        context = point.context
                        context = Context(model.name, context.dataset_name, context.dataset_digest)
                        found[words[3]].append(point._replace(context=context))
        return found

    def histories(self, runs: Sequence[FoundRun]) -> Mapping[str, Sequence[Metric]]:
        found: dict[str, Sequence[Metric]] = {}
        for one in runs:
            path, home = Path(one.files).parent, Home(one.home, "")
            found[one.run.run_id] = in_order(self._points(path, home, one.run.run_id))
        return found

    def _inputs(self, path: Path, sets: Mapping[str, Path]) -> Iterator[Input]:
        for folder in _folders(path / "inputs"):
            use = self._meta(folder) or {}
            if use.get("source_type") != "DATASET" or use.get("source_id") not in sets:
                continue
            told = self._meta(sets[use["source_id"]]) or {}
            names = ("name", "digest", "source_type", "source", "schema", "profile")
            yield Input(*(told.get(n) or "" for n in names), tags=_plain(use.get("tags")))

    def _links(self, path: Path) -> tuple[list[ModelLink], list[ModelLink]]:
        taken = [
            ModelLink(told["source_id"])
            for folder in _folders(path / "inputs")
            if (told := self._meta(folder) or {}).get("source_type") == "MODEL"
        ]
        made = [
            ModelLink(told["destination_id"], _number(told.get("step")) or 0)
            for folder in _folders(path / "outputs")
            if (told := self._meta(folder) or {}).get("destination_type") == "MODEL_OUTPUT"
        ]
        return taken, made

    # Models

    def models(self, home: Home) -> Iterator[Sequence[FoundModel]]:
        found: list[FoundModel] = []
        for path in _folders(self._home(home) / "models"):
            told = self._meta(path) if MODEL_ID.fullmatch(path.name) else None
            if told is None:
                continue
            source = told.get("source_run_id")
            model = LoggedModel(
                path.name,
                0,
                told.get("name") or "",
                told.get("model_type") or "",
                run_id_of(source) if source else None,
                _MODEL_STATUSES.get(str(told.get("status")), "PENDING"),
                told.get("status_message") or "",
                _number(told.get("creation_timestamp")) or 0,
                _number(told.get("last_updated_timestamp")) or 0,
                params=self._texts(path / "params"),
                tags=self._texts(path / "tags"),
            )
            deleted = told.get("lifecycle_stage") == "deleted"
            found.append(FoundModel(model, home.id, deleted, str(path / "artifacts")))
        if found:
            yield found

    def registered(self) -> Iterator[Registered]:
        for path in _folders(self._root / "models"):
            told = self._meta(path) if (path / META).is_file() else None
            if told is None:
                continue
            aliases = {**_plain(told.get("aliases")), **self._texts(path / "aliases")}
            versions = [v for p in _folders(path) if (v := self._version(p)) is not None]
            yield Registered(
                told.get("name") or path.name,
                told.get("description") or "",
                _number(told.get("creation_timestamp")) or 0,
                self._texts(path / "tags"),
                {alias: int(number) for alias, number in aliases.items()},
                sorted(versions, key=lambda version: version.number),
            )

    def _version(self, path: Path) -> FoundVersion | None:
        told = self._meta(path) if path.name.startswith("version-") else None
        if told is None or told.get("current_stage") == _DELETED:
            return None
        return FoundVersion(
            int(told["version"]),
            told.get("source") or "",
            told.get("storage_location") or "",
            told.get("run_id") or "",
            told.get("run_link") or "",
            told.get("model_id") or "",
            told.get("description") or "",
            told.get("current_stage") or "None",
            told.get("status") or "READY",
            told.get("user_id") or "",
            _number(told.get("creation_timestamp")) or 0,
            self._texts(path / "tags"),
        )

    def folder(self, uri: str, run_id: str = "", model_id: str = "") -> Any:
        return self._places.folder(uri)

    def left_out(self) -> list[str]:
        traces = sum(len(_folders(path / "traces")) for path in self._experiments())
        return [f"{traces} traces are not copied"] if traces else []


def _folders(path: Path) -> list[Path]:
    if not path.is_dir():
        return []
    return sorted(p for p in path.iterdir() if p.is_dir() and not p.is_symlink())


def _number(text: Any) -> int | None:
    return int(text) if text else None


def _plain(told: Any) -> dict[str, str]:
    return {key: value or "" for key, value in told.items()} if isinstance(told, dict) else {}


def _point(key: str, words: Sequence[str]) -> Metric | None:
    """A line: time, value, step, then the name and digest of a data set. The oldest have no step."""
    try:
        at_ms, value, step = int(words[0]), float(words[1]), int(words[2]) if len(words) > 2 else 0
    except (ValueError, IndexError):
        if words:
            note(f"a line of metric {key!r} cannot be read and is passed over")
        return None
    if len(words) < 5:
        return Metric(key, value, at_ms, step)
    return Metric(key, value, at_ms, step, Context("", " ".join(words[3:-1]), words[-1]))
