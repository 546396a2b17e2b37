"""Pickles as MLEM wrote them: plain ones, and dill's of functions, whose models lie in files of their own beside them.

A function that holds a booster or a network was stored without it: the pickle has an id (a UUID) in its place, the file
``<id>.io`` names the class that wrote the model, and ``<id>_<key>`` are the model's files.
"""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any

from modelyard.base.errors import Corrupted, InvalidInput, MissingExtra
from modelyard.objects.assembled import ALONE, Pieces
from modelyard.objects.files import Part
from modelyard.objects.formats._mlem.plan import Plan
from modelyard.objects.formats._pickles.loading import globals_of, load_file
from modelyard.objects.interface import Files

ROOT = "data.pkl"
READER = ".io"
WRITERS: Mapping[str, str] = {
    "SimplePickleIO": "simple_pickle",
    "PickleModelIO": "pickle",
    "XGBoostModelIO": "xgboost_io",
    "LightGBMModelIO": "lightgbm_io",
    "CatBoostModelIO": "catboost_io",
    "TorchModelIO": "torch_io",
    "TFKerasModelIO": "tf_keras",
    "ModelProtoIO": "model_proto",
}
"""Class that an ``.io`` file names -> what it wrote. No other one is looked for anywhere."""

_LOOKED_THROUGH = 8 << 20
"""Bytes of a pickle up to which its names are looked for before anybody asks."""


def pickled_files(names: Sequence[str], plan: Plan | None) -> list[str]:
    """Those of an artifact's files that are plain pickles."""
    if plan is None:
        wanted = [ROOT, ALONE]
    else:
        keys = {"pickle": ROOT, "simple_pickle": "data"}
        wanted = [
            f"{name}/{keys[way]}"
            for name, step in plan.steps.items()
            if (way := str(step.io.get("type"))) in keys
        ]
    return [name for name in wanted if name in names]


def pickled_names(pieces: Pieces, plan: Plan | None) -> list[str]:
    """The dotted names that the pickles among the files would import; of a large one, only that it is one."""
    found: list[str] = []
    for name in pickled_files(list(pieces), plan):
        piece = pieces[name]
        if isinstance(piece, bytes):
            continue
        with piece.open() as stream:
            if stream.seek(0, 2) > _LOOKED_THROUGH:
                found.append(f"(the pickle {name} is large: modelyard trust lists its names)")
                continue
            stream.seek(0)
            found += globals_of(stream)
    return list(dict.fromkeys(found))


def names_in(files: Files, plan: Plan | None) -> list[str]:
    """The same of all pickles, however large."""
    found: list[str] = []
    for name in pickled_files(files.names(), plan):
        with files.open(name) as stream:
            found += globals_of(stream)
    return list(dict.fromkeys(found))


def needs_dill(names: Iterable[str]) -> bool:
    """Whether a pickle can only be read with dill."""
    return any(name.partition(".")[0] == "dill" for name in names)


def load_pickle(files: Files) -> Any:
    """An object that was pickled alone."""
    names = list(files.names())
    if len(names) != 1:
        raise InvalidInput(f"a pickled model is one file, not {', '.join(names) or 'none'}")
    return load_file(files, names[0], pickle.load)


def load_function(files: Files) -> Any:
    """A function or other callable, with the models it holds."""
    held = held_models(files)
    name = next((n for n in (ROOT, ALONE) if n in files.names()), None)
    if name is None:
        raise InvalidInput(f"a function is in {ROOT}, which is none of {', '.join(files.names())}")
    return load_file(files, name, lambda stream: _unpickled(stream, held))


def held_models(files: Files) -> dict[str, Any]:
    """Id -> model, of the models beside a function's pickle."""
    from modelyard.objects.formats._mlem.steps import read_model

    names = files.names()
    found: dict[str, Any] = {}
    for name in names:
        if not name.endswith(READER):
            continue
        key = name.removesuffix(READER)
        written = files.read(name).decode("utf-8", "replace").strip().rpartition(".")[2]
        if written not in WRITERS:
            raise InvalidInput(f"{name}: {written!r} is none of {', '.join(WRITERS)}")
        part: Any = Part(files, f"{key}_")  # type: ignore[arg-type]  # any files will do
        found[key] = read_model({"type": WRITERS[written]}, part)
    return found


def _unpickled(stream: IO[bytes], held: Mapping[str, Any]) -> Any:
    base: Any = pickle.Unpickler
    with contextlib.suppress(ModuleNotFoundError):
        import dill

        base = dill.Unpickler  # it knows how functions were taken apart

    class Reader(base):
        def persistent_load(self, pid: Any) -> Any:
            try:
                return held[pid]
            except KeyError:
                raise Corrupted(f"the model {pid!r} that a function holds is missing") from None

    try:
        return Reader(stream).load()
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] != "dill":
            raise
        raise MissingExtra("a function that MLEM saved", "mlem", missing="dill") from error
