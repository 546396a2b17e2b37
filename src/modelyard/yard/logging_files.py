"""The files that a run logs, each as it is at the call: artifacts, texts, figures, images, tables."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelyard.base.errors import FileMissing, InvalidInput, ModelyardError
from modelyard.base.notes import note
from modelyard.base.paths import artifact_segments
from modelyard.tracking.records import FileAdded, Record
from modelyard.yard.logged_values import step_of

if TYPE_CHECKING:
    from modelyard.tracking.recording import Recorder


class FileLogging:
    """The part of `ActiveRun` that keeps files."""

    run_id: str
    silent: bool
    _recorder: Recorder
    _lock: threading.Lock
    _tables: dict[str, Any]
    _is_full = False
    """It was said that a file could not be kept: once a process."""

    def add(self, record: Record) -> None:
        """Tell the destination something as it is."""
        raise NotImplementedError

    def log_artifact(self, path: str | os.PathLike[str], artifact_path: str | None = None) -> None:
        """Keep a file as it is now, under its name, below the folder ``artifact_path`` of the run; a folder with all
        that is in it."""
        source = Path(path)
        if source.is_dir():
            below = source.resolve().name
            self.log_artifacts(source, f"{artifact_path}/{below}" if artifact_path else below)
            return
        if not source.is_file():
            raise FileMissing(
                f"no file at {source}", hint="log_artifact takes a path on this machine"
            )
        self.add_file(f"{artifact_path}/{source.name}" if artifact_path else source.name, source)

    def log_artifacts(
        self, folder: str | os.PathLike[str], artifact_path: str | None = None
    ) -> None:
        """Keep all files below a folder as they are now."""
        root = Path(folder)
        if not root.is_dir():
            raise FileMissing(f"no folder at {root}")
        files = sorted(path for path in root.rglob("*") if path.is_file())
        names = [path.relative_to(root).as_posix() for path in files]
        places = [f"{artifact_path}/{name}" if artifact_path else name for name in names]
        for place in places:
            artifact_segments(place)  # all are good names, or none is kept
        for place, path in zip(places, files, strict=True):
            self.add_file(place, path)

    def add_file(self, place: str, path: Path, owner: str | None = None) -> None:
        """Keep a file as it is now at a place among the run's files, or those of another owner (``model:<id>``)."""
        artifact_segments(place)
        if self.silent:
            return
        sha256, size = self._recorder.keep_file(path)
        self.add(FileAdded(owner or f"run:{self.run_id}", place, sha256, size))

    def add_bytes(self, place: str, data: bytes) -> None:
        """Keep bytes as a file of the run."""
        artifact_segments(place)
        if self.silent:
            return
        from modelyard.yard.logged_files import written

        try:
            with written(data) as path:
                self.add_file(place, path)
        except ModelyardError:
            raise
        except OSError as error:  # a disk that is full must not end the training
            if not FileLogging._is_full:
                FileLogging._is_full = True
                note(f"{place}, and perhaps others, is not kept: {error.strerror or error}")

    def log_text(self, text: str, artifact_file: str) -> None:
        """Keep a text as a file (UTF-8)."""
        if not isinstance(text, str):
            raise InvalidInput(f"log_text takes a text, not a {type(text).__name__}")
        self.add_bytes(artifact_file, text.encode("utf-8"))

    def log_dict(self, dictionary: Any, artifact_file: str) -> None:
        """Keep a dict or list as a file: YAML when it is called ``.yaml`` or ``.yml``, else JSON."""
        from modelyard.yard.logged_files import dict_text

        self.add_bytes(artifact_file, dict_text(dictionary, artifact_file).encode("utf-8"))

    def log_figure(self, figure: Any, artifact_file: str, **options: Any) -> None:
        """Keep a matplotlib or plotly figure: ``.png``, ``.svg``, ``.pdf`` …, or ``.html`` and ``.json`` of plotly.
        ``options`` go to the library's own way of saving it."""
        from modelyard.yard.logged_files import figure_bytes

        self.add_bytes(artifact_file, figure_bytes(figure, artifact_file, options))

    def log_image(
        self,
        image: Any,
        artifact_file: str | None = None,
        *,
        key: str | None = None,
        step: int | None = None,
    ) -> None:
        """Keep an image: an array (height, width[, 1, 3 or 4]) of uint8, bool or floats from 0 to 1, or one of PIL.
        Either under a file name, or as one of the series ``key`` at a step: ``images/<key>/<step>.png``."""
        from modelyard.yard.logged_files import image_bytes, image_place

        place = image_place(artifact_file, key, 0 if step is None else step_of(step))
        self.add_bytes(place, image_bytes(image, place))

    def log_table(self, data: Any, artifact_file: str) -> None:
        """Keep a table as JSON (``{"columns", "data"}``) or ``.csv``: a DataFrame, a dict of columns, or a list of
        rows. Rows that are logged to the same file later in this process are appended."""
        from modelyard.yard.logged_files import Table

        artifact_segments(artifact_file)
        with self._lock:
            table = self._tables.setdefault(artifact_file, Table())
            table.add(data)
            text = table.text(artifact_file)
        self.add_bytes(artifact_file, text.encode("utf-8"))
