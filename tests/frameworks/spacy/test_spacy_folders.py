"""The folder of a pipeline from anywhere: its config is looked at before spaCy is, and its numbers before they are used."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import spacy
import srsly

import modelyard as my
from cases.flavors.spacy import TEXTS, case
from modelyard.base.errors import Corrupted, InvalidInput, Untrusted
from modelyard.objects.flavors import spacy as flavor
from modelyard.testing.flavors import FolderFiles
from modelyard.yard.verbs import open_model
from serving_cases.server import serving

MODELS = case().models


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELYARD_CONFIG_DIR", str(tmp_path / "settings"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    MODELS["entities and kinds"].make().to_disk(tmp_path / "nlp")
    return tmp_path / "nlp"


def replaced(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


CONFIGS: dict[str, tuple[Callable[[str], str], str]] = {
    "a factory of somebody's own": (
        replaced('factory = "sentencizer"', 'factory = "evil"'),
        "@factories evil",
    ),
    "a factory whose name is put together": (
        replaced(
            '[components.sentencizer]\nfactory = "sentencizer"',
            '[hidden]\nname = "evil"\n\n[components.sentencizer]\nfactory = ${hidden.name}',
        ),
        "evil",
    ),
    "another package's pipeline": (
        replaced('factory = "sentencizer"', 'source = "evil_package"'),
        "@sources evil_package",
    ),
    "a callback": (
        replaced(
            "before_creation = null\n",
            '\n[nlp.before_creation]\n@callbacks = "spacy.copy_from_base_model.v1"\ntokenizer = "/tmp/x"\n\n[nlp.rest]\n',
        ),
        "@callbacks spacy.copy_from_base_model.v1",
    ),
    "a reader of files": (
        replaced(
            "punct_chars = null",
            'punct_chars = {"@readers": "srsly.read_json.v1", "path": "/etc/passwd"}',
        ),
        "@readers srsly.read_json.v1",
    ),
    "a layer of another library": (
        replaced("spacy.HashEmbedCNN.v2", "spacy.TorchBiLSTMEncoder.v1"),
        "@architectures spacy.TorchBiLSTMEncoder.v1",
    ),
    "a tokenizer that unpickles": (
        replaced("spacy.Tokenizer.v1", "spacy.zh.ChineseTokenizer"),
        "@tokenizers spacy.zh.ChineseTokenizer",
    ),
    "a language that is a path": (replaced('lang = "en"', 'lang = "..evil"'), "language"),
}


@pytest.mark.parametrize("word", CONFIGS)
def test_what_is_not_spacys_own_is_refused_by_name(folder: Path, word: str) -> None:
    change, name = CONFIGS[word]
    config = folder / "config.cfg"
    config.write_text(change(config.read_text()))
    with pytest.raises(Untrusted) as caught:
        flavor.load(FolderFiles(folder))
    assert name in str(caught.value)


def test_a_config_that_is_none_is_told(folder: Path) -> None:
    (folder / "config.cfg").write_text("[nlp\nlang")
    with pytest.raises(Corrupted, match=r"config\.cfg"):
        flavor.load(FolderFiles(folder))


def layer(kind: str, names: list[Any]) -> int:
    return next(i for i, node in enumerate(names) if node["name"] == kind)


def tampered(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    message: Any = srsly.msgpack_loads(path.read_bytes())
    change(message)
    path.write_bytes(srsly.msgpack_dumps(message))


def fewer_classes(message: dict[str, Any]) -> None:
    """A parser that would write the validity of six moves into room for one."""
    nodes = message["nodes"]
    for i, node in enumerate(nodes):
        if node["name"] == "linear" and node["dims"]["nI"] == 64:
            node["dims"]["nO"] = 1
            message["params"][i] = {"W": np.zeros((1, 64), "f"), "b": np.zeros(1, "f")}


def small_matrix(message: dict[str, Any]) -> None:
    i = layer("precomputable_affine", message["nodes"])
    message["params"][i]["b"] = np.zeros((1, 1), "f")


def renamed_and_small(message: dict[str, Any]) -> None:
    """A layer's name stands in the file, and says nothing of what it computes."""
    small_matrix(message)
    message["nodes"][layer("precomputable_affine", message["nodes"])]["name"] = "relu"


def other_numbers(message: dict[str, Any]) -> None:
    i = layer("precomputable_affine", message["nodes"])
    message["params"][i]["W"] = message["params"][i]["W"].astype("float16")


@pytest.mark.parametrize("change", [fewer_classes, small_matrix, renamed_and_small, other_numbers])
def test_weights_that_do_not_fit_their_layers_are_refused(
    folder: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    tampered(folder / "ner" / "model", change)
    with pytest.raises(Corrupted):
        flavor.load(FolderFiles(folder))


def test_a_foreign_folder_is_opened_and_applied(folder: Path) -> None:
    card = my.load_card(str(folder))
    assert card.format is not None
    assert (card.flavor, card.format.name, card.format.tier) == ("spacy", "spacy", 1)
    assert any(line.startswith("spacy") for line in card.requirements.packages)
    [found] = my.apply(str(folder), ["Acme opens"])
    assert found["ents"] == [{"text": "Acme", "label": "ORG", "start": 0, "end": 4}]


def test_a_foreign_folder_with_code_needs_trust_and_the_code(tmp_path: Path) -> None:
    MODELS["components of one's own"].make().to_disk(tmp_path / "own")
    path = str(tmp_path / "own")
    card = my.load_card(path)
    assert card.format is not None
    assert (card.format.name, card.format.tier) == ("spacy_code", 2)
    assert "@factories shout_of_cases" in card.format.reasons
    with pytest.raises(Untrusted, match="shout_of_cases"):
        my.load(path)
    assert my.load(path, trust=card.digest)("HELLO there").ents[0].text == "HELLO"


def test_components_of_ones_own_come_along_into_another_process(tmp_path: Path) -> None:
    code = """
import spacy, modelyard as my
from spacy.language import Language
from spacy.tokens import Span

@Language.component("shout", assigns=["doc.ents"])
def shout(doc):
    doc.ents = [Span(doc, t.i, t.i + 1, "LOUD") for t in doc if t.is_upper and len(t) > 1]
    return doc

nlp = spacy.blank("en")
nlp.add_pipe("shout")
card = my.save(nlp, "model", sample_data=["HELLO there"])
assert (card.format.name, card.format.tier) == ("spacy_code", 2), card.format
assert any(line.startswith("spacy==") for line in card.requirements.packages), card.requirements
"""
    again = (
        "import modelyard as my; nlp = my.load('model'); "
        "assert [e.text for e in nlp('AND again').ents] == ['AND']"
    )
    paths = os.pathsep.join([str(Path("src").resolve()), *filter(None, sys.path)])
    env = {**os.environ, "PYTHONPATH": paths}
    for text in (code, again):
        subprocess.run([sys.executable, "-c", text], cwd=tmp_path, env=env, check=True)


def test_the_same_keys_whatever_is_found(tmp_path: Path) -> None:
    model = MODELS["entities and kinds"].make()
    found = flavor.methods(model)["predict"](TEXTS)
    assert {tuple(answer) for answer in found} == {("text", "ents", "cats", "sents")}
    assert found[2]["ents"][0] == {"text": "Acme", "label": "ORG", "start": 0, "end": 4}
    words = flavor.methods(MODELS["grammar"].make())["predict"]("I like it")
    assert list(words["tokens"][0]) == ["text", "start", "tag", "pos", "morph", "dep", "head"]


def test_texts_come_in_columns_too() -> None:
    predict = flavor.methods(MODELS["rules"].make())["predict"]
    expected = predict(["in Paris", "x"])
    for texts in (
        pd.Series(["in Paris", "x"]),
        pd.DataFrame({"text": ["in Paris", "x"]}),
        np.array(["in Paris", "x"]),
        ("in Paris", "x"),
    ):
        assert predict(texts) == expected
    with pytest.raises(InvalidInput, match="one column"):
        predict(pd.DataFrame({"a": ["x"], "b": ["y"]}))
    with pytest.raises(InvalidInput, match="texts, not int"):
        predict([1])


def test_from_a_csv_and_over_http(tmp_path: Path) -> None:
    path = tmp_path / "model"
    my.save(MODELS["entities and kinds"].make(), path, sample_data=TEXTS[:2])
    (tmp_path / "texts.csv").write_text("text\nAcme opens\nNothing\n")
    found = my.apply(str(path), str(tmp_path / "texts.csv"))
    assert next(len(answer["ents"]) for answer in found) == 1
    with serving([open_model(path)]) as client:
        answer = client.post("/predict", json=["Acme opens", "Nothing"])
        assert answer.status_code == 200, answer.text
        assert answer.json() == found


def test_what_load_gives_is_the_pipeline(tmp_path: Path) -> None:
    model = MODELS["grammar"].make()
    my.save(model, tmp_path / "model", sample_data="I like it")
    again = my.load(str(tmp_path / "model"))
    assert isinstance(again, spacy.language.Language)
    assert again("I like green shops").to_json() == model("I like green shops").to_json()
