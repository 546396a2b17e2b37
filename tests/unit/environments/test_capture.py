"""What live objects lead to: installed packages, local modules, and where the walk stops."""

from __future__ import annotations

import collections
import functools
import logging
import sys
import types
import zipfile

import numpy as np
import pandas as pd
import pytest

from modelyard.base.errors import InvalidInput
from modelyard.environments import LocalModule, capture, graph


def names(found) -> list[str]:
    return [module.name for module in found.modules]


# Local modules


def test_a_class_of_a_local_module_brings_the_file_and_its_imports(project) -> None:
    project.install("torchlike", "3.0")
    path = project.file("features.py", "import torchlike, json\nclass Model: ...")
    found = capture(project.load("features").Model())
    assert found.modules == (LocalModule("features", path),)
    assert found.packages == {"torchlike": "3.0"}
    assert found.reasons == {"features": "features.Model", "torchlike": "torchlike, in features"}


def test_local_modules_bring_those_they_import(project) -> None:
    project.file("features.py", "from cleaning import clean\ndef model(x): return x")
    project.file("cleaning.py", "import tables as t\ndef clean(x): return x")
    project.file("tables.py", "TABLE = {}")
    project.file("unrelated.py", "")
    assert names(capture(project.load("features").model)) == ["cleaning", "features", "tables"]


def test_a_class_variable_from_another_local_module(project) -> None:
    project.file("tables.py", "class Table: ...")
    project.file("features.py", "import tables\nclass Model:\n    table = tables.Table()")
    assert names(capture(project.load("features").Model)) == ["features", "tables"]


def test_a_class_variable_set_from_outside(project) -> None:
    project.file("tables.py", "class Table: ...")
    project.file("features.py", "class Model: ...")
    model = project.load("features").Model
    model.table = project.load("tables").Table()
    assert names(capture(model())) == ["features", "tables"]


def test_what_a_module_does_not_run_when_imported_is_not_needed(project) -> None:
    project.install("torchlike")
    project.install("plotlike")
    project.install("typelike")
    project.install("trainlike")
    project.file(
        "features.py",
        """
        from __future__ import annotations
        import typing
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            import typelike
        if typing.TYPE_CHECKING:
            import typelike
        else:
            import torchlike
        def plot():
            import plotlike
        later = lambda: __import__("plotlike")
        def model(x: typelike.T): return x
        if __name__ == "__main__":
            import trainlike
        """,
    )
    assert capture(project.load("features").model).packages == {"torchlike": "1.0"}


def test_what_a_function_of_a_local_module_imports_is_needed_when_it_is_reached(project) -> None:
    project.install("plotlike")
    project.file("drawing.py", "def plot():\n    import plotlike\ndef other(): ...")
    project.file(
        "features.py",
        """
        import drawing
        from drawing import plot
        def model(x): return x
        def by_module(x): return drawing.plot()
        def by_name(x): return plot()
        def in_body(x):
            from drawing import plot as draw
            return draw()
        def in_body_by_module(x):
            import drawing as d
            return d.plot()
        """,
    )
    features = project.load("features")
    assert capture(features.model).packages == {}
    for function in ("by_module", "by_name", "in_body", "in_body_by_module"):
        assert capture(getattr(features, function)).packages == {"plotlike": "1.0"}, function


def test_functions_called_while_a_module_is_imported_are_followed(project) -> None:
    project.install("plotlike")
    project.file(
        "features.py",
        """
        def make():
            import plotlike
            return 1
        VALUE = make()
        def model(x): return x
        """,
    )
    assert capture(project.load("features").model).packages == {"plotlike": "1.0"}


def test_a_module_that_was_never_imported_is_read_with_all_its_bodies(project) -> None:
    project.install("plotlike")
    project.file("drawing.py", "def plot():\n    import plotlike")
    project.file("features.py", "def model(x):\n    import drawing\n    return drawing.plot()")
    found = capture(project.load("features").model)
    assert names(found) == ["drawing", "features"]
    assert found.packages == {"plotlike": "1.0"}


def test_relative_imports_bring_the_package_once(project) -> None:
    project.install("torchlike")
    project.install("plotlike")
    folder = project.file("churn/__init__.py", "from .features import model").parent
    project.file(
        "churn/features.py", "from . import tables\nfrom .deep import lookup\nmodel = lambda: 1"
    )
    project.file("churn/tables.py", "from .paths import ROOT")
    project.file("churn/deep/__init__.py", "from ..paths import ROOT\ndef lookup(): return ROOT")
    project.file("churn/paths.py", "import torchlike\nROOT = 1")
    project.file("churn/plots.py", "import plotlike")
    project.file("churn/table.json", "{}")
    deep = project.load("churn.features").lookup
    found = capture(deep)
    assert found.modules == (LocalModule("churn", folder, is_package=True),)
    assert found.packages == {"torchlike": "1.0"}


@pytest.mark.parametrize("init", [True, False], ids=["package", "namespace"])
def test_a_submodule_that_is_imported_by_name_and_not_used_is_needed(project, init: bool) -> None:
    project.install("torchlike")
    if init:
        project.file("churn/__init__.py")
    project.file("churn/features.py", "from . import tables, absent_or_not\ndef model(x): return x")
    project.file("churn/tables.py", "import torchlike")
    project.file("churn/absent_or_not.py")
    found = capture(project.load("churn.features").model)
    assert found.packages == {"torchlike": "1.0"}


def test_a_namespace_package_of_the_project_brings_only_what_is_used(project) -> None:
    path = project.file("src/features.py", "import src.tables\ndef model(x): return x")
    tables = project.file("src/tables.py")
    project.file("src/big_data.csv")
    project.file("src/unused.py")
    found = capture(project.load("src.features").model)
    assert found.modules == (LocalModule("src.features", path), LocalModule("src.tables", tables))


def test_a_lambda_of_a_local_module_travels_by_value_with_what_it_calls(project) -> None:
    project.file(
        "features.py",
        "import heavy\ndef clean(x): ...\nplain = lambda x: x\nuses = lambda x: clean(x)",
    )
    project.file("heavy.py")
    features = project.load("features")
    assert names(capture(features.plain)) == []
    assert names(capture(features.uses)) == ["features", "heavy"]


def test_a_local_file_that_hides_a_module_of_python_is_stored(project, monkeypatch) -> None:
    monkeypatch.delitem(sys.modules, "this", raising=False)
    project.file("this.py", "def model(x): return x")
    assert names(capture(project.load("this").model)) == ["this"]


def test_a_module_made_at_run_time_is_told_once(project, monkeypatch) -> None:
    made = types.ModuleType("made_up")
    exec("def clean(x): return x", vars(made))
    monkeypatch.setitem(sys.modules, "made_up", made)
    expected = "made_up.clean uses the module 'made_up', which has no file to store"
    assert capture([made.clean, made]).notes == (expected,)
    assert capture({"module": made}).notes == (expected.replace("made_up.clean", "the object"),)


def test_a_source_that_cannot_be_read_is_told(project) -> None:
    project.file("features.py", "def model(x): return x")
    features = project.load("features")
    path = project.file("features.py", "def model(x: return x")
    [note] = capture(features.model).notes
    assert note.startswith(f"{path} cannot be read, so its imports are unknown:")


# Installed packages


def test_editable_installs_are_local_code(project) -> None:
    path = project.file("src_of/mine/__init__.py", "import torchlike\nclass Model: ...")
    project.install("torchlike")
    project.install(
        "mine",
        files={"mine.pth": "elsewhere"},
        direct_url={"url": "file:///src", "dir_info": {"editable": True}},
    )
    sys.path.insert(0, str(path.parent.parent))  # as the .pth file does
    found = capture(project.load("mine").Model())
    assert found.modules == (LocalModule("mine", path.parent, is_package=True),)
    assert found.packages == {"torchlike": "1.0"}


def test_a_project_installed_from_a_folder_is_local_code(project) -> None:
    direct = {"url": "file:///home/ana/mine", "dir_info": {}}
    project.install("mine", files={"mine/__init__.py": "class Model: ..."}, direct_url=direct)
    found = capture(project.load("mine").Model())
    assert found.modules == (LocalModule("mine", project.site / "mine", is_package=True),)
    assert found.packages == {}


@pytest.mark.parametrize(
    ("extra", "direct"),
    [
        ({"mine/fast.cpython-311-x86_64-linux-gnu.so": ""}, {"url": "file:///x", "dir_info": {}}),
        ({}, {"url": "file:///x/mine-1.0-py3-none-any.whl", "archive_info": {}}),
        ({}, {"url": "https://host/mine.git", "vcs_info": {"vcs": "git", "commit_id": "0"}}),
    ],
    ids=["compiled", "wheel", "git"],
)
def test_other_direct_installs_are_pinned(project, extra, direct) -> None:
    files = {"mine/__init__.py": "class Model: ...", **extra}
    project.install("mine", files=files, direct_url=direct)
    assert capture(project.load("mine").Model()).packages == {"mine": "1.0"}


def test_parts_of_a_namespace_package_belong_to_their_own_distributions(project) -> None:
    project.install("cloud-storage", "1.0", {"cloud/storage/__init__.py": "class Bucket: ..."})
    project.install("cloud-queue", "2.0", {"cloud/queue/__init__.py": "class Queue: ..."})
    project.load("cloud.storage")
    bucket = project.load("cloud.storage").Bucket()
    assert capture(bucket).packages == {"cloud-storage": "1.0"}

    namespace = {"__name__": "__main__", "cloud": project.load("cloud")}
    project.load("cloud.queue")
    exec("def predict(x):\n    return cloud.queue.Queue", namespace)
    assert capture(namespace["predict"]).packages == {"cloud-queue": "2.0"}


def test_a_part_that_calls_itself_otherwise_belongs_to_the_package_it_lies_in(
    project, monkeypatch
) -> None:
    """As the compiled half of a library does: it lies in ``boost`` and is called ``_boost``."""
    project.install(
        "boost", "1.2", {"boost/__init__.py": "", "boost/_boost.py": "class Trees: ..."}
    )
    made = project.load("boost._boost")
    made.__name__ = made.Trees.__module__ = "_boost"
    monkeypatch.setitem(sys.modules, "_boost", made)
    found = capture(made.Trees())
    assert found.packages == {"boost": "1.2"}
    assert not found.modules


def test_a_loose_file_among_packages_is_local_code(project) -> None:
    (project.site / "loose.py").write_text("class Model: ...")
    assert names(capture(project.load("loose").Model())) == ["loose"]


def test_egg_info_beside_sources_is_no_installation(project) -> None:
    project.file("mine.py", "class Model: ...")
    project.file("mine.egg-info/PKG-INFO", "Metadata-Version: 2.1\nName: mine\nVersion: 1\n")
    project.file("mine.egg-info/top_level.txt", "mine\n")
    assert names(capture(project.load("mine").Model())) == ["mine"]


def test_packages_installed_while_the_process_runs_are_seen(project) -> None:
    project.install("first")
    assert capture(project.load("first")).packages == {"first": "1.0"}
    project.install("Second_Thing", "2.0", {"second.py": ""})
    assert capture(project.load("second")).packages == {"second-thing": "2.0"}


def test_classes_that_derive_from_another_package_need_both(project) -> None:
    project.install("baselike", "1.0", {"baselike.py": "class Base: ..."})
    project.install(
        "boostlike", "2.0", {"boostlike.py": "import baselike\nclass M(baselike.Base): ..."}
    )
    found = capture(project.load("boostlike").M())
    assert found.packages == {"baselike": "1.0", "boostlike": "2.0"}


def test_known_packages_bring_system_packages(project) -> None:
    project.install("lightgbm", "4.6.0", {"leaves.py": "class Booster: ..."})
    assert capture(project.load("leaves").Booster()).system == ("libgomp1",)


def test_extra_modules_and_roots(project) -> None:
    project.install("skopslike", "0.16")
    found = capture(lambda x: x, roots=[pd.DataFrame({"a": [1]})], extra_modules=["skopslike"])
    assert found.packages == {"pandas": pd.__version__, "skopslike": "0.16"}
    assert found.reasons["skopslike"] == "asked for"
    with pytest.raises(InvalidInput, match="no module named 'absent' here"):
        capture(None, extra_modules=["absent"])


def test_modelyard_and_python_are_never_listed() -> None:
    assert (
        capture(
            [capture, LocalModule, functools.partial(capture), collections.OrderedDict]
        ).packages
        == {}
    )


# Real libraries


def test_a_pipeline_with_a_function_in_it() -> None:
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    namespace = {"__name__": "__main__", "np": np}
    exec("def by_ratio(frame):\n    return frame / np.float64(2)", namespace)
    pipeline = make_pipeline(FunctionTransformer(namespace["by_ratio"]), LinearRegression())
    pipeline.fit(frame, [0.0, 1.0])
    assert list(capture(pipeline).packages) == ["numpy", "scikit-learn"]
    assert list(capture([pipeline, frame]).packages) == ["numpy", "pandas", "scikit-learn"]


def test_numpy_values_and_functions() -> None:
    for value in (
        np.zeros(3),
        np.float64(1),
        np.log,
        np.vectorize(abs),
        np.random.default_rng().normal,
    ):
        assert list(capture(value).packages) == ["numpy"], value


def test_an_array_of_objects_is_looked_into(project) -> None:
    project.file("features.py", "class Part: ...")
    part = project.load("features").Part()
    array = np.array([[part], [part]], dtype=object)
    assert names(capture(array)) == ["features"]


# Where it stops


def test_a_class_made_by_a_package_is_looked_into(project) -> None:
    """Not importable, so a pickle holds it by value, with what users put into it."""
    source = "def make(f):\n    class Made:\n        call = staticmethod(f)\n    return Made"
    project.install("makelike", "1.0", {"makelike.py": source})
    project.file("features.py", "def clean(x): return x")
    made = project.load("makelike").make(project.load("features").clean)
    found = capture(made())
    assert found.packages == {"makelike": "1.0"}
    assert names(found) == ["features"]


def test_a_module_in_an_archive_is_told(project, tmp_path) -> None:
    with zipfile.ZipFile(tmp_path / "code.zip", "w") as archive:
        archive.writestr("zipped.py", "def clean(x): return x")
    sys.path.insert(0, str(tmp_path / "code.zip"))
    found = capture(project.load("zipped").clean)
    assert found.modules == ()
    assert found.notes == ("zipped.clean uses the module 'zipped', which has no file to store",)


def test_cycles_end(project) -> None:
    a: list = []
    a.append({"a": a, "frame": pd.DataFrame()})
    assert list(capture(a).packages) == ["pandas"]


def test_deep_nesting_needs_no_stack(project) -> None:
    project.file("features.py", "class Part: ...")
    value: object = project.load("features").Part()
    for _ in range(20_000):
        value = [value]
    assert names(capture(value)) == ["features"]


def test_a_long_list_is_looked_at_in_places_and_a_short_one_in_full(project) -> None:
    project.file("features.py", "class Part: ...")
    part = project.load("features").Part()
    for position in (0, 64, 127):
        short: list = [()] * 128
        short[position] = part
        assert names(capture(short)) == ["features"]
    assert names(capture([part] * 1_000_000)) == ["features"]


def test_the_walk_says_when_it_gives_up(monkeypatch) -> None:
    monkeypatch.setattr(graph, "MAX_OBJECTS", 50)
    found = capture([[i, [i]] for i in range(100)])
    assert found.notes == (
        "requirements were looked for in the first 50 objects of the model only",
    )


def test_a_logger_does_not_lead_to_the_whole_process() -> None:
    assert capture({"log": logging.getLogger("x")}).packages == {}


def test_no_code_of_the_object_runs(project) -> None:
    project.file(
        "features.py",
        """
        class Angry:
            def __getattr__(self, name): raise RuntimeError(name)
            def __iter__(self): raise RuntimeError("iter")
            def __len__(self): raise RuntimeError("len")
            def __eq__(self, other): raise RuntimeError("eq")
            def __bool__(self): raise RuntimeError("bool")
            @property
            def value(self): raise RuntimeError("value")
            __hash__ = None
        class AngryList(Angry, list): ...
        class AngryDict(Angry, dict):
            def values(self): raise RuntimeError("values")
            def keys(self): raise RuntimeError("keys")
        """,
    )
    features = project.load("features")
    found = capture([features.Angry(), features.AngryList([1]), features.AngryDict(a=1)])
    assert names(found) == ["features"]
