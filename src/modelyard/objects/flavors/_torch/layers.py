"""Modules built of PyTorch's own layers alone: ``layers.json`` says which, ``weights.safetensors`` holds what they learned.

No code. Each layer is written as its class, one of `ARGUMENTS`, and the arguments that make it; at load it is made without memory for
its weights (on the device ``meta``), and each weight must have exactly the shape that the layer wants. Whether the
description is all there is to a module is seen when it is written: a layer made from it has to have the same
attributes, so one with a hook, a method of its own or a changed attribute is refused, and saved in another format.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelyard.base.errors import Corrupted, ModelyardError, NewerSchema, UnsupportedType
from modelyard.objects.flavors._torch.catalog import ARGUMENTS, CONTAINERS, DERIVED
from modelyard.objects.formats._safetensors import ALIGNMENT, CODES, open_stream, write_file
from modelyard.objects.interface import Files

LAYERS, WEIGHTS = "layers.json", "weights.safetensors"
PROTOCOL = 1

_DEEPEST = 64
_MOST = 1 << 31
"""Sizes up to this are believed; nothing is allocated for them."""
_LONGEST = 4096
"""Layers that one description may make at once (``num_layers``)."""
_BOOKKEEPING = frozenset(
    [
        *("_parameters", "_buffers", "_modules", "_non_persistent_buffers_set", "training"),
        *("_flat_weights", "_flat_weight_refs"),
    ]
)
"""Attributes that hold weights and parts, or are set apart."""


def dump(obj: Any, folder: Path) -> None:
    """Write both files, or `UnsupportedType` with what a list of layers cannot say."""
    import torch

    strangers = _strangers(obj)
    if strangers:
        raise UnsupportedType(
            f"it is not made of PyTorch's own layers alone: {', '.join(strangers)}", types=strangers
        )
    tensors = dict(_tensors(obj))
    owners: dict[int, str] = {}
    names = {path: owners.setdefault(id(tensor), path) for path, tensor in tensors.items()}
    stored = {name: tensors[name] for name in owners.values()}
    _refuse_unwritable(stored)
    description = {
        "protocol": PROTOCOL,
        "module": _described(obj),
        "tensors": {path: name for path, name in names.items() if path != name},
        "frozen": sorted(path for path, t in tensors.items() if _is_frozen(torch, t)),
        "training": sorted(name for name, m in obj.named_modules() if m.training),
    }
    try:
        text = json.dumps(description, allow_nan=False)
        again = _skeleton(json.loads(text))
    except (ValueError, TypeError, RuntimeError, ModelyardError) as error:
        raise UnsupportedType(f"its layers cannot be made again: {error}") from error
    _check_same(obj, again)
    write_file(folder / WEIGHTS, stored, {"format": "pt"})
    (folder / LAYERS).write_text(text, "utf-8")


def _strangers(module: Any) -> list[str]:
    """What in a module is none of the known layers, or was done to one."""
    import torch

    if not isinstance(module, torch.nn.Module) or isinstance(module, torch.jit.ScriptModule):
        raise UnsupportedType(f"a {type(module).__name__} is no module of layers", types=())
    found: list[str] = []
    for name, part in module.named_modules():
        cls = type(part)
        known = ARGUMENTS.keys() | CONTAINERS
        if cls is not getattr(torch.nn, cls.__name__, None) or cls.__name__ not in known:
            if not _belongs_to_a_layer(module, name):
                found.append(f"{cls.__module__}.{cls.__qualname__}")
        elif any(value for key, value in vars(part).items() if key.endswith("_hooks")):
            found.append(f"a hook on {name or 'it'}")
    return sorted(set(found))


def _belongs_to_a_layer(module: Any, name: str) -> bool:
    """Whether a part was made by the layer around it (the output projection of an attention)."""
    outer = module.get_submodule(name.rpartition(".")[0]) if name else None
    return outer is not None and type(outer).__name__ in ARGUMENTS


def _described(module: Any) -> dict[str, Any]:
    name = type(module).__name__
    if name in CONTAINERS:
        return {"class": name, "parts": [[n, _described(m)] for n, m in module._modules.items()]}
    arguments: dict[str, Any] = {}
    for argument in ARGUMENTS[name]:
        derive: Callable[[Any], Any] | None = DERIVED.get((name, argument)) or DERIVED.get(
            ("", argument)
        )
        value = derive(module) if derive else getattr(module, argument)
        if not _is_plain(value):
            raise UnsupportedType(
                f"the {argument} of a {name} is {value!r}", types=[f"torch.nn.{name}"]
            )
        arguments[argument] = value
    return {"class": name, "arguments": arguments}


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return len(value) <= 8 and all(
            type(v) in (int, float, bool, str, type(None)) for v in value
        )
    return value is None or type(value) in (bool, int, float, str)


def _tensors(module: Any) -> Iterator[tuple[str, Any]]:
    """Every parameter and buffer by path; one that stands in several places, each time."""
    yield from module.named_parameters(remove_duplicate=False)
    yield from module.named_buffers(remove_duplicate=False)


def _refuse_unwritable(tensors: Mapping[str, Any]) -> None:
    import torch

    memory: dict[int, str] = {}
    for name, tensor in tensors.items():
        dtype = str(tensor.dtype).removeprefix("torch.")
        if (
            type(tensor) not in (torch.Tensor, torch.nn.Parameter)
            or dtype not in CODES
            or tensor.is_meta
        ):
            raise UnsupportedType(f"{name} is a {type(tensor).__name__} of {dtype}")
        if tensor.device.type == "cpu" and tensor.numel():
            other = memory.setdefault(tensor.untyped_storage().data_ptr(), name)
            if other != name:
                raise UnsupportedType(f"{name} shares its memory with {other}")


def _is_frozen(torch: Any, tensor: Any) -> bool:
    return isinstance(tensor, torch.nn.Parameter) and not tensor.requires_grad


def _check_same(module: Any, again: Any) -> None:
    """`UnsupportedType` unless a description makes a module with the same parts and attributes."""
    mine, theirs = dict(module.named_modules()), dict(again.named_modules())
    for name in mine.keys() | theirs.keys():
        if name not in mine or name not in theirs or type(mine[name]) is not type(theirs[name]):
            raise UnsupportedType(f"the part {name!r} is not what its layer makes")
        a, b = (
            {k: v for k, v in vars(m).items() if k not in _BOOKKEEPING}
            for m in (mine[name], theirs[name])
        )
        first = next((k for k in {**a, **b} if not _equal(a.get(k, ...), b.get(k, ...))), None)
        if first is not None:
            where = f"{name}.{first}" if name else first
            raise UnsupportedType(f"{where} is not what its layer makes")
        if mine[name]._non_persistent_buffers_set != theirs[name]._non_persistent_buffers_set:
            raise UnsupportedType(f"the buffers of {name!r} are kept in another way")
    if dict(_shapes(module)) != dict(_shapes(again)):
        raise UnsupportedType("its weights are not those that its layers make")


def _equal(a: Any, b: Any) -> bool:
    return type(a) is type(b) and not hasattr(a, "detach") and bool(a == b)


def _shapes(module: Any) -> Iterator[tuple[str, Any]]:
    for path, tensor in _tensors(module):
        yield path, (tuple(tensor.shape), tensor.is_floating_point() or tensor.is_complex())


def load(files: Files) -> Any:
    """The module, in the mode it was saved in. `Corrupted` for what no module of these layers is written as."""
    try:
        description = json.loads(files.read(LAYERS))
        if description["protocol"] != PROTOCOL:
            raise NewerSchema(
                f"{LAYERS} is of protocol {description['protocol']!r:.20}", hint="update modelyard"
            )
        module = _skeleton(description)
        with files.open(WEIGHTS, private=False) as stream:
            _fill(module, description, open_stream(stream))
        return module
    except ModelyardError:
        raise
    except Exception as error:  # whatever torch says of arguments that no layer has
        raise Corrupted(f"{LAYERS} makes no module: {type(error).__name__}: {error}") from error


def _skeleton(description: Any) -> Any:
    """The module without weights."""
    import torch

    with torch.device("meta"):
        return _made(description["module"], 0)


def _made(node: Any, depth: int) -> Any:
    import torch

    name = node["class"]
    if depth > _DEEPEST or (name not in ARGUMENTS and name not in CONTAINERS):
        raise Corrupted(
            f"{LAYERS}: {str(name)[:80]!r} is none of the layers that are made from a file"
        )
    cls = getattr(torch.nn, name)
    if name not in CONTAINERS:
        arguments = node["arguments"]
        if node.keys() != {"class", "arguments"} or arguments.keys() != set(ARGUMENTS[name]):
            raise Corrupted(f"{LAYERS}: a {name} takes {', '.join(ARGUMENTS[name]) or 'nothing'}")
        return cls(**{n: _argument(n, value) for n, value in arguments.items()})
    made = cls()
    for part, inner in node["parts"]:
        if not isinstance(part, str) or part in made._modules:
            raise Corrupted(f"{LAYERS}: {part!r} is no name of a part")
        made.add_module(part, _made(inner, depth + 1))
    return made


def _argument(name: str, value: Any) -> Any:
    if not _is_plain(value):
        raise Corrupted(f"{LAYERS}: {name} is no argument of a layer")
    sizes = value if isinstance(value, list) else [value]
    limit = _LONGEST if name.startswith("num_") and name.endswith("layers") else _MOST
    if any(type(n) is int and abs(n) > limit for n in sizes):
        raise Corrupted(f"{LAYERS}: {name} is too large")
    return tuple(value) if isinstance(value, list) else value


def _fill(module: Any, description: Mapping[str, Any], opened: Any) -> None:
    """Put each weight in its place; all of them, and no others, in the shapes that the layers want."""
    import torch

    aliases, frozen = description["tensors"], set(description["frozen"])
    shapes = dict(_shapes(module))
    names = {path: aliases.get(path, path) for path in shapes}
    if set(names.values()) != opened.entries.keys() or not aliases.keys() <= shapes.keys():
        raise Corrupted(f"{LAYERS} and {WEIGHTS} do not agree on the names of the weights")
    made: dict[str, Any] = {}
    parameters = {path for path, _ in module.named_parameters(remove_duplicate=False)}
    for path, name in names.items():
        if name not in made:
            tensor = opened.tensor(name, ALIGNMENT)
            if path in parameters:
                tensor = torch.nn.Parameter(tensor, requires_grad=path not in frozen)
            made[name] = tensor
        tensor = made[name]
        if shapes[path] != (tuple(tensor.shape), tensor.is_floating_point() or tensor.is_complex()):
            raise Corrupted(f"{WEIGHTS}: {name!r} does not have the shape of {path}")
        owner, _, leaf = path.rpartition(".")
        setattr(module.get_submodule(owner), leaf, tensor)
    training = set(description["training"])
    for name, part in module.named_modules():
        part.training = name in training


def inspect(files: Files) -> Sequence[str]:
    """The layers that the file names."""
    found: set[str] = set()
    waiting = [json.loads(files.read(LAYERS)).get("module")]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            found.add(f"torch.nn.{str(node.get('class'))[:80]}")
            waiting += [inner for _, inner in node.get("parts", ())]
    return sorted(found)
