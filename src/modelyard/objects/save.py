"""Save a live object: its bytes in the safest format that brings them back, and a card that says all about it.

>>> import tempfile
>>> from pathlib import Path, PurePath
>>> def double(x: float) -> float:
...     return 2 * x
>>> folder = Path(tempfile.mkdtemp())
>>> card = save(double, folder / "double", sample_data=1.5)
>>> list(card.methods), card.format.tier
(['predict'], 2)
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, cast

from modelyard import environments, types
from modelyard.base.errors import UnsupportedFormat
from modelyard.base.notes import note
from modelyard.objects import flavors, formats, trust
from modelyard.objects.card import Card, FormatInfo, Requirements
from modelyard.objects.card_file import card_text
from modelyard.objects.describing import Described, describe_model, functions_of
from modelyard.objects.interface import Flavor, Tier
from modelyard.objects.model import default_method
from modelyard.objects.native import (
    converted,
    converts,
    flavor_read,
    libraries_of,
    model_format,
)
from modelyard.objects.placing import ARTIFACT, CARD
from modelyard.objects.provenance import created_now, git_root
from modelyard.objects.sampling import MAX_ROWS, sample_for_card
from modelyard.objects.steps import STEPS
from modelyard.objects.targets import LocalTarget, target_at
from modelyard.objects.writing import (
    entries_of,
    move_artifact,
    raised,
    write_best,
)
from modelyard.types.interface import DataType
from modelyard.types.profile import profile
from modelyard.types.schema import Argument, Signature
from modelyard.types.signatures import bind_sample
from modelyard.types.wrapped import WrappedType

LARGE = 50 << 20
"""Files over this size are not for a Git repository."""


@dataclass(frozen=True)
class About:
    """What the caller of `save` says about the object; everything has a default."""

    description: str = ""
    labels: Sequence[str] = ()
    metrics: Mapping[str, float] | None = None
    metadata: Mapping[str, Any] | None = None
    requirements: Any = None
    modules: Sequence[str] | None = None
    sample_rows: int = MAX_ROWS

    def on(self, card: Card) -> Card:
        """The card with these facts on it."""
        return card.but(
            description=self.description,
            labels=tuple(self.labels or card.labels),
            metrics={k: float(v) for k, v in (self.metrics or {}).items()},
            metadata=dict(self.metadata or {}),
        )


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
    sample_rows: int = MAX_ROWS,
    storage: str | None = None,
) -> Card:
    """Write ``obj`` to ``path`` and its card to ``path.yard.yaml``; returns the card. A `Path` is a file of data.
    ``path`` may be an address in a bucket or on a server (``s3://bucket/models/churn``), see `targets`.

    ``sample_data`` is a value for the method's first argument, a tuple for several, or a dict by argument name; each
    method is run on it to learn its signature. ``methods`` limits the methods (names), or gives each its own sample
    (``{method: sample}``). ``format`` chooses how the bytes are written; by default the safest that brings equal
    predictions back. ``requirements`` (lines, or a requirements.txt) and ``modules`` (names of local modules) override
    what is found by looking at the object. ``storage`` names a way to keep the artifact apart (`stores.apart`): ``""`` is
    none, and None what the project's setting says. Raises `AlreadyExists` when something not ours stands at ``path``.
    """
    if isinstance(obj, Path):
        format = format or formats.data_format(obj).NAME  # noqa: A001  the interface's word
        obj = formats.read_path(obj)
    about = About(
        description or "", labels or (), metrics, metadata, requirements, modules, sample_rows
    )
    target = target_at(path, storage)
    with target.placing() as work:
        flavor = flavor_or_none(obj, preprocess or postprocess or methods)
        if flavor is None:
            card = write_data(obj, work, target.path, format, about)
        else:
            steps = {k: v for k, v in zip(STEPS, (preprocess, postprocess), strict=True) if v}
            card = write_model(
                obj, flavor, work, target.path.name, sample_data, methods, format, steps, about
            )
        card = target.named(card.but(created=created_now(target.beside)))
        text = card_text(card, target.earlier())
        (work / CARD).write_text(text, "utf-8", newline="\n")
    if card.format and card.format.tier == 2:
        trust.remember(card.digest, "saved", target.label)
    if isinstance(target, LocalTarget) and not target.storage:
        warn_large(target.place, card)
    return card.but(path=target.card)


def flavor_or_none(obj: Any, as_model: Any = None) -> Flavor | None:
    """The flavor of a model, or None when the object is data.

    Flavors that claim it come first, then data types, then whatever can be called.
    """
    found = flavors.claiming(obj)
    if found is not None:
        return found
    if not as_model and not callable(obj) and not flavors.has_prediction_methods(obj):
        return None
    return flavors.find(obj)


def write_model(
    obj: Any,
    flavor: Flavor,
    work: Path,
    name: str,
    sample_data: Any,
    methods: Sequence[str] | Mapping[str, Any] | None,
    format: str | None,
    steps: Mapping[str, Callable[..., Any]],
    about: About,
) -> Card:
    """Describe a model and write its files into ``work / "artifact"``."""
    if format:
        obj = as_format(obj, flavor, format, sample_data, methods, steps)
        flavor = flavors.claiming(obj) or flavor
    described = describe(obj, flavor, sample_data, methods, steps)
    folder = work / "files"
    folder.mkdir()
    needs = find_requirements([obj, *steps.values(), *described_values(described)], about)
    info, written = write_best(obj, flavor, folder, described if not steps else None, format)
    libraries = libraries_of(written, folder)
    step_infos = {step: write_step(value, folder / "steps" / step) for step, value in steps.items()}
    modules = environments.store_modules(needs.modules, folder / "modules") if needs.modules else ()
    info = raised(info, steps, modules)
    entries = move_artifact(folder, work / ARTIFACT, name)
    return about.on(
        Card(
            kind="model",
            flavor=flavor_read(written, flavor),
            format=info,
            labels=tuple(flavor.labels(obj)),
            artifact=entries,
            methods=described.signatures,
            requirements=requirements_of(needs.including(*libraries), modules, flavor.system(obj)),
            steps=step_infos,
            sample=described.card_sample(about.sample_rows),
        )
    )


def as_format(
    obj: Any,
    flavor: Flavor,
    format: str,
    sample_data: Any,
    methods: Sequence[str] | Mapping[str, Any] | None,
    steps: Mapping[str, Callable[..., Any]],
) -> Any:
    """What is to be described and written when a format was asked for that makes something else of the model."""
    writer = model_format(format, flavor)
    functions = flavor.methods(obj) if converts(writer) else {}
    if not functions:
        return obj
    method = default_method(list(functions))
    sample = methods.get(method, sample_data) if isinstance(methods, Mapping) else sample_data
    if sample is not None and "preprocess" in steps:
        sample = steps["preprocess"](sample)
    arguments = {} if sample is None else bind_sample(functions[method], sample)
    return converted(writer, obj, arguments)


def describe(
    obj: Any,
    flavor: Flavor,
    sample_data: Any,
    methods: Sequence[str] | Mapping[str, Any] | None,
    steps: Mapping[str, Callable[..., Any]],
) -> Described:
    """The methods with their signatures; each method's own sample wins over ``sample_data``."""
    if isinstance(methods, str):
        methods = [methods]
    wanted = None if methods is None or isinstance(methods, Mapping) else list(methods)
    own_samples = dict(methods) if isinstance(methods, Mapping) else {}
    functions = functions_of(obj, flavor, steps.get("preprocess"), steps.get("postprocess"), wanted)
    for name in own_samples:
        if name not in functions:
            functions |= functions_of(
                obj, flavor, steps.get("preprocess"), steps.get("postprocess"), [name]
            )
    samples = {} if sample_data is None else dict.fromkeys(functions, sample_data)
    return describe_model(
        functions, {**samples, **own_samples}, must=[*own_samples, *(wanted or ())]
    )


def described_values(described: Described) -> list[Any]:
    """Sample values and results: their libraries are needed too (a frame in, an array out)."""
    values = [v for arguments in described.arguments.values() for v in arguments.values()]
    kinds = [a.type for s in described.signatures.values() for a in s.args.values()]
    # A matrix of a library that is made from JSON is a frame of another one on the way.
    wrapped = [name for kind in kinds if isinstance(kind, WrappedType) for name in kind.libraries]
    return [*values, *described.results.values(), *map(importlib.import_module, wrapped)]


def write_step(step: Callable[..., Any], folder: Path) -> dict[str, Any]:
    """A pre- or post-processing step beside the model; its entry on the card."""
    folder.mkdir(parents=True)
    flavor = flavors.find(step)
    info, written = write_best(step, flavor, folder, None)
    return {
        "flavor": flavor_read(written, flavor),
        "format": {"name": info.name, "tier": info.tier},
    }


def write_data(obj: Any, work: Path, target: PurePath, format: str | None, about: About) -> Card:
    """Write a data object into ``work / "artifact"``: the format by name, by the path's suffix, or by its type."""
    kind = types.infer(obj)
    if format:
        writer = formats.named(format)
    elif target.suffix:
        writer = formats.data_format(target)
    else:
        writer = formats.best_for(kind)
    if not writer.can_hold(kind):
        raise UnsupportedFormat(
            f"{writer.NAME} cannot hold a {kind.kind}",
            hint=f"leave the suffix out, and it is saved as {formats.best_for(kind).NAME}",
        )
    writer.write(obj, work / ARTIFACT, kind)
    needs = find_requirements([obj], about)
    return about.on(
        Card(
            kind="data",
            flavor="",
            format=FormatInfo(writer.NAME, cast(Tier, writer.TIER)),
            artifact=entries_of(work / ARTIFACT, target.name),
            schema=kind,
            profile=tuple(profile(obj)) if kind.kind in ("dataframe", "series") else (),
            shape=tuple(int(n) for n in getattr(obj, "shape", ()) or ()),
            requirements=requirements_of(needs.including(*libraries_of(writer)), (), ()),
            sample=data_sample(obj, kind, about.sample_rows),
        )
    )


def data_sample(obj: Any, kind: DataType, rows: int) -> Any:
    """The first rows of a data object, for its card."""
    return sample_for_card({"value": obj}, Signature({"value": Argument(kind)}), rows)


def find_requirements(roots: Sequence[Any], about: About) -> environments.Captured:
    """What the object needs: found by looking at it, or as the caller says."""
    captured = environments.capture(roots)
    for line in captured.notes:
        note(line)
    if about.modules is not None:
        captured = captured.only_modules(about.modules)
    if about.requirements is not None:
        captured = captured.overridden(about.requirements)
    return captured


def requirements_of(
    captured: environments.Captured, modules: Sequence[str], system: Sequence[str]
) -> Requirements:
    """The card's section."""
    return Requirements(
        python=environments.python_version(),
        packages=captured.lines(),
        system=tuple(sorted({*captured.system, *system})),
        modules=tuple(modules),
    )


def warn_large(target: Path, card: Card) -> None:
    """A large file in a Git folder without DVC is told: it would stay in the history for ever."""
    size = max((f.size for f in card.artifact), default=0)
    root = git_root(target.parent) if size > LARGE else None
    if root is not None and not (root / ".dvc").is_dir():
        note(
            f"{target} is {size >> 20} MB in a Git repository without DVC: keep it out of Git, or run 'dvc init' and save with dvc=True"
        )
