"""Scripts and commands of MLEM's users, with our import in place of its own, as its announcement and guides show them."""

from __future__ import annotations

import json
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

import modelyard as my
from cli.program import run
from modelyard.base.errors import EnvironmentMismatch, InvalidInput, NotSupported
from modelyard.base.notes import collected
from modelyard.compat import mlem
from modelyard.compat.mlem.api import (
    apply,
    apply_remote,
    build,
    clone,
    deploy,
    import_object,
    init,
    link,
    load,
    load_meta,
    migrate,
    save,
)
from modelyard.compat.mlem.objects import MlemData, MlemLink, MlemModel
from modelyard.objects.load import load_model
from modelyard.yard.resolving import resolve
from serving_cases.server import serving

FIXTURES = Path(__file__).parents[1] / "fixtures/mlem"

TRAIN = """
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier

from modelyard.compat.mlem.api import save


def main():
    data, y = load_iris(return_X_y=True, as_frame=True)
    forest = RandomForestClassifier(n_estimators=5, n_jobs=2, random_state=42)
    forest.fit(data, y)
    save(forest, "models/rf", sample_data=data, params={"description": "flowers"})


if __name__ == "__main__":
    main()
"""

TRANSLATE = """
import wave

from modelyard.compat import mlem


def dog_bark_translator(phrase):
    with wave.open(phrase, "rb") as sound:
        length = sound.getnframes() / sound.getframerate()
    return "\\U0001F436" * round(length)


mlem.api.save(dog_bark_translator, "dog-bark-translator", sample_data="short-dog-phrase.wav")
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    with collected():
        init()
        yield tmp_path  # type: ignore[misc]  # a fixture may


@pytest.fixture
def iris() -> Any:
    return load_iris(return_X_y=True, as_frame=True)


def script(text: str, folder: Path) -> None:
    (folder / "script.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_train_load_apply_build_and_serve(here: Path, iris: Any) -> None:
    data, _ = iris
    script(TRAIN, here)
    assert (here / "models/rf").exists()
    model = load("models/rf")
    x = pd.DataFrame([[0, 1, 2, 3]], columns=list(data.columns))
    assert model.predict_proba(x).sum() == pytest.approx(1)
    assert apply("models/rf", x, method="predict_proba").shape == (1, 3)
    x.to_csv("new_data.csv", index=False)
    done = run("apply", "models/rf", "new_data.csv", "--method", "predict_proba", cwd=here)
    assert json.loads(done.out) == model.predict_proba(x).tolist()
    built = build("pip", "models/rf", package_name="flowers", target="build/")
    assert Path(built.path).name == "flowers-0.1.0-py3-none-any.whl"
    with serving(load_model(resolve("models/rf"))) as http:
        body = {"data": {"values": data.head(2).to_dict("records")}}
        assert http.post("/predict", json=body).json() == model.predict(data.head(2)).tolist()
        url = str(http.base_url)
        answers = apply_remote(url, data.head(2), method="predict")
        assert list(answers) == list(model.predict(data.head(2)))
        host, port = http.base_url.host, http.base_url.port
        assert list(apply_remote("http", data.head(1), host=host, port=port)) == [0]


def test_a_dog_bark_translator(here: Path) -> None:
    with wave.open(str(here / "short-dog-phrase.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(8000)
        sound.writeframes(bytes(24000))
    script(TRANSLATE, here)
    assert load("dog-bark-translator")("short-dog-phrase.wav") == "🐶🐶🐶"
    assert apply("dog-bark-translator", "short-dog-phrase.wav") == "🐶🐶🐶"
    done = run("apply", "dog-bark-translator", "./short-dog-phrase.wav", cwd=here)
    assert (done.code, done.out) == (0, "🐶🐶🐶\n"), done.err


def test_a_meta_object_is_the_model_with_its_description(here: Path, iris: Any) -> None:
    data, y = iris
    forest = RandomForestClassifier(3, random_state=0).fit(data, y)
    made = save(forest, "models/rf", sample_data=data, params={"labels": ["demo"], "owner": "ana"})
    meta = load_meta("models/rf", load_value=True, force_type=MlemModel)
    assert (type(made), meta.name, meta.params) == (
        MlemModel,
        "rf",
        {"labels": ["demo"], "owner": "ana"},
    )
    assert meta.predict(data.head(3)).tolist() == [0, 0, 0]
    assert meta(data.head(1)).tolist() == [0]
    assert meta.predict_proba(X=data.head(1)).shape == (1, 3)
    assert meta.get_value().n_estimators == 3
    assert meta.meta_hash() == my.load_card("models/rf").digest
    meta.checkenv()
    with pytest.raises(AttributeError, match="no method 'fit_again'; there is: predict"):
        meta.fit_again  # noqa: B018
    with pytest.raises(InvalidInput, match="is model, not data"):
        load_meta("models/rf", force_type=MlemData)


def test_processors_stay_attached(here: Path, iris: Any) -> None:
    """MLEM's own `load` dropped them."""
    data, y = iris
    scaler = StandardScaler().fit(data)
    model = LogisticRegression().fit(scaler.transform(data), y)
    expected = model.predict(scaler.transform(data))
    save(model, "m", sample_data=data, preprocess=scaler, postprocess=lambda a: [int(n) for n in a])
    assert load("m").predict(data) == expected.tolist()
    assert apply("m", data) == expected.tolist()
    assert load("m").model.predict(scaler.transform(data)).tolist() == expected.tolist()


def test_processors_of_single_methods(here: Path, iris: Any) -> None:
    data, y = iris
    model = LogisticRegression(max_iter=1000).fit(data, y)
    save(
        model,
        "m",
        sample_data=data,
        preprocess={"predict": lambda frame: frame + 1},
        postprocess={"predict_proba": lambda p: p / 2},
    )
    found = load("m")
    assert found.predict(data).tolist() == model.predict(data + 1).tolist()
    assert np.allclose(found.predict_proba(data), model.predict_proba(data) / 2)
    with pytest.raises(InvalidInput, match="no method 'nothing'"):
        save(model, "n", sample_data=data, preprocess={"nothing": len})


def test_data_links_copies_and_imports(here: Path, iris: Any) -> None:
    data, _ = iris
    assert isinstance(save(data.head(4), "data/iris.csv"), MlemData)
    assert [batch.data.shape for batch in load("data/iris.csv", batch_size=3)] == [(3, 4), (1, 4)]
    assert isinstance(link("data/iris.csv", target="latest"), MlemLink)
    assert load("latest").equals(data.head(4))
    assert isinstance(load_meta("latest", follow_links=False), MlemLink)
    copy = clone("latest", "copies/iris.csv")
    assert copy.get_value().equals(data.head(4))
    data.head(2).to_csv("raw.csv", index=False)
    assert import_object("raw.csv", target="data/raw", type_="pandas[csv]").get_value().shape == (
        2,
        4,
    )
    saved = apply(lambda x: [v * 2 for v in x], [1, 2], output="answers")
    assert saved.get_value() == load("answers") == [2, 4]
    assert apply(lambda x: x + 1, 1, 2) == [2, 3]
    nested = save({"a": 1}, "thing", project="sub")
    assert (nested.path, load("thing", project="sub")) == ("sub/thing", {"a": 1})


def test_words_of_older_versions_are_taken(here: Path) -> None:
    made = save([1], "d", description="numbers", labels=["x"], external=True, index=False)
    assert made.params == {"description": "numbers", "labels": ["x"]}
    with pytest.raises(TypeError, match="unexpected keyword argument 'sample_date'"):
        save([1], "d", sample_date=3)


def test_what_is_not_there_yet_is_said(here: Path) -> None:
    save([1], "d")
    for call in (
        lambda: deploy("app", "d"),
        lambda: save([1], "d", fs=object()),
        lambda: import_object("d", copy_data=False),
    ):
        with pytest.raises(NotSupported) as caught:
            call()
        assert caught.value.hint


def test_what_mlem_saved_is_read_and_migrated(here: Path) -> None:
    meta = load_meta(FIXTURES / "v04/models/lgb")
    assert isinstance(meta, MlemModel)
    rows = pd.DataFrame({"width": [0.5], "length": [-0.5]})
    assert meta.predict(rows).shape == (1,)
    with pytest.raises(EnvironmentMismatch, match=r"numpy: saved with 1\.24\.4"):
        meta.checkenv()
    assert load(FIXTURES / "v02/.mlem/data/data/named.csv.mlem").index.name == "id"
    meta.dump("mine/lgb")
    assert mlem.api.apply("mine/lgb", rows).shape == (1,)
    (here / "old").mkdir()
    (here / "old/t").write_text("hello")
    reader = {"type": "primitive", "data_type": {"type": "primitive", "ptype": "str"}}
    (here / "old/t.mlem").write_text(
        json.dumps({"object_type": "data", "reader": reader, "artifacts": {"data": {"uri": "t"}}})
    )
    [row] = migrate("old")
    assert (row["status"], load("old/t")) == ("converted", "hello")
