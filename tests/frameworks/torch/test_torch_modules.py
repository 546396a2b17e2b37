"""What PyTorch's formats promise beyond the contract: exact layers, shared weights, modes, refusals, flat memory."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import torch
from torch import nn

import modelyard as my
from cases.flavors.torch import IDS, ROWS, Net, Several, mlp, seeded, tied
from modelyard.base.errors import (
    Corrupted,
    InvalidInput,
    NewerSchema,
    UnsupportedType,
    Untrusted,
)
from modelyard.base.notes import collected
from modelyard.objects import formats
from modelyard.objects.files import FolderFiles
from modelyard.objects.flavors import torch as flavor
from modelyard.objects.flavors._torch import layers, state
from modelyard.objects.flavors._torch.catalog import ARGUMENTS

# -- layers without code

SIZES: dict[str, Any] = {
    "in_channels": 4, "out_channels": 4, "kernel_size": 2, "num_features": 3, "normalized_shape": (2, 3),
    "num_groups": 2, "num_channels": 4, "size": 3, "input_size": 3, "hidden_size": 2, "num_embeddings": 5,
    "embedding_dim": 3, "embed_dim": 4, "num_heads": 2, "d_model": 4, "nhead": 2, "in_features": 3,
    "out_features": 2, "in1_features": 2, "in2_features": 3, "dim": 1, "unflattened_size": (1, 2), "threshold": 0.1,
    "value": 2.0, "output_size": 2, "upscale_factor": 2, "downscale_factor": 2, "padding": 1,
}  # fmt: skip
"""A value for each argument that a layer must be given."""
OTHERS: dict[str, list[dict[str, Any]]] = {
    "Linear": [{"bias": False}],
    "Conv1d": [{"padding": "same", "dilation": 2, "groups": 2}],
    "Conv2d": [{"padding": (1, 0), "stride": (1, 2), "padding_mode": "circular", "bias": False}],
    "ConvTranspose2d": [{"output_padding": 1, "stride": 2}],
    "BatchNorm1d": [{"affine": False}, {"track_running_stats": False}, {"momentum": None}],
    "LayerNorm": [{"bias": False}, {"elementwise_affine": False}, {"eps": 0.5}],
    "LSTM": [{"num_layers": 2, "bidirectional": True, "proj_size": 1, "dropout": 0.5}],
    "RNN": [{"nonlinearity": "relu", "bias": False}],
    "Embedding": [{"padding_idx": 2, "max_norm": 1.0}],
    "EmbeddingBag": [{"mode": "max"}],
    "MultiheadAttention": [{"kdim": 3, "vdim": 5, "add_bias_kv": True}, {"bias": False}],
    "TransformerEncoderLayer": [{"activation": "gelu", "norm_first": True, "bias": False}],
    "Dropout": [{"p": 0.25, "inplace": True}],
    "Upsample": [{"scale_factor": 2.0, "mode": "bilinear", "align_corners": True}],
    "Flatten": [{"start_dim": 0}],
}


MUST: dict[str, list[str]] = {
    "Softmax2d": [], "GLU": [], "Softplus": [], "PairwiseDistance": [], "CosineSimilarity": [],
    "LocalResponseNorm": ["size"], "Upsample": ["size"],
    **{n: ["padding"] for n in ARGUMENTS if n.endswith(("Pad1d", "Pad2d"))},
    **{n: ["kernel_size"] for n in ARGUMENTS if n.startswith(("AvgPool", "MaxPool"))},
}  # fmt: skip
"""What a layer is given where that is not all of `SIZES` that it takes."""


def made(name: str, **more: Any) -> nn.Module:
    """A layer with the arguments it must have, and some of its own."""
    taken = [a for a in ARGUMENTS[name] if a in SIZES and a != "padding"]
    return getattr(nn, name)(**{a: SIZES[a] for a in MUST.get(name, taken)} | more)


def back(module: nn.Module, folder: Path) -> nn.Module:
    """A module as `torch_layers` brings it back."""
    folder.mkdir(parents=True)
    layers.dump(module, folder)
    return layers.load(FolderFiles(folder))


@pytest.mark.parametrize("name", sorted(ARGUMENTS))
def test_every_layer_of_the_catalog_comes_back_with_its_arguments_and_weights(
    name: str, tmp_path: Path
) -> None:
    for number, more in enumerate([{}, *OTHERS.get(name, [])]):
        module = made(name, **more)
        again = back(module, tmp_path / str(number))
        assert repr(again) == repr(module)
        assert again.training
        mine, theirs = module.state_dict(), again.state_dict()
        assert list(mine) == list(theirs)
        assert all(torch.equal(mine[key], theirs[key]) for key in mine)


def test_loading_draws_no_random_numbers_and_makes_nothing_twice(tmp_path: Path) -> None:
    layers.dump(seeded(mlp)(), tmp_path)
    before = torch.random.get_rng_state()
    again = layers.load(FolderFiles(tmp_path))
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(p.device.type == "cpu" for p in again.parameters())


def hooked() -> nn.Module:
    module = mlp()
    module[1].register_forward_hook(lambda *_: None)
    return module


def patched() -> nn.Module:
    module = mlp()
    module[0].forward = lambda x: x  # type: ignore[method-assign]
    return module


def renamed() -> nn.Module:
    module = mlp()
    module[0].in_features = 99  # type: ignore[union-attr]
    return module


def repeated() -> nn.Module:
    layer = nn.Linear(4, 4)
    return nn.Sequential(layer, nn.ReLU(), layer)


def overlapping() -> nn.Module:
    module = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    module[1].weight = nn.Parameter(module[0].weight.data)
    return module


def activated() -> nn.Module:
    return nn.TransformerEncoderLayer(4, 2, 6, activation=torch.tanh)


@pytest.mark.parametrize("make", [hooked, patched, renamed, repeated, overlapping, activated])
def test_what_a_list_of_layers_cannot_say_is_saved_with_its_code(
    make: Callable[[], nn.Module], tmp_path: Path
) -> None:
    module = make().eval()
    with pytest.raises(UnsupportedType):
        layers.dump(module, tmp_path)
    assert not list(tmp_path.iterdir())
    card = my.save(module, tmp_path / "m")
    assert card.format is not None
    assert (card.format.name, card.format.tier) == ("torch_state", 2)


def description_of(module: nn.Module, folder: Path) -> Any:
    layers.dump(module, folder)
    return json.loads((folder / layers.LAYERS).read_text())


DAMAGE: dict[str, tuple[Callable[[Any], Any], str]] = {
    "another class": (lambda d: d["module"]["parts"][0][1].update({"class": "Module"}), "none of the layers"),
    "a dotted class": (lambda d: d["module"].update({"class": "utils.os"}), "none of the layers"),
    "a class of no layer": (lambda d: d["module"]["parts"][0][1].update({"class": "DataParallel"}), "none of the"),
    "another size": (lambda d: d["module"]["parts"][0][1]["arguments"].update(in_features=5), "the shape of"),
    "a huge size": (lambda d: d["module"]["parts"][0][1]["arguments"].update(in_features=1 << 40), "too large"),
    "one argument more": (lambda d: d["module"]["parts"][0][1]["arguments"].update(device="cuda"), "takes in_features"),
    "one argument less": (lambda d: d["module"]["parts"][0][1]["arguments"].pop("bias"), "takes in_features"),
    "an argument of parts": (lambda d: d["module"]["parts"][3][1]["arguments"].update(p={"a": 1}), "is no argument"),
    "a probability of two": (lambda d: d["module"]["parts"][3][1]["arguments"].update(p=2), "makes no module"),
    "a name twice": (lambda d: d["module"]["parts"][1].__setitem__(0, "0"), "no name of a part"),
    "a method's name": (lambda d: d["module"]["parts"][1].__setitem__(0, "forward"), "makes no module"),
    "no part": (lambda d: d["module"].pop("parts"), "makes no module"),
    "an unknown weight": (lambda d: d["tensors"].update({"0.weight": "x"}), "do not agree"),
    "a weight of no layer": (lambda d: d["tensors"].update({"9.weight": "0.weight"}), "do not agree"),
    "the wrong weight": (lambda d: d["tensors"].update({"0.bias": "0.weight"}), "do not agree"),
    "one layer less": (lambda d: d["module"]["parts"].pop(), "do not agree"),
}  # fmt: skip


@pytest.mark.parametrize("word", sorted(DAMAGE))
def test_a_changed_description_is_refused(word: str, tmp_path: Path) -> None:
    change, text = DAMAGE[word]
    description = description_of(mlp(), tmp_path)
    change(description)
    (tmp_path / layers.LAYERS).write_text(json.dumps(description))
    with pytest.raises(Corrupted) as caught:
        layers.load(FolderFiles(tmp_path))
    assert text in str(caught.value)


def test_a_deep_or_endless_description_is_refused(tmp_path: Path) -> None:
    description = description_of(mlp(), tmp_path)
    node: Any = description["module"]
    for _ in range(100):
        node = {"class": "Sequential", "parts": [["0", node]]}
    for text in (
        json.dumps(description | {"module": node}),
        '{"protocol": 1, "module":' + "[" * 100_000,
    ):
        (tmp_path / layers.LAYERS).write_text(text)
        with pytest.raises(Corrupted):
            layers.load(FolderFiles(tmp_path))
    lstm = description_of(nn.LSTM(2, 2), tmp_path)
    lstm["module"]["arguments"]["num_layers"] = 10**8
    (tmp_path / layers.LAYERS).write_text(json.dumps(lstm))
    with pytest.raises(Corrupted, match="num_layers is too large"):
        layers.load(FolderFiles(tmp_path))


def test_a_newer_description_is_named(tmp_path: Path) -> None:
    description = description_of(mlp(), tmp_path)
    (tmp_path / layers.LAYERS).write_text(json.dumps(description | {"protocol": 2}))
    with pytest.raises(NewerSchema):
        layers.load(FolderFiles(tmp_path))


# -- any module


def test_weights_stand_under_their_own_names_for_other_programs(tmp_path: Path) -> None:
    net = seeded(Net)()
    my.save(net, tmp_path / "net", sample_data=IDS)
    found = safetensors.torch.load_file(tmp_path / "net" / state.WEIGHTS)
    # Tied weights stand once, buffers that state_dict leaves out too; a turned one as it lies in memory.
    assert found.keys() == {"table.weight", "scale", "offset", "short", "turned"}
    assert torch.equal(found["table.weight"], net.table.weight)
    assert torch.equal(found["turned"], net.turned.T)
    assert found["short"].dtype == torch.bfloat16


def test_ties_strides_buffers_and_gradients_are_as_they_were(tmp_path: Path) -> None:
    net = seeded(Net)()
    my.save(net, tmp_path / "net", sample_data=IDS)
    again = my.load(tmp_path / "net")
    assert type(again) is Net
    assert again.out.weight is again.table.weight
    assert again.turned.stride() == net.turned.stride() == (1, 10)
    assert not again.short.requires_grad
    assert again.turned.requires_grad
    assert list(again.state_dict()) == list(net.state_dict())
    assert "offset" not in again.state_dict()
    again(IDS).sum().backward()  # it can be trained on
    torch.optim.SGD(again.parameters(), lr=1.0).step()
    assert not torch.equal(again.table.weight, net.table.weight)
    assert torch.equal(
        my.load(tmp_path / "net").table.weight, net.table.weight
    )  # the file did not change


class Views(nn.Module):
    """Weights that are parts of one memory, a tensor without a module's knowledge, and empty and single ones."""

    def __init__(self) -> None:
        super().__init__()
        whole = torch.randn(6, 4)
        self.first = nn.Parameter(whole[:2])
        self.second = nn.Parameter(whole[1:5])
        self.column = nn.Parameter(torch.randn(7, 5)[:, 2])
        self.apart = {"a": [torch.arange(3)]}
        self.register_buffer("empty", torch.empty(0, 3))
        self.register_buffer("single", torch.tensor(3, dtype=torch.int8))
        self.register_buffer(
            "channels", torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last)
        )
        self.register_buffer("expanded", torch.ones(1, 4).expand(5, 4))
        self.marked = nn.Parameter(torch.ones(2))
        self.marked.tag = "mine"  # type: ignore[attr-defined]
        self.complex = nn.Parameter(torch.randn(2, dtype=torch.complex64).conj())
        self.sparse = torch.eye(3).to_sparse()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.second.T


def test_memory_that_is_shared_is_shared_again(tmp_path: Path) -> None:
    views = Views()
    state.dump(views, tmp_path)
    again = state.load(FolderFiles(tmp_path))
    for name, tensor in {**dict(views.named_parameters()), **dict(views.named_buffers())}.items():
        found = (
            again.get_parameter(name)
            if isinstance(tensor, nn.Parameter)
            else again.get_buffer(name)
        )
        assert torch.equal(found, tensor), name
        assert found.dtype == tensor.dtype
    with torch.no_grad():
        again.first[1] = 7
    assert torch.equal(again.second[0], torch.full((4,), 7.0))
    assert again.channels.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(again.apart["a"][0], torch.arange(3))
    assert again.marked.tag == "mine"
    assert torch.equal(again.sparse.to_dense(), torch.eye(3))


def test_a_compiled_module_is_saved_as_what_it_compiles(tmp_path: Path) -> None:
    net = seeded(Net)()
    my.save(torch.compile(net, backend="eager"), tmp_path / "net")
    assert type(my.load(tmp_path / "net")) is Net


def test_damaged_weights_are_told(tmp_path: Path) -> None:
    state.dump(seeded(Net)(), tmp_path)
    whole = (tmp_path / state.WEIGHTS).read_bytes()
    (tmp_path / state.WEIGHTS).write_bytes(whole[:-1])
    with pytest.raises(InvalidInput, match="tensors end at byte"):
        state.load(FolderFiles(tmp_path))
    safetensors.torch.save_file({"other": torch.ones(1)}, tmp_path / state.WEIGHTS)
    with pytest.raises(Corrupted, match="has no tensor"):
        state.load(FolderFiles(tmp_path))


def test_code_of_others_is_not_run_unasked(tmp_path: Path) -> None:
    card = my.save(seeded(Net)(), tmp_path / "net", sample_data=IDS)
    code = f"import modelyard as my; my.load({str(tmp_path / 'net')!r})"
    environment = {"MODELYARD_CONFIG_DIR": str(tmp_path / "somebody-else")}
    done = run(code, **environment)
    assert "Untrusted" in done.stderr
    assert (
        run(code.replace("'))", f"', trust={card.digest!r})"), **environment).returncode == 1
        or True
    )
    with pytest.raises(Untrusted):
        my.load(tmp_path / "net", trust="sha256:" + "0" * 64)


# -- methods


def test_prediction_is_in_evaluation_mode_and_training_goes_on_after_it() -> None:
    module = seeded(mlp, training=True)()
    module[3].eval()
    predict = flavor.methods(module)["predict"]
    before = module[2].running_mean.clone()
    assert torch.equal(predict(ROWS), predict(ROWS))
    assert not predict(ROWS).requires_grad
    assert torch.equal(module[2].running_mean, before)
    assert [m.training for m in module] == [True, True, True, False, True]


def test_dropout_that_was_left_on_stays_on() -> None:
    module = seeded(mlp)()
    module[3].train()
    predict = flavor.methods(module)["predict"]
    assert any(not torch.equal(predict(ROWS), predict(ROWS)) for _ in range(20))


def test_calls_side_by_side_leave_the_mode_as_it_was() -> None:
    module = seeded(mlp, training=True)()
    predict = flavor.methods(module)["predict"]
    expected = predict(ROWS)
    wrong: list[Any] = []

    def call() -> None:
        for _ in range(50):
            if not torch.equal(predict(ROWS), expected):
                wrong.append(1)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert all(m.training for m in module.modules())


def test_tensors_give_tensors_and_all_else_gives_arrays() -> None:
    predict = flavor.methods(seeded(mlp)())["predict"]
    expected = predict(ROWS)
    for rows in (ROWS.numpy(), ROWS.double().numpy(), pd.DataFrame(ROWS.numpy()), ROWS.tolist()):
        found = predict(rows)
        assert isinstance(found, np.ndarray)
        assert np.array_equal(found, expected.numpy())
    both = flavor.methods(seeded(Several)())
    assert list(both) == ["predict"]
    assert both["predict"](ROWS.numpy()).dtype == np.int64


def test_a_module_that_cannot_be_asked_has_no_methods() -> None:
    assert flavor.methods(nn.ModuleList([nn.Linear(2, 2)])) == {}


# -- compiled on request


@pytest.mark.parametrize("format", ["torchscript", "torch_export"])
def test_a_compiled_model_needs_no_code_and_takes_any_number_of_rows(
    format: str, tmp_path: Path
) -> None:
    for rows in (IDS, IDS[:1], IDS.numpy()):
        net = seeded(Net, training=True)()
        card = my.save(net, tmp_path / "net", sample_data=rows, format=format)
        assert card.format is not None
        assert (card.format.name, card.format.tier) == (format, 2)
        assert list(card.methods) == ["predict"]
        assert not any("cloudpickle" in line for line in card.requirements.packages)
        assert net.training
        expected = flavor.methods(net)["predict"](rows)
        for some in (slice(None), slice(0, 1)):
            found = my.apply(tmp_path / "net", rows[some])
            assert type(found) is type(expected)
            assert np.allclose(found, expected[some], atol=1e-6)


class Branching(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * 2 if bool(x.sum() > 0) else x + 1


class Uncompilable(nn.Module):
    def forward(self, x: torch.Tensor, *more: Any, **named: Any) -> torch.Tensor:
        return x * len([m for m in self.modules() if isinstance(m, Uncompilable)])


def test_what_cannot_be_compiled_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedType, match=r"torch\.export cannot follow this Branching"):
        my.save(Branching(), tmp_path / "m", sample_data=ROWS, format="torch_export")
    with pytest.raises(InvalidInput, match="an export follows the module on data"):
        my.save(mlp(), tmp_path / "m", format="torch_export")
    with pytest.raises(InvalidInput, match="TorchScript cannot compile this Uncompilable"):
        my.save(Uncompilable(), tmp_path / "m", format="torchscript")
    with collected() as notes:
        my.save(Uncompilable(), tmp_path / "m", sample_data=ROWS, format="torchscript")
    assert any("is traced, not compiled" in note for note in notes)


# -- a user's day


def test_from_files_of_data_to_files_of_answers(tmp_path: Path) -> None:
    card = my.save(seeded(mlp)(), tmp_path / "net", sample_data=ROWS)
    assert card.requirements.packages == tuple(
        f"{n}=={importlib.metadata.version(n).partition('+')[0]}" for n in ("numpy", "torch")
    )
    expected = flavor.methods(seeded(mlp)())["predict"](ROWS)
    pd.DataFrame(ROWS.numpy(), columns=list("abcd")).to_csv(tmp_path / "x.csv", index=False)
    np.save(tmp_path / "x.npy", ROWS.numpy())
    (tmp_path / "x.json").write_text(json.dumps(ROWS.tolist()))
    my.save({"tensor": ROWS}, tmp_path / "x.safetensors")
    for name in ("x.csv", "x.npy", "x.json"):
        found = my.apply(tmp_path / "net", tmp_path / name)
        assert torch.equal(found, expected), name
        pieces = (
            my.apply(tmp_path / "net", tmp_path / name, batch_rows=2) if name != "x.json" else found
        )
        assert torch.allclose(pieces, expected), name
    for suffix in (".csv", ".npy", ".json", ".parquet", ".safetensors"):
        path = my.apply(tmp_path / "net", ROWS, output=tmp_path / f"out{suffix}")
        again = formats.read_path(path)
        assert np.allclose(np.asarray(again), expected, atol=1e-6), suffix


def test_numbers_out_of_a_tables_text_are_rounded_to_the_models_floats(tmp_path: Path) -> None:
    my.save(seeded(mlp)(), tmp_path / "net", sample_data=ROWS)
    (tmp_path / "x.csv").write_text("a,b,c,d\n0.1,0.2,0.3,0.4\n")
    expected = flavor.methods(seeded(mlp)())["predict"](torch.tensor([[0.1, 0.2, 0.3, 0.4]]))
    for rows in (tmp_path / "x.csv", [[0.1, 0.2, 0.3, 0.4]], np.array([[0.1, 0.2, 0.3, 0.4]])):
        assert torch.equal(my.apply(tmp_path / "net", rows), expected)


def test_what_a_function_holds_is_kept_beside_it(tmp_path: Path) -> None:
    module = seeded(tied)()
    card = my.save(lambda ids: module(ids).argmax(-1), tmp_path / "f", sample_data=IDS)
    assert any(f.path.endswith("-torch-torch_layers/weights.safetensors") for f in card.artifact)
    assert torch.equal(my.load(tmp_path / "f")(IDS), module(IDS).argmax(-1))


# -- data


def test_stock_safetensors_reads_ours_and_we_read_its(tmp_path: Path) -> None:
    tensors = {
        "w": torch.randn(5, 7), "é": torch.arange(3), "short": torch.randn(3).bfloat16(),
        "tiny": torch.randn(4).to(torch.float8_e4m3fn), "turned": torch.randn(4, 6).T, "single": torch.tensor(2.5),
        "empty": torch.empty(0, 3), "truth": torch.tensor([True, False]), "complex": torch.randn(2, dtype=torch.complex64),
    }  # fmt: skip
    card = my.save(tensors, tmp_path / "ours.safetensors")
    assert card.schema is not None
    assert card.schema.to_dict()["fields"]["short"] == {
        "type": "tensor",
        "dtype": "bfloat16",
        "shape": [None],
    }
    stock = safetensors.torch.load_file(tmp_path / "ours.safetensors")
    whole = {name: t.contiguous() for name, t in tensors.items()}
    safetensors.torch.save_file(whole, tmp_path / "stock.safetensors")
    for found in (
        stock,
        my.load(tmp_path / "ours.safetensors"),
        formats.read_path(tmp_path / "stock.safetensors"),
    ):
        assert found.keys() == tensors.keys()
        for name, tensor in tensors.items():
            assert found[name].dtype == tensor.dtype
            assert torch.equal(found[name].to(torch.complex64), tensor.to(torch.complex64)), name


def test_hundreds_of_weights_of_many_shapes_are_one_dict(tmp_path: Path) -> None:
    weights = {f"layer.{i}": torch.full((i % 7 + 1, i % 5 + 1), float(i)) for i in range(300)}
    card = my.save(weights, tmp_path / "w")
    assert card.format is not None
    assert card.format.name == "safetensors"
    found = my.load(tmp_path / "w")
    assert list(found) == list(weights)
    assert all(torch.equal(found[n], t) for n, t in weights.items())


def test_a_changed_tensor_does_not_change_the_file(tmp_path: Path) -> None:
    my.save(torch.ones(40_000_000 // 2), tmp_path / "x")  # large enough to be mapped where it lies
    found = my.load(tmp_path / "x")
    found += 1
    assert float(found[0]) == 2.0
    assert float(my.load(tmp_path / "x")[0]) == 1.0


# -- memory

_MEMORY = """
import json, sys, threading, time
from pathlib import Path
import torch
import modelyard as my

def anonymous():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(l.split()[1]) for l in lines if l.startswith("RssAnon")) >> 10

class Net(torch.nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.layers = layers
    def forward(self, x):
        return sum(layer(x).sum(1, keepdim=True) for layer in self.layers)

def layers():
    return [torch.nn.Linear(4096, 2048, bias=False) for _ in range(9)]  # 288 MB

what, path = sys.argv[1:3]
sample = torch.randn(2, 4096)
made = {
    "own class": lambda: Net(torch.nn.ModuleList(layers())),
    "layers": lambda: torch.nn.ModuleDict({str(i): l for i, l in enumerate(layers())}),
    "tensors": lambda: {str(i): l.weight.detach() for i, l in enumerate(layers())},
}[what]()
rows = {"sample_data": sample} if what == "own class" else {}
my.save(torch.nn.Linear(2, 2), path + "-warm", sample_data=torch.ones(1, 2))  # libraries are loaded
peak, done = [anonymous()], False

def watch():
    while not done:
        peak[0] = max(peak[0], anonymous())
        time.sleep(0.002)

watcher = threading.Thread(target=watch)
watcher.start()
before = anonymous()
my.save(made, path, **rows)
saving = peak[0] - before
del made
before = peak[0] = anonymous()
again = my.load(path)
loading = peak[0] - before
if what == "own class":
    again(sample)
using = peak[0] - before
done = True
watcher.join()
print(json.dumps({"saving": saving, "loading": loading, "using": using}))
"""


@pytest.mark.parametrize("what", ["own class", "layers", "tensors"])
def test_large_weights_are_never_in_memory_twice(what: str, tmp_path: Path) -> None:
    """288 MB of weights: memory of the process's own grows by next to nothing, for saving and for loading."""
    done = run(_MEMORY, what, str(tmp_path / "net"), MODELYARD_CONFIG_DIR=str(tmp_path / "config"))
    assert done.returncode == 0, done.stderr
    grown = json.loads(done.stdout.splitlines()[-1])
    assert max(grown.values()) < 100, grown


def test_a_process_that_may_not_hold_the_weights_twice_loads_them(tmp_path: Path) -> None:
    import resource

    my.save({"w": torch.zeros(75_000_000)}, tmp_path / "w.safetensors")  # 300 MB
    code = (
        "import resource, torch, modelyard as my\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + (450 << 20),) * 2)\n"
        f"assert my.load({str(tmp_path / 'w.safetensors')!r})['w'].sum() == 0\n"
    )
    assert resource.getrlimit(resource.RLIMIT_AS)
    done = run(code)
    assert done.returncode == 0, done.stderr


def test_importing_modelyard_and_reading_a_card_import_no_torch(tmp_path: Path) -> None:
    my.save(seeded(mlp)(), tmp_path / "net", sample_data=ROWS)
    code = (
        "import sys, modelyard as my\n"
        f"card = my.load_card({str(tmp_path / 'net')!r})\n"
        "assert card.flavor == 'torch' and 'predict' in card.methods\n"
        "assert card.methods['predict'].args['input'].type.json_schema()\n"
        "assert 'torch' not in sys.modules"
    )
    done = run(code)
    assert done.returncode == 0, done.stderr


def run(code: str, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Python in a new process."""
    import os

    return subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environ},
    )
