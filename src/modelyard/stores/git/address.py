"""What a repository is called: a path here, or a URL that is plain enough that no tool behind us reads another into it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from modelyard.base import names
from modelyard.base.errors import InvalidReference
from modelyard.base.refs import MAX_REFERENCE, TOKEN

REMOTE = ("https", "http", "ssh", "git")
_PORTS = {"https": 443, "http": 80, "ssh": 22, "git": 9418}
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|[0-9A-Fa-f:.]+")
_SCP = re.compile(r"(?:[\w.-]+@)?[\w.-]{2,}:[^\\/].*")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a repository is: a ``path``, or a ``url`` with its ``host`` (``name`` or ``name:port``)."""

    path: Path | None = None
    url: str = ""
    host: str = ""

    @property
    def scheme(self) -> str:
        return self.url.partition(":")[0]

    @property
    def user(self) -> str:
        """The user name in the URL, which is no secret."""
        return urlsplit(self.url).username or ""


def address_of(where: str | Path) -> Address:
    """What is meant, or `InvalidReference`. Nothing is looked at.

    >>> address_of("git+https://Host/org/repo/")
    Address(path=None, url='https://host/org/repo', host='host')
    """
    if isinstance(where, Path):
        return Address(path=where.expanduser().absolute())
    if len(where) > MAX_REFERENCE or not where or names.invisible(where):
        raise InvalidReference("the address of a repository is empty, too long, or has a control character")  # fmt: skip
    text = where.removeprefix("git+")
    scheme, mark, rest = text.partition("://")
    if not mark or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme):
        return _local(where)
    scheme = scheme.lower()
    if scheme == "file":
        return _file(where, rest)
    if scheme not in REMOTE:
        raise _refused(where, f"Git repositories are not read over {scheme}://")
    return _remote(where, scheme, rest)


def _local(text: str) -> Address:
    if re.match(r"[A-Za-z0-9+.-]+::", text) or text.startswith("-"):
        raise _refused(text, "it would be a command or an option")
    if _SCP.fullmatch(text) and "@" in text:
        raise _refused(text, "it is an address for ssh", f"ssh://{text.replace(':', '/', 1)}")
    return Address(path=Path(text).expanduser().absolute())


def _file(text: str, rest: str) -> Address:
    host, _, path = rest.partition("/")
    path = unquote(path)
    if host not in ("", "localhost") or not path or path.startswith("/") or names.invisible(path):
        raise _refused(text, "it names no folder of this computer", "as file:///folder/repo")
    return Address(path=Path(path if re.match(r"[A-Za-z]:", path) else f"/{path}"))


def _remote(text: str, scheme: str, rest: str) -> Address:
    authority, _, path = rest.partition("/")
    user, at, place = authority.rpartition("@")
    if ":" in user or (scheme in ("http", "https") and TOKEN.match(user)):
        raise _refused(_without_user(text), "it holds a password or token", "credentials belong where your tools keep them")  # fmt: skip
    try:
        parts = urlsplit(f"{scheme}://{place}")
        host, port = parts.hostname or "", parts.port or _PORTS[scheme]
    except ValueError:
        host, port = "", 0
    if not _HOST.fullmatch(host) or (at and not _USER.fullmatch(user)):
        raise _refused(_without_user(text), "it names no host, or not plainly")
    path = path.rstrip("/")
    if not path or re.search(r"[?#\\\s]", path) or ".." in unquote(path).split("/"):
        raise _refused(_without_user(text), "it names no repository, or not plainly")
    name = f"[{host}]" if ":" in host else host
    shown = name if port == _PORTS[scheme] else f"{name}:{port}"
    return Address(url=f"{scheme}://{user}{at}{shown}/{path}", host=shown)


def _without_user(text: str) -> str:
    return re.sub(r"//[^/]*@", "//", text, count=1)


def _refused(text: str, reason: str, hint: str | None = None) -> InvalidReference:
    return InvalidReference(f"the repository {text[:200]!r} is refused: {reason}", hint=hint)
