"""Requirement lines: ``name[extra]==1.2; marker``, and nothing else that a requirements file may hold.

A line ends up in a card, an image build and a ``pip install``, often on another machine. So options, URLs and paths
are refused: they change where packages come from, or point at files that only this machine has.

>>> str(parse_requirement("Scikit_Learn >= 1.5, <2"))
'scikit-learn>=1.5,<2'
>>> parse_requirement("-r /etc/passwd")
Traceback (most recent call last):
modelyard.base.errors.InvalidInput: requirement '-r /etc/passwd' is refused: it is an option, not a package
Hint: only lines like name==1.2, name>=1,<2 or name[extra]; options belong to the command that installs
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelyard.base.errors import FileMissing, InvalidInput
from modelyard.environments.markers import canonical
from modelyard.environments.versions import OPERATORS, check_specifier, satisfies

MAX_LINE = 500
"""Characters in one requirement."""
MAX_FILE = 1 << 20
"""Bytes in one requirements file."""

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?", re.ASCII)
_START = re.compile(rf"({_NAME.pattern})\s*(?:\[([^\]]*)\])?\s*(\(.*\)|.*)", re.ASCII)
_VERSION_TEXT = re.compile(r"[A-Za-z0-9.!+*_-]+", re.ASCII)
_LINK = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:|git\+)", re.ASCII)

_NO_OPTION = "only lines like name==1.2, name>=1,<2 or name[extra]; options belong to the command that installs"
_NO_LINK = (
    "name a released version (name==1.2); code of your own travels with the model: modules=[…]"
)


@dataclass(frozen=True, slots=True)
class Requirement:
    """One line, taken apart. ``str()`` gives the canonical spelling, which parses back to an equal value."""

    name: str
    """Normalised."""
    specifiers: tuple[tuple[str, str], ...] = ()
    """Operator and version, as given."""
    extras: tuple[str, ...] = ()
    """Normalised, sorted."""
    marker: str = ""
    """Canonical; empty when the line holds everywhere."""

    def __str__(self) -> str:
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        marker = f"; {self.marker}" if self.marker else ""
        return f"{self.name}{extras}{self.specifier}{marker}"

    @property
    def specifier(self) -> str:
        """``>=1,<2``; empty when any version will do."""
        return ",".join(operator + version for operator, version in self.specifiers)

    @property
    def pin(self) -> str:
        """The one version that ``==`` names, else empty."""
        if len(self.specifiers) != 1:
            return ""
        operator, version = self.specifiers[0]
        return version if operator in ("==", "===") and not version.endswith(".*") else ""

    def accepts(self, version: str) -> bool:
        """Whether an installed version meets all specifiers; pre-releases count like any other."""
        return all(satisfies(version, operator, wanted) for operator, wanted in self.specifiers)


def normalise_name(name: str) -> str:
    """The one spelling of a distribution's name (PEP 503).

    >>> normalise_name("Ruamel.YAML")
    'ruamel-yaml'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def parse_requirement(line: str) -> Requirement:
    """Read one line; `InvalidInput` says what is wrong with it, and for options and links why they are refused."""
    text = line.strip()
    if reason := _why_not(text):
        raise _refused(text, *reason)
    head, _, marker = text.partition(";")
    match = _START.fullmatch(head.strip())
    if match is None:
        raise _refused(text, "it does not start with a package name", "like name==1.2")
    name, extras, specifiers = match.groups()
    try:
        return Requirement(
            normalise_name(name),
            tuple(_specifiers(specifiers)),
            _extras(extras),
            canonical(marker) if ";" in text else "",
        )
    except InvalidInput as error:
        raise _refused(text, error.message, error.hint) from None


def _why_not(text: str) -> tuple[str, str] | None:
    if not text:
        return "it is empty", "like name==1.2"
    if len(text) > MAX_LINE:
        return f"it is longer than {MAX_LINE} characters", "one package a line"
    if not text.isprintable():
        return "it has a line break or a control character", "one package a line"
    if " --hash" in text:
        return (
            "it has a hash, which a card cannot hold",
            "write the list without: uv export --no-hashes",
        )
    if text.startswith("-") or re.search(r"\s--?[A-Za-z]", text.partition(";")[0]):
        return "it is an option, not a package", _NO_OPTION
    if "${" in text:
        return "it reads an environment variable", "write the value"
    head = text.partition(";")[0]
    if "@" in head or _LINK.match(head):
        return "it is a link", _NO_LINK
    if "/" in head or "\\" in head or head.startswith(".") or _is_archive(head):
        return "it is a path", _NO_LINK
    return None


def _is_archive(head: str) -> bool:
    return head.strip().lower().endswith((".whl", ".zip", ".tar.gz", ".tar.bz2", ".tgz"))


def _refused(text: str, reason: str, hint: str | None) -> InvalidInput:
    shown = text if len(text) <= 80 else f"{text[:80]}…"
    return InvalidInput(f"requirement {shown!r} is refused: {reason}", hint=hint)


def _extras(text: str | None) -> tuple[str, ...]:
    if not text or not text.strip():
        return ()
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if not _NAME.fullmatch(name):
            raise InvalidInput(f"{name!r} is not the name of an extra", hint="like name[extra]")
    return tuple(sorted({normalise_name(name) for name in names}))


def _specifiers(text: str) -> Iterable[tuple[str, str]]:
    text = text.strip()
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1].strip()
    for part in text.split(",") if text else ():
        part = part.strip()
        operator = next((op for op in OPERATORS if part.startswith(op)), None)
        if operator is None:
            raise InvalidInput(f"{part!r} is not a version specifier", hint="like ==1.2 or >=1,<2")
        version = part[len(operator) :].strip()
        if not _VERSION_TEXT.fullmatch(version):
            raise InvalidInput(f"{version!r} is not a version", hint="like ==1.2 or >=1,<2")
        check_specifier(operator, version)
        yield operator, version


def parse_requirements(lines: str | Iterable[str]) -> tuple[Requirement, ...]:
    """Read a file's text or a list of lines: blank lines and comments go, the order stays, repeats are dropped."""
    given = _joined_lines(lines) if isinstance(lines, str) else lines
    found: dict[Requirement, None] = {}
    for line in given:
        if not isinstance(line, str):
            raise InvalidInput(f"a requirement is text, not {type(line).__name__}: {line!r}")
        bare = re.sub(r"(?:^|\s)#[^\n]*$", "", line.strip())
        if bare.strip():
            found[parse_requirement(bare)] = None
    return tuple(found)


def _joined_lines(text: str) -> list[str]:
    return re.sub(r"\\\r?\n[ \t]*", " ", text).splitlines()


def read_requirements(path: Path) -> tuple[Requirement, ...]:
    """Read a requirements file; errors name the file."""
    if not path.is_file():
        raise FileMissing(f"no requirements file {str(path)!r}", hint="or pass a list of lines")
    with path.open("rb") as stream:
        data = stream.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise InvalidInput(f"requirements file {str(path)!r} is larger than {MAX_FILE} bytes")
    try:
        return parse_requirements(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"requirements file {str(path)!r} is not UTF-8 (byte {error.start})",
            hint="save it as UTF-8",
        ) from None
    except InvalidInput as error:
        raise InvalidInput(f"{path}: {error.message}", hint=error.hint) from None


def merge(captured: Iterable[Requirement], given: Sequence[Requirement]) -> tuple[Requirement, ...]:
    """What was found, with every package that was given in place of the one found; sorted.

    >>> found, given = parse_requirements(["numpy==2.4.6", "pandas==3.1.1"]), parse_requirements(["numpy>=2"])
    >>> [str(r) for r in merge(found, given)]
    ['numpy>=2', 'pandas==3.1.1']
    """
    names = {requirement.name for requirement in given}
    kept = [requirement for requirement in captured if requirement.name not in names]
    return tuple(sorted({*kept, *given}, key=str))
