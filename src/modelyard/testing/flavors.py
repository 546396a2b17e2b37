"""The contracts of flavors and of model formats, as tests: a model that was saved answers as it did before.

A test module subclasses `FlavorContract` or `ModelFormatContract` and gives the fixture ``case``. Formats are written
and read here as `save` and `load` do it, over files in a folder; outputs are compared to the last bit.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from modelyard.base import plugins
from modelyard.base.errors import ModelyardError, UnsupportedType
from modelyard.objects import flavors
from modelyard.objects.equality import same_output
from modelyard.objects.files import FolderFiles
from modelyard.objects.interface import Flavor, ModelFormat
from modelyard.objects.native import flavor_read, model_format


@dataclass(frozen=True)
class Example:
    """A model, and what only its author knows about it."""

    make: Callable[[], Any]
    rows: Any = None
    """A value for the first argument of its methods; sliceable."""
    methods: Sequence[str] = ("predict",)
    """What it can be asked, the default first."""
    labels: Sequence[str] = ()
    format: str = "cloudpickle"
    """The safest format that holds it."""
    equal: Callable[[Any, Any], bool] = same_output
    formats: Sequence[str] | None = None
    """Those that hold it, where not all do that the flavor lists after ``format``."""


@dataclass(frozen=True)
class FlavorCase:
    """A flavor with models of its kind, by a word for each."""

    flavor: Flavor
    models: Mapping[str, Example] = field(repr=False)
    strangers: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    """Objects that it must not claim."""
    unready: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    """Objects that it claims, but that cannot be asked anything yet."""


def answers(flavor: Flavor, model: Any, rows: Any) -> dict[str, Any]:
    """Method -> what it answers; those that cannot take these rows are left out."""
    found: dict[str, Any] = {}
    for name, method in flavor.methods(model).items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the logarithm of a probability of nothing
                found[name] = method(rows)
        except (ValueError, TypeError, AttributeError):
            if not found:
                raise
    return found


def assert_same_answers(
    flavor: Flavor, example: Example, model: Any, again: Any, reader: Flavor | None = None
) -> None:
    """On all rows, on one row, and on rows in another order. ``reader`` is the flavor of what was read, where it is
    another one."""
    reader = reader or flavor
    assert list(reader.methods(again)) == list(flavor.methods(model))
    backwards = example.rows.flip(0) if hasattr(example.rows, "flip") else example.rows[::-1]
    for rows in (example.rows, example.rows[:1], backwards):
        expected, found = answers(flavor, model, rows), answers(reader, again, rows)
        assert expected.keys() == found.keys()
        different = [name for name in expected if not example.equal(expected[name], found[name])]
        assert not different, f"other answers of {different}"


_IN_A_NEW_PROCESS = """
import json, pickle, sys
from pathlib import Path
from pkgutil import resolve_name
from modelyard.base import plugins
from modelyard.objects.files import FolderFiles
from modelyard.objects.native import flavor_read, reading_format
different = []
for folder, flavor, format, equal in json.loads(sys.argv[1]):
    reader = reading_format(format, flavor)
    model = reader.load(FolderFiles(Path(folder, "files")))
    flavor = plugins.load("flavors", flavor_read(reader, plugins.load("flavors", flavor)))
    method = next(iter(flavor.methods(model).values()))
    rows, expected = pickle.loads(Path(folder, "expected.pkl").read_bytes())
    if not resolve_name(equal)(method(rows), expected):
        different.append(folder)
print(json.dumps(different))
"""


class FlavorContract:
    """Every flavor passes these."""

    @pytest.fixture
    def case(self) -> FlavorCase:
        """A flavor and models of its kind; a subclass gives it."""
        raise NotImplementedError

    def test_it_is_found_by_name_and_by_its_models(self, case: FlavorCase) -> None:
        assert plugins.load("flavors", case.flavor.NAME) is case.flavor
        assert case.flavor.FORMATS
        for word, example in case.models.items():
            model = example.make()
            assert case.flavor.claims(model), word
            assert flavors.find(model) is case.flavor, word

    def test_it_leaves_other_objects_alone(self, case: FlavorCase) -> None:
        claimed = [
            word for word, stranger in case.strangers.items() if case.flavor.claims(stranger)
        ]
        assert not claimed

    def test_methods_are_those_that_can_be_called_the_default_first(self, case: FlavorCase) -> None:
        for word, example in case.models.items():
            found = case.flavor.methods(example.make())
            assert list(found) == list(example.methods), word
            assert all(map(callable, found.values()))

    def test_labels_say_what_kind_of_model_it_is(self, case: FlavorCase) -> None:
        for word, example in case.models.items():
            found = list(case.flavor.labels(example.make()))
            assert all(isinstance(label, str) and label for label in found), word
            assert not example.labels or found == list(example.labels)

    def test_a_model_that_is_not_ready_is_refused_with_a_hint(self, case: FlavorCase) -> None:
        for unready in case.unready.values():
            with pytest.raises(ModelyardError) as caught:
                case.flavor.methods(unready)
            assert caught.value.hint

    def test_the_safest_format_that_holds_it_is_the_expected_one(
        self, case: FlavorCase, tmp_path: Path
    ) -> None:
        for number, (word, example) in enumerate(case.models.items()):
            model = example.make()
            for name in case.flavor.FORMATS:
                folder = tmp_path / f"{number}-{name}"
                folder.mkdir()
                if name != example.format:
                    with pytest.raises(UnsupportedType):
                        model_format(name, case.flavor).dump(model, folder)
                    assert not list(folder.iterdir()), word
                    continue
                model_format(name, case.flavor).dump(model, folder)
                break

    def test_every_format_that_holds_it_brings_equal_answers_back(
        self, case: FlavorCase, tmp_path: Path
    ) -> None:
        for number, example in enumerate(case.models.values()):
            model = example.make()
            names = case.flavor.FORMATS[list(case.flavor.FORMATS).index(example.format) :]
            for name in example.formats or names:
                folder = tmp_path / f"{number}-{name}"
                folder.mkdir()
                model_format(name, case.flavor).dump(model, folder)
                written = model_format(name, case.flavor)
                again = written.load(FolderFiles(folder))
                reader = plugins.load("flavors", flavor_read(written, case.flavor))
                assert_same_answers(case.flavor, example, model, again, reader)

    def test_a_new_process_gives_the_same_answers(self, case: FlavorCase, tmp_path: Path) -> None:
        jobs: list[tuple[str, str, str, str]] = []
        for number, example in enumerate(case.models.values()):
            folder = tmp_path / str(number)
            (folder / "files").mkdir(parents=True)
            model = example.make()
            model_format(example.format, case.flavor).dump(model, folder / "files")
            method = next(iter(case.flavor.methods(model).values()), None)
            equal = f"{example.equal.__module__}:{example.equal.__qualname__}"
            if method is None or "<" in equal:  # another process cannot look it up
                continue
            (folder / "expected.pkl").write_bytes(
                pickle.dumps((example.rows, method(example.rows)))
            )
            jobs.append((str(folder), case.flavor.NAME, example.format, equal))
        done = subprocess.run(
            [sys.executable, "-c", _IN_A_NEW_PROCESS, json.dumps(jobs)],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout.splitlines()[-1]) == []


@dataclass(frozen=True)
class ModelFormatCase:
    """A model format, and what only its author knows about it."""

    format: ModelFormat
    holds: Mapping[str, Any] = field(repr=False)
    """Objects that it holds, by a word for each."""
    refuses: Mapping[str, tuple[Any, str]] = field(
        default_factory=dict[str, tuple[Any, str]], repr=False
    )
    """Objects that it cannot hold, and a part of the error's text."""
    broken: Mapping[str, tuple[bytes, str]] = field(
        default_factory=dict[str, tuple[bytes, str]], repr=False
    )
    """Bytes that are none of its own, and a part of the error's text."""
    names: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    """Word of an object it holds -> names that `inspect` must show for it."""
    same_bytes: bool = False
    """Whether the same object always gives the same bytes."""


class ModelFormatContract:
    """Every model format passes these."""

    @pytest.fixture
    def case(self) -> ModelFormatCase:
        """A format and objects for it; a subclass gives it."""
        raise NotImplementedError

    def written(self, case: ModelFormatCase, obj: Any, folder: Path) -> FolderFiles:
        """The files that the format writes for an object."""
        folder.mkdir()
        case.format.dump(obj, folder)
        return FolderFiles(folder)

    def test_it_is_found_by_name(self, case: ModelFormatCase) -> None:
        assert plugins.load("formats", case.format.NAME) is case.format
        assert case.format.TIER in (0, 1, 2)
        assert case.format.SUFFIX.startswith(".")

    def test_what_it_holds_comes_back(self, case: ModelFormatCase, tmp_path: Path) -> None:
        for number, (word, obj) in enumerate(case.holds.items()):
            files = self.written(case, obj, tmp_path / str(number))
            assert files.names(), word
            assert type(case.format.load(files)).__name__ == type(obj).__name__, word

    def test_equal_bytes_for_the_same_object(self, case: ModelFormatCase, tmp_path: Path) -> None:
        """Where a format promises it: twice, and in a copy that was pickled."""
        for number, (word, obj) in enumerate(case.holds.items() if case.same_bytes else ()):
            first = self.written(case, obj, tmp_path / f"{number}-1")
            second = self.written(case, obj, tmp_path / f"{number}-2")
            copy = self.written(case, pickle.loads(pickle.dumps(obj)), tmp_path / f"{number}-3")
            for name in first.names():
                assert first.read(name) == second.read(name) == copy.read(name), word

    def test_what_it_cannot_hold_is_refused_and_nothing_stays(
        self, case: ModelFormatCase, tmp_path: Path
    ) -> None:
        for number, (word, (obj, text)) in enumerate(case.refuses.items()):
            folder = tmp_path / str(number)
            folder.mkdir()
            with pytest.raises(UnsupportedType) as caught:
                case.format.dump(obj, folder)
            assert text in str(caught.value), word
            assert not list(folder.iterdir()), word

    def test_a_file_of_another_name_is_read(self, case: ModelFormatCase, tmp_path: Path) -> None:
        """An artifact of one file has the artifact's name."""
        obj = next(iter(case.holds.values()))
        files = self.written(case, obj, tmp_path / "a")
        if len(files.names()) == 1:
            files.local(files.names()[0]).rename(tmp_path / "a" / "artifact")
            assert type(case.format.load(files)) is type(obj)

    def test_broken_files_are_named_and_never_read_by_another_loader(
        self, case: ModelFormatCase, tmp_path: Path
    ) -> None:
        for number, (word, (data, text)) in enumerate(case.broken.items()):
            folder = tmp_path / str(number)
            folder.mkdir()
            (folder / f"model{case.format.SUFFIX}").write_bytes(data)
            with pytest.raises(ModelyardError) as caught:
                case.format.load(FolderFiles(folder))
            assert text in str(caught.value), word

    def test_what_loading_would_import_is_told_without_loading(
        self, case: ModelFormatCase, tmp_path: Path
    ) -> None:
        for word, names in case.names.items():
            files = self.written(case, case.holds[word], tmp_path / word)
            assert set(names) <= set(case.format.inspect(files)), word
