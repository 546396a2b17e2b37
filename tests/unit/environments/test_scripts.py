"""What a training script's own objects need: what their code reaches, and not what the script imports."""

from __future__ import annotations

import pytest

HEAVY = """
import pandaslike
import torchlike
import sklearnlike.preprocessing
from sklearnlike.preprocessing import scale
"""


@pytest.fixture
def script(project):
    project.install("pandaslike", "2.0", {"pandaslike.py": "class Frame: ..."})
    project.install("torch-like", "3.0+cpu", {"torchlike/__init__.py": "class Net: ..."})
    project.install(
        "scikit-like",
        "1.9.1",
        {
            "sklearnlike/__init__.py": "",
            "sklearnlike/preprocessing.py": "def scale(x): return x",
            "sklearnlike/base.py": "class Estimator: ...",
        },
    )

    def run(source: str):
        return project.run(HEAVY + source)

    return run


def test_a_lambda_that_uses_math_needs_nothing(script) -> None:
    found = script("import math\nmodel = lambda x: math.sqrt(x)")
    assert found["packages"] == {}
    assert found["modules"] == []


def test_a_function_needs_what_it_calls(script) -> None:
    found = script("def model(x):\n    return sklearnlike.preprocessing.scale(x)")
    assert found["packages"] == {"scikit-like": "1.9.1"}
    assert found["reasons"] == {"scikit-like": "sklearnlike, in __main__.model"}


def test_an_imported_function_leads_to_its_package(script) -> None:
    found = script("def model(x):\n    return scale(x)")
    assert found["packages"] == {"scikit-like": "1.9.1"}
    assert found["reasons"]["scikit-like"] == "sklearnlike.preprocessing.scale, in __main__.model"


def test_other_functions_and_classes_of_the_script_are_followed(script) -> None:
    found = script(
        """
class Cleaner:
    def clean(self, x):
        return helper(x)

def helper(x):
    return torchlike.Net, x

def unused(x):
    return pandaslike.Frame

def model(x):
    return Cleaner().clean(x)
"""
    )
    assert found["packages"] == {"torch-like": "3.0"}


@pytest.mark.parametrize(
    "source",
    [
        "def model(x):\n    return [torchlike.Net for _ in x]",
        "def model(x):\n    def inner():\n        return torchlike.Net\n    return inner()",
        "def model(x):\n    class Inner:\n        net = torchlike.Net\n    return Inner",
        "model = (lambda net: lambda x: net)(torchlike.Net)",
        "def model(x, net=torchlike.Net):\n    return net",
        "def model(x, *, net=torchlike.Net):\n    return net",
        "def model(x):\n    import torchlike as t\n    return t.Net",
        "def model(x):\n    from torchlike import Net\n    return Net",
        "class Model(torchlike.Net): ...\nmodel = Model()",
        "class Model:\n    net = torchlike.Net\nmodel = Model()",
        "class Model:\n    @property\n    def net(self):\n        return torchlike.Net\nmodel = Model()",
        "class Model:\n    @staticmethod\n    def net():\n        return torchlike.Net\nmodel = Model()",
        "class Model:\n    @classmethod\n    def net(cls):\n        return torchlike.Net\nmodel = Model().net",
        "class Model: ...\nmodel = Model()\nmodel.parts = {'net': [(1, torchlike.Net())]}",
        "class Model:\n    __slots__ = ('net',)\nmodel = Model()\nmodel.net = torchlike.Net()",
        "import functools\nmodel = functools.partial(max, torchlike.Net())",
        "NET = torchlike.Net()\ndef model(x):\n    return NET",
        "import functools\n@functools.cache\ndef model(x):\n    return torchlike.Net",
        "model = torchlike",
    ],
)
def test_every_way_to_hold_something(script, source: str) -> None:
    assert script(source)["packages"] == {"torch-like": "3.0"}


def test_a_decorated_function_needs_what_its_original_uses(script) -> None:
    found = script(
        """
import functools

def decorate(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)
    return wrapper

@decorate
def model(x):
    return torchlike.Net
"""
    )
    assert found["packages"] == {"torch-like": "3.0"}


def test_a_decorator_of_a_package_is_needed_with_the_function(project, script) -> None:
    project.install(
        "wraplike",
        "4.2",
        {
            "wraplike.py": """
            import functools
            def decorate(function):
                @functools.wraps(function)
                def wrapper(*args):
                    return function(*args)
                return wrapper
            """
        },
    )
    found = script(
        "from wraplike import decorate\n@decorate\ndef model(x):\n    return torchlike.Net"
    )
    assert found["packages"] == {"torch-like": "3.0", "wraplike": "4.2"}


def test_annotations_as_text_do_not_count(script) -> None:
    found = script("def model(x: 'torchlike.Net') -> 'pandaslike.Frame':\n    return x")
    assert found["packages"] == {}


def test_annotations_that_the_pickle_holds_count(script) -> None:
    found = script("def model(x: list[torchlike.Net]):\n    return x")
    assert found["packages"] == {"torch-like": "3.0"}


def test_attribute_names_are_no_global_names(script) -> None:
    found = script("def model(x):\n    return x.torchlike.pandaslike")
    assert found["packages"] == {}


def test_a_script_imported_by_a_helper_module_is_stored_under_its_name(project) -> None:
    project.file("helpers.py", "import train\ndef clean(x): return train.FACTOR")
    found = project.run(
        """
        FACTOR = 3
        model = None
        if __name__ == "__main__":
            from helpers import clean as model
        """
    )
    assert found["modules"] == ["helpers", "train"]


def test_code_of_the_command_line_has_no_file_and_needs_none(project) -> None:
    code = "from modelyard.environments import capture; print(dict(capture(lambda x: x).packages))"
    assert project.python("-c", code).strip() == "{}"


def test_a_notebook_function_needs_what_it_uses(project) -> None:
    """Notebook cells are compiled without a file, in the namespace of ``__main__``."""
    from modelyard.environments import capture

    project.install("torchlike", "3.0")
    project.install("pandaslike", "2.0")
    cell = {"__name__": "__main__"}
    exec(compile("import torchlike, pandaslike", "<cell 1>", "exec"), cell)
    exec(compile("def predict(x):\n    return torchlike.nn(x)", "<cell 2>", "exec"), cell)
    found = capture(cell["predict"])
    assert found.packages == {"torchlike": "3.0"}
    assert found.modules == ()


def test_a_recursive_function_ends(script) -> None:
    source = (
        "def model(x):\n    return other(x)\ndef other(x):\n    return model(x) or torchlike.Net"
    )
    assert script(source)["packages"] == {"torch-like": "3.0"}
