"""Saving and loading: what is recorded, what comes back, what is refused."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pydantic import BaseModel, Field
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import modelyard as my
from modelyard.base.errors import (
    AlreadyExists,
    Corrupted,
    EnvironmentMismatch,
    FileMissing,
    InvalidInput,
    NotFound,
    SchemaMismatch,
    UnknownMethod,
    UnsupportedFormat,
    UnsupportedType,
    Untrusted,
)
from modelyard.base.notes import collected
from modelyard.objects.card import Requirements
from modelyard.objects.card_file import read_card, write_card


@pytest.fixture(scope="module")
def iris() -> tuple[pd.DataFrame, pd.Series]:
    return load_iris(return_X_y=True, as_frame=True)


@pytest.fixture(scope="module")
def model(iris: tuple[pd.DataFrame, pd.Series]) -> Any:
    X, y = iris
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(X, y)


def fresh(code: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Python in a new process, as a user on another day."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={**os.environ, **environ},
    )


def test_every_method_that_can_be_called_is_recorded(tmp_path, iris, model) -> None:
    X, y = iris
    card = my.save(model, tmp_path / "m", sample_data=X)
    assert next(iter(card.methods)) == "predict"
    assert {"predict_proba", "predict_log_proba", "decision_function"} <= set(card.methods)
    hinge = SGDClassifier(random_state=0).fit(X, y)
    assert "predict_proba" not in my.save(hinge, tmp_path / "h", sample_data=X).methods


def test_a_model_comes_back_in_a_fresh_process(tmp_path, iris, model) -> None:
    X, _ = iris
    my.save(model, tmp_path / "m", sample_data=X)
    X.to_csv(tmp_path / "x.csv", index=False)
    code = "import modelyard as my, pandas as pd; print(my.load('m').predict_proba(pd.read_csv('x.csv')).sum(axis=0).tolist())"
    done = fresh(code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.strip() == str(model.predict_proba(X).sum(axis=0).tolist())


def test_a_card_is_read_without_importing_the_model(tmp_path, iris, model) -> None:
    my.save(model, tmp_path / "m", sample_data=iris[0])
    code = "import sys, modelyard as my; print(my.load_card('m').flavor); print([m for m in ('sklearn', 'pandas', 'numpy') if m in sys.modules])"
    assert fresh(code, tmp_path).stdout.split("\n")[:2] == ["sklearn", "[]"]


def test_the_same_object_gives_the_same_bytes_and_digest(tmp_path, iris, model) -> None:
    first = my.save(model, tmp_path / "a", sample_data=iris[0])
    second = my.save(model, tmp_path / "b", sample_data=iris[0])
    assert first.digest == second.digest
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_plain_function_has_the_method_predict(tmp_path) -> None:
    def score(amount: float, *, factor: int = 2, note: str | None = None) -> list[float]:
        return [amount * factor] * (3 if note else 1)

    card = my.save(score, tmp_path / "f", sample_data=1.5)
    signature = card.methods["predict"]
    assert [a for a, x in signature.args.items() if x.required] == ["amount"]
    assert signature.args["note"].type.to_dict() == {"type": "optional", "of": "string"}
    assert "3" not in str(signature.returns.to_dict()), "a list's length is not fixed by the sample"
    assert my.load(tmp_path / "f")(2, factor=5) == [10]


@pytest.mark.parametrize(
    ("make", "sample", "expected"),
    [
        (lambda: lambda a, b: a + b, (1, 2), 3),
        (lambda: functools.partial(max, 5), 7, 7),
        (lambda: "x".join, ["a", "b"], "axb"),
        (lambda: Doubler(3), 2, 6),
        (lambda: Doubler(3).twice, 2, 12),
    ],
)
def test_whatever_can_be_called_can_be_saved(tmp_path, make, sample, expected) -> None:
    card = my.save(make(), tmp_path / "c", sample_data=sample)
    assert list(card.methods) == ["predict"]
    if expected is not None:
        again = my.load(tmp_path / "c")
        assert (
            again(*sample) == expected if isinstance(sample, tuple) else again(sample) == expected
        )


class Doubler:
    """An object of one's own class with ``__call__``."""

    def __init__(self, factor: int) -> None:
        self.factor = factor

    def __call__(self, x: int) -> int:
        return x * self.factor

    def twice(self, x: int) -> int:
        return 2 * self(x)


class Churn:
    """An object of one's own class with a model's methods."""

    def predict(self, age: int, city: str = "Oslo") -> bool:
        return age > 30 and city == "Oslo"

    def explain(self, age: int) -> str:
        return f"{age} years"


def test_methods_can_be_chosen_and_have_samples_of_their_own(tmp_path) -> None:
    card = my.save(Churn(), tmp_path / "c", methods={"predict": (31, "Oslo"), "explain": 5})
    assert list(card.methods) == ["predict", "explain"]
    assert card.methods["explain"].returns.to_dict() == {"type": "string"}
    assert my.load(tmp_path / "c").explain(7) == "7 years"
    with pytest.raises(UnknownMethod, match="Churn has no method 'explian'") as caught:
        my.save(Churn(), tmp_path / "d", methods=["explian"])
    assert caught.value.details["choices"]


def test_a_sample_that_does_not_fit_is_refused_and_nothing_is_written(
    tmp_path, iris, model
) -> None:
    with pytest.raises(InvalidInput, match="sample_data does not fit"):
        my.save(model, tmp_path / "m", sample_data=iris[0].iloc[:, :2])
    assert list(tmp_path.iterdir()) == []


def test_an_estimator_that_was_not_fitted_is_refused(tmp_path) -> None:
    with pytest.raises(InvalidInput, match="this LogisticRegression is not fitted"):
        my.save(LogisticRegression(), tmp_path / "m")


def test_steps_stay_attached(tmp_path, iris, model) -> None:
    def columns(rows: list[list[float]]) -> pd.DataFrame:
        return pd.DataFrame(
            rows,
            columns=[
                "sepal length (cm)",
                "sepal width (cm)",
                "petal length (cm)",
                "petal width (cm)",
            ],
        )

    def names(classes: Any) -> list[str]:
        return [["setosa", "versicolor", "virginica"][c] for c in classes]

    rows = iris[0].head(3).to_numpy().tolist()
    card = my.save(
        model,
        tmp_path / "s",
        sample_data=rows,
        methods=["predict"],
        preprocess=columns,
        postprocess=names,
    )
    assert list(card.methods["predict"].args) == ["rows"]
    assert set(card.steps) == {"preprocess", "postprocess"}
    assert card.format.tier == 2
    assert my.load(tmp_path / "s").predict(rows) == ["setosa"] * 3
    assert my.apply(tmp_path / "s", rows) == ["setosa"] * 3


def test_an_estimator_with_code_falls_to_tier_two_and_says_why(tmp_path, iris) -> None:
    X, y = iris
    with_code = make_pipeline(
        FunctionTransformer(lambda x: x * 2), LogisticRegression(max_iter=500)
    ).fit(X, y)
    with collected() as notes:
        card = my.save(with_code, tmp_path / "m", sample_data=X)
    assert (card.format.name, card.format.tier) == ("cloudpickle", 2)
    assert any("<lambda>" in reason for reason in card.format.reasons)
    assert len(notes) == 1
    assert "tier 2: loading it runs code" in notes[0]
    assert "without these it would be tier 1" in notes[0]


def test_the_format_can_be_chosen(tmp_path, iris, model) -> None:
    assert (
        my.save(model, tmp_path / "m", sample_data=iris[0], format="cloudpickle").format.tier == 2
    )
    with pytest.raises(UnsupportedFormat, match="'skopz' is not a format that holds models"):
        my.save(model, tmp_path / "n", format="skopz")
    with pytest.raises(UnsupportedType):
        my.save(lambda x: x, tmp_path / "f", format="skops")


def test_local_modules_come_along(tmp_path) -> None:
    (tmp_path / "features_of_mine.py").write_text(
        "FACTOR = 7\ndef clean(x):\n    return x * FACTOR\n"
    )
    (tmp_path / "train.py").write_text(
        "import modelyard as my, features_of_mine\n"
        "def score(x: int) -> int:\n    return features_of_mine.clean(x)\n"
        "print(my.save(score, 'out/score', sample_data=2).requirements.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "train.py"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "('features_of_mine.py',)"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    again = fresh(
        f"import modelyard as my; print(my.load({str(tmp_path / 'out' / 'score')!r})(3))", elsewhere
    )
    assert again.stdout.strip() == "21", again.stderr


def test_requirements_are_exact_and_can_be_overridden(tmp_path, iris, model) -> None:
    card = my.save(model, tmp_path / "m", sample_data=iris[0])
    names = {line.partition("==")[0] for line in card.requirements.packages}
    assert {"scikit-learn", "pandas", "numpy"} <= names
    assert not names & {"modelyard", "pytest", "skops"}
    given = my.save(
        model, tmp_path / "n", sample_data=iris[0], requirements={"packages": ["scikit-learn>=1.5"]}
    )
    assert given.requirements.packages == ("scikit-learn>=1.5",)


def test_a_function_in_a_script_does_not_drag_in_the_scripts_imports(tmp_path) -> None:
    (tmp_path / "train.py").write_text(
        "import math, pandas, sklearn, modelyard as my\n"
        "def area(r: float) -> float:\n    return math.pi * r * r\n"
        "print(my.save(area, 'area', sample_data=2.0).requirements.packages)\n"
    )
    done = subprocess.run(
        [sys.executable, "train.py"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "pandas" not in done.stdout
    assert "scikit-learn" not in done.stdout


@pytest.mark.parametrize(
    "value",
    [
        [1, 2, 3], {"a": 1, "b": [None, "None"]}, "None", 3.5, True, None,
        np.arange(6.0).reshape(2, 3), np.array([True, False]),
        pd.DataFrame({"a": [1, 2], "b": ["x", None]}),
    ],
)  # fmt: skip
def test_data_comes_back_equal(tmp_path, value) -> None:
    card = my.save(value, tmp_path / "d")
    assert card.kind == "data"
    assert card.format.tier == 0
    again = my.load(tmp_path / "d")
    assert type(again) is type(value)
    if isinstance(value, pd.DataFrame):
        pd.testing.assert_frame_equal(again, value)
    else:
        assert np.array_equal(again, value) if isinstance(value, np.ndarray) else again == value


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".json", ".jsonl"])
def test_the_suffix_of_the_path_chooses_the_format_of_data(tmp_path, iris, suffix) -> None:
    card = my.save(iris[0], tmp_path / f"iris{suffix}")
    assert card.format.name == suffix[1:]
    assert card.shape == (150, 4)
    assert [c["column_name"] for c in card.profile] == list(iris[0].columns)
    pd.testing.assert_frame_equal(my.load(tmp_path / f"iris{suffix}"), iris[0])


def test_a_file_of_data_is_saved_in_its_own_format(tmp_path, iris) -> None:
    iris[0].to_csv(tmp_path / "raw.csv", index=False)
    card = my.save(tmp_path / "raw.csv", tmp_path / "data")
    assert (card.format.name, card.shape) == ("csv", (150, 4))
    pd.testing.assert_frame_equal(my.load(tmp_path / "data"), iris[0])


def test_what_is_not_ours_is_not_replaced(tmp_path, model) -> None:
    (tmp_path / "m").write_text("mine")
    with pytest.raises(AlreadyExists):
        my.save(model, tmp_path / "m")
    assert (tmp_path / "m").read_text() == "mine"


# What must never load


@pytest.fixture
def stranger(tmp_path) -> Path:
    """A tier 2 model that was saved by somebody else: this user has never seen its digest."""
    code = "import modelyard as my\ndef f(x: int) -> int:\n    open('ran', 'w').close()\n    return x\nmy.save(f, 'model', sample_data=1)\n"
    folder = tmp_path / "theirs"
    folder.mkdir()
    done = fresh(code, folder, MODELYARD_CONFIG_DIR=str(tmp_path / "their-config"))
    assert done.returncode == 0, done.stderr
    (folder / "ran").unlink()
    return folder / "model"


def test_a_strangers_code_is_refused_until_trusted(stranger: Path, monkeypatch) -> None:
    monkeypatch.chdir(stranger.parent)
    with pytest.raises(Untrusted) as caught:
        my.load(stranger)
    digest = my.load_card(stranger).digest
    assert digest in str(caught.value)
    assert "modelyard trust" in str(caught.value)
    with pytest.raises(InvalidInput, match="does not say what is trusted"):
        my.load(stranger, trust=True)  # type: ignore[arg-type]  # the mistake people make
    with pytest.raises(Untrusted):
        my.load(stranger, trust="sha256:" + "0" * 64)
    assert not (stranger.parent / "ran").exists()
    assert my.load(stranger, trust=digest)(4) == 4


def test_a_card_that_calls_code_safe_is_not_believed(stranger: Path) -> None:
    path = stranger.with_name("model.yard.yaml")
    path.write_text(path.read_text().replace("tier: 2", "tier: 0"))
    with pytest.raises(Untrusted):
        my.load(stranger)
    path.write_text(path.read_text().replace("name: cloudpickle", "name: skops"))
    with pytest.raises((Corrupted, InvalidInput)):
        my.load(stranger)
    path.write_text(path.read_text().replace("name: skops", "name: joblibz"))
    with pytest.raises(UnsupportedFormat, match="'joblibz' is not known here"):
        my.load(stranger)


def test_a_tampered_artifact_is_found_before_it_is_opened(tmp_path, iris, model) -> None:
    my.save(model, tmp_path / "m", sample_data=iris[0], format="cloudpickle")
    data = bytearray((tmp_path / "m").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "m").write_bytes(data)
    with pytest.raises(Corrupted, match=r"the file 'm' is not what its card says"):
        my.load(tmp_path / "m")


def test_an_edited_card_is_another_object(tmp_path, iris, model) -> None:
    my.save(model, tmp_path / "m", sample_data=iris[0], format="cloudpickle")
    card = read_card(tmp_path / "m.yard.yaml")
    fewer = {name: s for name, s in card.methods.items() if name == "predict"}
    write_card(card.but(methods=fewer), tmp_path / "m.yard.yaml")
    with pytest.raises(Untrusted):
        my.load(tmp_path / "m")


def test_differences_of_the_environment_are_told_refused_or_ignored(tmp_path, iris, model) -> None:
    my.save(model, tmp_path / "m", sample_data=iris[0])
    path = tmp_path / "m.yard.yaml"
    needs = Requirements("3.11.7", ("not-there-at-all==1.0", "numpy==1.0.0"))
    write_card(read_card(path).but(requirements=needs), path)
    with collected() as notes:
        my.load(tmp_path / "m")
    assert len(notes) == 2
    assert any("not-there-at-all" in line for line in notes)
    with pytest.raises(EnvironmentMismatch, match="saved in another environment"):
        my.load(tmp_path / "m", check_env="error")
    with collected() as notes:
        my.load(tmp_path / "m", check_env="off")
    assert notes == []
    with pytest.raises(InvalidInput, match="is none of 'warn', 'error', 'off'"):
        my.load(tmp_path / "m", check_env="maybe")  # type: ignore[arg-type]  # the mistake under test


def test_a_library_that_is_not_there_is_told_with_what_to_install(
    tmp_path, iris, model, monkeypatch
) -> None:
    my.save(model, tmp_path / "m", sample_data=iris[0])
    path = tmp_path / "m.yard.yaml"
    needs = Requirements("3.11.7", ("not-there-at-all==1.0",))
    write_card(read_card(path).but(requirements=needs), path)
    monkeypatch.setitem(sys.modules, "modelyard.objects.formats._skops.building", None)
    with pytest.raises(
        EnvironmentMismatch, match=r"not-there-at-all: saved with 1\.0, not installed"
    ) as caught:
        my.load(tmp_path / "m", check_env="off")
    assert caught.value.hint == "pip install not-there-at-all==1.0"


def test_a_reference_to_nothing_tells_what_was_tried(tmp_path, iris, model, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    my.save(model, "models/churn", sample_data=iris[0])
    with pytest.raises(NotFound) as caught:
        my.load("models/chrun")
    assert "no object at models/chrun.yard.yaml" in str(caught.value)
    assert "did you mean 'models/churn'" in str(caught.value)
    assert not (tmp_path / "yard.db").exists(), "looking does not create a yard"
    with pytest.raises(FileMissing):
        my.load("./models/chrun")


def test_register_while_saving(tmp_path, iris, model, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    my.save(model, "models/m", sample_data=iris[0], register="churn")
    assert my.load("churn@1").predict(iris[0]).tolist() == model.predict(iris[0]).tolist()
    assert my.load_card("churn").digest == my.load_card("models/m").digest


def test_a_large_file_in_a_git_folder_is_told(tmp_path) -> None:
    (tmp_path / ".git").mkdir()
    with collected() as notes:
        my.save(np.zeros(7_000_000), tmp_path / "big")
    assert notes == [
        f"{tmp_path / 'big'} is 53 MB in a Git repository without DVC: keep it out of Git, or run 'dvc init' and save with dvc=True"
    ]


def test_the_commit_is_on_the_card(tmp_path) -> None:
    def git(*words: str) -> str:
        done = subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=tmp_path, capture_output=True, text=True, check=True)  # fmt: skip
        return done.stdout.strip()

    git("init", "-q")
    (tmp_path / "train.py").write_text("1")
    git("add", ".")
    git("commit", "-qm", "one")
    made = my.save([1], tmp_path / "d").created
    assert (made.git, made.dirty) == (git("rev-parse", "HEAD")[:7], False)
    (tmp_path / "train.py").write_text("2")
    assert my.save([1], tmp_path / "d").created.dirty is True


def test_notebooks_show_a_card_without_running_its_text(tmp_path, iris, model) -> None:
    card = my.save(
        model, tmp_path / "m", sample_data=iris[0], description="<script>alert(1)</script>"
    )
    html = card._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "predict()" in html


def test_infer_schema() -> None:
    assert my.infer_schema([1.5]).json_schema()["type"] == "array"
    schema = my.infer_schema(lambda x: x + 1, sample_data=1)
    assert list(schema.methods) == ["predict"]


def test_a_forest_on_an_array_and_one_row(tmp_path, iris) -> None:
    X, y = iris
    forest = RandomForestClassifier(5, random_state=0).fit(X.to_numpy(), y)
    my.save(forest, tmp_path / "f", sample_data=X.to_numpy())
    assert my.load(tmp_path / "f").predict(X.to_numpy()[:1]).tolist() == [0]


class Flat(BaseModel):
    area: float = Field(gt=0)
    rooms: int = 2


def test_a_loaded_function_gets_objects_of_its_own_classes(tmp_path):
    def rent(flats: list[Flat]) -> list[float]:
        assert all(type(f).__name__ == "Flat" and f.model_fields_set for f in flats)
        return [f.area * f.rooms for f in flats]

    # As it is where annotations are not turned into texts, which lead nowhere once the function is elsewhere.
    rent.__annotations__ = {"flats": list[Flat], "return": list[float]}
    my.save(rent, tmp_path / "rent")
    assert my.apply(tmp_path / "rent", [{"area": 10.0}, {"area": 5, "rooms": 3}]) == [20.0, 15.0]
    with pytest.raises(SchemaMismatch, match="area: Input should be greater than 0"):
        my.apply(tmp_path / "rent", [{"area": -1}])


@pytest.mark.parametrize(
    "value",
    [b"\x00\xff", Image.new("RGB", (2, 3), "red"), {"pictures": [Image.new("L", (1, 1))]}],
    ids=["bytes", "image", "images"],
)
def test_files_are_data_too(value, tmp_path):
    card = my.save(value, tmp_path / "data")
    assert (card.kind, card.format.tier) == ("data", 0)
    assert my.load(tmp_path / "data") == value
