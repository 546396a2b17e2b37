"""Settings: which there are, which one won, and how to change one.

>>> settings().get("registry", "yard")  # doctest: +SKIP
'yard'
>>> for setting in settings().explain():  # doctest: +SKIP
...     print(setting.key, setting.value, setting.source)

Two kinds of files are kept apart. A project's settings (`SETTINGS`) come with a folder, so they never decide whom to
trust. What does (`USER_SETTINGS`) is read from the user's own ``config.toml`` and the environment alone; such a key
in a project's file is an error, not a preference.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from modelyard.base.errors import InvalidSetting, did_you_mean
from modelyard.base.paths import replacing
from modelyard.base.project import (
    DATABASE,
    OWN_FILE,
    SHARED_FILE,
    config_dir,
    find_root,
    read_toml,
    section,
)

Shape = Literal["text", "choice", "table", "any"]

SETTINGS: Mapping[str, Shape] = {
    "uri": "text",
    "registry": "choice",
    "registry.stages": "table",
    "registry.rules": "table",
    "artifacts": "text",
    "storage": "any",
    "project": "any",
    "serve": "table",
    "targets": "table",
    "retention": "table",
    "tracking": "table",
}
"""Key -> what it holds. Below a table every option has a key of its own: ``serve.port``."""

USER_SETTINGS: Mapping[str, Shape] = {
    "trust": "any",
    "signers": "any",
    "tokens": "table",
    "storage": "any",
}
"""What the user's own configuration says: only there, but for ``storage``, of which a project may say a part."""

MEANINGS: Mapping[str, str] = {
    "uri": "The database of the yard: `sqlite:///yard.db`, `postgresql://…`, `mysql://…`; or a hub: `https://…`.",
    "registry": "Where versions and stages are kept: `yard`, or `git`: in the tags of the repository.",
    "registry.stages": 'Other names of stages for MLflow clients, as `prod = "Production"`.',
    "registry.rules": "What must hold before a version enters a stage: `path`, `exclusive`, and for each stage who may and which checks pass (promotion.md).",
    "artifacts": "A folder or bucket (s3://…) for all files of the yard, in place of the database.",
    "storage": "`dvc`: saved objects are kept in the project's DVC cache ([DVC](dvc.md)). Also options of buckets and servers, by scheme: `storage.s3.anon`, `storage.s3.region`; addresses and identities only in the user's own configuration ([remote storage](remote-storage.md)).",
    "project": "Where objects are looked for by default. For a later version.",
    "serve": "Defaults of `modelyard serve` and `my.serve`: `serve.port`, `serve.host`, `serve.limits.body_bytes` …",
    "targets": "Places to deploy to. For a later version.",
    "retention": 'How long what was deleted can be restored: `retention.deleted = "30d"`. Older runs, logged models and experiments are purged, by the hub and `modelyard db gc`.',
    "tracking": "`tracking.system_metrics`: `true`, or seconds between samples: runs log the load of the machine unless `start_run` says otherwise ([tracking](tracking.md)).",
    "trust": "Digests (`sha256:…`) of tier 2 objects that may be loaded.",
    "signers": "Keys whose signatures are trusted. For a later version.",
    "tokens": "Tokens of hubs, by their address; `modelyard login HUB` writes them.",
}
"""What each setting is for, as the docs say it."""

DEFAULTS: Mapping[str, Any] = {"uri": f"sqlite:///{DATABASE}", "registry": "yard"}
"""What holds where nothing is set."""

VARIABLES: Mapping[str, str] = {
    "MODELYARD_URI_FILE": "A file that holds `uri`, for addresses with a password: what is in the environment is seen by many.",
    "MODELYARD_CONFIG_DIR": "The folder of the user's own configuration and trust store.",
    "MODELYARD_CACHE_DIR": "The folder for files of models that were fetched from a hub, a bucket or a repository.",
    "MODELYARD_CACHE_GB": "How many gigabytes of such files are kept, 10 unless said; those that were not used for longest go first.",
    "MODELYARD_GIT_TOKEN": "A token for Git repositories on the host of `MODELYARD_GIT_TOKEN_HOST`; it is sent nowhere else.",
    "MODELYARD_GIT_TOKEN_HOST": "`git.example.org`, or `git.example.org:8443`: the one host that `MODELYARD_GIT_TOKEN` is for.",
    "MODELYARD_TOKEN": "A token for the hub that is called, in place of the one that `login` kept.",
    "MODELYARD_RUN_ID": "`start_run` of this process goes on with that run; `run.env` has it for other processes.",
    "MODELYARD_EXPERIMENT": "The experiment of runs that name none, in place of `Default`.",
    "MODELYARD_DIRECT_TRANSFERS": "`1`: MLflow's clients send and fetch large files at the hub's bucket itself, which they must be able to reach.",
    "MODELYARD_SPOOL": "The folder for what training logged and the yard may not have yet.",
    "MODELYARD_SPOOL_MB": "How many megabytes a training process may keep there, 2048 unless said; then metrics are dropped and counted.",
    "MODELYARD_SENDER_SECONDS": "How long it is tried to send that after the training ended, 600 unless said; `modelyard sync` sends it later.",
    "MODELYARD_BEAT_SECONDS": "How often the yard is told which runs are alive, 15 unless said. One that is silent for twice as long is LOST.",
    "MODELYARD_QUIET": "`1` silences one-line notes on stderr.",
    "MODELYARD_DEBUG": "`1` makes the command line show tracebacks.",
}
"""Environment variables that are no settings."""

REGISTRIES = ("yard", "git")
PREFIX = "MODELYARD_"
URI_FILE = f"{PREFIX}URI_FILE"


@dataclass(frozen=True, slots=True)
class Setting:
    """A key, its value, and where that was read; ``over`` are the places that say otherwise and lost."""

    key: str
    value: Any
    source: str
    over: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one project, read once."""

    root: Path
    values: Mapping[str, Setting] = field(default_factory=dict[str, Setting])
    known: Mapping[str, Shape] = field(default_factory=lambda: SETTINGS)

    def get(self, key: str, default: Any = None) -> Any:
        """A value; for a table, a dict of its options. An unknown key is `InvalidSetting`.

        Below ``registry`` only the word itself (``yard`` or ``git``) is the value of ``registry``.
        """
        table = check_key(key, self.known)
        if key in self.values:
            return self.values[key].value
        if key != table or self.known[key] not in ("table", "any"):
            return default
        below = f"{key}."
        options = {
            k.removeprefix(below): s.value for k, s in self.values.items() if k.startswith(below)
        }
        return options or default

    def explain(self) -> list[Setting]:
        """All settings that are set, by key, each with the place that won."""
        return [self.values[key] for key in sorted(self.values)]


def settings(root: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a project (by default the one we are in), the environment's first."""
    root = root or find_root()
    layers = [(f"${name}", values) for name, values in _from_environment(environ, SETTINGS)]
    if (own := section(root)) is not None:
        layers.append((str(root / SHARED_FILE), _flat(own, root / SHARED_FILE, SETTINGS)))
    if (file := root / OWN_FILE).is_file():
        layers.append((str(file), _flat(read_toml(file), file, SETTINGS)))
    return Settings(root, _merged(layers))


def user_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Trust, signers and tokens: from the environment and the user's own ``config.toml`` only."""
    file = config_dir(environ) / "config.toml"
    layers = [(f"${name}", values) for name, values in _from_environment(environ, USER_SETTINGS)]
    if file.is_file():
        layers.append((str(file), _flat(read_toml(file), file, USER_SETTINGS)))
    return Settings(file.parent, _merged(layers), USER_SETTINGS)


def default_uri(settings: Settings) -> str:
    """The database of a project: its ``uri``, else ``yard.db`` in its root.

    A relative SQLite path is meant from the project's root when a file of the project says it, and from the current
    folder when the environment does.
    """
    setting = settings.values.get("uri")
    uri = setting.value if setting else f"sqlite:///{DATABASE}"
    path = uri.removeprefix("sqlite:///")
    from_environment = setting is not None and setting.source.startswith("$")
    if path == uri or path in ("", ":memory:") or Path(path).is_absolute() or from_environment:
        return uri
    return f"sqlite:///{(settings.root / path).as_posix()}"


def set_setting(
    key: str,
    value: Any,
    scope: Literal["project", "user"] = "project",
    root: Path | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Path:
    """Write one setting, keeping all else in the file as it is, comments too. Returns the file.

    A project's settings go to ``[tool.modelyard]`` where there is one, else to ``modelyard.toml``; a user's to the
    user's own ``config.toml``, readable by nobody else.
    """
    known = SETTINGS if scope == "project" else USER_SETTINGS
    table = check_key(key, known)
    if scope == "user":
        file, above = config_dir(environ) / "config.toml", ()
    else:
        root = root or find_root()
        shared = section(root) is not None
        file = root / (SHARED_FILE if shared else OWN_FILE)
        above = ("tool", "modelyard") if shared else ()
    place = (*table.split("."), *([key[len(table) + 1 :]] if key != table else []))
    text = file.read_bytes().decode() if file.exists() else ""
    _check_value(key, value, str(file), known)
    _write(file, _edited(text, above, place, value, file), private=scope == "user")
    return file


def _edited(
    text: str, above: tuple[str, ...], place: tuple[str, ...], value: Any, file: Path
) -> str:
    """`registry` is a word or a table; as soon as there is a table, the word is its ``kind``."""
    from modelyard.base import toml_edit  # needed on a change only

    data: Any = tomllib.loads(text)
    for name in above:
        data = data[name]
    there = data.get("registry")
    if place == ("registry",) and isinstance(there, dict):
        place = ("registry", "kind")
    elif place[0] == "registry" and len(place) > 1 and isinstance(there, str):
        text = toml_edit.rename(text, (*above, "registry"), (*above, "registry", "kind"), file)
    return toml_edit.assign(text, (*above, *place), value, file)


def _write(file: Path, text: str, *, private: bool) -> None:
    file = file.resolve()  # a link stays a link
    mode = 0o600 if private else file.stat().st_mode & 0o777 if file.exists() else 0o666
    file.parent.mkdir(mode=0o700 if private else 0o777, parents=True, exist_ok=True)
    with replacing(file) as temporary:
        temporary.touch(mode=mode)
        temporary.write_bytes(text.encode())


def check_key(key: str, known: Mapping[str, Shape] = SETTINGS) -> str:
    """The known setting that a key is or lies below, or `InvalidSetting` with the nearest one."""
    for table in sorted(known, key=len, reverse=True):
        if key == table or (key.startswith(f"{table}.") and known[table] in ("table", "any")):
            return table
    if key.split(".")[0] in USER_SETTINGS and known is SETTINGS:
        raise InvalidSetting(
            f"setting {key!r} is not read from a project",
            hint=f"whom to trust stands in {config_dir() / 'config.toml'}: what comes with a "
            "folder cannot widen trust",
        )
    if key.split(".")[0] in SETTINGS and known is USER_SETTINGS:
        raise InvalidSetting(
            f"setting {key!r} is a project's, not a user's",
            hint=f"set it in {SHARED_FILE} or {OWN_FILE}, or as an environment variable",
        )
    raise InvalidSetting(
        f"unknown setting {key!r}",
        hint=did_you_mean(key, known) or f"known: {', '.join(known)}",
    )


def _flat(data: Mapping[str, Any], file: Path, known: Mapping[str, Shape]) -> dict[str, Any]:
    """A file's tables as settings: one for each known word, one for each option below a table."""
    found = dict(_leaves(data, known))
    for key, value in found.items():
        try:
            check_key(key, known)
        except InvalidSetting as error:
            raise InvalidSetting(f"{file}: {error.message}", hint=error.hint) from None
        _check_value(key, value, str(file), known)
    return found


def _leaves(
    data: Mapping[str, Any], known: Mapping[str, Shape], above: str = ""
) -> Iterator[tuple[str, Any]]:
    for name, value in data.items():
        key = f"{above}{name}"
        shape = known.get(key)
        inner = cast("dict[str, Any]", value) if isinstance(value, dict) else None
        if inner is not None and shape == "choice":
            options = dict(inner)
            if "kind" in options:
                yield key, options.pop("kind")
            yield from _leaves(options, known, f"{key}.")
        elif inner is not None and shape in ("table", "any"):
            yield from _options(key, inner)
        else:
            yield key, value


def _options(key: str, table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((f"{key}.{option}", value) for option, value in table.items())


def _check_value(key: str, value: Any, source: str, known: Mapping[str, Shape]) -> None:
    shape = known.get(key, "any")
    if shape == "choice" and value not in REGISTRIES:
        raise InvalidSetting(
            f"{source}: {key} is {value!r}",
            hint=did_you_mean(str(value), REGISTRIES) or f"one of: {', '.join(REGISTRIES)}",
        )
    if shape == "text" and not isinstance(value, str):
        raise InvalidSetting(f"{source}: {key} is {value!r}", hint="a text, in quotes")
    if shape == "table" and not isinstance(value, dict):
        raise InvalidSetting(f"{source}: {key} is {value!r}", hint=f"a table: [{key}]")


def _from_environment(
    environ: Mapping[str, str], known: Mapping[str, Shape]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """``MODELYARD_URI``, ``MODELYARD_SERVE_PORT`` (``serve.port``). Other names are not settings."""
    for name in sorted(n for n in environ if n.startswith(PREFIX)):
        if name == URI_FILE and environ[name] and "uri" in known:
            yield name, {"uri": _read_uri(environ[name])}
            continue
        key = _key_of(name.removeprefix(PREFIX).lower(), known)
        if key is not None and environ[name]:
            text = environ[name]
            value = text if known.get(key) in ("text", "choice") else parse_value(text)
            if isinstance(value, dict) and known.get(key) in ("table", "any"):
                yield name, dict(_options(key, cast("dict[str, Any]", value)))
            else:
                _check_value(key, value, f"${name}", known)
                yield name, {key: value}


def _read_uri(file: str) -> str:
    try:
        return Path(file).read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InvalidSetting(f"${URI_FILE}: {file} cannot be read: {why}") from error


def _key_of(word: str, known: Mapping[str, Shape]) -> str | None:
    for table in sorted(known, key=len, reverse=True):
        spelled = table.replace(".", "_")
        if word == spelled:
            return table
        if word.startswith(f"{spelled}_") and known[table] in ("table", "any"):
            return f"{table}.{word[len(spelled) + 1 :]}"
    return None


def parse_value(text: str) -> Any:
    """What a word of a command line or the environment means: a TOML value where it is one, else the text.

    >>> parse_value("8080"), parse_value("true"), parse_value("models")
    (8080, True, 'models')
    """
    try:
        return tomllib.loads(f"value = {text}")["value"] if "\n" not in text else text
    except tomllib.TOMLDecodeError:
        return text


def _merged(layers: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, Setting]:
    """The first layer that has a key wins; the others are remembered."""
    merged: dict[str, Setting] = {}
    for source, values in layers:
        for key, value in values.items():
            won = merged.get(key)
            if won is None:
                merged[key] = Setting(key, value, source)
            else:
                merged[key] = Setting(key, won.value, won.source, (*won.over, source))
    return merged
