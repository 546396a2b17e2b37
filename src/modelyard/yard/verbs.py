"""The verbs of the public interface that know names as well as paths: what `modelyard` exports."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

from modelyard import types
from modelyard.base.errors import InvalidInput, NotSupported
from modelyard.base.notes import note
from modelyard.objects import formats, importing
from modelyard.objects import save as saving
from modelyard.objects.apply import (
    Progress,
    apply_model,
    first_argument,
)
from modelyard.objects.card import Card
from modelyard.objects.card_file import write_card
from modelyard.objects.describing import by_names, describe_model, functions_of
from modelyard.objects.evaluate import compared, evaluate_model
from modelyard.objects.load import CheckEnv, load_model, load_object
from modelyard.objects.model import Model
from modelyard.objects.sampling import MAX_ROWS
from modelyard.objects.saved import object_exists
from modelyard.objects.source import Source
from modelyard.types.schema import Schema
from modelyard.yard.data import as_frame, data_of, words_of
from modelyard.yard.places import project_place
from modelyard.yard.registries import existing_registry
from modelyard.yard.resolving import resolve
from modelyard.yard.rows import as_facts
from modelyard.yard.versions import ModelVersion, RegisteredVersion

Engine = Literal["local"]


def save(
    obj: Any,
    path: str | Path,
    *,
    sample_data: Any = None,
    methods: Sequence[str] | Mapping[str, Any] | None = None,
    format: str | None = None,
    requirements: Any = None,
    modules: Sequence[str] | None = None,
    description: str | None = None,
    labels: Sequence[str] | None = None,
    metrics: Mapping[str, float] | None = None,
    metadata: Mapping[str, Any] | None = None,
    preprocess: Callable[..., Any] | None = None,
    postprocess: Callable[..., Any] | None = None,
    register: str | None = None,
    sample_rows: int = MAX_ROWS,
    dvc: bool | None = None,
) -> Card:
    """Save a model or data to ``path``, with a readable card ``path.yard.yaml`` beside it; returns the card.

    ``sample_data`` teaches the schema: a value for the first argument, a tuple for several, or a dict by argument
    name. ``methods`` are names, or a sample for each. ``format`` chooses how it is written (skops, cloudpickle, csv,
    parquet …); by default the safest that brings equal predictions back. ``register`` also registers it under a
    name in the project's yard. ``sample_rows=0`` keeps no sample on the card. ``dvc=True`` keeps the
    files in the project's DVC cache, with a pointer for Git; by default the setting ``storage`` says.

    >>> import tempfile, modelyard as my
    >>> path = tempfile.mkdtemp() + "/answer"
    >>> my.save({"answer": 42}, path).kind
    'data'
    >>> my.load(path)
    {'answer': 42}
    """
    if register is not None:
        from modelyard.yard.registry_verbs import refuse_registering

        refuse_registering()
    card = saving.save(
        obj,
        path,
        sample_data=sample_data,
        methods=methods,
        format=format,
        requirements=requirements,
        modules=modules,
        description=description,
        labels=labels,
        metrics=metrics,
        metadata=metadata,
        preprocess=preprocess,
        postprocess=postprocess,
        sample_rows=sample_rows,
        storage=None if dvc is None else "dvc" if dvc else "",
    )
    if register is not None:
        from modelyard.yard.registry_verbs import register_saved

        register_saved(Path(path), register)
    return card


def load(
    ref: str | Path,
    *,
    trust: str | None = None,
    check_env: CheckEnv = "warn",
    project: str | None = None,
    rev: str | None = None,
) -> Any:
    """The saved object a reference stands for, with the same methods as the original.

    Every byte is verified first. What runs code when loaded (tier 2) needs your trust: saved here, read from your own
    registry, or ``trust="sha256:…"``; else `Untrusted`. ``check_env`` says ("warn"), refuses ("error") or ignores
    ("off") differences between this environment and the one it was saved in.
    """
    source = resolve(ref, project=project, rev=rev)
    return load_object(source, trust=trust, check_env=check_env)


def load_card(ref: str | Path, *, project: str | None = None, rev: str | None = None) -> Card:
    """The card alone: the model is neither loaded nor imported."""
    return resolve(ref, project=project, rev=rev).card


def import_object(
    source: str | Path,
    target: str | Path | None = None,
    *,
    type: str | None = None,
    sample_data: Any = None,
    trust: str | None = None,
) -> Card:
    """Make an object of ours from what another tool saved: a pickle or joblib file, an ONNX graph, a booster, a folder of
    another product, a file of data.

    Without ``sample_data`` nothing is loaded: a card is written beside the file, or the bytes are copied to ``target``
    with one. With it the model is loaded (what runs code must be trusted, here by the digest in ``trust``), tried on the
    sample, and saved in its safest format, so that it can be served. ``type`` says what the file is where its name
    does not (``onnx``, ``lightgbm``, ``csv`` …); ``pickle`` and ``joblib`` read it as code.
    """
    sample = data_of(sample_data)
    if isinstance(sample, Path):
        from modelyard.objects import formats

        sample = formats.read_path(sample)
    return importing.import_object(source, target, type=type, sample_data=sample, trust=trust)


def open_model(
    ref: Any,
    *,
    trust: str | None = None,
    check_env: CheckEnv = "warn",
    project: str | None = None,
    rev: str | None = None,
) -> Model:
    """A model with its card from a reference, a version, an opened model, or a live object."""
    if isinstance(ref, Model):
        return ref
    if isinstance(ref, RegisteredVersion):
        return load_model(ref.source, trust=trust, check_env=check_env)
    if isinstance(ref, str | Path):
        source = resolve(ref, project=project, rev=rev)
        return load_model(source, trust=trust, check_env=check_env)
    return live_model(ref)


def live_model(obj: Any, sample_data: Any = None) -> Model:
    """A live object as a model, without saving it; its schema comes from type hints and the sample."""
    flavor = saving.flavor_or_none(obj)
    if flavor is None:
        raise InvalidInput(f"a {type(obj).__name__} is data, not a model")
    functions = functions_of(obj, flavor)
    samples = {} if sample_data is None else dict.fromkeys(functions, sample_data)
    described = describe_model(functions, samples)
    card = Card(flavor=flavor.NAME, methods=described.signatures, sample=described.card_sample())
    return Model(
        card, obj, by_names(described.functions), name=getattr(obj, "__name__", type(obj).__name__)
    )


def infer_schema(data_or_model: Any, sample_data: Any = None) -> Schema:
    """The schema of data, of a live model (with a sample), of a file of data, or of what a reference stands for.

    >>> infer_schema([1, 2]).json_schema()["type"]
    'array'
    """
    if isinstance(data_or_model, str | Path):
        return schema_of(data_or_model)
    if saving.flavor_or_none(data_or_model) is None:
        return Schema(value=types.infer(data_or_model))
    return Schema(methods=live_model(data_or_model, sample_data).card.methods)


def schema_of(ref: str | Path, *, project: str | None = None, rev: str | None = None) -> Schema:
    """The schema of a file of data, which is read to find out, or of what a reference stands for."""
    root = project_place(project, rev)
    file = root / Path(ref) if isinstance(root, Path) else None
    if file and file.is_file() and formats.known_suffix(file) and not object_exists(file):
        return Schema(value=types.infer(formats.read_path(file)))
    card = load_card(ref, project=project, rev=rev)
    return Schema(methods=card.methods, value=card.schema)


def apply(
    model: Any,
    data: Any,
    *,
    method: str | None = None,
    output: str | Path | None = None,
    batch_rows: int | None = None,
    engine: Engine = "local",
    compile: str = "off",
    trust: str | None = None,
    check_env: CheckEnv = "warn",
    project: str | None = None,
    rev: str | None = None,
    data_project: str | None = None,
    data_rev: str | None = None,
    progress: Progress | None = None,
    options: dict[str, Any] | None = None,
) -> Any:
    """Apply a model to data: a value, files, ``-`` for standard input, or a saved data object.

    Columns are matched by name and put in order; missing, extra or unsafe ones are refused with the difference. The
    result is returned, or written to ``output`` in the format of its suffix. ``batch_rows`` streams data of any size.

    A method that takes bytes, a file or an image gets it from a path, a pattern or a URL (several give a list of results);
    one that takes a text gets the text itself, or that of a ``.txt`` or ``.md`` file. ``compile="auto"`` compiles the model
    first, where that can be done and proven.
    """
    if engine != "local":
        raise NotSupported(f"engine={engine!r} is not there yet", hint="engine='local'")
    opened = open_model(model, trust=trust, check_env=check_env, project=project, rev=rev)
    opened = compiled(opened, method, compile)
    _, kind = first_argument(opened, opened.method(method))
    words = words_of(data, kind, data_project, data_rev)
    return apply_model(
        opened,
        data_of(data, data_project, data_rev) if words is None else words,
        method=method,
        output=output,
        batch_rows=batch_rows,
        progress=progress,
        options=options,
    )


def compiled(model: Model, method: str | None, mode: str) -> Model:
    """The model with one of its methods compiled, when somebody asked for it; a line says what came of it."""
    from modelyard.objects.engines.onnx import check_mode, compile_model, with_engines

    check_mode(mode)
    if mode == "off":
        return model
    made = compile_model(model, methods=[model.method(method)])
    for line in made.lines(model.name):
        note(line)
    return with_engines(model, made)


def evaluate(
    model: Any,
    data: Any,
    *,
    target: str,
    metrics: Sequence[str] | None = None,
    baseline: Any = None,
    trust: str | None = None,
    project: str | None = None,
) -> dict[str, Any]:
    """Measure a model on data whose column ``target`` holds the true answers: metric -> value.

    The metrics are written to the card of a saved model and to a registered version. With a ``baseline`` (a reference
    or a model) the answer also has ``"baseline"``: each metric beside the baseline's.
    """
    frame = as_frame(data_of(data, project))
    opened = open_model(model, trust=trust, project=project)
    values = evaluate_model(opened, frame, target, metrics)
    record_metrics(model, values, project)
    if baseline is None:
        return dict(values)
    other = evaluate_model(open_model(baseline, project=project), frame, target, metrics)
    return {**values, "baseline": compared(values, other)}


def record_metrics(model: Any, values: Mapping[str, float], project: str | None = None) -> None:
    """Write metrics where the model came from: its card, or its version."""
    if isinstance(model, ModelVersion):
        _on_version(model, values)
    elif isinstance(model, RegisteredVersion):
        _on_card(model.source, values)
    elif isinstance(model, str | Path):
        source = resolve(model, project=project)
        if source.version and "git" not in source.provenance:
            with existing_registry(project, "yard") as models:
                _on_version(models.get(f"{source.name}@{source.version}"), values)
        else:
            _on_card(source, values)


def _on_card(source: Source, values: Mapping[str, float]) -> None:
    if not source.card.path:
        note(f"the metrics are not written: {source.ref} has no card here")
        return
    write_card(_measured(source, values), Path(source.card.path))


def _measured(source: Source, values: Mapping[str, float]) -> Card:
    return source.card.but(metrics={**source.card.metrics, **values})


def _on_version(version: ModelVersion, values: Mapping[str, float]) -> None:
    card = _measured(version.source, values)
    version.yard.models.describe_version(version.record, card, metrics=as_facts(card.metrics))


def trusted_types(source: Source) -> list[str]:
    """What loading a model would import or run, found without loading it."""
    from modelyard.objects.files import Part
    from modelyard.objects.load import MODULES, STEP_FOLDER, effective_tier

    _, reader = effective_tier(source.card)
    return list(reader.inspect(cast(Any, Part(source.files, without=(MODULES, STEP_FOLDER)))))
