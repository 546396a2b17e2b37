"""What a reference can be: frozen values that write themselves back as text (`refs.parse` reads it)."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

DRIVE = re.compile(r"[A-Za-z]:")
AS_PATH = ("/", "./", "../", "~", "\\", ".\\", "..\\")
"""What a text begins with that can only be a path."""

_PLAIN_NAME = re.compile(r"\w[\w .-]*(?:/\w[\w.-]*)*")
_TREE = {"github.com": "/tree/", "bitbucket.org": "/src/"}


@dataclass(frozen=True, slots=True)
class Newest:
    """``churn``: the version registered last."""


@dataclass(frozen=True, slots=True)
class Latest:
    """``churn@latest``: the highest version."""


@dataclass(frozen=True, slots=True)
class Number:
    """``churn@3``: the third version in a yard; they count from 1."""

    number: int


@dataclass(frozen=True, slots=True)
class SemVer:
    """``churn@v1.2.0``, with its ``v``."""

    version: str


@dataclass(frozen=True, slots=True)
class Alias:
    """``churn@champion``: what the alias points to."""

    name: str


@dataclass(frozen=True, slots=True)
class Stage:
    """``churn#prod``: what the stage holds now."""

    name: str


Selector = Newest | Latest | Number | SemVer | Alias | Stage


def selector_text(selector: Selector) -> str:
    """The selector with its mark, as it follows a name; empty for the newest version."""
    match selector:
        case Newest():
            return ""
        case Latest():
            return "@latest"
        case Number(word) | SemVer(word) | Alias(word):
            return f"@{word}"
        case Stage(word):
            return f"#{word}"


@dataclass(frozen=True, slots=True)
class PathRef:
    """A path of this computer (or inside a repository): an object is there, or it is an error."""

    path: str

    def __str__(self) -> str:
        certain = self.path in (".", "..") or self.path.startswith(AS_PATH)
        return self.path if certain or DRIVE.match(self.path) else f"./{self.path}"


@dataclass(frozen=True, slots=True)
class BareRef:
    """A word that may be a path or a name. The resolver decides: a path when an object is there, else a name."""

    text: str

    @property
    def path(self) -> str:
        return self.text

    @property
    def name(self) -> str:
        return unicodedata.normalize("NFC", self.text)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class NameRef:
    """A name in a registry, and which of its versions."""

    name: str
    selector: Selector = Newest()

    def __str__(self) -> str:
        word = selector_text(self.selector)
        if word and _PLAIN_NAME.fullmatch(self.name):
            return self.name + word
        quoted = f"models:/{quote(self.name, safe='')}"
        if isinstance(self.selector, Alias | Stage | Newest):
            return quoted + quote(word, safe="@#")
        return f"{quoted}/{quote(word[1:], safe='')}"


@dataclass(frozen=True, slots=True)
class LoggedModelRef:
    """``models:/m-<32 hex>``: a model logged by a run, registered or not."""

    id: str

    def __str__(self) -> str:
        return f"models:/{self.id}"


@dataclass(frozen=True, slots=True)
class RunRef:
    """``runs:/<32 hex>/<path>``: a path among a run's artifacts."""

    run_id: str
    path: str

    def __str__(self) -> str:
        return f"runs:/{self.run_id}/{quote(self.path)}"


@dataclass(frozen=True, slots=True)
class GitRef:
    """An object in a Git repository. ``repo`` is the URL that Git takes; ``rev`` is empty for the default branch.

    A tree URL copied from a website does not say where the branch ends and the path begins
    (``tree/feature/x/models/churn``): it stays in ``tail``, and the resolver asks the repository.
    """

    repo: str
    rev: str = ""
    object: PathRef | BareRef | NameRef | None = None
    tail: str = ""

    def __str__(self) -> str:
        if self.tail:
            host = urlsplit(self.repo).hostname or ""
            return f"{self.repo}{_TREE.get(host, '/-/tree/')}{quote(self.tail)}"
        rev = f"@{quote(self.rev)}" if self.rev else ""
        return f"git+{self.repo}{rev}" + (f"#{self.object}" if self.object else "")


@dataclass(frozen=True, slots=True)
class RemoteRef:
    """An object in a bucket or behind a URL."""

    scheme: str
    url: str

    def __str__(self) -> str:
        return self.url


Ref = PathRef | BareRef | NameRef | LoggedModelRef | RunRef | GitRef | RemoteRef
