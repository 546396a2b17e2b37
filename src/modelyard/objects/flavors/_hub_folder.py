"""Folders as Hugging Face's libraries save and load them: what may be in one, and how it is opened without the network.

Weights are safetensors; settings, vocabularies and templates are text. What would make the libraries run code that
comes with a folder (pickled weights, Python files, kernels and classes named in the settings) is refused before they see it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import threading
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from modelyard.base.errors import Corrupted, InvalidInput, Untrusted
from modelyard.objects.formats._safetensors import ALIGNMENT, open_stream, write_file
from modelyard.objects.interface import Files

WEIGHTS = ".safetensors"
SETTINGS = ".json"
SUFFIXES = frozenset(
    [WEIGHTS, SETTINGS, ".txt", ".jinja", ".model", ".vocab", ".bpe", ".spm", ".tiktoken", ".md"]
)
"""Ends of files that hold no code."""
PICKLES = frozenset([".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib"])

_CLASS = re.compile(r"sentence_transformers(?:\.\w+)+", re.ASCII)
_ACTIVATION = re.compile(r"torch\.nn\.modules\.(?:activation|linear)\.\w+", re.ASCII)
_BIGGEST = 64 << 20
"""Bytes of a file of settings that is looked into; vocabularies may be larger and are not settings."""


def opened_folder(files: Files) -> Path:
    """All files of an artifact together in a folder of this machine, checked; weights without a copy where they lie here."""
    names = list(files.names())
    refuse_code(names)
    if "config.json" not in names and "modules.json" not in names:
        raise InvalidInput("the folder has no config.json: it is none of Hugging Face's")
    paths = {n: files.local(n, private=not n.endswith(WEIGHTS)) for n in names}
    for name, path in paths.items():
        if name.endswith(SETTINGS) and PurePosixPath(name).name != "tokenizer.json":
            refuse_settings(name, path)
    first = next(name for name in names if not name.endswith(WEIGHTS))
    return paths[first].parents[first.count("/")]


def refuse_code(names: Sequence[str]) -> None:
    """`Untrusted` for files that are code, or that nothing is known of."""
    pickles = [n for n in names if PurePosixPath(n).suffix in PICKLES]
    if pickles:
        raise Untrusted(
            f"{pickles[0]} is a pickle, which runs code when it is loaded",
            hint="load it with its own library where you trust it, and save that with modelyard, or as safetensors",
        )
    strange = [n for n in names if PurePosixPath(n).suffix not in SUFFIXES]
    if strange:
        raise Untrusted(f"{strange[0]} is no file of weights, settings or words", types=strange)


def refuse_settings(name: str, path: Path) -> None:
    """`Untrusted` for settings that name code to load."""
    if path.stat().st_size > _BIGGEST:
        raise Corrupted(f"{name} is too large for settings")
    try:
        settings = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise Corrupted(f"{name} is no JSON: {error}") from error
    for key, value in _entries(settings):
        if _names_code(key, value):
            raise Untrusted(
                f"{name} names code to load: {key} = {str(value)[:80]!r}",
                hint="such a model is loaded by its own library, where you trust it",
            )


def _names_code(key: str, value: Any) -> bool:
    if key == "trust_remote_code":
        return bool(value)
    if key == "quantization_config":
        return value is not None
    if not isinstance(value, str):
        return False
    if key == "activation_function" and "." in value:
        return not _ACTIVATION.fullmatch(value)
    if key == "type" and "." in value:
        return not _CLASS.fullmatch(value)
    # 'kernels-community/…' would be fetched and run; a plain word names what the library has.
    return key.endswith(("_implementation", "_implementation_internal")) and "/" in value


def _entries(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key), inner
            yield from _entries(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _entries(inner)


_GUARD = threading.RLock()


@contextlib.contextmanager
def offline() -> Iterator[None]:
    """Nothing is asked of the hub meanwhile, by whatever way a library would, and no progress is shown."""
    from huggingface_hub import constants
    from transformers.utils import logging as words

    logger = logging.getLogger("transformers")
    with _GUARD:
        before, level, bars = (
            constants.HF_HUB_OFFLINE,
            logger.level,
            words.is_progress_bar_enabled(),
        )
        constants.HF_HUB_OFFLINE = True
        logger.setLevel(logging.ERROR)
        words.disable_progress_bar()
        try:
            yield
        finally:
            constants.HF_HUB_OFFLINE = before
            logger.setLevel(level)
            if bars:
                words.enable_progress_bar()


def align_files(folder: Path) -> None:
    """Write the weights of a folder again so that they can be used from the mapped file where they lie.

    The libraries begin them at any multiple of 8; sums over weights at another place differ in their last bit.
    """
    for path in folder.rglob(f"*{WEIGHTS}"):
        aligned = path.with_suffix(".aligned")
        try:
            with path.open("rb") as stream:
                opened = open_stream(stream)
        except InvalidInput:  # a dtype that is not known here: the file is good as it is
            continue
        write_file(aligned, {n: opened.tensor(n) for n in opened.entries}, opened.metadata)
        aligned.replace(path)


def align_weights(module: Any) -> None:
    """Copy the few weights of a module that do not lie as a fresh one's would: those of odd sizes."""
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.data_ptr() % ALIGNMENT:
            tensor.data = tensor.data.clone()


def kept_with(obj: Any, files: Files) -> Any:
    """An object that may look into its folder later: the files stay for as long as it does."""
    weakref.finalize(obj, lambda held: None, files)
    return obj
