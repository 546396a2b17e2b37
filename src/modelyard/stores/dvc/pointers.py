"""What is tracked: the outputs of ``.dvc`` files and of ``dvc.lock``, and the pointers that we write."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from modelyard.base.errors import InvalidInput
from modelyard.stores.dvc.names import ObjectId, joined, object_id
from modelyard.stores.plain_yaml import read_yaml

SUFFIX = ".dvc"
LOCK = "dvc.lock"
PIPELINE = "dvc.yaml"


@dataclass(frozen=True, slots=True)
class Output:
    """A file or folder that is kept elsewhere, under a path from the root of the folder that its pointer is in."""

    path: str
    oid: ObjectId | None
    """None where no md5 is known: it was never made, or a versioned remote alone has it."""
    size: int | None
    pointer: str
    """The file that says so."""
    remote: str | None = None
    """Where it is kept, if not in the default remote."""
    cached: bool = True
    pushed: bool = True
    executable: bool = False
    imported: str = ""
    """The repository that it was imported from: whose remote has it."""
    versioned: bool = False
    """Whether a remote keeps it under its own name, by versions."""


def is_pointer(name: str) -> bool:
    """Whether a file of that name tells of outputs."""
    return name == LOCK or (name.endswith(SUFFIX) and len(name) > len(SUFFIX))


def read_outputs(data: bytes, path: str, label: str, pipeline: bytes | None = None) -> list[Output]:
    """The outputs that the file at ``path`` (from the folder's root) tells of. ``pipeline`` is the ``dvc.yaml`` beside a
    ``dvc.lock``: where its stages work."""
    where = f"{label}: {path}" if label else path
    content = read_yaml(data, where)
    if content is None:
        return []
    top = _mapping(content, where)
    folder = path.rpartition("/")[0]
    if path.rpartition("/")[2] == LOCK:
        return list(_locked(top, folder, path, where, pipeline))
    base = joined(folder, _text(top.get("wdir")) or ".", where)
    imported = _imported(top)
    return [
        output
        for out in _list(top.get("outs"), where)
        if (output := _output(_mapping(out, where), base, path, where, imported)) is not None
    ]


def _locked(
    top: Mapping[str, Any], folder: str, path: str, where: str, pipeline: bytes | None
) -> Iterator[Output]:
    if "schema" in top:
        if not str(top["schema"]).startswith("2."):
            raise InvalidInput(f"{where}: schema {top['schema']!r} of dvc.lock is not known here")
        stages = _mapping(top.get("stages") or {}, where)
    else:  # schema 1 is the stages alone
        stages = top
    kinds = _Stages(pipeline, f"{where.removesuffix(LOCK)}{PIPELINE}")
    for name, stage in stages.items():
        outs = _list(_mapping(stage, where).get("outs"), where)
        if outs and (wdir := kinds.wdir(name)) is not None:
            base = joined(folder, wdir, where)
            for out in outs:
                found = _output(_mapping(out, where), base, path, where, "")
                if found is not None:
                    yield found


class _Stages:
    """What ``dvc.yaml`` says about a stage and its lock does not: the folder that its paths begin in."""

    def __init__(self, data: bytes | None, where: str) -> None:
        self.stages: Mapping[str, Any] = {}
        if data is not None and b"wdir" in data:  # it is long, and seldom says so
            content = read_yaml(data, where, aliases=True)
            self.stages = _mapping(_mapping(content or {}, where).get("stages") or {}, where)

    def wdir(self, name: str) -> str | None:
        """``.`` where nothing else is said; None where it cannot be told without DVC's templates."""
        kind, _, item = name.partition("@")
        stage = self.stages.get(name) or self.stages.get(kind)
        if not isinstance(stage, dict):
            return "."
        told = cast("dict[str, Any]", stage)
        inner = told.get("do")
        told = cast("dict[str, Any]", inner) if isinstance(inner, dict) else told
        wdir = (_text(told.get("wdir")) or ".").replace("${item}", item).replace("${key}", item)
        return None if "${" in wdir else wdir


def _output(
    out: Mapping[str, Any], base: str, pointer: str, where: str, imported: str
) -> Output | None:
    named = _text(out.get("path"))
    if not named:
        raise InvalidInput(f"{where}: an output without a path")
    if "://" in named or named.startswith("/"):
        return None  # outside of the repository: nothing here stands for it
    path = joined(base, named, where)
    if not path:
        raise InvalidInput(f"{where}: an output that is the whole project")
    md5, kind = _text(out.get("md5")), _text(out.get("hash"))
    if kind not in (None, "md5", "md5-dos2unix"):
        raise InvalidInput(f"{where}: {path} is named by {kind!r}, which is not known here")
    return Output(
        path=path,
        oid=object_id(md5, where, legacy=kind != "md5") if md5 else None,
        size=_number(out.get("size"), where),
        pointer=pointer,
        remote=_text(out.get("remote")),
        cached=_text(out.get("cache")) != "false",
        pushed=_text(out.get("push")) != "false",
        executable=_text(out.get("isexec")) == "true",
        imported=imported,
        versioned=bool(out.get("files") or out.get("version_id") or out.get("cloud")),
    )


def _imported(top: Mapping[str, Any]) -> str:
    for dep in top.get("deps") or ():
        repo = cast("dict[str, Any]", dep).get("repo") if isinstance(dep, dict) else None
        if isinstance(repo, dict):
            return _text(cast("dict[str, Any]", repo).get("url")) or ""
    return ""


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InvalidInput(f"{where}: a mapping was expected")
    return cast("dict[str, Any]", value)


def _list(value: Any, where: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidInput(f"{where}: a list of outputs was expected")
    return cast("list[Any]", value)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any, where: str) -> int | None:
    if value is None:
        return None
    if not isinstance(value, str) or not re.fullmatch(r"\d{1,18}", value):
        raise InvalidInput(f"{where}: the size {value!r} is no number of bytes")
    return int(value)


@dataclass(frozen=True, slots=True)
class Pointer:
    """What a pointer of ours says."""

    oid: ObjectId
    size: int
    name: str
    files: int | None = None
    """How many, in a folder."""
    kept: Mapping[str, Any] = field(default_factory=dict[str, Any])


_LIKE_A_NUMBER = re.compile(r"\d+(e\d+)?|0b[01]+")
_PLAIN_PATH = re.compile(r"[^\W\d](?:[\w./+= -]*[\w./+=-])?")
_WORDS = frozenset(["true", "false", "null"])
"""Quoted, like all that YAML 1.2 would not take for a text; ``yes`` is one to it."""


def pointer_text(pointer: Pointer) -> str:
    """As DVC writes it, to the byte. An md5 that looks like a number is quoted: else DVC would read one."""
    md5 = pointer.oid.text
    lines = [
        "outs:",
        f"- md5: {repr(md5) if _LIKE_A_NUMBER.fullmatch(md5) else md5}",
        f"  size: {pointer.size}",
        *([] if pointer.files is None else [f"  nfiles: {pointer.files}"]),
        "  hash: md5",
        f"  path: {_spelled(pointer.name)}",
    ]
    return "\n".join(lines) + "\n"


def pointer_again(text: str, pointer: Pointer) -> str:
    """The text of a pointer that was there, with what it points to changed: descriptions and metadata stay."""
    from ruamel.yaml import YAML

    parsed = read_yaml(text.encode(), pointer.name + SUFFIX)
    usual = {"md5", "size", "nfiles", "hash", "path"}
    outs = parsed.get("outs") if isinstance(parsed, dict) else None
    if not isinstance(outs, list) or len(cast("list[Any]", outs)) != 1:
        return pointer_text(pointer)
    if set(cast("dict[str, Any]", parsed)) == {"outs"} and set(outs[0]) <= usual:
        return pointer_text(pointer)
    import io

    yaml = YAML()
    yaml.preserve_quotes = True
    document = yaml.load(text)
    document.pop("md5", None)
    document.pop("deps", None)  # an import that is overwritten is none any more
    document.pop("frozen", None)
    out = document["outs"][0]
    for word in ("version_id", "etag", "files", "cloud", "isexec", "nfiles"):
        out.pop(word, None)
    out.update({"md5": pointer.oid.text, "size": pointer.size, "hash": "md5"})
    if pointer.files is not None:
        out["nfiles"] = pointer.files
    written = io.StringIO()
    yaml.dump(document, written)
    return written.getvalue()


def _spelled(name: str) -> str:
    if _PLAIN_PATH.fullmatch(name) and name.lower() not in _WORDS:
        return name
    if name.isprintable():
        return "'" + name.replace("'", "''") + "'"
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'
