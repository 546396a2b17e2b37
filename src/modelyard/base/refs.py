"""References: the one grammar in which people name saved objects, in Python, on the command line, in REST and the UI.

=================================================  =====================================================
``./churn`` ``/abs/churn`` ``file:///abs/churn``   `PathRef`: a path, whatever is there
``models/churn`` ``churn``                         `BareRef`: a path when an object is there, else a name
``churn@3`` ``churn@latest`` ``churn@champion``    `NameRef`: a version by number, the highest, an alias
``churn@v1.2.0`` ``churn#prod``                    `NameRef`: a semantic version, what a stage holds
``models:/churn/3`` ``models:/churn/Production``   the same in MLflow's spelling; odd names %-encoded
``models:/m-<id>`` ``runs:/<run id>/<path>``       `LoggedModelRef`, `RunRef`
``git+https://host/org/repo@rev#OBJECT``           `GitRef`: also git+ssh and git+file
``https://github.com/org/repo/tree/rev/churn``     `GitRef`: as copied from GitHub, GitLab, Bitbucket
``s3:// gs:// az:// sftp:// hdfs:// https://``     `RemoteRef`: also http and memory (of this process, for tests)
=================================================  =====================================================

`parse` is pure: it looks at nothing but the text. What it accepts, ``str`` writes back so that it parses to the
same reference. Nothing is repaired: text that could mean something else is `InvalidReference` with a hint.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NoReturn
from urllib.parse import unquote, urlsplit

from modelyard.base import names
from modelyard.base.errors import (
    InvalidName,
    InvalidPath,
    InvalidReference,
    MissingExtra,
    ModelyardError,
    NotSupported,
    did_you_mean,
)
from modelyard.base.paths import safe_segments
from modelyard.base.ref_types import (
    AS_PATH,
    DRIVE,
    Alias,
    BareRef,
    GitRef,
    Latest,
    LoggedModelRef,
    NameRef,
    Newest,
    Number,
    PathRef,
    Ref,
    RemoteRef,
    RunRef,
    Selector,
    SemVer,
    Stage,
)
from modelyard.base.web_hosts import hosted

MAX_REFERENCE = 4096

REMOTE_EXTRAS: Mapping[str, str] = {
    "s3": "s3",
    "gs": "gs",
    "az": "azure",
    "sftp": "sftp",
    "hdfs": "hdfs",
    "memory": "s3",
    "https": "",
    "http": "",
}
"""Scheme -> the extra that brings what is needed to open it; empty where that is part of modelyard."""

_MAX_DIGITS = 18  # fits the 64 bits a database has for it
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
_RUN_ID = re.compile(r"[0-9a-f]{32}")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_AUTHORITY = re.compile(r"(?:(?P<user>.*)@)?(?P<host>[^@]*?)(?::(?P<port>[0-9]{1,5}))?", re.DOTALL)
TOKEN = re.compile(r"gh[a-z]_|github_pat_|gl[a-z]+-|ATCTT|.{32}")
"""How a user name begins that is none: hosts take a token in its place."""
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def parse(text: str) -> Ref:
    """What a reference means, without looking whether it exists. Anything unclear is `InvalidReference`.

    >>> parse("churn@champion")
    NameRef(name='churn', selector=Alias(name='champion'))
    >>> parse("churn#prod") == parse("models:/churn/prod")
    True
    >>> parse("git+https://host/org/repo@main#models/churn")
    GitRef(repo='https://host/org/repo', rev='main', object=BareRef(text='models/churn'), tail='')
    """
    if not text.strip():
        _refuse(text, "it is empty")
    if len(text) > MAX_REFERENCE:
        _refuse(text, f"it has more than {MAX_REFERENCE} characters")
    if odd := names.invisible(text):
        _refuse(text, f"it has the control or invisible character {odd}")
    scheme = _SCHEME.match(text)
    if scheme and (parser := _PARSERS.get(scheme[1].lower())):
        return parser(text)
    if scheme and text[scheme.end() :][:1] in ("/", ":"):
        known = sorted(_PARSERS)
        other = f"known: {', '.join(known)}; a file of this name is ./{text}"
        _refuse(text, f"unknown scheme {scheme[1]!r}", did_you_mean(scheme[1], known) or other)
    return _local(text)


def unavailable(ref: Ref) -> ModelyardError:
    """The error to raise where a well-formed reference cannot be opened by what is installed here."""
    if isinstance(ref, RemoteRef) and (extra := REMOTE_EXTRAS.get(ref.scheme)):
        return MissingExtra(f"reading {ref.scheme}://", extra)
    return NotSupported(
        f"{_WORDS[type(ref)]} cannot be opened here: '{ref}'",
        hint="copy the object to a folder of this computer, and give its path",
    )


_WORDS: Mapping[type, str] = {
    PathRef: "paths",
    BareRef: "paths and names",
    NameRef: "registered names",
    LoggedModelRef: "logged models",
    RunRef: "artifacts of runs",
    GitRef: "Git references",
    RemoteRef: "web addresses",
}


def _refuse(text: str, reason: str, hint: str | None = None) -> NoReturn:
    shown = re.sub(r"//[^/]*@", "//…@", text, count=1)  # it may hold a password
    shown = shown if len(shown) <= 200 else shown[:200] + "…"
    raise InvalidReference(f"reference {shown!r} is refused: {reason}", hint=hint)


# Paths and names


def _local(text: str) -> PathRef | BareRef | NameRef:
    if text.startswith(("//", "\\\\")):
        _refuse(text, "it names another computer", "mount the share and give its path")
    if text in (".", "..") or text.startswith(AS_PATH) or DRIVE.match(text):
        return PathRef(_undotted(text))
    if mark := re.search(r"[@#]", text):
        return _named(text, text[: mark.start()], mark[0], text[mark.end() :])
    if text.endswith(".yard.yaml") or not (_accepts(text, "yard") or _accepts(text, "git")):
        return PathRef(text)
    return BareRef(text)


def _undotted(path: str) -> str:
    """Without ``./`` in front, where the rest cannot be taken for something else."""
    while path.startswith("./"):
        rest = path[2:]
        if not rest or rest.startswith(("/", "~", "\\")) or DRIVE.match(rest):
            break
        path = rest
    return path


def _named(text: str, name: str, mark: str, word: str) -> NameRef:
    if re.fullmatch(r"[\w.-]+@[\w.-]+:[\w./~-]+", text):
        _refuse(text, "it is an address for ssh", f"git+ssh://{text.replace(':', '/', 1)}")
    if not word:
        what = "version or alias" if mark == "@" else "stage"
        _refuse(text, f"no {what} after {mark!r}", f"a file of this name is ./{text}")
    selector = _stage(text, word) if mark == "#" else _version(text, word)
    return NameRef(_name(text, name), selector)


def _accepts(name: str, registry: names.RegistryKind) -> bool:
    try:
        names.check_name(name, registry=registry)
    except InvalidName:
        return False
    return True


def _name(text: str, name: str) -> str:
    """A name that at least one kind of registry takes, in NFC."""
    if _accepts(name, "git"):
        return name
    try:
        return names.check_name(name)
    except InvalidName as error:
        _refuse(text, error.message, error.hint)


def _version(text: str, word: str) -> Selector:
    """What follows ``@``."""
    if word == "latest":
        return Latest()
    if re.fullmatch(r"[0-9]+", word):
        if word.startswith("0") or len(word) > _MAX_DIGITS:
            _refuse(text, f"there is no version {word[:40]}", "versions count 1, 2, 3")
        return Number(int(word))
    try:
        if re.match(r"[vV]?[0-9]+(\.|$)", word):
            return SemVer(names.check_semver(word))
        return Alias(names.check_alias(word))
    except InvalidName as error:
        number = re.fullmatch(r"[vV]([1-9][0-9]*)", word)
        numbered = f", or {number[1]} for the version of that number" if number else ""
        _refuse_word(text, error, f"{error.hint}{numbered}")


def _stage(text: str, word: str) -> Stage:
    try:
        return Stage(names.check_stage(word))
    except InvalidName as error:
        _refuse_word(text, error, f"{error.hint}")


def _refuse_word(text: str, error: InvalidName, hint: str) -> NoReturn:
    file = "" if _SCHEME.match(text) else f"; a file of this name is ./{text}"
    _refuse(text, error.message, hint + file)


# MLflow's spellings


def _models(text: str) -> NameRef | LoggedModelRef:
    """``models:/`` and name, name/version, name/stage, name@alias, name#stage, or m-id."""
    if not text.lower().startswith("models:/"):
        _refuse(text, "it has no '/' after 'models:'", f"models:/{text[7:]}")
    name, mark, word = _split_model(text, text[len("models:/") :])
    if names.LOGGED_MODEL.fullmatch(name) and not mark:
        return LoggedModelRef(name)
    name = _name(text, _decoded(text, name))
    if not mark:
        return NameRef(name, Newest())
    word = _decoded(text, word)
    if mark == "#" or (mark == "/" and not _reads_as_version(word)):
        return NameRef(name, _stage(text, word))
    selector = _version(text, word)
    if mark == "@" and not isinstance(selector, Alias):
        _refuse(text, f"{word!r} is no alias", f"models:/{name}/{word}")
    return NameRef(name, selector)


def _split_model(text: str, rest: str) -> tuple[str, str, str]:
    mark = re.search(r"[@#/]", rest)
    if mark is None:
        return rest, "", ""
    name, word = rest[: mark.start()], rest[mark.end() :]
    if not name or not word or "/" in word:
        _refuse(text, "it is not models:/NAME/VERSION", "inside a name or stage '/' is written %2F")
    return name, mark[0], word


def _reads_as_version(word: str) -> bool:
    return word == "latest" or re.match(r"[vV]?[0-9]+(\.|$)", word) is not None


def _runs(text: str) -> RunRef:
    run_id, _, path = text[len("runs:/") :].partition("/")
    if text[:6].lower() != "runs:/" or not _RUN_ID.fullmatch(run_id):
        _refuse(text, "it has no run's id", "as runs:/<32 hex digits>/<path>")
    return RunRef(run_id, _plain_path(text, _decoded(text, path)))


def _plain_path(text: str, path: str) -> str:
    try:
        return "/".join(safe_segments(path))
    except InvalidPath as error:
        _refuse(text, error.message)


# Addresses


def _decoded(text: str, part: str) -> str:
    """Percent-decoding, once: what still has an escape then was encoded twice, to get past somebody."""
    try:
        decoded = unquote(part, errors="strict")
    except UnicodeDecodeError:
        _refuse(text, "its percent escapes are not UTF-8")
    if re.search(r"%[0-9A-Fa-f]{2}", decoded):
        _refuse(text, "it is percent-encoded twice")
    if odd := names.invisible(decoded):
        _refuse(text, f"it has the control or invisible character {odd}")
    return decoded


def _file(text: str) -> PathRef:
    url = re.fullmatch(r"(?i:file)://(?:localhost)?(/[^#?]*)", text)
    path = _decoded(text, url[1]) if url else ""
    if not path or path.startswith("//") or "\\" in path:
        _refuse(text, "it names no file of this computer", "as file:///folder/churn")
    return PathRef(path[1:] if DRIVE.match(path, 1) else path)


def _git(text: str) -> GitRef:
    """``git+scheme://authority/path[@rev][#OBJECT]``; the first ``@`` of the path begins the revision."""
    url, hash_, word = text[len("git+") :].partition("#")
    scheme, _, rest = url.partition("://")
    authority, _, path = rest.partition("/")
    path, at, rev = path.partition("@")
    path = path.rstrip("/")
    _check_address(text, scheme.lower(), authority, path)
    if not path:
        _refuse(text, "it names no repository", "as git+https://host/org/repo@rev#OBJECT")
    repo = f"{scheme.lower()}://{authority}/{path}"
    return GitRef(repo, _rev(text, rev) if at else "", _object(text, word) if hash_ else None)


def _check_address(text: str, scheme: str, authority: str, path: str) -> None:
    """So plain that no tool behind us can take the host for another one, or the path for one above."""
    if authority and scheme == "file":
        _refuse(text, "it names another computer", "as git+file:///folder/repo")
    if authority or scheme not in ("file", "hdfs", "memory"):
        parts = _AUTHORITY.fullmatch(authority)
        user, host, port = parts.group("user", "host", "port") if parts else (None, "", None)
        if user and (":" in user or (scheme in ("http", "https") and TOKEN.match(user))):
            _refuse(
                text,
                "it holds a password or token",
                "credentials belong where your tools keep them",
            )
        plain = _HOST.fullmatch(host) and (user is None or _USER.fullmatch(user))
        if not plain or int(port or 1) > 65535:
            _refuse(text, "it names no host, or not plainly")
    if "\\" in path or ".." in re.split(r"[/?;&=#]", _decoded(text, path)):
        _refuse(text, "it has '..' or a backslash")


def _rev(text: str, rev: str) -> str:
    """A branch, tag, commit or expression such as ``HEAD~1``; never what Git would take for an option."""
    rev = _decoded(text, rev)
    if not rev or rev[0] in "-/" or rev[-1] == "/" or re.search(r"[\s:?*\[\\]|@\{|\.\.", rev):
        _refuse(text, f"{rev!r} is no revision")
    return rev


def _object(text: str, word: str) -> PathRef | BareRef | NameRef:
    """What follows ``#`` in a Git reference: a path inside the repository, or a registry reference there."""
    if not word:
        _refuse(text, "no object after '#'", "a path such as models/churn, or churn#prod")
    found = _models(word) if word.startswith("models:/") else _local(word)
    if isinstance(found, LoggedModelRef):
        _refuse(text, "a repository has no logged models")
    return PathRef(_plain_path(text, found.path)) if isinstance(found, PathRef) else found


def _web(text: str) -> GitRef | RemoteRef:
    """A web address: of a repository where its website shows one, else of a file."""
    url, hash_, word = text.partition("#")
    url, _, query = re.sub(r"^[^/]*//[^/]*", lambda host: host[0].lower(), url).partition("?")
    found = hosted(url.rstrip("/"), query)
    if found is None:
        return _remote(text)
    _check_address(text, "https", urlsplit(found.repo).netloc, url)
    spot = _rev(text, word_at) if (word_at := found.rev or found.tail) else ""
    if found.tail and not hash_:
        return GitRef(found.repo, tail=spot)
    if found.path:
        if hash_:
            _refuse(text, "it names an object twice", f"as git+{found.repo}@{spot or 'REV'}#{word}")
        return GitRef(found.repo, spot, PathRef(_plain_path(text, _decoded(text, found.path))))
    # Where an object is named nothing is left to guess: all of the tail is the revision.
    return GitRef(found.repo, spot, _object(text, word) if hash_ else None)


def _remote(text: str) -> RemoteRef:
    scheme, _, rest = text.partition("://")
    authority, _, path = rest.partition("/")
    _check_address(text, scheme.lower(), authority, path)
    if "#" in rest:
        _refuse(text, "it has '#'", "in a path that is written %23")
    return RemoteRef(scheme.lower(), f"{scheme.lower()}://{rest}")


_PARSERS: Mapping[str, Callable[[str], Ref]] = {
    "models": _models,
    "runs": _runs,
    "file": _file,
    "git+https": _git,
    "git+ssh": _git,
    "git+file": _git,
    **dict.fromkeys(REMOTE_EXTRAS, _remote),
    "https": _web,
}
