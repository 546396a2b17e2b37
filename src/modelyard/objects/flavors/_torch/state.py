"""Any module: its weights as safetensors, the rest (classes, attributes) as a small pickle that points to them.

The pickle is code. The weights beside it are not, and have the names and shapes that ``state_dict`` gives them, so that
other programs can read them. They are written from where they lie and come back as views of the mapped file: no second
copy in memory, whatever their size. Weights that are one tensor, or share memory, do so again afterwards.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modelyard.base.errors import (
    Corrupted,
    EnvironmentMismatch,
    ModelFailed,
    UnsupportedType,
)
from modelyard.objects.formats._pickles.loading import globals_of
from modelyard.objects.formats._safetensors import (
    ALIGNMENT,
    CODES,
    DTYPES,
    Opened,
    open_stream,
    write_file,
)
from modelyard.objects.formats.cloudpickle import PROTOCOL
from modelyard.objects.interface import Files

PICKLE, WEIGHTS = "module.pkl", "weights.safetensors"
VIEWS = "views"
"""Of the file's metadata: how tensors lie in what is stored, where they do not just fill it."""
_PLAIN = (bool, int, float, str, type(None))
"""What an attribute set on a tensor may be to be kept beside it."""


def dump(obj: Any, folder: Path) -> None:
    """Write ``module.pkl`` and ``weights.safetensors``; `UnsupportedType` says what cannot be pickled."""
    import cloudpickle
    import torch

    if not isinstance(obj, torch.nn.Module) or isinstance(obj, torch.jit.ScriptModule):
        raise UnsupportedType(f"a {type(obj).__name__} is no module of Python code", types=())
    module = getattr(obj, "_orig_mod", obj)  # what torch.compile wraps is compiled anew
    found = _Tensors(module)

    class Pickler(cloudpickle.Pickler):
        def persistent_id(self, value: Any) -> Any:
            return found.reference(value)

    try:
        with (folder / PICKLE).open("wb") as stream:
            Pickler(stream, protocol=PROTOCOL).dump(module)
        tensors, views = found.laid_out()
        write_file(folder / WEIGHTS, tensors, {"format": "pt", VIEWS: json.dumps(views)})
    except OSError:
        raise
    except Exception as error:  # each class words its own refusal
        for file in folder.iterdir():
            file.unlink()
        if isinstance(error, UnsupportedType):
            raise
        raise UnsupportedType(
            f"this {type(obj).__name__} cannot be pickled: {error}",
            hint="make what cannot be stored (a file, a lock, a connection) on first use instead",
        ) from error


class _Tensors:
    """The tensors that a pickle meets, by the names that the module gives them."""

    def __init__(self, module: Any) -> None:
        import torch

        own = [*module.named_parameters(remove_duplicate=False), *module.named_buffers()]
        self._names = {id(t): name for name, t in reversed(own)}
        self._kinds = {torch.Tensor: "tensor", torch.nn.Parameter: "parameter"}
        self._kept: dict[str, Any] = {}

    def reference(self, value: Any) -> Any:
        """What stands in the pickle in a tensor's place; None for what is pickled itself."""
        if type(value) not in self._kinds or not _is_plain(value):
            return None
        name = self._names.setdefault(id(value), f"tensor.{len(self._kept)}")
        while self._kept.setdefault(name, value) is not value:
            name = f"{name}_"
        trained = bool(value.requires_grad and value.is_leaf)
        return (self._kinds[type(value)], name, trained, dict(vars(value)))

    def laid_out(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What to store by name; and of tensors that share memory or lie otherwise: where, and how."""
        groups: dict[Any, list[str]] = {}
        for name, tensor in self._kept.items():
            memory = (tensor.device, tensor.untyped_storage().data_ptr())
            groups.setdefault(memory if tensor.numel() else name, []).append(name)
        stored: dict[str, Any] = {}
        views: dict[str, Any] = {}
        for names in groups.values():
            if len(names) > 1:
                self._shared(names, stored, views)
            else:
                self._alone(names[0], stored, views)
        return stored, views

    def _alone(self, name: str, stored: dict[str, Any], views: dict[str, Any]) -> None:
        """A tensor that nothing shares memory with; a transposed one keeps its order in memory."""
        tensor = self._kept[name]
        order = None if tensor.is_contiguous() else _memory_order(tensor)
        stored[name] = tensor.permute(order) if order else tensor
        if order:
            views[name] = _view(name, tensor, 0)

    def _shared(self, names: list[str], stored: dict[str, Any], views: dict[str, Any]) -> None:
        """Tensors in one memory: that is stored once, under the name of one that is all of it, if there is one."""
        owner = next((n for n in names if _fills(self._kept[n])), None)
        if owner is None:
            owner = f"{names[0]}.memory"
            stored[owner] = _memory(self._kept[names[0]])
        else:
            stored[owner] = self._kept[owner]
        for name in names:
            if name != owner:
                views[name] = _view(owner, self._kept[name], self._kept[name].storage_offset())


def _is_plain(tensor: Any) -> bool:
    """Whether a tensor is numbers in memory and nothing more."""
    import torch

    dtype = str(tensor.dtype).removeprefix("torch.")
    return (
        tensor.layout == torch.strided
        and dtype in CODES
        and not (tensor.is_meta or tensor.is_quantized or tensor.is_nested or tensor.is_conj())
        and not (tensor.is_neg() or tensor._backward_hooks)
        and all(type(v) in _PLAIN for v in vars(tensor).values())
    )


def _fills(tensor: Any) -> bool:
    """Whether a tensor is all of its memory, in order."""
    return tensor.is_contiguous() and tensor.nbytes == tensor.untyped_storage().nbytes()


def _memory(tensor: Any) -> Any:
    """All of a tensor's memory, as a flat tensor of its dtype where that divides it."""
    import torch

    storage = tensor.untyped_storage()
    whole = storage.nbytes() // tensor.itemsize
    return torch.empty(0, dtype=tensor.dtype, device=tensor.device).set_(storage, 0, (whole,))


def _memory_order(tensor: Any) -> list[int] | None:
    """The order of dimensions in which a tensor lies in one piece (a transposed one, or channels last), if there is."""
    order = sorted(range(tensor.ndim), key=lambda d: (-tensor.stride(d), d))
    return order if tensor.permute(order).is_contiguous() else None


def _view(owner: str, tensor: Any, offset: int) -> list[Any]:
    dtype = str(tensor.dtype).removeprefix("torch.")
    return [owner, dtype, list(tensor.shape), list(tensor.stride()), offset]


def load(files: Files) -> Any:
    """The module, in the mode it was saved in; runs the code in the pickle."""
    with files.open(WEIGHTS, private=False) as stream:
        weights = Weights(open_stream(stream))

    class Unpickler(pickle.Unpickler):
        def persistent_load(self, pid: Any) -> Any:
            return weights.of(*pid)

    with files.open(PICKLE) as stream:
        try:
            return Unpickler(stream).load()
        except (ImportError, AttributeError) as error:
            raise EnvironmentMismatch(
                f"{PICKLE} needs code that is not here: {error}",
                hint="install what the card's requirements name, or run where the model was saved",
            ) from error
        except (pickle.UnpicklingError, EOFError, Corrupted) as error:
            raise Corrupted(f"{PICKLE} is damaged, or no pickle: {error}") from error
        except Exception as error:
            raise ModelFailed(
                f"{PICKLE} failed while it was loaded: {type(error).__name__}: {error}"
            ) from error


class Weights:
    """The tensors of a file, made once each, as parameters or plain tensors."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._views: Mapping[str, Sequence[Any]] = json.loads(opened.metadata.get(VIEWS, "{}"))
        self._made: dict[str, Any] = {}
        self._stored: dict[str, Any] = {}

    def of(self, kind: str, name: str, trained: bool, attributes: Mapping[str, Any]) -> Any:
        """The tensor of that name: the same object each time."""
        import torch

        if name not in self._made:
            tensor = self._tensor(name)
            if kind == "parameter":
                tensor = torch.nn.Parameter(tensor, requires_grad=trained)
            elif trained:
                tensor = tensor.requires_grad_()
            vars(tensor).update(attributes)
            self._made[name] = tensor
        return self._made[name]

    def _tensor(self, name: str) -> Any:
        import torch

        if name not in self._views:
            return self._base(name)
        owner, dtype, shape, stride, offset = self._views[name]
        base = self._base(owner).reshape(-1)
        if dtype not in {word for word, _ in DTYPES.values()}:
            raise Corrupted(f"{WEIGHTS}: {name!r} has the dtype {dtype!r}")
        # A view beyond the memory's end is refused by torch itself.
        return torch.as_strided(base.view(getattr(torch, dtype)), shape, stride, offset)

    def _base(self, name: str) -> Any:
        if name not in self._opened.entries:
            raise Corrupted(f"{WEIGHTS} has no tensor {name!r}")
        if name not in self._stored:
            self._stored[name] = self._opened.tensor(name, ALIGNMENT)
        return self._stored[name]


def inspect(files: Files) -> Sequence[str]:
    """What the pickle would import; nothing is loaded."""
    with files.open(PICKLE) as stream:
        return list(dict.fromkeys(globals_of(stream)))
