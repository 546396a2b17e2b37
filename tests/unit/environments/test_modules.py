"""Local code goes with a model, and comes back under its own name or not at all."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from modelyard.base.errors import EnvironmentMismatch, FileMissing, InvalidPath, TooLarge
from modelyard.base.paths import list_below
from modelyard.environments import (
    LocalModule,
    capture,
    find_modules,
    importable,
    modules,
    store_modules,
)


def stored(project, folder: Path, *names: str) -> Path:
    store_modules(find_modules(list(names)), folder)
    return folder


def forget(project, *names: str) -> None:
    """As in another process on another machine: not imported, and not on the path."""
    for name in list(sys.modules):
        if name.partition(".")[0] in names:
            del sys.modules[name]
    sys.path[:] = [entry for entry in sys.path if not entry.startswith(str(project.folder))]
    importlib.invalidate_caches()


# Storing


def test_files_are_stored_where_their_import_names_put_them(project, tmp_path: Path) -> None:
    project.file("features.py", "A = 1")
    project.file("churn/__init__.py")
    project.file("churn/deep/clean.py")
    project.file("churn/data/table.json", b"{}\r\n\x00")
    project.file("src/tables.py")
    folder = tmp_path / "artifact"
    entries = store_modules(find_modules(["src.tables", "features", "churn"]), folder)
    assert entries == ("churn", "features.py", "src/tables.py")
    assert list_below(folder) == [
        "churn/__init__.py",
        "churn/data/table.json",
        "churn/deep/clean.py",
        "features.py",
        "src/tables.py",
    ]
    assert (folder / "churn/data/table.json").read_bytes() == b"{}\r\n\x00"


def test_what_is_no_part_of_a_package_stays_behind(project, tmp_path: Path) -> None:
    project.file("churn/__init__.py")
    for path in (
        ".env",
        ".git/config",
        "__pycache__/x.pyc",
        "old.pyc",
        "churn.egg-info/PKG-INFO",
        "node_modules/x/index.js",
        "venv/pyvenv.cfg",
        "venv/lib/x.py",
    ):
        project.file(f"churn/{path}")
    assert list_below(stored(project, tmp_path / "m", "churn")) == ["churn/__init__.py"]


def test_an_extension_module_keeps_its_full_suffix(project, tmp_path: Path) -> None:
    path = project.file("fast.cpython-311-x86_64-linux-gnu.so", b"\x7fELF")
    assert store_modules([LocalModule("fast", path)], tmp_path / "m") == (path.name,)


def test_large_files_are_refused_by_name(project, tmp_path: Path, monkeypatch) -> None:
    project.file("churn/__init__.py")
    big = project.file("churn/weights.bin")
    with big.open("wb") as stream:
        stream.truncate(modules.MAX_FILE + (1 << 20))
    with pytest.raises(TooLarge) as caught:
        stored(project, tmp_path / "m", "churn")
    assert str(caught.value) == (
        f"{big} of the module 'churn' has 11 MB; at most 10 MB are stored\n"
        "Hint: keep data outside of the package, or name what the model needs: modules=['features']"
    )


def test_too_much_in_all_is_refused(project, tmp_path: Path, monkeypatch) -> None:
    project.file("churn/__init__.py")
    project.file("churn/a.py")
    monkeypatch.setattr(modules, "MAX_FILES", 1)
    with pytest.raises(TooLarge, match="over 50 MB or 1 files"):
        stored(project, tmp_path / "m", "churn")


def test_file_names_that_other_systems_cannot_hold_are_refused(project, tmp_path: Path) -> None:
    project.file("churn/__init__.py")
    project.file("churn/a:b.txt")
    with pytest.raises(InvalidPath, match="a:b"):
        stored(project, tmp_path / "m", "churn")


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileMissing, match="is gone"):
        store_modules([LocalModule("features", tmp_path / "features.py")], tmp_path / "m")


# Importing


def test_no_folder_is_fine() -> None:
    before = list(sys.path)
    with importable(None):
        pass
    assert sys.path == before


def test_modules_are_importable_for_good_and_without_the_folder(project, tmp_path: Path) -> None:
    project.file("features.py", "def late():\n    import tables\n    return tables.VALUE")
    project.file("tables.py", "VALUE = 7")
    folder = stored(project, tmp_path / "m", "features", "tables")
    forget(project, "features", "tables")
    with importable(folder):
        features = importlib.import_module("features")
    for path in list_below(folder):
        (folder / path).unlink()
    assert features.late() == 7
    assert not Path(features.__file__).is_relative_to(tmp_path)


def test_equal_content_shares_one_root(project, tmp_path: Path) -> None:
    project.file("features.py", "A = 1")
    project.file("tables.py", "B = 1")
    first = stored(project, tmp_path / "1", "features")
    second = stored(project, tmp_path / "2", "features", "tables")
    forget(project, "features", "tables")
    before = len(sys.path)
    with importable(first), importable(second), importable(first):
        features = importlib.import_module("features")
    assert len(sys.path) == before + 2
    with importable(second):
        assert importlib.import_module("features") is features


def test_what_is_here_with_equal_content_is_used(project, tmp_path: Path) -> None:
    path = project.file("features.py", "A = 1")
    folder = stored(project, tmp_path / "m", "features")
    before = list(sys.path)
    with importable(folder):  # importable
        assert importlib.import_module("features").__file__ == str(path)
    with importable(folder):  # imported
        assert sys.path == before


@pytest.mark.parametrize("state", ["imported", "importable"])
def test_another_module_of_that_name_is_refused(project, tmp_path: Path, state: str) -> None:
    path = project.file("features.py", "A = 1")
    project.file("tables.py", "")
    folder = stored(project, tmp_path / "m", "features", "tables")
    forget(project, "features")
    sys.path.insert(0, str(project.folder))
    project.file("features.py", "A = 2")
    (project.folder / "tables.py").unlink()
    if state == "imported":
        project.load("features")
    before = list(sys.path)
    with pytest.raises(EnvironmentMismatch) as caught, importable(folder):
        pass
    assert caught.value.message == (
        f"the model brings its own module 'features', and another one is {state} here: "
        f"features.py differs from {path}"
    )
    assert caught.value.hint
    assert sys.path == before, "nothing has changed"


def test_two_models_with_different_modules_of_one_name(project, tmp_path: Path) -> None:
    """The second is refused even before anything of the first was imported."""
    project.file("features.py", "A = 1")
    first = stored(project, tmp_path / "1", "features")
    project.file("features.py", "A = 2")
    second = stored(project, tmp_path / "2", "features")
    forget(project, "features")
    with importable(first):
        pass
    with pytest.raises(EnvironmentMismatch, match="is importable here"), importable(second):
        pass


def test_a_package_with_more_in_it_is_another_package(project, tmp_path: Path) -> None:
    project.file("churn/__init__.py")
    first = stored(project, tmp_path / "1", "churn")
    project.file("churn/more.py")
    second = stored(project, tmp_path / "2", "churn")
    forget(project, "churn")
    with importable(first):
        importlib.import_module("churn")
    with pytest.raises(EnvironmentMismatch, match=r"churn/more\.py"), importable(second):
        pass
    with importable(first):
        pass


def test_namespace_packages_of_two_models_are_joined(project, tmp_path: Path) -> None:
    project.file("src/features.py", "A = 1")
    project.file("src/tables.py", "B = 2")
    first = stored(project, tmp_path / "1", "src.features")
    second = stored(project, tmp_path / "2", "src.tables")
    forget(project, "src")
    with importable(first):
        assert importlib.import_module("src.features").A == 1
    with importable(second):
        assert importlib.import_module("src.tables").B == 2
    (second / "src/features.py").write_text("A = 3")
    with pytest.raises(EnvironmentMismatch, match=r"src/features\.py"), importable(second):
        pass


def test_a_module_of_python_is_not_replaced(project, tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "json.py").write_text("")
    with pytest.raises(EnvironmentMismatch, match="'json'"), importable(tmp_path / "m"):
        pass
    (tmp_path / "m" / "json.py").rename(tmp_path / "m" / "sys.py")
    with pytest.raises(EnvironmentMismatch, match="which has no file"), importable(tmp_path / "m"):
        pass


def test_names_that_are_no_modules_are_refused(tmp_path: Path) -> None:
    (tmp_path / "no-module").mkdir()
    (tmp_path / "no-module" / "x.py").touch()
    with (
        pytest.raises(InvalidPath, match="'no-module' is not the name of a module"),
        importable(tmp_path),
    ):
        pass


def test_links_are_refused(tmp_path: Path) -> None:
    (tmp_path / "features.py").symlink_to("/etc/passwd")
    with pytest.raises(InvalidPath, match="it is a link"), importable(tmp_path):
        pass


# The whole way


def test_a_function_moves_to_a_process_without_the_project(project, tmp_path: Path) -> None:
    project.install("torchlike", "3.0", {"torchlike.py": "FACTOR = 2"})
    project.file("churn/__init__.py", "from .clean import clean")
    project.file(
        "churn/clean.py",
        """
        from pathlib import Path
        import torchlike
        def clean(x):
            return x * torchlike.FACTOR + int(Path(__file__).with_name("offset.txt").read_text())
        """,
    )
    project.file("churn/offset.txt", "1")
    found = project.run(
        f"""
        import cloudpickle
        from pathlib import Path
        from modelyard.environments import capture, store_modules
        import churn

        def model(x):
            return churn.clean(x) + 100

        folder = Path({str(tmp_path)!r}, "artifact")
        store_modules(capture(model).modules, folder)
        Path({str(tmp_path)!r}, "model.pkl").write_bytes(cloudpickle.dumps(model))
        """
    )
    assert found["packages"] == {"torchlike": "3.0"}
    code = (
        "import sys, pickle; from pathlib import Path\n"
        "from modelyard.environments import importable\n"
        "with importable(Path(sys.argv[1], 'artifact')):\n"
        "    model = pickle.loads(Path(sys.argv[1], 'model.pkl').read_bytes())\n"
        "print(model(10))\n"
        "print(model.__globals__['churn'].__file__)"
    )
    answer, file = project.python("-c", code, tmp_path, path=[project.site]).split()
    assert answer == "121"
    assert not Path(file).exists(), "the import root goes with the process"


def test_a_forked_worker_that_ends_leaves_the_import_root(project, tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "features.py").write_text("VALUE = 7")
    code = """
        import os, sys
        from pathlib import Path
        from modelyard.environments import importable
        with importable(Path(sys.argv[1])):
            pass
        worker = os.fork()
        if not worker:
            sys.exit(0)  # runs what was registered for the end
        os.waitpid(worker, 0)
        import features
        print(features.VALUE)
    """
    script = project.file("serve.py", code)
    assert project.python(script, tmp_path / "m", path=[]).strip() == "7"


def test_a_regular_package_inside_a_namespace_is_compared_as_a_whole(
    project, tmp_path: Path
) -> None:
    project.file("src/churn/__init__.py")
    first = stored(project, tmp_path / "1", "src.churn")
    project.file("src/churn/more.py")
    second = stored(project, tmp_path / "2", "src.churn")
    forget(project, "src")
    with importable(first):
        importlib.import_module("src.churn")
    with pytest.raises(EnvironmentMismatch, match=r"src/churn/more\.py"), importable(second):
        pass


def test_captured_again_from_the_import_root(project, tmp_path: Path) -> None:
    """A loaded model can be saved again: its modules are local code there too."""
    project.file("features.py", "class Model: ...")
    folder = stored(project, tmp_path / "m", "features")
    forget(project, "features")
    with importable(folder):
        model = importlib.import_module("features").Model()
    again = tmp_path / "again"
    assert store_modules(capture(model).modules, again) == ("features.py",)
    assert (again / "features.py").read_bytes() == (folder / "features.py").read_bytes()
