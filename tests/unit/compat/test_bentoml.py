"""Models of a stock BentoML store open as objects of ours; hostile descriptions and archives do no harm."""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import modelyard as my
from cases.importers.bentoml import ANSWERS, MODELS, ROWS, STORE
from modelyard.base.errors import InvalidInput, ModelyardError, NotSupported, TooLarge, Untrusted
from modelyard.base.notes import collected
from modelyard.compat.importers import bentoml


@pytest.fixture(autouse=True)
def quiet() -> Any:
    with collected() as lines:
        yield lines


def version_of(name: str) -> Path:
    folder = STORE / "models" / name
    return folder / (folder / "latest").read_text()


@pytest.mark.parametrize("name", MODELS)
def test_a_model_has_the_card_that_fits_it(name: str) -> None:
    card = my.load_card(version_of(name))
    assert card.format is not None
    assert (card.flavor, card.format.name, card.format.tier) == MODELS[name]
    assert card.created.at.startswith("20")
    assert card.requirements.python.startswith("3.11")
    assert card.metadata["bentoml"]["tag"] == f"{name}:{version_of(name).name}"


@pytest.mark.parametrize(("name", "method"), ANSWERS)
def test_answers_are_those_of_its_library(name: str, method: str) -> None:
    found = my.apply(version_of(name), ROWS, method=method)
    assert np.allclose(found, ANSWERS[name, method], rtol=1e-12, atol=0)


def test_a_name_means_its_latest_version() -> None:
    assert my.load_card(STORE / "models/forest").digest == my.load_card(version_of("forest")).digest
    assert my.load_card(STORE / "models/forest").metadata["acc"] == 0.9


def test_an_exported_archive_is_the_same_model(tmp_path: Path) -> None:
    archive = STORE / "forest.bentomodel"
    assert my.load_card(archive).digest == my.load_card(version_of("forest")).digest
    card = my.clone(archive, tmp_path / "forest")
    assert card.flavor == "sklearn"
    found = my.apply(tmp_path / "forest", ROWS, method="predict_proba")
    assert np.allclose(found, ANSWERS["forest", "predict_proba"], rtol=1e-12, atol=0)


def test_a_function_needs_trust(tmp_path: Path) -> None:
    path = version_of("half")
    with pytest.raises(Untrusted):
        my.load(path)
    half = my.load(path, trust=my.load_card(path).digest)
    assert half(3.0) == 1.5


def test_a_folder_of_ones_own_is_told_what_is_opened() -> None:
    with pytest.raises(NotSupported, match="no module"):
        my.load_card(version_of("own"))


def test_what_is_none_is_left_to_others(tmp_path: Path) -> None:
    (tmp_path / "model.yaml").write_text("a: 1")
    assert not bentoml.recognises(tmp_path)
    assert not bentoml.recognises(tmp_path / "nothing")
    (tmp_path / "latest").write_text("../../x")
    (tmp_path / "model.yaml").unlink()
    assert not bentoml.recognises(tmp_path)


def copied(tmp_path: Path, name: str = "lgb") -> Path:
    shutil.copytree(version_of(name), tmp_path / "m")
    return tmp_path / "m"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("module: bentoml.lightgbm", "module: evil.lightgbm2"), "not opened here"),
        (("labels: {}", "labels: !!python/object/apply:os.system [ls]"), "tag"),
        (("labels: {}", "labels: &a [*a]"), "anchors|alias"),
        (("context:", "context: 3\nx:"), "must be a mapping"),
    ],
)
def test_a_hostile_description_is_refused(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    folder = copied(tmp_path)
    file = folder / "model.yaml"
    file.write_text(file.read_text().replace(*change))
    with pytest.raises(ModelyardError, match=said):
        my.load_card(folder)


def test_a_library_does_not_open_another_ones_file(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    (folder / "saved_model.ubj").write_bytes(b"\x80\x04N.")
    with pytest.raises(ModelyardError):
        my.load(folder)
    (folder / "saved_model.pkl").touch()
    with pytest.raises(InvalidInput, match="a model is one file"):
        my.load_card(folder)


def archive(path: Path, *members: tuple[tarfile.TarInfo, bytes], mode: str = "w:xz") -> Path:
    with tarfile.open(path, mode) as out:  # type: ignore[call-overload]  # any mode
        for info, data in members:
            out.addfile(info, io.BytesIO(data))
    return path


def member(
    name: str, data: bytes = b"x", kind: bytes = tarfile.REGTYPE
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = (
        (len(data) if kind == tarfile.REGTYPE else 0),
        kind,
        "/etc/passwd",
    )
    return info, data


@pytest.mark.parametrize(
    "bad",
    [
        member("../evil"),
        member("/etc/evil"),
        member("a/../../evil"),
        member("a\\b"),
        member("link", kind=tarfile.SYMTYPE),
        member("link", kind=tarfile.LNKTYPE),
        member("device", kind=tarfile.CHRTYPE),
        member("pipe", kind=tarfile.FIFOTYPE),
    ],
    ids=lambda m: f"{m[0].name} {m[0].type!r}",
)
def test_an_archive_is_unpacked_member_by_member(tmp_path: Path, bad: Any) -> None:
    path = archive(tmp_path / "m.bentomodel", member("model.yaml"), bad)
    with pytest.raises(InvalidInput):
        my.load_card(path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.bentomodel"]


def test_an_archive_that_unpacks_to_far_too_much_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "bomb.bentomodel", member("saved_model.pkl", bytes(8 << 20)))
    assert path.stat().st_size < 20_000
    with pytest.raises(TooLarge):
        my.load_card(path)
    many = archive(tmp_path / "many.bentomodel", *(member(f"f{n}", b"") for n in range(2100)))
    with pytest.raises(TooLarge):
        my.load_card(many)
    for data in (b"", b"nothing", (STORE / "forest.bentomodel").read_bytes()[:900]):
        (tmp_path / "cut.bentomodel").write_bytes(data)
        with pytest.raises(InvalidInput):
            my.load_card(tmp_path / "cut.bentomodel")
