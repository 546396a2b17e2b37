"""A ``.keras`` file from anywhere: what is in it is looked at before Keras is, and code runs for nobody who has not asked."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from keras import layers

import modelyard as my
from modelyard.base.errors import Corrupted, InvalidInput, ModelyardError, TooLarge, Untrusted
from modelyard.objects.flavors import keras as flavor
from modelyard.objects.importers import open_path
from modelyard.testing.flavors import FolderFiles

ROWS = np.random.default_rng(0).random((5, 4)).astype("float32")


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELYARD_CONFIG_DIR", str(tmp_path / "settings"))


def dense(**options: Any) -> Any:
    return keras.Sequential([keras.Input((4,)), layers.Dense(2, **options)])


def changed(path: Path, change: Callable[[dict[str, Any]], Any], **members: bytes) -> Path:
    """The same file with another config, or with other members."""
    with zipfile.ZipFile(path) as old:
        content = {name: old.read(name) for name in old.namelist()}
    config = json.loads(content["config.json"])
    config = change(config) or config
    content["config.json"] = json.dumps(config).encode()
    content |= {name.replace("__", "."): data for name, data in members.items()}
    path.unlink()
    with zipfile.ZipFile(path, "w") as new:
        for name, data in content.items():
            new.writestr(name, data)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.keras"
    dense().save(path)
    return path


def load(path: Path) -> Any:
    """As the tier 1 format reads it, with no trust decided before."""
    folder = path.parent / "alone"
    folder.mkdir()
    path.rename(folder / path.name)
    return flavor.load(FolderFiles(folder))


def layer(config: dict[str, Any]) -> dict[str, Any]:
    return config["config"]["layers"][1]


def spelled(module: str | None, name: str, config: Any, **more: Any) -> dict[str, Any]:
    return {"module": module, "class_name": name, "config": config, **more}


def function(module: str, name: str) -> dict[str, Any]:
    return spelled(module, "function", name, registered_name=name)


STRANGERS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "a lambda": (
        lambda c: layer(c).update(
            spelled(
                "keras.layers", "Lambda", {"function": spelled(None, "__lambda__", {"value": "x"})}
            )
        ),
        "keras.layers.Lambda",
    ),
    "a function of the system": (
        lambda c: layer(c)["config"].update(activation=function("os", "system")),
        "os.system",
    ),
    "a builtin": (
        lambda c: layer(c)["config"].update(activation=function("builtins", "eval")),
        "eval",
    ),
    "a download": (
        lambda c: layer(c)["config"].update(activation=function("keras.utils", "get_file")),
        "keras.utils.get_file",
    ),
    "a switch of the settings": (
        lambda c: layer(c)["config"].update(
            activation=function("keras.config", "enable_unsafe_deserialization")
        ),
        "keras.config.enable_unsafe_deserialization",
    ),
    "another model file": (
        lambda c: layer(c).update(spelled("keras.layers", "TFSMLayer", {"filepath": "/tmp/x"})),
        "keras.layers.TFSMLayer",
    ),
    "a module of torch": (
        lambda c: layer(c).update(
            spelled("keras.layers", "TorchModuleWrapper", {"module": "gA=="})
        ),
        "keras.layers.TorchModuleWrapper",
    ),
    "a class of another package": (
        lambda c: layer(c).update(spelled("subprocess", "Popen", {"args": ["true"]})),
        "subprocess.Popen",
    ),
    "a registered name in place of a layer": (
        lambda c: layer(c).update(registered_name="evil>Dense"),
        "evil>Dense",
    ),
    "the spelling of older files": (lambda c: layer(c).pop("module") and None, "Dense"),
    "a private module": (
        lambda c: layer(c).update(spelled("keras.src.saving.saving_lib", "load_model", {})),
        "keras.src.saving.saving_lib.load_model",
    ),
    "something imported among the operations": (
        lambda c: layer(c).update(spelled("keras.src.ops.numpy", "KerasTensor", {"shape": [1]})),
        "keras.src.ops.numpy.KerasTensor",
    ),
    "a type from elsewhere": (
        lambda c: layer(c)["config"].update(
            dtype=spelled(None, "__typespec__", [], spec_name="TensorSpec", registered_name=None)
        ),
        "__typespec__",
    ),
    "a word list in a file": (
        lambda c: layer(c).update(
            spelled("keras.layers", "StringLookup", {"vocabulary": "/etc/passwd"})
        ),
        "reads a vocabulary from a file",
    ),
    "no model": (
        lambda c: spelled("keras.layers", "Dense", {"units": 1}, registered_name=None),
        "keras.layers.Dense",
    ),
    "code deep inside": (
        lambda c: layer(c)["config"].update(
            kernel_initializer=spelled(
                "keras.initializers", "Constant", {"value": [[{"x": function("os", "system")}]]}
            )
        ),
        "os.system",
    ),
}


@pytest.mark.parametrize("word", STRANGERS)
def test_what_is_not_keras_own_is_refused_by_name(file: Path, word: str) -> None:
    change, name = STRANGERS[word]
    with pytest.raises(Untrusted) as caught:
        load(changed(file, change))
    assert name in str(caught.value)
    assert caught.value.hint


def test_a_registered_function_of_this_process_cannot_be_named(file: Path) -> None:
    """Keras prefers what is registered to its own, even for a plain text."""
    called: list[Any] = []

    @keras.saving.register_keras_serializable("mine", "danger")
    def danger(*args: Any) -> Any:
        called.append(args)
        return args[0]

    try:
        changed(file, lambda c: layer(c)["config"].update(activation="mine>danger"))
        with pytest.raises(Untrusted, match="mine>danger"):
            load(file)
    finally:
        keras.saving.get_custom_objects().pop("mine>danger")
    assert not called


def test_a_lambda_does_not_run_until_its_digest_is_trusted(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    path = tmp_path / "model.keras"
    text = f"open({str(mark)!r}, 'w').close()"
    keras.Sequential(
        [keras.Input((4,)), layers.Lambda(eval(f"lambda x: (exec({text!r}), x)[1]"))]
    ).save(path)
    mark.unlink(missing_ok=True)
    card = my.load_card(str(path))
    assert card.format is not None
    assert (card.format.name, card.format.tier) == ("keras_code", 2)
    assert "keras.layers.Lambda" in card.format.reasons
    with pytest.raises(Untrusted):
        my.load(str(path))
    assert not mark.exists()
    model = my.load(str(path), trust=card.digest)
    assert mark.exists()
    assert model.predict(ROWS, verbose=0).shape == (5, 4)


def test_a_file_that_claims_to_be_plain_is_looked_at_again(tmp_path: Path) -> None:
    """The card's word for its tier does not open a door."""
    path = tmp_path / "model"
    my.save(dense(), path, sample_data=ROWS)
    lying = keras.Sequential([keras.Input((4,)), layers.Lambda(lambda x: x)])
    lying.save(tmp_path / "other.keras")
    (tmp_path / "other.keras").rename(path)
    source = open_path(path)
    text = Path(source.card.path).read_text()
    from modelyard.base.digests import sha256_file

    digest, size = sha256_file(path)
    old = source.card.artifact[0]
    Path(source.card.path).write_text(
        text.replace(old.sha256, digest).replace(f"size: {old.size}", f"size: {size}")
    )
    with pytest.raises(Untrusted, match=r"keras\.layers\.Lambda"):
        my.load(str(path))


def weights(change: Callable[[Any], None]) -> bytes:
    out = io.BytesIO()
    with h5py.File(out, "w") as file:
        group = file.create_group("layers/dense/vars")
        group["0"], group["1"] = np.ones((4, 2), "float32"), np.zeros(2, "float32")
        change(file)
    return out.getvalue()


def replaced(make: Callable[[Any], Any]) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        del file["layers/dense/vars/0"]
        made = make(file)
        if made is not None:
            file["layers/dense/vars/0"] = made

    return change


WEIGHTS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "a link to another file": (replaced(lambda f: h5py.ExternalLink("/etc/passwd", "x")), "points"),
    "a link inside": (replaced(lambda f: h5py.SoftLink("/layers/dense/vars/1")), "points"),
    "numbers of another file": (
        replaced(
            lambda f: (
                f.create_dataset(
                    "layers/dense/vars/0", (4, 2), "float32", external=[("/etc/passwd", 0, 32)]
                )
                and None
            )
        ),
        "another file",
    ),
    "a virtual set": (
        replaced(
            lambda f: (
                f.create_virtual_dataset(
                    "layers/dense/vars/0", h5py.VirtualLayout((4, 2), "float32")
                )
                and None
            )
        ),
        "another file",
    ),
    "more numbers than it has": (
        replaced(
            lambda f: (
                f.create_dataset(
                    "layers/dense/vars/0", (1 << 20, 1 << 20), "float32", chunks=(1024, 1024)
                )
                and None
            )
        ),
        "claims",
    ),
    "texts": (
        replaced(lambda f: np.array(["a"], dtype=h5py.string_dtype())),
        "no numbers",
    ),
}


@pytest.mark.parametrize("word", WEIGHTS)
def test_weights_that_are_no_plain_numbers_are_refused(file: Path, word: str) -> None:
    change, text = WEIGHTS[word]
    changed(file, lambda c: None, model__weights__h5=weights(change))
    with pytest.raises(Corrupted, match=text):
        load(file)


def test_a_loop_among_the_weights_ends(file: Path) -> None:
    def loop(file: Any) -> None:
        file["again"] = file["/"]

    changed(file, lambda c: None, model__weights__h5=weights(loop))
    assert load(file).predict(ROWS, verbose=0).shape == (5, 2)


BROKEN: dict[str, Callable[[Path], Any]] = {
    "no zip": lambda path: path.write_bytes(b"\x80\x04K\x01."),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-200]),
    "no config": lambda path: rezipped(path, lambda content: content.pop("config.json")),
    "a member above": lambda path: rezipped(path, lambda content: content.update({"../x": b""})),
    "a stranger": lambda path: rezipped(path, lambda content: content.update({"run.py": b""})),
    "deep": lambda path: rezipped(
        path, lambda content: content.update({"config.json": b"[" * 100_000 + b"]" * 100_000})
    ),
    "a list": lambda path: rezipped(path, lambda content: content.update({"config.json": b"[]"})),
    "damaged weights": lambda path: rezipped(
        path, lambda content: content.update({"model.weights.h5": b"x" * 100})
    ),
    "packed weights": lambda path: rezipped(path, lambda content: None, zipfile.ZIP_DEFLATED),
    "a bomb": lambda path: rezipped(
        path,
        lambda content: content.update({"assets/x": b"\0" * (80 << 20)}),
        assets=zipfile.ZIP_DEFLATED,
    ),
}


def rezipped(
    path: Path,
    change: Callable[[dict[str, bytes]], Any],
    method: int = zipfile.ZIP_STORED,
    assets: int = zipfile.ZIP_STORED,
) -> None:
    with zipfile.ZipFile(path) as old:
        content = {name: old.read(name) for name in old.namelist()}
    change(content)
    with zipfile.ZipFile(path, "w") as new:
        for name, data in content.items():
            new.writestr(name, data, assets if name.startswith("assets/") else method)


@pytest.mark.parametrize("word", BROKEN)
def test_damaged_files_are_told(file: Path, word: str) -> None:
    BROKEN[word](file)
    with pytest.raises((Corrupted, TooLarge)):
        load(file)


def test_two_members_of_one_name_are_refused(file: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(file, "a") as more:
        more.writestr("config.json", "{}")
    with pytest.raises(Corrupted, match="same name"):
        load(file)


def test_a_foreign_file_is_opened_applied_and_needs_no_trust(file: Path, tmp_path: Path) -> None:
    expected = keras.saving.load_model(file).predict(ROWS, verbose=0)
    card = my.load_card(str(file))
    assert card.format is not None
    assert (card.flavor, card.format.name, card.format.tier) == ("keras", "keras", 1)
    assert f"keras=={keras.__version__}" in card.requirements.packages
    assert np.array_equal(my.apply(str(file), ROWS), expected)


def test_opening_a_foreign_file_imports_no_keras(file: Path) -> None:
    code = (
        "import sys, modelyard as my; card = my.load_card(sys.argv[1]); "
        "assert card.flavor == 'keras'; assert not {'keras', 'tensorflow', 'h5py'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(file)], check=True, env=dict(os.environ))


def test_the_older_layout_needs_trust(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    model = dense()
    model.save(path)
    card = my.load_card(str(path))
    assert card.format is not None
    assert (card.format.name, card.format.tier) == ("keras_h5", 2)
    with pytest.raises(Untrusted, match="HDF5"):
        my.load(str(path))
    again = my.load(str(path), trust=card.digest)
    assert np.array_equal(again.predict(ROWS, verbose=0), model.predict(ROWS, verbose=0))


def test_other_data_in_hdf5_is_no_model(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "data.h5", "w") as out:
        out["x"] = np.ones(3)
    with pytest.raises(ModelyardError):
        my.load_card(str(tmp_path / "data.h5"))


def test_a_saved_model_folder_is_opened_once_trusted(tmp_path: Path) -> None:
    model = dense()
    model.export(str(tmp_path / "exported"), verbose=False)
    path = str(tmp_path / "exported")
    card = my.load_card(path)
    with pytest.raises(Untrusted, match="read and write files"):
        my.load(path)
    found = my.apply(path, ROWS.astype("float64"), trust=card.digest)
    assert np.allclose(found, model.predict(ROWS, verbose=0), atol=1e-6)


def test_a_model_with_a_loss_of_ones_own_is_still_plain(tmp_path: Path) -> None:
    """What it was trained with is nothing that predicting needs."""
    model = dense()
    model.compile("adam", lambda y, p: keras.ops.mean((y - p) ** 2))
    model.fit(ROWS, ROWS[:, :2], verbose=0)
    card = my.save(model, tmp_path / "m", sample_data=ROWS)
    assert card.format is not None
    assert card.format.name == "keras"
    again = my.load(str(tmp_path / "m"))
    assert not again.compiled
    assert np.array_equal(again.predict(ROWS, verbose=0), model.predict(ROWS, verbose=0))


def test_a_compiled_model_goes_on_learning_where_it_was(tmp_path: Path) -> None:
    model = dense()
    model.compile(keras.optimizers.Adam(0.1), "mse", metrics=["mae"])
    model.fit(ROWS, ROWS[:, :2], epochs=3, verbose=0)
    my.save(model, tmp_path / "m", sample_data=ROWS)
    again = my.load(str(tmp_path / "m"))
    assert again.compiled
    for one in (model, again):
        one.fit(ROWS, ROWS[:, :2], shuffle=False, verbose=0)
    assert np.array_equal(again.predict(ROWS, verbose=0), model.predict(ROWS, verbose=0))


def test_a_class_from_a_module_comes_along(tmp_path: Path) -> None:
    code = """
import sys, keras, numpy as np, modelyard as my
from layers_of_mine import Twice
rows = np.ones((3, 4), "float32")
model = keras.Sequential([keras.Input((4,)), Twice(), keras.layers.Dense(1)])
card = my.save(model, "model", sample_data=rows)
assert card.format.name == "keras_code" and card.requirements.modules == ("layers_of_mine.py",), card
np.save("expected.npy", model.predict(rows, verbose=0))
"""
    (tmp_path / "layers_of_mine.py").write_text(
        "import keras\n\n@keras.saving.register_keras_serializable('mine')\n"
        "class Twice(keras.layers.Layer):\n    def call(self, x):\n        return 2 * x\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(["src", *filter(None, sys.path)])}
    env["PYTHONPATH"] = os.pathsep.join(
        [str(Path("src").resolve()), *filter(None, env["PYTHONPATH"].split(os.pathsep))]
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, check=True)
    (tmp_path / "layers_of_mine.py").unlink()
    again = (
        "import sys, numpy as np, modelyard as my; "
        "found = my.apply('model', np.ones((3, 4), 'float32')); "
        "assert np.array_equal(found, np.load('expected.npy'))"
    )
    subprocess.run([sys.executable, "-c", again], cwd=tmp_path, env=env, check=True)


def test_a_model_that_was_never_called_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no weights yet"):
        my.save(keras.Sequential([layers.Dense(1)]), tmp_path / "m")
