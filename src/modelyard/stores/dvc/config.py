"""DVC's settings, level by level: the machine's, the user's, the repository's, and the clone's own.

Each option remembers who said it: what comes with a repository (``.dvc/config``) is somebody else's word, and decides
less than what the reader wrote (see `modelyard.stores.dvc.policy`).
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from modelyard.base.errors import InvalidInput, NotFound, did_you_mean

Level = Literal["system", "global", "repo", "local", "call"]
"""A later one wins; ``call`` is what the caller of a function says."""

FOLDER = ".dvc"
FILE = ".dvc/config"
OWN_FILE = ".dvc/config.local"

_PATHS = frozenset(
    ["url", "dir", "credentialpath", "configpath", "keyfile", "cert_path", "key_path"]
)
_SECTION = re.compile(r"\[\s*('[^']*'|\"[^\"]*\"|[^\[\]'\"]+|\w+ \"[^\"]*\")\s*\]\s*(#.*)?")
_NAMED = re.compile(r"\s*(remote)\s*\"(.*)\"\s*")
_QUOTED = re.compile(r"(?:'([^']*)'|\"([^\"]*)\")\s*(?:#.*)?")
_SCHEME = re.compile(r"\w+://")


@dataclass(frozen=True, slots=True)
class Option:
    """A value, and who said it."""

    value: str
    level: Level


Section = Mapping[str, Option]


@dataclass(frozen=True)
class Config:
    """All levels together."""

    sections: Mapping[str, Section] = field(default_factory=dict[str, Section])
    remotes: Mapping[str, Section] = field(default_factory=dict[str, Section])

    def get(self, section: str, option: str) -> Option | None:
        """An option of a section that has no name, as ``core`` and ``cache``."""
        return self.sections.get(section, {}).get(option)

    def over(self, earlier: Config) -> Config:
        """This one's options, and those of a level below where it has none."""
        return Config(
            _merged(earlier.sections, self.sections), _merged(earlier.remotes, self.remotes)
        )

    @property
    def default_remote(self) -> str | None:
        """The one that is meant where none is named; an only one needs not be told."""
        told = self.get("core", "remote")
        if told is not None:
            return told.value.lower()
        return next(iter(self.remotes)) if len(self.remotes) == 1 else None


@dataclass(frozen=True)
class RemoteSettings:
    """A remote with all its options, those of the remotes that it builds on included."""

    name: str
    url: str
    options: Section

    def value(self, option: str) -> str | None:
        """What is set, whoever said it."""
        found = self.options.get(option)
        return None if found is None else found.value

    @property
    def scheme(self) -> str:
        """``""`` for a folder of this machine."""
        parts = urlsplit(self.url)
        return parts.scheme.lower() if _SCHEME.match(self.url) and parts.scheme else ""


def _merged(earlier: Mapping[str, Section], later: Mapping[str, Section]) -> dict[str, Section]:
    names = dict.fromkeys([*earlier, *later])
    return {name: {**earlier.get(name, {}), **later.get(name, {})} for name in names}


def parse_config(data: bytes, where: str, level: Level, folder: str | None) -> Config:
    """One file. Relative paths in it begin at ``folder``; without one they stay as they are."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{where}: not UTF-8 text (byte {error.start})") from None
    sections: dict[str, dict[str, Option]] = {}
    remotes: dict[str, dict[str, Option]] = {}
    current: dict[str, Option] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        if match := _SECTION.fullmatch(bare):
            title = match[1].strip("'")
            named = _NAMED.fullmatch(title)
            place = remotes if named else sections
            current = place.setdefault((named[2] if named else title.strip('"')).lower(), {})
            continue
        name, equals, value = bare.partition("=")
        if not equals or current is None or bare.startswith("["):
            raise InvalidInput(f"{where}, line {number}: neither [section] nor option = value")
        name = name.strip().strip("'\"").lower()
        found = _value(value.strip())
        if name in _PATHS and found:
            found = _resolved(found, folder)
        current[name] = Option(found, level)
    return Config(sections, remotes)


def _value(text: str) -> str:
    if match := _QUOTED.fullmatch(text):
        return match[1] if match[1] is not None else match[2]
    return re.split(r"\s#", text, maxsplit=1)[0].rstrip() if not text.startswith("#") else ""


def _resolved(path: str, folder: str | None) -> str:
    if _SCHEME.match(path) or Path(path).is_absolute():
        return path
    expanded = Path(path).expanduser() if path.startswith("~") else Path(path)
    if expanded.is_absolute():
        return str(expanded)
    return path if folder is None else os.path.normpath(Path(folder) / path)


def reader_config(environ: Mapping[str, str] = os.environ) -> Config:
    """What is set on this machine for all repositories: the system's and the user's own file."""
    found = Config()
    for level, file in _machine_files(environ):
        if file.is_file():
            found = file_config(file, level).over(found)
    return found


def file_config(file: Path, level: Level) -> Config:
    """A file of this machine."""
    return parse_config(file.read_bytes(), str(file), level, str(file.absolute().parent))


def _machine_files(environ: Mapping[str, str]) -> Iterator[tuple[Level, Path]]:
    told, own = environ.get("DVC_SYSTEM_CONFIG_DIR"), environ.get("DVC_GLOBAL_CONFIG_DIR")
    if sys.platform == "win32":
        system = Path(environ.get("PROGRAMDATA") or "C:/ProgramData") / "iterative/dvc"
        user = Path(environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "iterative/dvc"
    elif sys.platform == "darwin":
        system = Path("/Library/Application Support/dvc")
        user = Path.home() / "Library/Application Support/dvc"
    else:
        system = Path((environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)[0]) / "dvc"
        user = Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "dvc"
    yield "system", Path(told or system) / "config"
    yield "global", Path(own or user) / "config"


def remote_settings(config: Config, name: str | None, where: str) -> RemoteSettings:
    """A remote by name, by default the one that is meant where none is named; ``remote://other/path`` is followed."""
    wanted = name.lower() if name else config.default_remote
    if wanted is None:
        several = ", ".join(sorted(config.remotes))
        raise NotFound(
            f"{where} names no default remote" + (f" (it has {several})" if several else ""),
            hint="dvc remote default NAME, or --remote NAME"
            if several
            else "add one: [core] remote = NAME and ['remote \"NAME\"'] url = … in .dvc/config",
        )
    return _followed(config, wanted, where, ())


def _followed(config: Config, name: str, where: str, seen: tuple[str, ...]) -> RemoteSettings:
    section = config.remotes.get(name)
    if section is None or "url" not in section:
        problem = "has no url" if section is not None else "is not there"
        raise NotFound(
            f"{where}: the remote {name!r} {problem}",
            hint=did_you_mean(name, config.remotes)
            or f"there: {', '.join(sorted(config.remotes))}",
        )
    if name in seen:
        raise InvalidInput(
            f"{where}: the remotes {', '.join(seen)} build on each other in a circle"
        )
    url = section["url"].value
    parts = urlsplit(url)
    if parts.scheme != "remote":
        return RemoteSettings(name, url, section)
    base = _followed(config, parts.netloc.lower(), where, (*seen, name))
    joined = f"{base.url.rstrip('/')}/{parts.path.lstrip('/')}".rstrip("/")
    # The host is what matters, and that is the other one's.
    options = {**base.options, **section, "url": Option(joined, base.options["url"].level)}
    return RemoteSettings(name, joined, options)
