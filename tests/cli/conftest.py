"""One project for all tests of the command line: two models and a function, data in many forms, a yard with history."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import modelyard as my
from modelyard.base.notes import collected
from modelyard.yard.project import init


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Looked at by many tests and changed by none; `changing` is for those."""
    folder = tmp_path_factory.mktemp("cli") / "project"
    init(folder)
    frame = customers()
    X = frame[["age", "income"]]
    write_data(folder, frame)
    with collected():
        save_models(folder, X, frame["churned"])
    with my.Yard(project=folder) as yard:
        yard.datasets.add(frame, "customers", "Who stayed and who left")
        first = yard.models.add(folder / "models/churn", "churn", dataset="customers@1", target="churned", comment="first")  # fmt: skip
        yard.models.add(folder / "models/other", "churn", comment="more care")
        yard.models.add(folder / "models/other", "sleepers")
        yard.models.promote("churn", "prod", 1, "good enough")
        yard.models.set_alias("churn", "champion", 2)
        first.predict(X.head(2).assign(reference_id=["order-17", "order-18"]), log=True)
    return folder


@pytest.fixture
def changing(project: Path, tmp_path: Path) -> Path:
    """A copy of the project that a test may change."""
    return Path(shutil.copytree(project, tmp_path / "project"))


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A folder that is its own project and has nothing in it."""
    (tmp_path / "modelyard.toml").write_text("")
    return tmp_path


def customers() -> pd.DataFrame:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"age": random.integers(18, 80, 200), "income": random.normal(50, 10, 200).round(2)}
    )
    return frame.assign(churned=((frame.age < 40) & (frame.income < 55)).astype(int))


def write_data(folder: Path, frame: pd.DataFrame) -> None:
    rows = frame[["age", "income"]].head(5)
    frame.to_csv(folder / "all.csv", index=False)
    rows.to_csv(folder / "new.csv", index=False)
    rows[["income", "age"]].to_csv(folder / "turned.csv", index=False)
    rows.to_parquet(folder / "new.parquet")
    rows.to_json(folder / "new.json", orient="records")
    rows.to_json(folder / "new.jsonl", orient="records", lines=True)
    np.save(folder / "new.npy", rows.to_numpy())


def save_models(folder: Path, X: pd.DataFrame, y: pd.Series) -> None:
    model = LogisticRegression().fit(X, y)
    my.save(model, folder / "models/churn", sample_data=X, description="Who will leave")
    other = LogisticRegression(C=0.01).fit(X, y)
    my.save(other, folder / "models/other", sample_data=X, labels=["careful"])

    def double(x: float) -> float:
        return 2 * x

    my.save(double, folder / "models/double", sample_data=3.0)
    my.save(X, folder / "data/customers", description="Ages and incomes")
