"""Folders of Hugging Face's libraries: opened as they are, without the network and without any code of theirs."""

from __future__ import annotations

import json
import socket
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from sentence_transformers import SentenceTransformer

import modelyard as my
from cases.flavors.sentence_transformers import pairs, sentences
from cases.flavors.torch import seeded
from cases.flavors.transformers import (
    BERT,
    GPT,
    IDS,
    MASKED,
    TEXTS,
    model_of,
    pipeline,
    tokenizer,
)
from modelyard.base.errors import Corrupted, InvalidInput, ModelyardError, Untrusted
from modelyard.compat.importers import huggingface
from modelyard.objects.equality import same_output
from modelyard.objects.flavors import transformers as flavor
from modelyard.objects.flavors._hub_folder import offline
from modelyard.objects.importers import openable
from modelyard.yard.verbs import open_model
from serving_cases.server import serving

CLASSIFIER = transformers.BertForSequenceClassification


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for an address outside this machine fails."""
    connect = socket.socket.connect

    def local_only(self: socket.socket, address: Any) -> None:
        assert self.family == socket.AF_UNIX or address[0] in ("127.0.0.1", "::1"), address
        connect(self, address)

    def unknown(host: Any, *args: Any, **named: Any) -> Any:
        assert host in ("127.0.0.1", "localhost", None), host
        return lookup(host, *args, **named)

    lookup = socket.getaddrinfo
    monkeypatch.setattr(socket.socket, "connect", local_only)
    monkeypatch.setattr(socket, "getaddrinfo", unknown)


def stock_folder(folder: Path, model: Any) -> Path:
    """What the library itself saves."""
    with offline():
        model.save_pretrained(folder)
        tokenizer().save_pretrained(folder)
    return folder


def changed(path: Path, change: Callable[[Any], Any]) -> None:
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


# -- saved by us


def test_the_saved_folder_is_one_that_the_library_opens(tmp_path: Path) -> None:
    pipe = pipeline("text-classification", CLASSIFIER)()
    my.save(pipe, tmp_path / "m", sample_data=TEXTS)
    with offline():
        stock = transformers.pipeline("text-classification", str(tmp_path / "m"), device="cpu")
    assert [r["label"] for r in stock(TEXTS)] == [r["label"] for r in pipe(TEXTS)]


def test_parameters_of_a_pipeline_are_kept(tmp_path: Path) -> None:
    for task, cls, config, parameters in (
        ("text-classification", CLASSIFIER, BERT, {"top_k": 1, "function_to_apply": "sigmoid", "batch_size": 2}),
        ("token-classification", transformers.BertForTokenClassification, BERT, {"aggregation_strategy": "simple"}),
        ("text-generation", transformers.GPT2LMHeadModel, GPT, {"max_new_tokens": 2, "do_sample": False, "return_full_text": False}),
    ):  # fmt: skip
        pipe = pipeline(task, cls, config, **parameters)()
        my.save(pipe, tmp_path / task, sample_data=TEXTS)
        again = my.load(tmp_path / task)
        assert type(again) is type(pipe)
        assert again.task == task
        for name in flavor._KEPT:
            assert getattr(again, name, None) == getattr(pipe, name, None), name
        assert flavor.plain(again(TEXTS)) == flavor.plain(pipe(TEXTS))


def test_a_parameter_that_is_no_json_is_saved_with_its_code(tmp_path: Path) -> None:
    pipe = pipeline("text-classification", CLASSIFIER, function_to_apply=len)()
    assert my.save(pipe, tmp_path / "m").format.tier == 2  # type: ignore[union-attr]


def test_modes_frozen_weights_and_precision_come_back(tmp_path: Path) -> None:
    model = seeded(lambda: transformers.BertModel(BERT()).bfloat16(), training=True)()
    model.embeddings.requires_grad_(requires_grad=False)
    model.pooler.eval()
    my.save(model, tmp_path / "m", sample_data=IDS)
    again = my.load(tmp_path / "m")
    assert again.dtype == torch.bfloat16
    assert again.training
    assert not again.pooler.training
    assert {n for n, p in again.named_parameters() if not p.requires_grad} == {
        n for n, p in model.named_parameters() if not p.requires_grad
    }


def test_what_draws_random_numbers_is_saved_without_code_all_the_same(tmp_path: Path) -> None:
    pipe = pipeline(
        "text-generation", transformers.GPT2LMHeadModel, GPT, do_sample=True, max_new_tokens=4
    )()
    card = my.save(pipe, tmp_path / "m", sample_data=TEXTS)
    assert card.format.name == "transformers"  # type: ignore[union-attr]


def test_images_are_classified(tmp_path: Path) -> None:
    from PIL import Image

    config = transformers.ViTConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, image_size=8, patch_size=4
    )  # fmt: skip
    processor = transformers.ViTImageProcessor(size={"height": 8, "width": 8})
    model = seeded(lambda: transformers.ViTForImageClassification(config))()
    pipe = transformers.pipeline(
        "image-classification", model=model, image_processor=processor, device="cpu", top_k=2
    )
    pictures = [Image.new("RGB", (9, 7), colour) for colour in ("red", "blue")]
    card = my.save(pipe, tmp_path / "m", sample_data=pictures)
    assert card.format is not None
    assert card.format.name == "transformers"
    assert my.apply(tmp_path / "m", pictures) == flavor.plain(pipe(pictures))


def test_vectors_are_served_and_applied(tmp_path: Path) -> None:
    my.save(sentences(), tmp_path / "st", sample_data=TEXTS)
    expected = sentences().encode(TEXTS)
    (tmp_path / "texts.csv").write_text("text\n" + "\n".join(TEXTS) + "\n")
    assert same_output(my.apply(tmp_path / "st", tmp_path / "texts.csv"), expected)
    with serving([open_model(tmp_path / "st")]) as client:
        assert client.post("/encode", json={"inputs": TEXTS}).json() == expected.tolist()
        wrong = client.post("/encode", json={"inputs": [1]})
        assert wrong.status_code == 422


# -- saved by others


def test_folders_open_as_they_are(tmp_path: Path) -> None:
    classifier = stock_folder(tmp_path / "classifier", model_of(CLASSIFIER)())
    (classifier / "README.md").write_text("# A model")
    (classifier / "pytorch_model.bin").write_bytes(b"never opened")
    (classifier / "picture.png").write_bytes(b"never opened")
    card = my.load_card(classifier)
    assert (card.flavor, card.format.name, card.labels) == (
        "transformers",
        "transformers",
        ("bert",),
    )  # type: ignore[union-attr]
    assert not [f.path for f in card.artifact if f.path.endswith((".bin", ".png", ".md"))]
    assert any(line.startswith("transformers==") for line in card.requirements.packages)
    found = my.apply(classifier, TEXTS)
    assert found == flavor.plain(pipeline("text-classification", CLASSIFIER)()(TEXTS))
    with serving([open_model(classifier)]) as client:
        assert client.post("/predict", json={"inputs": TEXTS}).json() == found


@pytest.mark.parametrize(
    ("cls", "config", "task"),
    [
        (transformers.BertForMaskedLM, BERT, "fill-mask"),
        (transformers.BertForTokenClassification, BERT, "token-classification"),
        (transformers.GPT2LMHeadModel, GPT, "text-generation"),
        (transformers.BertModel, BERT, "feature-extraction"),
    ],
)
def test_the_architecture_tells_the_task(cls: Any, config: Any, task: str, tmp_path: Path) -> None:
    folder = stock_folder(tmp_path / "m", model_of(cls, config)())
    assert my.load(folder).task == task
    assert my.apply(folder, MASKED)


def test_a_model_without_words_is_a_module(tmp_path: Path) -> None:
    with offline():
        model_of(transformers.BertModel)().save_pretrained(tmp_path / "m")
    again = my.load(tmp_path / "m")
    assert type(again) is transformers.BertModel
    assert torch.equal(
        again(IDS).pooler_output, model_of(transformers.BertModel)()(IDS).pooler_output
    )


def test_folders_of_sentence_transformers_open_and_are_imported(tmp_path: Path) -> None:
    with offline():
        sentences().save_pretrained(str(tmp_path / "st"))
    assert type(my.load(tmp_path / "st")) is SentenceTransformer
    expected = sentences().encode(TEXTS)
    assert same_output(my.apply(tmp_path / "st", TEXTS), expected)
    card = my.import_object(tmp_path / "st", tmp_path / "ours", sample_data=TEXTS)
    assert list(card.methods) == ["encode", "encode_query", "encode_document"]
    assert same_output(my.apply(tmp_path / "ours", TEXTS), expected)


def test_what_is_no_such_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "config.json").write_text('{"colour": "red"}')
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "modules.json").write_text("[]")
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "config.json").write_text("[" * 100_000)
    for name in ("a", "b", "c"):
        assert not huggingface.recognises(tmp_path / name)
        assert not openable(tmp_path / name)
        with pytest.raises(InvalidInput, match="is no folder of transformers"):
            huggingface.source(tmp_path / name)


def test_pickled_weights_are_refused_with_what_to_do(tmp_path: Path) -> None:
    folder = stock_folder(tmp_path / "m", model_of(CLASSIFIER)())
    weights = folder / "model.safetensors"
    torch.save({"a": torch.ones(1)}, folder / "pytorch_model.bin")
    weights.unlink()
    with pytest.raises(InvalidInput) as caught:
        my.load(folder)
    assert "only pytorch_model.bin" in str(caught.value)
    assert "save_pretrained" in str(caught.value.hint)


# -- folders that want more than to be read


def named_code(folder: Path, file: str, change: Callable[[Any], Any]) -> Path:
    changed(folder / file, change)
    return folder


SETTINGS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "a kernel": ("config.json", lambda c: c.update(attn_implementation="somebody/kernel")),
    "a kernel inside": ("config.json", lambda c: c.update(text_config={"_attn_implementation": "a/b"})),
    "experts": ("config.json", lambda c: c.update(experts_implementation="a/b")),
    "quantization": ("config.json", lambda c: c.update(quantization_config={"quant_method": "x"})),
    "remote code": ("tokenizer_config.json", lambda c: c.update(trust_remote_code=True)),
}  # fmt: skip


@pytest.mark.parametrize("word", sorted(SETTINGS))
def test_settings_that_name_code_are_refused(word: str, tmp_path: Path) -> None:
    file, change = SETTINGS[word]
    folder = stock_folder(tmp_path / "m", model_of(CLASSIFIER)())
    assert my.load(folder)
    changed(folder / file, change)
    with pytest.raises(Untrusted, match="names code to load"):
        my.load(folder)


@pytest.mark.parametrize(
    ("file", "key", "value"),
    [
        ("modules.json", "type", "os.system"),
        ("modules.json", "type", "subprocess.Popen"),
        ("modules.json", "type", "modeling_own.Own"),
        ("2_Dense/config.json", "activation_function", "os.getcwd"),
        ("2_Dense/config.json", "activation_function", "torch.hub.load"),
        ("sentence_bert_config.json", "trust_remote_code", True),
    ],
)
def test_modules_that_name_code_are_refused(
    file: str, key: str, value: Any, tmp_path: Path
) -> None:
    with offline():
        sentences().save_pretrained(str(tmp_path / "st"))
    changed(
        tmp_path / "st" / file,
        lambda c: c[0].update({key: value}) if isinstance(c, list) else c.update({key: value}),
    )
    with pytest.raises(Untrusted, match="names code to load"):
        my.load(tmp_path / "st")


def test_code_that_came_with_a_saved_folder_is_refused(tmp_path: Path) -> None:
    """Our own card may list a file: that makes it no less a pickle."""
    from modelyard.objects.files import FolderFiles

    folder = stock_folder(tmp_path / "m", model_of(CLASSIFIER)())
    for name, text in (
        ("pytorch_model.bin", "is a pickle"),
        ("modeling.py", "is no file of weights"),
    ):
        (folder / name).write_bytes(b"")
        with pytest.raises(Untrusted, match=text):
            flavor.load(FolderFiles(folder))
        (folder / name).unlink()


@pytest.mark.parametrize(
    ("about", "error"),
    [
        ({"model": "os"}, Corrupted),
        ({"model": "AutoTokenizer"}, Corrupted),
        ({"model": "pipeline"}, Corrupted),
        ({"model": 1}, Corrupted),
        ({"pipeline": "BertModel", "task": "x", "parts": [], "parameters": {}}, Corrupted),
        ({"parts": ["__class__"]}, ModelyardError),
        ({"parameters": {"_forward_params": {"choice": "os", "value": "x"}}}, Corrupted),
    ],
)
def test_our_own_notes_make_nothing_but_the_librarys_classes(
    about: dict[str, Any], error: type[ModelyardError], tmp_path: Path
) -> None:
    from modelyard.objects.files import FolderFiles

    flavor.dump(pipeline("text-classification", CLASSIFIER)(), tmp_path)
    changed(tmp_path / flavor.ABOUT, lambda own: own.update(about))
    with pytest.raises(error):
        flavor.load(FolderFiles(tmp_path))


def test_a_parameter_outside_the_list_is_not_set(tmp_path: Path) -> None:
    from modelyard.objects.files import FolderFiles

    flavor.dump(pipeline("text-classification", CLASSIFIER)(), tmp_path)
    changed(
        tmp_path / flavor.ABOUT, lambda own: own["parameters"].update(model=None, __class__="x")
    )
    assert flavor.load(FolderFiles(tmp_path)).model is not None


def test_damaged_folders_are_told(tmp_path: Path) -> None:
    folder = stock_folder(tmp_path / "m", model_of(CLASSIFIER)())
    for name, data in (("model.safetensors", b"x" * 64), ("config.json", b"{")):
        before = (folder / name).read_bytes()
        (folder / name).write_bytes(data)
        with pytest.raises(ModelyardError):
            my.load(folder)
        (folder / name).write_bytes(before)
    assert my.load(folder)


def test_pairs_are_scored(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        my.save(pairs(), tmp_path / "ce", sample_data=[["a", "good"]])
    with serving([open_model(tmp_path / "ce")]) as client:
        answer = client.post("/predict", json={"inputs": [["a film", "good"], ["bad", "bad"]]})
        assert answer.json() == pairs().predict([["a film", "good"], ["bad", "bad"]]).tolist()
