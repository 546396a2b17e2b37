"""spaCy: pipelines, as the folder that ``nlp.to_disk`` writes.

``predict`` takes a text or a list of texts and gives what the pipeline's components found, as plain values: always the
same keys for the same pipeline. What `load` returns is the pipeline itself.

A folder whose config names spaCy's own components alone is tier 1: the config is read as data against a list of names before
spaCy sees it. With components or functions of one's own it comes with their code (tier 2).
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Mapping, Sequence
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
from modelyard.objects.flavors._spacy import allowed
from modelyard.objects.flavors._spacy.checks import check_pipeline
from modelyard.objects.interface import Files
from modelyard.objects.native import NativeFormat

NAME = "spacy"
EXTRA = "spacy"
FORMATS = ("spacy", "spacy_code")

CONFIG = "config.cfg"
CODE = "code.pkl"
MAX_CONFIG = 16 << 20


def claims(obj: Any) -> bool:
    """Pipelines; a document, a vocabulary or a component alone is none."""
    from spacy.language import Language

    return isinstance(obj, Language)


def methods(obj: Any) -> Mapping[str, Callable[..., Any]]:
    def predict(texts: Any) -> Any:
        answer = answering(obj)
        if isinstance(texts, str):
            return answer(obj(texts))
        return [answer(doc) for doc in obj.pipe(as_texts(texts))]

    return {"predict": predict}


def labels(obj: Any) -> Sequence[str]:
    """The language and the components: ``en``, ``ner``, ``textcat``."""
    return [obj.lang, *obj.pipe_names]


def system(obj: Any) -> Sequence[str]:
    """None: its wheels carry what they need."""
    return ()


def as_texts(texts: Any) -> list[str]:
    """The texts in a list, an array, a column, or a table of one column."""
    if hasattr(texts, "columns"):
        if len(texts.columns) != 1:
            raise InvalidInput(
                f"a pipeline takes one column of texts, the table has {len(texts.columns)}"
            )
        texts = texts[next(iter(texts.columns))]
    found = list(texts)
    if strange := [t for t in found if not isinstance(t, str)]:
        raise InvalidInput(f"a pipeline takes texts, not {type(strange[0]).__name__}")
    return [str(t) for t in found]


def answering(nlp: Any) -> Callable[[Any], dict[str, Any]]:
    """What is told of each document: what the components assign, nothing else."""
    assigned = {name for pipe in nlp.pipe_names for name in nlp.get_pipe_meta(pipe).assigns}
    tokens = [name for name in _TOKEN if f"token.{name}" in assigned]
    parts = [name for name in _DOCUMENT if f"doc.{name}" in assigned]
    if "token.is_sent_start" in assigned and "sents" not in parts:
        parts.append("sents")

    def answer(doc: Any) -> dict[str, Any]:
        found: dict[str, Any] = {"text": doc.text}
        for part in parts:
            found[part] = _DOCUMENT[part](doc)
        if tokens:
            found["tokens"] = [
                {"text": t.text, "start": t.idx, **{name: _TOKEN[name](t) for name in tokens}}
                for t in doc
            ]
        return found

    return answer


def _spans(spans: Iterable[Any]) -> list[dict[str, Any]]:
    return [
        {"text": s.text, "label": s.label_, "start": s.start_char, "end": s.end_char} for s in spans
    ]


_DOCUMENT: Mapping[str, Callable[[Any], Any]] = {
    "ents": lambda doc: _spans(doc.ents),
    "cats": lambda doc: {label: float(score) for label, score in doc.cats.items()},
    "spans": lambda doc: {key: _spans(group) for key, group in doc.spans.items()},
    "sents": lambda doc: [
        {"text": s.text, "start": s.start_char, "end": s.end_char} for s in doc.sents
    ],
}
_TOKEN: Mapping[str, Callable[[Any], Any]] = {
    "tag": lambda token: token.tag_,
    "pos": lambda token: token.pos_,
    "morph": lambda token: str(token.morph),
    "lemma": lambda token: token.lemma_,
    "dep": lambda token: token.dep_,
    "head": lambda token: token.head.i,
}


def dump(obj: Any, folder: Path) -> None:
    """Write the folder; `UnsupportedType` names the components and functions that are not spaCy's own."""
    if found := allowed.strangers(obj.config):
        raise UnsupportedType(
            f"a pipeline without code cannot hold {', '.join(found[:5])}", types=found
        )
    _write(obj, folder)


def _write(obj: Any, folder: Path) -> None:
    try:
        obj.to_disk(folder)
    except Exception as error:
        for file in folder.iterdir():
            discard(file)
        raise UnsupportedType(f"spaCy cannot save this pipeline: {error}") from error


def load(files: Files) -> Any:
    """The pipeline. `Untrusted` for a config that names what is not spaCy's own."""
    if found := allowed.strangers(read_config(files)):
        raise Untrusted(
            f"{CONFIG} names what is not on the list of spaCy's own parts: {', '.join(found[:10])}",
            hint="such a pipeline is read as tier 2 (spacy_code) once you trust its digest",
            types=found,
        )
    nlp = _read(files)
    check_pipeline(nlp)
    return nlp


def read_config(files: Files) -> Mapping[str, Any]:
    """The config as spaCy reads it, variables filled in; nothing that it names is looked up."""
    from confection import Config

    if CONFIG not in files.names():
        raise Corrupted(f"a pipeline's folder has a {CONFIG}")
    text = files.read(CONFIG)
    if len(text) > MAX_CONFIG:
        raise Corrupted(f"{CONFIG} has more than {MAX_CONFIG} bytes")
    try:
        return Config().from_bytes(text, interpolate=True)
    except (
        Exception
    ) as error:  # of the parser below it, of JSON, of variables that refer to nothing
        raise Corrupted(f"{CONFIG} is no config: {error}") from error


def _read(files: Files) -> Any:
    import spacy

    names = [name for name in files.names() if name != CODE]
    for name in names:
        files.local(name)
    folder = files.local(CONFIG).parent
    try:
        return spacy.load(folder)
    except ModelyardError:
        raise
    except Exception as error:
        raise Corrupted(
            f"the folder makes no pipeline: {type(error).__name__}: {error}",
            hint="it may need another version of spaCy: see the card's requirements",
        ) from error


def inspect(files: Files) -> Sequence[str]:
    """Components and functions that the config names; nothing is imported but the reader of configs."""
    config = read_config(files)
    strange = set(allowed.strangers(config))
    names = dict.fromkeys(f"@{registry} {name}" for registry, name in allowed.named(config))
    return [f"{name} (not on the list)" if name in strange else name for name in names]


def dump_with_code(obj: Any, folder: Path) -> None:
    """Write the folder, and beside its files the components and functions of one's own that it needs."""
    import cloudpickle

    _write(obj, folder)
    try:
        (folder / CODE).write_bytes(cloudpickle.dumps(_own(obj)))
    except Exception as error:
        for file in folder.iterdir():
            discard(file)
        raise UnsupportedType(f"the code of this pipeline cannot be kept: {error}") from error


def _own(nlp: Any) -> list[tuple[str, str, Any, Any]]:
    """Registry, name, function and facts of what is registered in this process alone or by other packages."""
    from spacy import registry

    found: dict[tuple[str, str], tuple[Any, Any]] = {}
    for kind, name in allowed.named(nlp.config):
        if kind == "factories" and name not in allowed.FACTORIES:
            meta = nlp.get_factory_meta(name)
            own = nlp.get_factory_name(name)  # one that a language has under the same name
            function = registry.factories.get(own if own in registry.factories else name)
        elif kind in allowed.FUNCTIONS and name not in allowed.FUNCTIONS[kind]:
            meta, function = None, getattr(registry, kind).get(name)
        else:
            continue
        if not _is_spacys(function):
            found[kind, name] = (function, meta)
    return [(kind, name, *rest) for (kind, name), rest in found.items()]


def _is_spacys(function: Any) -> bool:
    """Whether it is registered wherever spaCy is. Around a function of one's own there is a wrapper of ``language``."""
    module = getattr(function, "__module__", None) or ""
    return module.partition(".")[0] in ("spacy", "thinc") and module != "spacy.language"


def load_with_code(files: Files) -> Any:
    """The pipeline, once its own components and functions have been registered; runs their code."""
    if CODE in files.names():
        with files.open(CODE) as stream:
            try:
                own = pickle.load(stream)
            except (ImportError, AttributeError) as error:
                raise EnvironmentMismatch(f"{CODE} needs code that is not here: {error}") from error
        for entry in own:
            _register(*entry)
    return _read(files)


def _register(kind: str, name: str, function: Any, meta: Any) -> None:
    from spacy import registry
    from spacy.language import Language

    if kind != "factories":
        if name not in getattr(registry, kind):
            getattr(registry, kind).register(name, func=function)
    elif not Language.has_factory(name):
        Language.factory(
            name,
            default_config=meta.default_config,
            assigns=meta.assigns,
            requires=meta.requires,
            retokenizes=meta.retokenizes,
            default_score_weights=meta.default_score_weights,
            func=function,
        )


def inspect_code(files: Files) -> Sequence[str]:
    """What the config names, and what the code beside it imports."""
    from modelyard.objects.formats._pickles.loading import names_in

    return [*inspect(files), *(names_in(files, CODE) if CODE in files.names() else ())]


NATIVE = (
    NativeFormat("spacy", 1, "", dump, load, inspect),
    NativeFormat(
        "spacy_code",
        2,
        "",
        dump_with_code,
        load_with_code,
        inspect_code,
        LIBRARIES=("cloudpickle",),
        REASON="components or functions that are not spaCy's own",
    ),
)
