"""Networks as MLEM laid them out: ``torch.save`` and TorchScript files, Keras' HDF5 files and SavedModels."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import modelyard as my
from modelyard.base.errors import Untrusted

ROWS = np.arange(12, dtype="float32").reshape(4, 3) / 10


def described(folder: Path, kind: str, io: dict[str, Any], argument: dict[str, Any]) -> Path:
    """A description of the files below ``folder / "m"``, or of that file."""
    place = folder / "m"
    files = [place] if place.is_file() else sorted(p for p in place.rglob("*") if p.is_file())
    artifacts = {
        "data" if file == place else file.relative_to(place).as_posix(): {
            "uri": file.relative_to(folder).as_posix(),
            "hash": hashlib.md5(file.read_bytes()).hexdigest(),
            "size": file.stat().st_size,
        }
        for file in files
    }
    method = {"name": "__call__", "returns": {"type": "unspecified"}, "args": [], **argument}
    step = {"type": kind, "io": io, "methods": {"__call__": method}}
    fields = {
        "object_type": "model",
        "artifacts": artifacts,
        "processors": {"model": step},
        "call_orders": {"__call__": [["model", "__call__"]]},
    }
    (folder / "m.mlem").write_text(json.dumps(fields))
    return place


def module(folder: Path, script: bool) -> tuple[Path, Any, Any]:
    import cloudpickle
    import torch

    net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU())
    if script:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it is deprecated, but files of it are there
            torch.jit.save(torch.jit.script(net), folder / "m")  # type: ignore[no-untyped-call]
    else:
        torch.save(net, folder / "m", pickle_module=cloudpickle)
    rows = {"type": "torch", "dtype": "float32", "shape": [None, 3]}
    argument = {"varargs": "args", "varargs_type": rows, "varkw": "kwargs"}
    path = described(folder, "torch", {"type": "torch_io", "is_jit": script}, argument)
    return path, torch.from_numpy(ROWS), net(torch.from_numpy(ROWS)).detach().numpy()


def network(folder: Path, form: str) -> tuple[Path, Any, Any]:
    import keras

    net = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if form == "h5":
            net.save(folder / "m.h5")
            (folder / "m.h5").rename(folder / "m")
        else:
            net.export(folder / "m", verbose=False)
    rows = {"type": "ndarray", "dtype": "float32", "shape": [None, 3]}
    argument = {"args": [{"name": "inputs", "type_": rows}]}
    path = described(folder, "tf_keras", {"type": "tf_keras", "save_format": form}, argument)
    return path, ROWS, np.asarray(net(ROWS))


WRITERS: dict[str, dict[str, Callable[[Path], tuple[Path, Any, Any]]]] = {
    "torch": {
        "module": lambda folder: module(folder, script=False),
        "script": lambda folder: module(folder, script=True),
    },
    "tensorflow": {
        "h5": lambda folder: network(folder, "h5"),
        "SavedModel": lambda folder: network(folder, "tf"),
    },
}
HERE = WRITERS[os.environ["MODELYARD_FRAMEWORK"]]


@pytest.mark.parametrize("word", HERE)
def test_it_loads_applies_and_converts(tmp_path: Path, word: str) -> None:
    path, rows, expected = HERE[word](tmp_path)
    with pytest.raises(Untrusted):
        my.load(path)
    digest = my.load_card(path).digest
    assert np.allclose(_plain(my.apply(path, rows, trust=digest)), expected, rtol=1e-6)
    card = my.clone(path, tmp_path / "copy")
    assert np.allclose(
        _plain(my.apply(tmp_path / "copy", rows[:1], trust=card.digest)), expected[:1]
    )


def _plain(value: Any) -> Any:
    return value.detach().numpy() if hasattr(value, "detach") else np.asarray(value)
