"""What a new version is made of. A client names a run's or logged model's files, or another version; nothing else is
opened, ever. The files are the version's own from then on: what happens to the run later does not change them."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from modelyard.base import refs
from modelyard.base.clock import new_id
from modelyard.base.errors import InvalidPath, ModelyardError, NotFound
from modelyard.compat.mlflow_rest import places
from modelyard.compat.mlflow_rest.errors import INVALID, Refusal, refused, told
from modelyard.compat.mlflow_rest.files import no_values, write_below
from modelyard.compat.mlflow_rest.places import Place, of_model, of_run, place_of_uri
from modelyard.compat.mlflow_rest.registry_answers import known_model
from modelyard.compat.mlflow_rest.stages import Stages
from modelyard.objects.importers import open_path, openable
from modelyard.registry import queries, verbs
from modelyard.registry.interface import ModelState, Version
from modelyard.yard.keeping import keep

if TYPE_CHECKING:
    from modelyard.yard.yard import Yard

_LOGGED = re.compile(r"models:/(m-[0-9a-f]{32})/?")
_RUN = re.compile(r"runs:/([0-9a-f]{32})(?:/(.*))?", re.DOTALL)
_NAMED = re.compile(r"models:/([^/@#]+)(?:/([^/]+)|@([^/]+))")
_HOW = "Upload the model to a run or as a logged model first: this server opens no place that a client names."


@dataclass(frozen=True, slots=True)
class Files:
    """A folder of a run or logged model that becomes a version."""

    place: Place
    run_id: str = ""
    model_id: str = ""


def find(yard: Yard, source: str, stages: Stages) -> Files | tuple[ModelState, Version]:
    """What a source means: files, or a version that is to be copied. Refused when it is not ours."""
    try:
        if match := _LOGGED.fullmatch(source):
            return _logged_model(yard, match[1])
        if match := _RUN.fullmatch(source):
            return _of_run(yard, match[1], match[2] or "")
        if match := _NAMED.fullmatch(source):
            return _version(yard, match, stages)
        place = place_of_uri(source)
    except InvalidPath as error:
        raise refused("source", source[:200], error.message, code=INVALID) from error
    if place is not None and place.kind == "model":
        return _logged_model(yard, place.id, place.path)
    if place is not None and place.kind == "run":
        return _of_run(yard, place.id, place.path)
    if place is not None and place.kind == "version":
        return _filled(yard, Files(place), source)
    raise refused("source", source[:200], _HOW, code=INVALID)


def _logged_model(yard: Yard, model_id: str, path: str = "") -> Files:
    with told("logged_model", model_id):
        model = yard.tracker.model(model_id)
    if model.status != "READY":
        raise Refusal(f"Logged model {model_id} is {model.status}: it cannot be registered yet")
    found = Files(of_model(model_id, path), model.run_id or "", model_id)
    return _filled(yard, found, f"models:/{model_id}")


def _of_run(yard: Yard, run_id: str, path: str) -> Files:
    """A folder of a run; without one, the model that the run logged under that name."""
    from modelyard.tracking.interface import Search

    with told("run", run_id):
        run = yard.tracker.run(run_id, no_values())
    place = of_run(run_id, path.rstrip("/"))
    if yard.artifacts.stat(place.owner, place.path) is None and place.path:
        name = place.path.replace("'", "")
        wanted = Search(f"name = '{name}' AND source_run_id = '{run_id}'", experiments=[run.experiment_id], limit=1)  # fmt: skip
        for model in yard.tracker.search_models(wanted).items:
            return _logged_model(yard, model.model_id)
    return _filled(yard, Files(place, run_id), f"runs:/{run_id}/{path}")


def _filled(yard: Yard, found: Files, source: str) -> Files:
    if yard.artifacts.stat(found.place.owner, found.place.path) is None:
        raise refused("source", source[:200], "There are no files.", code=INVALID)
    return found


def _version(yard: Yard, match: re.Match[str], stages: Stages) -> tuple[ModelState, Version]:
    name, word, alias = (unquote(part) if part else part for part in match.groups())
    state = known_model(yard, str(name))
    try:
        if alias:
            return state, queries.resolve(state, refs.Alias(alias))
        if str(word).isdecimal():
            return state, queries.resolve(state, refs.Number(int(str(word)[:18])))
        if word == "latest":
            return state, queries.resolve(state, refs.Latest())
        stage = stages.ours(str(word), state)
        return state, queries.resolve(state, refs.Stage(stage or ""))
    except NotFound as error:
        raise refused("version", name, alias or word) from error


def register(
    yard: Yard,
    name: str,
    found: Files | tuple[ModelState, Version] | None,
    facts: Mapping[str, Any],
) -> Version:
    """The next version of a name, READY at once: its bytes are here, or it is not registered. ``found`` None is a
    version that has no files, but only tags."""
    if found is None:
        return _written(yard, name, "", facts)
    if not isinstance(found, Files):
        return _copied(yard, name, found[1], facts)
    files = new_id()
    owner = f"version:{files}"
    yard.artifacts.copy(found.place.owner, owner, found.place.path, to="")
    try:
        return _described(yard, name, files, facts)
    except BaseException:
        yard.artifacts.delete(owner)
        raise


def _described(yard: Yard, name: str, files: str, facts: Mapping[str, Any]) -> Version:
    """With a card where the files are a model that can be read here; the bytes are those of the version already."""
    owner = f"version:{files}"
    facts = {**facts, "files": files}
    with tempfile.TemporaryDirectory(prefix="modelyard-") as scratch:
        folder = Path(scratch, "model")
        folder.mkdir()
        write_below(yard, Place(owner), folder)
        try:
            if openable(folder):
                source = open_path(folder)
                if source.card.kind == "model":
                    kept = keep(yard.stores, source)
                    return yard.models.register_kept(
                        kept,
                        name,
                        facts=facts,
                        description=facts.get("description", ""),
                        reuse=False,
                    ).record
        except ModelyardError as error:
            facts["note"] = f"not read: {error.message}"
    return _written(yard, name, yard.artifacts.digest(owner), facts)


def _copied(yard: Yard, name: str, version: Version, facts: Mapping[str, Any]) -> Version:
    """Another version of the same files."""
    own = {k: v for k, v in version.facts.items() if k not in ("tags", "description", "run_link")}
    files = version.facts.get("files")
    if files is not None:
        own["files"] = new_id()
        yard.artifacts.copy(f"version:{files}", f"version:{own['files']}")
    return _written(yard, name, version.digest, {**own, **facts})


def _written(yard: Yard, name: str, digest: str, facts: Mapping[str, Any]) -> Version:
    kept = {k: v for k, v in facts.items() if v not in (None, "", {}, [])}
    return verbs.register(yard.models.registry, name, digest=digest, facts=kept, reuse=False)


def checked_ids(run_id: str, model_id: str, found: Any) -> tuple[str, str]:
    """The run and logged model of a version: as the client said, else those that its files are of."""
    if isinstance(found, Files):
        if model_id and found.model_id and model_id != found.model_id:
            raise refused("source", places.of_model(found.model_id).owner, f"It is not of {model_id}.", code=INVALID)  # fmt: skip
        return run_id or found.run_id, model_id or found.model_id
    return run_id, model_id
