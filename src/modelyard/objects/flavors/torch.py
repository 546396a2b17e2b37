"""PyTorch: modules, TorchScript, exported programs.

A module's ``predict`` is its forward pass in evaluation mode without gradients. Which format holds it depends on what it is
made of: PyTorch's own layers alone are written without code (``torch_layers``), a class of one's own needs its code
(``torch_state``). ``format="torchscript"`` and ``format="torch_export"`` compile any module on its sample.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modelyard.objects.flavors._torch import calling, layers, programs, state
from modelyard.objects.flavors.callable import labels as labels_of
from modelyard.objects.native import NativeFormat

NAME = "torch"
EXTRA = "torch"

# torch does without numpy, but not what tensors are on their way to JSON and files.
LAYERS = NativeFormat(
    "torch_layers",
    1,
    ".safetensors",
    layers.dump,
    layers.load,
    layers.inspect,
    LIBRARIES=("numpy",),
)
STATE = NativeFormat(
    "torch_state",
    2,
    ".safetensors",
    state.dump,
    state.load,
    state.inspect,
    LIBRARIES=("cloudpickle", "numpy"),
)
SCRIPT = NativeFormat(
    "torchscript",
    2,
    ".pt",
    programs.dump_script,
    programs.load_script,
    programs.inspect,
    LIBRARIES=("numpy",),
    convert=programs.to_script,
)
PROGRAM = NativeFormat(
    "torch_export",
    2,
    ".pt2",
    programs.dump_program,
    programs.load_program,
    programs.inspect,
    LIBRARIES=("numpy",),
    convert=programs.to_program,
)
PICKLE = NativeFormat(
    "torch_pickle",
    2,
    ".pth",
    programs.dump_pickled,
    programs.load_pickled,
    programs.inspect,
    LIBRARIES=("cloudpickle", "numpy"),
)
"""What ``torch.save`` makes of a whole module: read only."""
WRITTEN = (LAYERS, STATE, SCRIPT, PROGRAM)
NATIVE = (*WRITTEN, PICKLE)
FORMATS = (*(native.NAME for native in WRITTEN), "cloudpickle")


def claims(obj: Any) -> bool:
    """Modules and programs: tensors are data, optimizers and losses without a forward pass are parts."""
    import torch

    if isinstance(obj, torch.nn.Module):
        return True
    export = getattr(torch, "export", None)  # torch loads it only when somebody exports
    return isinstance(obj, getattr(export, "ExportedProgram", ()))


def methods(obj: Any) -> Mapping[str, Callable[..., Any]]:
    """`InvalidInput` for a module whose layers do not know their sizes yet."""
    import torch

    if isinstance(obj, torch.jit.ScriptModule):
        return calling.script_methods(obj)
    if isinstance(obj, torch.nn.Module):
        return calling.module_methods(obj)
    return calling.program_methods(obj)


def labels(obj: Any) -> Sequence[str]:
    """The class's own name: ``sequential``, ``churn-net``; of compiled modules that of what was compiled."""
    name = getattr(obj, "original_name", None)
    return labels_of(type(name, (), {})()) if isinstance(name, str) and name else labels_of(obj)


def system(obj: Any) -> Sequence[str]:
    """None: its wheels carry what they need."""
    return ()
