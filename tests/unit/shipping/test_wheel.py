"""A model as a package: valid, the same bytes each time, and with nothing of ours but what loads it."""

from __future__ import annotations

import ast
import base64
import csv
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import modelyard as my
from modelyard.base.errors import InvalidInput, NotFound
from modelyard.objects.card import Card
from modelyard.shipping.build import plan_build
from modelyard.shipping.builders.wheel import import_name, package_version, project_name
from modelyard.shipping.typed_module import module_text
from modelyard.types import parse
from modelyard.types.schema import Argument, Signature


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


# Names and versions


@pytest.mark.parametrize(
    "name", ["x\n", "../x", "x/y", "", "-x", "x-", "é", "a b", "x" * 101, "x\nRequires-Dist: evil"]
)
def test_names_that_no_project_has(saved: Path, name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        project_name(name)
    if name:
        with pytest.raises(InvalidInput):
            my.build(saved, "wheel", output=tmp_path, name=name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["class", "json", "os", "1x"])
def test_names_that_cannot_be_imported(name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be imported") as caught:
        import_name(name)
    assert "--name" in str(caught.value)


@pytest.mark.parametrize("version", ["x", "1.0\n", "1..0", "../1", "", "1.0+local", "1 0", "١"])
def test_versions_that_pip_does_not_take(version: str) -> None:
    with pytest.raises(InvalidInput, match="package version"):
        package_version(version)


def test_versions_that_pip_takes() -> None:
    found = [package_version(v) for v in ("1", "v1.2.0", "2.0rc1", "1.0.post1", "1.0.dev3")]
    assert found == ["1", "1.2.0", "2.0rc1", "1.0.post1", "1.0.dev3"]


def test_options_and_builders_that_are_not_there(saved: Path) -> None:
    with pytest.raises(InvalidInput, match="has no option 'nmae'") as caught:
        my.build(saved, "wheel", nmae="x")
    assert "did you mean 'name'" in str(caught.value)
    with pytest.raises(Exception, match="wheell") as missing:
        my.build(saved, "wheell")
    assert "wheel" in str(missing.value)
    with pytest.raises(InvalidInput, match="a wheel is called"):
        my.build(saved, "wheel", output="other.whl")


# What is in it


def test_a_plan_tells_all_and_writes_nothing(saved: Path, tmp_path: Path) -> None:
    plan = plan_build(saved, "wheel", output=tmp_path / "dist", version="2.0")
    assert plan.target == tmp_path / "dist" / "churn-2.0-py3-none-any.whl"
    assert not plan.target.parent.exists()
    built = my.build(saved, "wheel", output=tmp_path / "dist", version="2.0")
    assert (built.path, built.facts) == (plan.target, plan.facts)
    assert built.digest == my.load_card(saved).digest
    assert [p.name for p in built.path.parent.iterdir()] == [plan.target.name]


def test_the_same_model_gives_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    one, two = (my.build(saved, "wheel", output=tmp_path / d).path for d in "ab")
    assert one.read_bytes() == two.read_bytes()


def test_metadata_and_record_are_valid(saved: Path, tmp_path: Path) -> None:
    built = my.build(saved, "wheel", output=tmp_path, name="Churn.Model", version="v1.2.0")
    assert built.path.name == "churn_model-1.2.0-py3-none-any.whl"
    files = contents(built.path)
    info = "churn_model-1.2.0.dist-info"
    meta = Parser().parsestr(files[f"{info}/METADATA"].decode())
    assert (meta["Name"], meta["Version"], meta["Summary"]) == ("Churn.Model", "1.2.0", "Who leaves?")  # fmt: skip
    assert meta.get_all("Requires-Dist") == list(my.load_card(saved).requirements.packages)
    rows = list(csv.reader(files[f"{info}/RECORD"].decode().splitlines()))
    assert {row[0] for row in rows} == set(files)
    for name, digest, size in rows:
        if name == f"{info}/RECORD":
            continue
        plain = base64.urlsafe_b64encode(hashlib.sha256(files[name]).digest()).rstrip(b"=")
        assert (digest, int(size)) == (f"sha256={plain.decode()}", len(files[name]))


def test_a_description_is_one_line(saved: Path, tmp_path: Path) -> None:
    text = "one\nRequires-Dist: evil\r\n\u2028two\x85three"
    files = contents(my.build(saved, "wheel", output=tmp_path, description=text).path)
    meta = Parser().parsestr(files["churn-0.1.0.dist-info/METADATA"].decode())
    assert "evil" not in str(meta.get_all("Requires-Dist"))
    assert meta["Summary"] == "one Requires-Dist: evil two three"


TEXTS = st.text(max_size=60) | st.text("\"\\'\n\r\0 {}a", max_size=30)


@given(description=TEXTS, name=TEXTS)
def test_no_text_breaks_the_module(description: str, name: str) -> None:
    methods = {"predict": Signature({"X": Argument(parse("number"))}, parse("number"))}
    text = module_text(Card(flavor="callable", methods=methods, description=description), name)
    tree = ast.parse(text.encode())
    first = tree.body[0]
    assert isinstance(first, ast.Expr)
    assert isinstance(first.value, ast.Constant), "all of it is one docstring"
    functions = [n.name for n in tree.body if isinstance(n, ast.FunctionDef)]
    assert functions == ["_opened", "_call", "model", "predict"]


@given(
    default=st.floats() | st.none() | st.text(max_size=9) | st.binary(max_size=9) | st.datetimes()
)
def test_every_default_can_be_written(default: Any) -> None:
    arguments = {"X": Argument(parse("number")), "k": Argument(parse("any"), default)}
    arguments["last"] = Argument(parse("any"))
    text = module_text(Card(methods={"predict": Signature(arguments, None)}), "m")
    space: dict[str, Any] = {"__file__": "m.py", "__name__": "m"}
    exec(compile(text, "m", "exec"), space)
    [found] = space["predict"].__defaults__
    assert found == default or found is space["_OWN"]
    assert list(space["predict"].__kwdefaults__ or ()) == []


def test_a_model_without_methods(tmp_path: Path, saved: Path) -> None:
    card = tmp_path / "bare.yard.yaml"
    my.save(lambda x: x, tmp_path / "bare", sample_data=1)
    kept = my.load_card(tmp_path / "bare")
    from modelyard.objects.card_file import write_card

    write_card(kept.but(methods={}), card)
    with pytest.raises(NotFound, match="no methods"):
        my.build(tmp_path / "bare", "wheel", output=tmp_path / "dist")
    my.save([1], tmp_path / "data")
    with pytest.raises(InvalidInput, match=r"is (a )?data, not a model"):
        my.build(tmp_path / "data", "wheel")


# Unpacked, in a process that has the model's libraries

ALONE = """
import json, sys

class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("modelyard", "fastapi", "sqlalchemy", "click", "ruamel", "pydantic"):
            raise ImportError(name + " is not here")

sys.meta_path.insert(0, Refusing())
sys.path.insert(0, sys.argv[1])
"""


def run(wheel: Path, code: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Code in a process that imports straight from the wheel's files, and cannot import modelyard."""
    folder = wheel.parent / "unpacked"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return subprocess.run(
        [sys.executable, *options, "-c", ALONE + code, str(folder)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
    )


def test_importing_it_loads_nothing_else(saved: Path, tmp_path: Path) -> None:
    wheel = my.build(saved, "wheel", output=tmp_path).path
    code = """
before = set(sys.modules)
import churn
new = {m.partition(".")[0] for m in set(sys.modules) - before}
print(json.dumps(sorted(m for m in new if m not in sys.stdlib_module_names)))
model = churn.model()
import numpy
tops = {m.partition(".")[0] for m in sys.modules}
print(sorted(tops & {"modelyard", "yaml", "ruamel", "fastapi", "sqlalchemy", "alembic", "click", "platformdirs"}))
"""
    done = run(wheel, code, "-W", "error::SyntaxWarning", "-W", "error::ResourceWarning")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ['["churn"]', "[]"]
    strict = run(wheel, "import churn\n", "-W", "error")
    assert strict.returncode == 0, strict.stderr


def test_every_module_of_the_runtime_can_be_imported(saved: Path, tmp_path: Path) -> None:
    wheel = my.build(saved, "wheel", output=tmp_path).path
    code = """
import importlib, pathlib
for path in sorted(pathlib.Path(sys.argv[1], "churn", "_runtime").rglob("*.py")):
    name = ".".join(path.relative_to(sys.argv[1]).with_suffix("").parts).removesuffix(".__init__")
    importlib.import_module(name)
print("modelyard" in sys.modules)
"""
    done = run(wheel, code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "False"


def test_a_function_with_modules_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "ours.py").write_text("FACTOR = 3\n\ndef scaled(x):\n    return x * FACTOR\n")
    (tmp_path / "train.py").write_text(
        "import modelyard as my\nimport ours\n\n"
        "def score(x: float, offset: float = 0.5) -> float:\n    return ours.scaled(x) + offset\n\n"
        "my.save(score, 'score', sample_data=1.0)\n"
    )
    done = subprocess.run([sys.executable, "train.py"], cwd=tmp_path, capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert my.load_card(tmp_path / "score").requirements.modules
    wheel = my.build(tmp_path / "score", "wheel", output=tmp_path / "dist").path
    done = run(wheel, "import score\nprint(score.predict(2.0), score.predict(2.0, offset=1.0))\n")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "6.5 7.0"


def test_a_registered_version(table, classifier, tmp_path: Path) -> None:
    with my.Yard(tmp_path / "yard.db") as yard:
        yard.models.add(classifier, "churn", sample_data=table[["age", "town"]])
        wheel = my.build(yard.models.get("churn@1"), "wheel", output=tmp_path / "dist").path
    assert wheel.name == "churn-1-py3-none-any.whl"


# Installed


@pytest.mark.slow
def test_installed_it_answers_as_the_original(environment: Path, table, classifier) -> None:
    code = """
import churn, inspect, json, pandas
X = pandas.DataFrame({"town": [0.0, 1.0], "age": [25, 65]})
told = {"answers": churn.predict_proba(X).tolist(), "doc": churn.__doc__, "all": churn.__all__}
told["hints"] = str(inspect.signature(churn.predict))
for bad in (X.drop(columns=["town"]), X.assign(colour=1.0), X.assign(age="old")):
    try:
        churn.predict(bad)
    except ValueError as error:
        told.setdefault("refused", []).append([type(error).__name__, str(error)])
print(json.dumps(told))
"""
    done = subprocess.run([environment, "-W", "error", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    X = table[["age", "town"]][:2].assign(age=[25.0, 65.0], town=[0.0, 1.0])
    assert told["answers"] == classifier.predict_proba(X).tolist()
    assert told["doc"] == "The model churn. Who leaves?"
    assert {"predict", "predict_proba", "model"} <= set(told["all"])
    assert told["hints"] == "(X: 'pandas.DataFrame') -> 'numpy.ndarray'"
    assert [name for name, _ in told["refused"]] == ["SchemaMismatch"] * 3
    for (_, message), column in zip(told["refused"], ("town", "colour", "age"), strict=True):
        assert column in message


@pytest.mark.slow
def test_installed_it_brings_what_the_model_needs_alone(environment: Path) -> None:
    listing = ["uv", "pip", "list", "--format", "json", "--python", str(environment)]
    done = subprocess.run(listing, capture_output=True, text=True)
    names = {package["name"] for package in json.loads(done.stdout)}
    assert {"churn", "scikit-learn", "pandas"} <= names
    assert not names & {"modelyard", "fastapi", "sqlalchemy", "click", "alembic", "pydantic"}
    code = "import importlib.metadata as m; print(len(m.files('churn')), m.requires('churn'))"
    done = subprocess.run([environment, "-c", code], capture_output=True, text=True)
    assert "scikit-learn==" in done.stdout
