"""The contract of importers, as tests: a file of another tool opens without being loaded, and answers as it did there.

A test module subclasses `ImporterContract` and gives the fixture ``case``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from modelyard.base.errors import Corrupted, ModelyardError
from modelyard.objects import importers
from modelyard.objects.card_file import card_path
from modelyard.objects.equality import same_output
from modelyard.objects.importers import Importer
from modelyard.objects.importing import import_object
from modelyard.objects.load import load_model, load_object
from modelyard.objects.source import Source


@dataclass(frozen=True)
class Foreign:
    """A file of another tool."""

    file: str
    write: Callable[[Path], Any]
    """Writes it, and gives what was written: a function from rows to answers, or the data."""
    format: str
    tier: int = 0
    flavor: str = ""
    """Empty for data."""
    rows: Any = None
    method: str = "predict"

    def read(self, source: Source) -> Any:
        """The data, or what the model says to the rows."""
        if not self.flavor:
            return load_object(source, check_env="off")
        model = load_model(source, check_env="off")
        first = next(iter(model.card.methods[self.method].args))
        return model.call(self.method, **{first: self.rows})

    def expected(self, written: Any) -> Any:
        """The same of what was written."""
        return written(self.rows) if self.flavor else written


@dataclass(frozen=True)
class ImporterCase:
    """An importer, and files that it knows and does not know."""

    importer: Importer
    files: Mapping[str, Foreign] = field(repr=False)
    strangers: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    """File name -> content that is none of its own."""
    broken: Mapping[str, tuple[bytes, str]] = field(default_factory=dict[str, tuple[bytes, str]])
    """File name -> content that it takes for its own, and a part of the error when it is opened or loaded."""
    never_imported: Sequence[str] = ()
    """Libraries that opening must not bring into the process."""


_OPENED_ALONE = """
import json, sys
from pathlib import Path
from modelyard.objects.importers import open_path
for path in json.loads(sys.argv[1]):
    open_path(path)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


class ImporterContract:
    """Every importer passes these."""

    @pytest.fixture
    def case(self) -> ImporterCase:
        """An importer and files for it; a subclass gives it."""
        raise NotImplementedError

    def written(self, case: ImporterCase, folder: Path) -> dict[str, tuple[Path, Foreign, Any]]:
        """Each file in a folder of its own."""
        found: dict[str, tuple[Path, Foreign, Any]] = {}
        for number, (word, foreign) in enumerate(case.files.items()):
            path = folder / str(number) / foreign.file
            path.parent.mkdir(parents=True)
            found[word] = (path, foreign, foreign.write(path))
        return found

    def test_it_is_found_by_name(self, case: ImporterCase) -> None:
        assert importers.named(case.importer.NAME) is case.importer

    def test_its_files_are_recognised_and_others_left_alone(
        self, case: ImporterCase, tmp_path: Path
    ) -> None:
        for word, (path, _, _) in self.written(case, tmp_path).items():
            assert importers.recognised(path) is case.importer, word
        for name, data in case.strangers.items():
            (tmp_path / name).write_bytes(data)
            assert not case.importer.recognises(tmp_path / name), name
        assert not case.importer.recognises(tmp_path / "absent")
        assert not case.importer.recognises(tmp_path)

    def test_the_card_says_what_it_is(self, case: ImporterCase, tmp_path: Path) -> None:
        for word, (path, foreign, _) in self.written(case, tmp_path).items():
            card = importers.open_path(path).card
            assert card.kind == ("model" if foreign.flavor else "data"), word
            assert card.flavor == foreign.flavor, word
            assert card.format is not None
            assert (card.format.name, card.format.tier) == (foreign.format, foreign.tier), word
            assert not card_path(path).exists()

    def test_opening_imports_no_library_of_the_model(
        self, case: ImporterCase, tmp_path: Path
    ) -> None:
        paths = [str(path) for path, _, _ in self.written(case, tmp_path).values()]
        done = subprocess.run(
            [sys.executable, "-c", _OPENED_ALONE, json.dumps(paths)],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        assert done.returncode == 0, done.stderr
        assert not set(case.never_imported) & set(json.loads(done.stdout))

    def test_what_it_holds_answers_as_before(self, case: ImporterCase, tmp_path: Path) -> None:
        for path, foreign, written in self.written(case, tmp_path).values():
            assert same_output(foreign.read(importers.open_path(path)), foreign.expected(written))

    def test_a_file_that_changed_after_it_was_opened_is_refused(
        self, case: ImporterCase, tmp_path: Path
    ) -> None:
        for path, foreign, _ in self.written(case, tmp_path).values():
            source = importers.open_path(path)
            data = path.read_bytes()
            path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
            with pytest.raises(Corrupted, match="not what its card says"):
                foreign.read(source)

    def test_imported_it_has_a_card_and_the_same_bytes(
        self, case: ImporterCase, tmp_path: Path
    ) -> None:
        for number, (path, foreign, written) in enumerate(self.written(case, tmp_path).values()):
            data, opened = path.read_bytes(), importers.open_path(path)
            beside = len(opened.files.names()) == 1
            copy = import_object(path, tmp_path / "copies" / str(number))
            assert copy.artifact_digest == opened.card.artifact_digest
            assert same_output(
                foreign.read(importers.open_path(copy.path)), foreign.expected(written)
            )
            if beside:
                card = import_object(path)
                assert card.digest == copy.digest
                assert Path(card.path) == card_path(path)
                assert same_output(
                    foreign.read(importers.open_path(path)), foreign.expected(written)
                )
            assert path.read_bytes() == data

    def test_broken_files_are_told(self, case: ImporterCase, tmp_path: Path) -> None:
        for name, (data, text) in case.broken.items():
            path = tmp_path / name
            path.write_bytes(data)
            assert case.importer.recognises(path), name
            errors: list[str] = []
            try:
                source = importers.open_path(path)
            except ModelyardError as error:  # what opening says names the file
                errors = [f"{error}"] if str(path) in str(error) else []
            else:
                with pytest.raises(ModelyardError) as caught:
                    load_object(source, check_env="off")
                errors = [f"{caught.value}"]
            assert any(text in error for error in errors), name
