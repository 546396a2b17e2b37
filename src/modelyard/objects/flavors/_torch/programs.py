"""Compiled modules: TorchScript, and what ``torch.export`` makes. Both are written from any module when asked for by name.

Why both are tier 2. Loading ``.pt2`` resolves dotted names of functions below ``torch``, evaluates sizes as Python expressions, and falls
back to full unpickling of constants; TorchScript is a program of its own that runs operators with access to files. Neither
was made to be opened when its author is not trusted.
"""

from __future__ import annotations

import inspect as inspect_module
import io
import pickle
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from modelyard.base.errors import (
    Corrupted,
    EnvironmentMismatch,
    InvalidInput,
    UnsupportedType,
)
from modelyard.base.notes import note
from modelyard.objects.flavors._torch.calling import evaluating
from modelyard.objects.interface import Files

SCRIPT, PROGRAM = "module.pt", "program.pt2"


def dump_script(obj: Any, folder: Path) -> None:
    """Write ``module.pt``."""
    import torch

    if not isinstance(obj, torch.jit.ScriptModule):
        raise UnsupportedType(
            f"a {type(obj).__name__} is no TorchScript",
            hint="format='torchscript' compiles it",
            types=(),
        )
    with _quiet():
        torch.jit.save(obj, str(folder / SCRIPT))


def load_script(files: Files) -> Any:
    """The TorchScript module, on the processor; runs the program's own set-up."""
    import torch

    with _quiet():
        return _read(files, lambda stream: torch.jit.load(stream, map_location="cpu"))


def to_script(obj: Any, sample: Mapping[str, Any]) -> Any:
    """A module compiled, or else traced on the sample: then branches that the sample does not take are lost."""
    import torch

    if isinstance(obj, torch.jit.ScriptModule):
        return obj
    _require_module(obj, "torchscript")
    with _quiet(), evaluating(obj):
        try:
            return torch.jit.script(obj)
        except Exception as error:  # it words what it cannot compile in many ways
            if not sample:
                reason = str(error).strip().partition("\n")[0]
                raise InvalidInput(
                    f"TorchScript cannot compile this {type(obj).__name__}: {reason}",
                    hint="with sample_data= it is traced instead",
                ) from error
            traced = torch.jit.trace(obj, example_kwarg_inputs=_tensors(obj, sample))
            _check_same(obj, traced, _tensors(obj, sample))
            note(f"{type(obj).__name__} is traced, not compiled: of its branches only those remain "
                 "that the sample takes")  # fmt: skip
            return traced


def dump_program(obj: Any, folder: Path) -> None:
    """Write ``program.pt2``."""
    import torch

    if not isinstance(obj, torch.export.ExportedProgram):
        raise UnsupportedType(
            f"a {type(obj).__name__} is no exported program",
            hint="format='torch_export' exports it",
            types=(),
        )
    with _quiet():
        torch.export.save(obj, folder / PROGRAM)


def load_program(files: Files) -> Any:
    """The exported program."""
    import torch

    with _quiet():
        return _read(files, torch.export.load)


def dump_pickled(obj: Any, folder: Path) -> None:
    """Nothing is written this way."""
    raise UnsupportedType(
        "modules pickled whole are only read",
        hint="leave format= out: weights and code apart",
        types=(),
    )


def load_pickled(files: Files) -> Any:
    """The module, on the processor; runs what its pickle says."""
    import torch

    def load(stream: Any) -> Any:
        try:
            return torch.load(stream, map_location="cpu", weights_only=False)
        except (ImportError, AttributeError) as error:
            raise EnvironmentMismatch(
                f"the module needs code that is not here: {error}",
                hint="install what the card's requirements name",
            ) from error
        except pickle.UnpicklingError as error:
            raise Corrupted(f"it is damaged, or no pickled module: {error}") from error

    return _read(files, load)


def to_program(obj: Any, sample: Mapping[str, Any]) -> Any:
    """A module as ``torch.export`` sees it on the sample, for any number of rows where it can be."""
    import torch

    if isinstance(obj, torch.export.ExportedProgram):
        return obj
    _require_module(obj, "torch_export")
    if not sample:
        raise InvalidInput("an export follows the module on data", hint="give it sample_data=")
    inputs = {name: _two_rows(value) for name, value in _tensors(obj, sample).items()}
    free = {name: _free_rows(value) for name, value in inputs.items()}
    training = [m for m in obj.modules() if m.training]
    obj.eval()  # and not `evaluating`: what is exported keeps the mode it was seen in
    try:
        with _quiet(), torch.no_grad():
            program = torch.export.export(obj, (), inputs, dynamic_shapes=free)
    except Exception as error:  # it words what it cannot follow in many ways
        reason = str(error).strip().partition("\n")[0]
        raise UnsupportedType(
            f"torch.export cannot follow this {type(obj).__name__}: {reason}",
            hint="leave format= out, and it is saved with its code",
        ) from error
    finally:
        for part in training:
            part.training = True
    _check_same(obj, program.module(), inputs)
    _tell_fixed_rows(obj, program, inputs)
    return program


def _check_same(obj: Any, made: Any, inputs: Mapping[str, Any]) -> None:
    """`UnsupportedType` when what was made of a module answers otherwise than it does."""
    import torch
    from torch.utils._pytree import tree_leaves

    with torch.no_grad(), evaluating(obj):
        pairs = zip(tree_leaves(obj(**inputs)), tree_leaves(made(**inputs)), strict=True)
    for a, b in pairs:
        if isinstance(a, torch.Tensor) and not torch.allclose(
            a, b, rtol=1e-3, atol=1e-5, equal_nan=True
        ):
            raise UnsupportedType(
                f"what was compiled of this {type(obj).__name__} answers otherwise than it does",
                hint="does it draw random numbers?",
            )


def _tell_fixed_rows(obj: Any, program: Any, inputs: Mapping[str, Any]) -> None:
    """Say so when the program takes as many rows as the sample has, and no others."""
    if not program.range_constraints and any(getattr(v, "ndim", 0) for v in inputs.values()):
        note(f"{type(obj).__name__} could be exported for this number of rows only")


def _require_module(obj: Any, format: str) -> None:
    import torch

    if not isinstance(obj, torch.nn.Module) or isinstance(obj, torch.jit.ScriptModule):
        raise UnsupportedType(f"{format} cannot be made of a {type(obj).__name__}")


def _tensors(obj: Any, sample: Mapping[str, Any]) -> dict[str, Any]:
    """The sample's values as the module takes them."""
    from modelyard.objects.flavors._torch.calling import Inputs

    inputs = Inputs(obj)
    stars = (inspect_module.Parameter.VAR_POSITIONAL, inspect_module.Parameter.VAR_KEYWORD)
    taken = [
        n
        for n, p in inspect_module.signature(obj.forward).parameters.items()
        if p.kind not in stars
    ]
    return {name: inputs.tensor(value) for name, value in sample.items() if name in taken}


def _two_rows(value: Any) -> Any:
    """One row twice: a size of one is taken for a constant."""
    import torch

    single = isinstance(value, torch.Tensor) and value.ndim > 0 and value.shape[0] == 1
    return torch.cat([value, value]) if single else value


def _free_rows(value: Any) -> Any:
    import torch

    free = isinstance(value, torch.Tensor) and value.ndim > 0
    return {0: torch.export.Dim.AUTO} if free else None


def _read(files: Files, load: Any) -> Any:
    [name, *more] = files.names()
    if more:
        raise Corrupted(f"a compiled module is one file, not {len(more) + 1}")
    with files.open(name) as stream:
        try:
            return load(io.BytesIO(stream.read()))
        except (RuntimeError, ValueError, KeyError, EOFError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise Corrupted(f"{name} is damaged, or no compiled module: {reason}") from error


def inspect(files: Files) -> Sequence[str]:
    """The members of the archive that hold code."""
    import zipfile

    [name, *_] = files.names()
    with files.open(name) as stream:
        try:
            members = zipfile.ZipFile(stream).namelist()
        except zipfile.BadZipFile as error:
            return [f"(it is no archive: {error})"]
    return sorted(m for m in members if m.endswith((".py", ".pkl", ".json", ".pt")))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without torch's word that TorchScript is old, and what its tracer says of branches: both are told in one line."""
    import torch

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"torch\.")
        warnings.filterwarnings(
            "ignore", message=".*torch.jit.*deprecated", category=DeprecationWarning
        )
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        # Of transposed weights, which it then writes well.
        warnings.filterwarnings("ignore", message="No complete tensor found in the group")
        yield
