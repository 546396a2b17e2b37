"""Keras 3: Sequential, Functional and subclassed models, preprocessing layers included.

A model of Keras' own parts is a ``.keras`` file of tier 1: its config is read as data against a list of names before Keras
sees it. With a Lambda or classes of one's own, the file comes with their code (tier 2); a model that has no config at all
becomes a SavedModel, which answers the same and cannot be trained further.

Inputs are arrays, lists or tensors; tables too: as a matrix, or column by column for a model with named inputs.
"""

from __future__ import annotations

import contextlib
import pickle
import shutil
import tempfile
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelyard.base.errors import (
    Corrupted,
    EnvironmentMismatch,
    InvalidInput,
    ModelyardError,
    UnsupportedType,
    Untrusted,
)
from modelyard.base.paths import discard
from modelyard.objects.flavors import tensorflow
from modelyard.objects.flavors._keras import archive, config, sources
from modelyard.objects.flavors._keras.inputs import as_inputs, count_rows
from modelyard.objects.flavors.sklearn import label
from modelyard.objects.interface import Files
from modelyard.objects.native import NativeFormat

NAME = "keras"
EXTRA = "tensorflow"
FORMATS = ("keras", "keras_code", "savedmodel")

FILE = "model.keras"
CODE = "code.pkl"
STEP = 32
"""Rows that Keras predicts at once by default."""
DIRECT = 32 * STEP
"""Up to so many rows go in directly, step by step: ``predict`` takes 60 ms to set up its loop."""


def library() -> Any:
    """Keras, whose TensorFlow is imported quietly."""
    with contextlib.suppress(ModelyardError):
        tensorflow.library()  # another backend may do
    import keras

    return keras


def claims(obj: Any) -> bool:
    """Models; a layer alone is a function like any other."""
    return isinstance(obj, library().Model)


def methods(obj: Any) -> Mapping[str, Callable[..., Any]]:
    """``predict``, without a progress bar. `InvalidInput` for a model that has no weights yet."""
    if not obj.built:
        raise InvalidInput(
            f"this {type(obj).__name__} has no weights yet", hint="call fit() or build() before"
        )
    if type(obj).predict is not library().Model.predict:
        return {"predict": obj.predict}

    def predict(X: Any) -> Any:
        inputs = as_inputs(obj, X)
        rows = count_rows(inputs)
        if rows <= STEP:
            return obj.predict_on_batch(inputs)
        if rows <= DIRECT:
            return _in_steps(obj, inputs, rows)
        return obj.predict(inputs, batch_size=STEP, verbose=0)

    return {"predict": predict}


def _in_steps(model: Any, inputs: Any, rows: int) -> Any:
    """What ``predict`` answers, without its loop."""
    import numpy

    tree = library().tree

    def part(start: int) -> Any:
        taken = tree.map_structure(lambda value: value[start : start + STEP], inputs)
        return model.predict_on_batch(taken)

    parts = [part(start) for start in range(0, rows, STEP)]
    return tree.map_structure(lambda *of_steps: numpy.concatenate(of_steps), *parts)


def labels(obj: Any) -> Sequence[str]:
    """``sequential``, ``functional``, or the class of one's own."""
    return [label(obj)]


def system(obj: Any) -> Sequence[str]:
    """None: its wheels carry what they need."""
    return ()


def dump(obj: Any, folder: Path) -> None:
    """Write ``model.keras``; `UnsupportedType` names what in it is code, or not Keras' own."""
    path = folder / FILE
    _write(obj, path)
    with path.open("rb") as stream:
        found = config.review(_config(stream))
    if strangers := [*found.strangers, *_registered(found)]:
        path.unlink()
        raise UnsupportedType(
            f"a .keras file without code cannot hold {', '.join(strangers[:5])}",
            types=strangers,
        )


def _write(obj: Any, path: Path) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it was not compiled, or not built
            obj.save(path)
    except Exception as error:  # a class without get_config says so in its own words
        path.unlink(missing_ok=True)
        words = " ".join(str(error).split())[:200]
        raise UnsupportedType(
            f"keras cannot save this {type(obj).__name__}: {words}",
            hint="give the class get_config() and @keras.saving.register_keras_serializable()",
            types=[f"{type(obj).__module__}.{type(obj).__qualname__}"],
        ) from error


def _config(stream: Any) -> dict[str, Any]:
    return config.parse(archive.read_config(archive.open_archive(stream)))


def _registered(found: config.Findings) -> list[str]:
    """Texts of a config that are names of objects registered in this process: Keras would take these instead."""
    return sorted(found.texts & library().saving.get_custom_objects().keys())


def load(files: Files) -> Any:
    """The model, compiled again where its loss, metrics and optimizer are Keras' own too."""
    path = _only(files)
    try:
        compiled = _check(path)
    except (Corrupted, Untrusted) as error:
        raise type(error)(
            f"{path.name}: {error.message}", hint=error.hint, **error.details
        ) from error
    return _read(path, compile=compiled, safe_mode=True)


def _check(path: Path) -> bool:
    """Look at the whole file before Keras does. Whether it may be compiled."""
    with path.open("rb") as stream:
        zipped = archive.open_archive(stream)
        parsed = config.parse(archive.read_config(zipped))
        found = config.review(parsed)
        strangers = [*found.strangers, *_registered(found), *_no_operations(found)]
        if strangers:
            raise Untrusted(
                f"it names what is not on the list of keras' own parts: {', '.join(strangers[:10])}",
                hint="such a model is read as tier 2 (keras_code) once you trust its digest",
                types=strangers,
            )
        archive.check_weights(stream, zipped)
    training = config.review_part(parsed.get("compile_config"))
    return not (training.strangers or _registered(training) or _no_operations(training))


def _no_operations(found: config.Findings) -> list[str]:
    """Names that their modules do not have as operations: something imported there, say."""
    import sys

    base = library().Operation
    wrong: list[str] = []
    for module, name in sorted(found.operations):
        cls = vars(sys.modules[module]).get(name) if module in sys.modules else None
        if not (isinstance(cls, type) and issubclass(cls, base) and cls.__module__ == module):
            wrong.append(f"{module}.{name}")
    return wrong


def _read(path: Path, **options: Any) -> Any:
    """What Keras makes of a file, which to it must have a name that ends in ``.keras``."""
    keras = library()
    with _suffixed(path, ".keras") as named:
        try:
            model = keras.saving.load_model(named, **options)
        except Exception as error:
            raise Corrupted(
                f"{path.name} makes no model: {' '.join(str(error).split())[-400:]}",
                hint="it may need another version of keras: see the card's requirements",
            ) from error
    if not isinstance(model, keras.Model):
        raise Corrupted(f"{path.name} holds a {type(model).__name__}, not a model")
    return model


@contextlib.contextmanager
def _suffixed(path: Path, suffix: str) -> Generator[Path]:
    """The same file under a name with a suffix, without a copy where the system can."""
    if path.suffix == suffix:
        yield path
        return
    folder = Path(tempfile.mkdtemp(prefix="modelyard-"))
    named = folder / f"model{suffix}"
    try:
        try:
            named.symlink_to(path)
        except OSError:
            shutil.copyfile(path, named)
        yield named
    finally:
        discard(folder)


def _only(files: Files, suffix: str = ".keras") -> Path:
    names = list(files.names())
    chosen = [n for n in names if n.endswith(suffix)] if len(names) > 1 else names
    if len(chosen) != 1:
        raise InvalidInput(f"a keras model is one file, not {len(chosen)} of {', '.join(names)}")
    return files.local(chosen[0])


def inspect(files: Files) -> Sequence[str]:
    """The classes and functions that the config names, sorted; nothing is imported."""
    with _only(files).open("rb") as stream:
        found = config.review(_config(stream))
    marked = {name: f"{name} (not on the list)" for name in found.strangers}
    return sorted(marked.get(name, name) for name in {*found.names, *found.strangers})


def dump_with_code(obj: Any, folder: Path) -> None:
    """Write ``model.keras`` and beside it the classes and functions of one's own that it names."""
    import cloudpickle

    path = folder / FILE
    _write(obj, path)
    try:
        with path.open("rb") as stream:
            own = sources.named_objects(_config(stream), obj)
        if own:
            (folder / CODE).write_bytes(cloudpickle.dumps(own))
        _read(path, custom_objects=own, safe_mode=False)
    except Exception as error:
        for file in folder.iterdir():
            discard(file)
        raise UnsupportedType(
            f"keras cannot bring this {type(obj).__name__} back from what it writes: {error}",
            types=[f"{type(obj).__module__}.{type(obj).__qualname__}"],
        ) from error


def load_with_code(files: Files) -> Any:
    """The model; runs the code that comes with it, and that of its Lambda layers."""
    own: dict[str, Any] = {}
    if CODE in files.names():
        with files.open(CODE) as stream:
            try:
                own = pickle.load(stream)
            except (ImportError, AttributeError) as error:
                raise EnvironmentMismatch(f"{CODE} needs code that is not here: {error}") from error
    return _read(_only(files), custom_objects=own, safe_mode=False)


def inspect_code(files: Files) -> Sequence[str]:
    """What the config names, and what the code beside it imports."""
    from modelyard.objects.formats._pickles.loading import globals_of

    found = list(inspect(files))
    if CODE in files.names():
        with files.open(CODE) as stream:
            found += dict.fromkeys(globals_of(stream))
    return found


def export(obj: Any, folder: Path) -> None:
    """A SavedModel of what ``predict`` computes: `UnsupportedType` where Keras cannot trace it.

    Keras' own ``export`` leaves layers of random augmentation on, so its model answers by chance.
    """
    try:
        from keras.src.export.export_utils import get_input_signature

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            bundle: Any = library().export.ExportArchive()
            bundle.track(obj)
            bundle.add_endpoint(
                tensorflow.SERVE,
                lambda *inputs: obj(*inputs, training=False),
                get_input_signature(obj),
            )
            bundle.write_out(str(folder), verbose=False)
    except Exception as error:
        for file in folder.iterdir():
            discard(file)
        raise UnsupportedType(f"keras cannot export this {type(obj).__name__}: {error}") from error


def load_legacy(files: Files) -> Any:
    """A model in the HDF5 layout of Keras 2, not compiled."""
    path = _only(files, ".h5")
    with _suffixed(path, ".h5") as named:
        try:
            return library().saving.load_model(named, compile=False, safe_mode=False)
        except Exception as error:
            raise Corrupted(
                f"{path.name} makes no model: {error}",
                hint="open it with the version of keras that wrote it, and save it as .keras",
            ) from error


def _cannot_write(obj: Any, folder: Path) -> None:
    raise UnsupportedType("the HDF5 layout of Keras 2 is only read", hint="use format='keras'")


NATIVE = (
    NativeFormat("keras", 1, ".keras", dump, load, inspect, LIBRARIES=("h5py",)),
    NativeFormat(
        "keras_code",
        2,
        ".keras",
        dump_with_code,
        load_with_code,
        inspect_code,
        LIBRARIES=("cloudpickle", "h5py"),
        REASON="code of Lambda layers or of classes that are not keras' own",
    ),
    NativeFormat(
        "savedmodel",
        2,
        "",
        export,
        tensorflow.load,
        tensorflow.inspect_graph,
        REASON=tensorflow.SAVED_MODEL.REASON,
        FLAVOR="tensorflow",
    ),
    NativeFormat(
        "keras_h5",
        2,
        ".h5",
        _cannot_write,
        load_legacy,
        LIBRARIES=("h5py",),
        REASON="the HDF5 layout of Keras 2, whose loader does not check what it makes",
    ),
)
