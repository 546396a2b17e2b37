"""The card: all that is known about a saved object, readable without it (`card_file` reads and writes the YAML)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

from modelyard.base.digests import FileEntry, artifact_digest, blob_id, canonical_json, sha256_bytes
from modelyard.types.interface import DataType
from modelyard.types.schema import Signature

FORMAT_NUMBER = 1

ObjectKind = Literal["model", "data", "link", "target", "deployment", "build", "server"]


@dataclass(frozen=True, slots=True)
class FormatInfo:
    """How the artifact is written, and what opening it can do.

    Tier 0: data only. 1: constructors of our allow-list. 2: runs code when loaded; then ``reasons`` say why.
    """

    name: str
    tier: Literal[0, 1, 2]
    reasons: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Requirements:
    """What the object needs to run: exact versions as they were when it was saved."""

    python: str = ""
    packages: Sequence[str] = ()
    """``name==version``, sorted."""
    system: Sequence[str] = ()
    """Debian package names."""
    modules: Sequence[str] = ()
    """Local code stored with the artifact, POSIX paths relative to its folder."""


@dataclass(frozen=True, slots=True)
class Created:
    """When, by whom and from which state of the code an object was saved."""

    at: str = ""
    by: str = ""
    git: str = ""
    dirty: bool | None = None
    modelyard: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Card:
    """A card. Fields carry the names of the YAML, in its order; what is at its default is left out there."""

    kind: ObjectKind = "model"
    flavor: str = ""
    format: FormatInfo | None = None
    description: str = ""
    labels: Sequence[str] = ()
    artifact: Sequence[FileEntry] = ()
    methods: Mapping[str, Signature] = field(default_factory=dict[str, Signature])
    schema: DataType | None = None
    """Of data objects."""
    profile: Sequence[Mapping[str, Any]] = ()
    """Of data objects that are tables: one mapping a column."""
    shape: Sequence[int] = ()
    """Of data objects that are tables or arrays: rows, then columns or further dimensions."""
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    requirements: Requirements = field(default_factory=Requirements)
    steps: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Pre- and post-processing steps kept beside the model: step -> its flavor and format."""
    sample: Any = None
    """A few rows of the sample's first argument in JSON form, or a mapping by argument when there are several."""
    created: Created = field(default_factory=Created)
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Of links, targets, deployments, builds and servers: their own fields."""
    yard: int = FORMAT_NUMBER
    path: str = field(default="", compare=False)
    """Where the card was read from or written to; not part of it."""

    def __repr__(self) -> str:
        form = f", {self.format.name} tier {self.format.tier}" if self.format else ""
        methods = f", methods {', '.join(self.methods)}" if self.methods else ""
        return f"Card({self.kind} {self.flavor}{form}{methods})".replace(" ,", ",")

    def _repr_html_(self) -> str:
        from modelyard.objects.card_html import card_html

        return card_html(self)

    @property
    def artifact_digest(self) -> str:
        """``sha256:…`` of the artifact's list of files, without the artifact's own name: a copy has the same."""
        names = inner_names(self.artifact)
        return artifact_digest(
            replace(entry, path=name) for name, entry in zip(names, self.artifact, strict=True)
        )

    @property
    def digest(self) -> str:
        """``sha256:…`` of what decides behaviour: files, flavor, format, methods and modules."""
        from modelyard.types.spelling import signature_to_dict

        return blob_id(
            sha256_bytes(
                canonical_json(
                    {
                        "artifact": self.artifact_digest,
                        "kind": self.kind,
                        "flavor": self.flavor,
                        "format": self.format.name if self.format else "",
                        "methods": {m: signature_to_dict(s) for m, s in self.methods.items()},
                        "modules": list(self.requirements.modules),
                        "steps": dict(self.steps),
                    }
                )
            )
        )

    def but(self, **changes: Any) -> Self:
        """A copy with some fields changed."""
        return replace(self, **changes)


NESTED = "nested/"
"""Where an artifact keeps the models that stand beside a pickle, each in a folder ``<number>-<flavor>-<format>``."""


def nested_plugins(entries: Sequence[FileEntry]) -> list[tuple[str, str]]:
    """Flavor and format of each model that stands beside a pickle, from the names of their folders.

    >>> nested_plugins([FileEntry("both/nested/0-sklearn-skops/model.skops", 1, "")])
    [('sklearn', 'skops')]
    """
    folders = [name.split("/")[1] for name in inner_names(entries) if name.startswith(NESTED)]
    parts = [folder.split("-") for folder in dict.fromkeys(folders)]
    return [(part[1], part[2]) for part in parts if len(part) == 3]


def inner_names(entries: Sequence[FileEntry]) -> list[str]:
    """Names of an artifact's files without the artifact's own name, which may change when it is copied.

    >>> inner_names([FileEntry("churn/model.skops", 1, ""), FileEntry("churn/modules/features.py", 1, "")])
    ['model.skops', 'modules/features.py']
    >>> inner_names([FileEntry("churn", 1, "")])
    ['artifact']
    """
    if len(entries) == 1 and "/" not in entries[0].path:
        return ["artifact"]
    return [e.path.split("/", 1)[1] if "/" in e.path else e.path for e in entries]
