"""The caller's own word about requirements and modules."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelyard.base.errors import FileMissing, InvalidInput
from modelyard.environments import Captured, LocalModule, find_modules

FOUND = Captured(
    packages={"numpy": "2.4.6", "pandas": "3.1.1"}, modules=(LocalModule("a", Path("a.py")),)
)


def test_lines_found_are_pins() -> None:
    assert FOUND.lines() == ("numpy==2.4.6", "pandas==3.1.1")


def test_a_list_replaces_and_adds() -> None:
    changed = FOUND.overridden(["NumPy>=2", "lightgbm"])
    assert changed.lines() == ("lightgbm", "numpy>=2", "pandas==3.1.1")
    assert changed.system == ("libgomp1",)
    assert changed.modules == FOUND.modules


def test_a_file_does_the_same(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text("numpy>=2  # arrays\n")
    for given in (path, str(path)):
        assert FOUND.overridden(given).lines() == ("numpy>=2", "pandas==3.1.1")
    with pytest.raises(FileMissing, match="no requirements file 'numpy==1'"):
        FOUND.overridden("numpy==1")


def test_a_group_of_a_dict_replaces_all_of_it(tmp_path: Path) -> None:
    module = tmp_path / "mine.py"
    module.touch()
    changed = FOUND.overridden(
        {"packages": ["click"], "system": ["libgl1", "libgl1"], "modules": [module]}
    )
    assert changed.lines() == ("click",)
    assert changed.system == ("libgl1",)
    assert changed.modules == (LocalModule("mine", module),)
    assert FOUND.overridden({"system": ["libgl1"]}).lines() == FOUND.lines()
    assert FOUND.overridden({"packages": []}).lines() == ()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"package": []}, "requirements have no group 'package'"),
        (3, "requirements cannot be int"),
        (["-r other.txt"], "it is an option"),
        ({"packages": 3}, "requirements cannot be int"),
        ({"system": "libgomp1"}, "system packages are a list of names"),
        ({"system": ["libgomp1; rm -rf /"]}, "is not the name of a system package"),
        ({"system": ["$(id)"]}, "is not the name of a system package"),
        ({"system": ["-o"]}, "is not the name of a system package"),
        ({"modules": "features"}, "modules are given as a list"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: object, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as caught:
        FOUND.overridden(given)
    assert "Hint" in str(caught.value) or "as in" in str(caught.value)


def test_more_packages_by_import_name() -> None:
    found = FOUND.including("sklearn", "cloudpickle")
    assert list(found.packages) == ["cloudpickle", "numpy", "pandas", "scikit-learn"]
    with pytest.raises(InvalidInput, match="no installed package has the module 'absent'"):
        FOUND.including("absent")


def test_modules_by_name_path_and_module(project, monkeypatch) -> None:
    path = project.file("features.py")
    package = project.file("churn/__init__.py").parent
    deep = project.file("churn/deep.py")
    features, whole = LocalModule("features", path), LocalModule("churn", package, True)
    assert find_modules(["features", "churn.deep"]) == (whole, features)
    assert find_modules([path, str(path), package]) == (whole, features)
    assert find_modules([project.load("features")]) == (features,)
    assert find_modules([deep]) == (LocalModule("deep", deep),)
    monkeypatch.chdir(project.folder)
    assert find_modules(["features.py", "./churn"]) == (whole, features)
    assert FOUND.only_modules([]).modules == ()


def test_an_installed_package_is_stored_when_it_is_asked_for(project) -> None:
    project.install("private", files={"private/__init__.py": ""})
    assert find_modules(["private"]) == (LocalModule("private", project.site / "private", True),)


@pytest.mark.parametrize("item", ["absent", "json", "no/such.py", 3, Path("absent.py"), "__main__"])
def test_what_is_no_local_module_is_refused(item: object) -> None:
    with pytest.raises(InvalidInput):
        find_modules([item])
