"""The verbs of ``mlem.api``, with its arguments.

What is not here yet (deployments, other file systems, Git revisions) is `NotSupported`, with what to do instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelyard.base.errors import InvalidInput, NotSupported
from modelyard.compat._mlem.converting import convert
from modelyard.compat.mlem.objects import (
    MlemData,
    MlemLink,
    MlemModel,
    MlemObject,
    as_object,
    cloned,
    is_link,
    joined,
    no_filesystem,
    require,
)
from modelyard.compat.mlem.steps import with_steps
from modelyard.objects import formats
from modelyard.objects.copying import copy_source
from modelyard.objects.importers import foreign_source
from modelyard.serving.client import Client
from modelyard.serving.serve import serve as serve_model
from modelyard.shipping.build import build as build_model
from modelyard.shipping.interface import Built
from modelyard.yard.project import init as init_project
from modelyard.yard.resolving import resolve
from modelyard.yard.verbs import apply as apply_model
from modelyard.yard.verbs import data_of
from modelyard.yard.verbs import save as save_object

__all__ = [
    "apply", "apply_remote", "build", "clone", "deploy", "import_object", "init", "link", "load", "load_meta", "migrate",
    "save", "serve",
]  # fmt: skip


def save(
    obj: Any,
    path: str | Path,
    project: str | None = None,
    sample_data: Any = None,
    fs: Any = None,
    params: Mapping[str, Any] | None = None,
    preprocess: Any = None,
    postprocess: Any = None,
    *,
    description: str | None = None,
    labels: list[str] | None = None,
    **older: Any,
) -> MlemObject:
    """Save a model or data. ``description`` and ``labels`` may stand in ``params``, as in its last versions."""
    no_filesystem(fs)
    _only_older(older)
    facts = dict(params or {})
    description = description or facts.pop("description", None)
    labels = labels or older.get("tags") or facts.pop("labels", None)
    target = joined(project or older.get("repo"), path)
    steps = with_steps(obj, preprocess, postprocess)
    save_object(
        steps.obj,
        target,
        sample_data=sample_data,
        description=description,
        labels=labels,
        metadata=facts,
        preprocess=steps.preprocess,
        postprocess=steps.postprocess,
    )
    return as_object(resolve(Path(target)), target)


_OLDER = ("index", "external", "tags", "repo", "update")
"""Arguments of `save` in versions up to 0.2."""


def _only_older(given: Mapping[str, Any]) -> None:
    unknown = [name for name in given if name not in _OLDER]
    if unknown:
        raise TypeError(f"save() got an unexpected keyword argument {unknown[0]!r}")


def load(
    path: str | Path,
    project: str | None = None,
    rev: str | None = None,
    batch_size: int | None = None,
    follow_links: bool = True,
    try_migrations: bool = True,
) -> Any:
    """The object itself; a model comes with its processors. With ``batch_size``, the pieces of data."""
    found = load_meta(path, project, rev)
    if batch_size is not None and isinstance(found, MlemData):
        return found.read_batch(batch_size)
    return found.get_value()


def load_meta(
    path: str | Path,
    project: str | None = None,
    rev: str | None = None,
    follow_links: bool = True,
    load_value: bool = False,
    fs: Any = None,
    try_migrations: bool = True,
    *,
    force_type: type[MlemObject] | None = None,
) -> MlemObject:
    """An object with its description; a model of it can be called by its methods."""
    no_filesystem(fs)
    ref = path if isinstance(path, Path) else str(path)
    if not follow_links and is_link(joined(project, path)):
        return require(MlemLink(resolve(ref, project=project), joined(project, path)), force_type)
    found = require(
        as_object(resolve(ref, project=project, rev=rev), joined(project, path)), force_type
    )
    if load_value:
        found.load_value()
    return found


def apply(
    model: Any,
    *data: Any,
    method: str | None = None,
    output: str | None = None,
    target_project: str | None = None,
    batch_size: int | None = None,
) -> Any:
    """Apply a model to data: values, files or saved data objects; several give a list of results.

    With ``output`` the result is saved there, and its object returned.
    """
    ref = model.model if isinstance(model, MlemModel) else model
    results = [
        apply_model(ref, _value(part), method=_method(method), batch_rows=batch_size)
        for part in data
    ]
    return _given(results, output, target_project)


def apply_remote(
    client: Any,
    *data: Any,
    method: str | None = None,
    output: str | None = None,
    target_project: str | None = None,
    **client_kwargs: Any,
) -> Any:
    """Apply a served model: ``client`` is an address, a `Client`, or ``"http"`` with ``host`` and ``port``."""
    served = _client(client, client_kwargs)
    model = served.model()
    name = _method(method) or model.default_method
    results = [
        getattr(model, name)(data_of(part) if isinstance(part, str) else _value(part))
        for part in data
    ]
    return _given(results, output, target_project)


def _client(client: Any, options: Mapping[str, Any]) -> Any:
    if not isinstance(client, str):
        return client
    if client == "http":
        host, port = options.get("host", "127.0.0.1"), options.get("port", 8080)
        return Client(f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}")
    if "://" not in client:
        raise NotSupported(f"there is no client {client!r}", hint="give the server's address")
    return Client(client)


def _method(method: str | None) -> str | None:
    return "predict" if method == "__call__" else method


def _value(part: Any) -> Any:
    return part.get_value() if isinstance(part, MlemObject) else part


def _given(results: list[Any], output: str | None, project: str | None) -> Any:
    result = results[0] if len(results) == 1 else results
    return result if output is None else save(result, output, project=project)


def build(builder: str, model: Any, **builder_kwargs: Any) -> Built:
    """Build a package of a model. ``pip`` and ``whl`` make a wheel, ``target`` is where it goes."""
    options = dict(builder_kwargs)
    output = options.pop("target", None)
    if builder in ("pip", "whl", "wheel"):
        words = {"package_name": "name", "short_description": "description"}
        options = {words.get(k, k): v for k, v in options.items()}
        builder = "wheel"
    source = model.source if isinstance(model, MlemModel) else model
    return build_model(source, builder, output=output, **options)


def serve(model: Any, server: str = "fastapi", **server_kwargs: Any) -> None:
    """Serve a model until told to stop."""
    serve_model(
        model.model if isinstance(model, MlemModel) else model, server=server, **server_kwargs
    )


def deploy(deploy_meta_or_path: Any, model: Any, env: Any = None, **_: Any) -> None:
    """`NotSupported` as yet."""
    raise NotSupported(
        "deployments are not there yet",
        hint="modelyard serve runs a model here; modelyard migrate mlem keeps your declarations",
    )


def clone(
    path: str,
    target: str,
    project: str | None = None,
    rev: str | None = None,
    fs: Any = None,
    target_project: str | None = None,
    target_fs: Any = None,
    follow_links: bool = True,
    load_value: bool = False,
) -> MlemObject:
    """Copy an object; ``.`` as a target keeps its name."""
    no_filesystem(fs or target_fs)
    source = load_meta(path, project, rev)
    name = source.name if target in ("", ".") else target
    copy = cloned(source.path, joined(target_project, name))
    if load_value:
        copy.load_value()
    return copy


def init(path: str = ".") -> None:
    """Make a folder a project."""
    init_project(path)


def link(
    source: str | MlemObject,
    source_project: str | None = None,
    rev: str | None = None,
    target: str | None = None,
    target_project: str | None = None,
    follow_links: bool = True,
    absolute: bool = False,
) -> MlemLink:
    """A link to an object."""
    found = source if isinstance(source, MlemObject) else load_meta(source, source_project, rev)
    return found.make_link(target, project=target_project, absolute=absolute)


def import_object(
    path: str,
    project: str | None = None,
    rev: str | None = None,
    fs: Any = None,
    target: str | None = None,
    target_project: str | None = None,
    target_fs: Any = None,
    type_: str | None = None,
    copy_data: bool = True,
) -> MlemObject:
    """A file of another tool, or of data, as an object. ``type_`` as ``pandas[csv]`` or the name of an importer."""
    no_filesystem(fs or target_fs)
    if rev is not None or not copy_data:
        raise NotSupported("rev= and copy_data=False are not there yet", hint="import a copy")
    file = Path(joined(project, path))
    form, modifier = _import_type(type_)
    if form == "pandas" or (form is None and formats.known_suffix(file)):
        if target is None:
            raise InvalidInput("data is imported to a target", hint="target='data/iris'")
        reader = formats.named(modifier) if modifier else formats.data_format(file)
        with file.open("rb") as stream:
            return save(reader.read(stream, None), target, project=target_project)
    source = foreign_source(file, form)
    if target is None:
        return as_object(source, str(file))
    place = joined(target_project, target)
    copy_source(source, place)
    return as_object(resolve(Path(place)), place)


def _import_type(text: str | None) -> tuple[str | None, str | None]:
    found = re.fullmatch(r"(\w+)\[(\w+)\]", text or "")
    return (found[1], found[2]) if found else (text, None)


def migrate(path: str, project: str | None = None, recursive: bool = False) -> list[dict[str, Any]]:
    """Convert ``.mlem`` files to objects of ours, beside the originals: a row each."""
    return [row.row() for row in convert(joined(project, path), recursive=recursive)]
