"""`my.GitRegistry` and the verbs of a project whose registry is Git: what the contract and the commands do not ask."""

from __future__ import annotations

from pathlib import Path

import pytest

import git_servers
import modelyard as my
from modelyard.base.errors import Conflict, InvalidInput, InvalidSetting, NotFound, NotSupported
from modelyard.base.notes import collected
from modelyard.stores.folders.local import LocalFolder
from modelyard.yard.annotating import annotate
from modelyard.yard.annotations import annotation_of, named_at, names_in
from modelyard.yard.registries import registry_of
from modelyard.yard.verbs import record_metrics


def double(x: float) -> float:
    return 2 * x


def git(*words: str) -> str:
    return git_servers.run(Path(), *words)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one registered model, where we are."""
    monkeypatch.chdir(tmp_path)
    git("init", "-q", "-b", "main")
    git("config", "user.name", "Ana")
    git("config", "user.email", "ana@example.com")
    my.init(registry="git")
    my.save(double, "models/double", sample_data=1.5, labels=["small"])
    git("add", "-A")
    git("commit", "-q", "-m", "one")
    my.register("models/double", comment="the first")
    return tmp_path


def test_verbs_act_on_the_registry_of_the_project(here: Path) -> None:
    assert registry_of() == "git"
    version = my.promote("double", "prod")
    assert (version.ref, version.commit) == ("double@v0.0.1", git("rev-parse", "HEAD"))
    assert my.load("double#prod")(2.0) == 4.0
    assert my.apply("double", 3.0) == 6.0
    my.demote("double", "prod")
    assert my.GitRegistry().summary()["double"]["stages"] == {}
    assert my.GitRegistry().history("double", records=True)[-1]["comment"] == "the first"
    assert not (here / "yard.db").exists()


def test_what_a_git_registry_cannot_register_is_refused_before_anything_is_done(here: Path) -> None:
    with pytest.raises(NotSupported, match="is not committed yet"):
        my.save(double, "models/other", sample_data=1.5, register="other")
    assert not (here / "models/other.yard.yaml").exists()
    with pytest.raises(NotSupported, match="registers commits, not a live model"):
        my.register(double, "other")
    with pytest.raises(InvalidInput, match="dataset: only a yard keeps that"):
        my.register("models/double", dataset="customers@1")
    with pytest.raises(InvalidSetting, match="registry 'gti' is not known"):
        my.register("models/double", registry="gti")
    with pytest.raises(InvalidInput, match="only a Git registry is pushed"):
        my.register("models/double", registry="yard", push=True)


def test_what_is_predicted_is_kept_in_the_yard(here: Path) -> None:
    version = my.GitRegistry().get("double")
    assert version.predict(2.0, log=True)[0]["results"] == 4.0
    with my.Yard() as yard:
        (row,) = yard.predictions.list(records=True)
    assert row["model"] == "double@v0.0.1"


def test_metrics_of_a_commit_stay_what_they_are(here: Path) -> None:
    for model in ("double@v0.0.1", my.GitRegistry().get("double")):
        with collected() as notes:
            record_metrics(model, {"mae": 0.0})
        assert any("the metrics are not written" in note for note in notes)
    assert git("status", "--porcelain") == ""


def test_a_yard_remembers_the_commit_that_it_took_a_model_from(here: Path) -> None:
    version = my.register(f"git+file://{here.as_posix()}#models/double", registry="yard")
    assert version.commit == git("rev-parse", "HEAD")
    assert version.facts["origin"]["git"]["commit"] == version.commit
    assert version.load()(1.0) == 2.0


def test_no_repository_no_registry(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="is in no Git repository"):
        my.GitRegistry(tmp_path).names()
    with pytest.raises(NotFound, match="no project folder at"):
        my.promote("double", "prod", project=str(tmp_path / "nowhere"), registry="git")


def test_names_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "cv/models").mkdir(parents=True)
    (tmp_path / "cv/dvc.yaml").write_text("artifacts:\n  net: {path: models/net, type: model, desc: Sees, labels: [cv]}\n  ../up: {path: x}\n")  # fmt: skip
    (tmp_path / "artifacts.yaml").write_text("a: {path: files/a, description: one}\nb: {path: /etc}\n")  # fmt: skip
    my.save(double, tmp_path / "cv/models/net", sample_data=1.5)
    my.save(double, tmp_path / "models/double", sample_data=1.5)
    my.save({"x": 1}, tmp_path / "models/table")
    folder = LocalFolder(tmp_path)
    with collected() as notes:
        found = names_in(folder)
    assert {name: a.path for name, a in found.items()} == {"a": "files/a", "cv:net": "cv/models/net", "double": "models/double"}  # fmt: skip
    net = found["cv:net"]
    assert (net.said, net.type, net.description, net.labels) == ("cv/dvc.yaml", "model", "Sees", ("cv",))  # fmt: skip
    assert found["a"].description == "one"
    assert len(notes) == 2
    assert all("passed over" in note for note in notes)
    assert annotation_of(folder, "table").path == "models/table"  # type: ignore[union-attr]
    assert annotation_of(folder, "cv:nets") is None
    assert named_at(folder, "cv/models/net") == net
    my.save(double, tmp_path / "eu/double", sample_data=1.5)
    with pytest.raises(
        Conflict, match=r"2 objects in .* are called 'double': eu/double, models/double"
    ):
        annotation_of(folder, "double")


def test_what_people_wrote_stays(tmp_path: Path) -> None:
    text = "# ours\n'a':   # first\n    path: 'files/a'\n    labels: [x,   y]\n"
    (tmp_path / "artifacts.yaml").write_text(text)
    assert annotate(tmp_path, "b", "models/b", type="model") == tmp_path / "artifacts.yaml"
    written = (tmp_path / "artifacts.yaml").read_text()
    assert written.startswith("# ours\n'a': # first\n") or written.startswith("# ours\n'a':   # first\n")  # fmt: skip
    assert "path: 'files/a'" in written
    assert annotation_of(LocalFolder(tmp_path), "b").path == "models/b"  # type: ignore[union-attr]
    assert annotate(tmp_path, "cv:net", "cv/models/net") == tmp_path / "cv/dvc.yaml"
    assert annotation_of(LocalFolder(tmp_path), "cv:net").path == "cv/models/net"  # type: ignore[union-attr]
    with pytest.raises(InvalidInput, match="is not in cv/"):
        annotate(tmp_path, "cv:other", "models/other")
    (tmp_path / "artifacts.yaml").write_text("a: [\n")
    with pytest.raises(InvalidInput, match="cannot be read"):
        annotate(tmp_path, "b", "models/b")
    assert (tmp_path / "artifacts.yaml").read_text() == "a: [\n"
