"""What requests and answers look like. FastAPI checks them, and the UI's types are made from them.

Fields are frozen: one may be added, none renamed or given another meaning while the path says ``v1``. How an answer is
written is worked out when it is first used, not at the start.
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")

Text = Annotated[str, Field(max_length=100_000)]
Name = Annotated[str, Field(min_length=1, max_length=256)]
Comment = Annotated[str, Field(max_length=10_000)]
Key = Annotated[str, Field(min_length=1, max_length=250)]
TagValue = Annotated[str, Field(max_length=8000)]
Tags = Annotated[dict[Key, TagValue], Field(max_length=1000)]
TagChanges = Annotated[dict[Key, TagValue | None], Field(max_length=1000)]
VersionWord = int | str
Moment = Annotated[str, Field(examples=["2026-11-20T23:17:00Z"])]


class Sent(BaseModel):
    """A body: what is not known is refused, so that a misspelt field is not taken for an absent one."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())


class Told(BaseModel):
    """An answer."""

    model_config = ConfigDict(protected_namespaces=(), defer_build=True)


class Page(Told, Generic[T]):
    """A page of a listing."""

    items: list[T]
    next: str | None = Field(None, description="The `page` of the next one; null at the end.")


class ErrorFacts(Told):
    """What went wrong."""

    code: str = Field(examples=["not_found"], description="Stable; docs/errors.md lists them.")
    message: str = Field(examples=["no model named 'chrun' in yard.db"])
    hint: str | None = Field(None, examples=["did you mean 'churn'?"])
    details: dict[str, Any] | None = None
    request_id: str = Field(examples=["019a1b2c3d4e5f60718293a4b5c6d7e8"])


class Failure(Told):
    """The body of every answer of 400 and above."""

    error: ErrorFacts


class Model(Told):
    """A registered model."""

    name: str = Field(examples=["churn"])
    description: str
    tags: dict[str, str]
    deprecated: bool
    latest: VersionWord | None = Field(examples=[3])
    versions: int
    stages: dict[str, VersionWord] = Field(examples=[{"prod": 2}])
    aliases: dict[str, VersionWord] = Field(examples=[{"champion": 3}])
    created_at: Moment
    updated_at: Moment


class NewModel(Sent):
    """A model to make."""

    name: Name = Field(examples=["churn"])
    description: Text = ""
    tags: Tags = Field(default_factory=dict)


class Changes(Sent):
    """What to change; absent fields stay, a tag that is null goes."""

    description: Text | None = Field(None, examples=["Who will leave"])
    tags: TagChanges | None = Field(None, examples=[{"team": "growth", "old": None}])


class VersionChanges(Changes):
    """What to change of a version; metrics are added to those that it has."""

    metrics: Annotated[dict[Key, float], Field(max_length=1000)] | None = Field(
        None, examples=[{"accuracy": 0.97}]
    )


class NewComment(Sent):
    """Something to say about a model, or about one of its versions."""

    text: Annotated[str, Field(min_length=1, max_length=10_000)] = Field(
        examples=["checked on last month's orders"]
    )
    version: VersionWord | None = None


class Lineage(Told):
    """Where a version comes from and where it went; what is not known is null or empty."""

    dataset: dict[str, Any] | None
    run: dict[str, Any] | None
    version: dict[str, Any]
    stages: list[str]
    aliases: list[str]
    predictions: int


class Renaming(Sent):
    """Another name."""

    name: Name = Field(examples=["churn-eu"])


class Version(Told):
    """A version of a model."""

    name: str = Field(examples=["churn"])
    version: VersionWord = Field(examples=[3])
    semver: str | None
    description: str
    tags: dict[str, str]
    active: bool
    stages: list[str]
    aliases: list[str]
    flavor: str | None = Field(examples=["sklearn"])
    format: str | None
    tier: int | None
    labels: list[str]
    metrics: dict[str, Any]
    dataset: str | None
    target: str | None
    run: str | None
    digest: str | None
    comment: str
    created_at: Moment
    created_by: str
    updated_at: Moment


class VersionWithCard(Version):
    """A version with its card."""

    card: dict[str, Any] | None


class NewVersion(Sent):
    """A version to register: of files that were uploaded (``card``), or of what another version is (``source``)."""

    card: dict[str, Any] | None = Field(
        None, description="The card of a saved object, its files uploaded to /blobs before."
    )
    source: Annotated[str, Field(min_length=1, max_length=600)] | None = Field(
        None,
        examples=["churn@3"],
        description="A registered version: name@version, @alias, #stage.",
    )
    description: Text = ""
    semver: Annotated[str, Field(max_length=256)] | None = None
    bump: Literal["major", "minor", "patch"] | None = None
    dataset: Annotated[str, Field(max_length=600)] | None = Field(None, examples=["iris@1"])
    target: Annotated[str, Field(max_length=1000)] | None = None
    run: Annotated[str, Field(max_length=64)] | None = None
    comment: Comment = ""


class StageChange(Sent):
    """A version for a stage."""

    version: VersionWord | None = Field(None, examples=[2], description="Absent: the newest.")
    comment: Comment = Field("", examples=["better on the holdout set"])


class Why(Sent):
    """The reason, for the history."""

    comment: Comment = ""


class AliasChange(Sent):
    """A version for an alias."""

    version: VersionWord = Field(examples=[3])


class FileEntry(Told):
    """A file."""

    path: str
    size: int
    sha256: str


class Event(Told):
    """What happened: one line of history and audit."""

    seq: int
    at: Moment
    actor: str
    kind: str = Field(examples=["stage.assigned"])
    subject: str = Field(examples=["model:churn"])
    before: dict[str, Any]
    after: dict[str, Any]
    comment: str
    request_id: str


class Dataset(Told):
    """A version of a data set."""

    id: int
    name: str = Field(examples=["iris"])
    version: int
    size_cols: int | None
    size_rows: int | None
    description: str
    created_at: Moment


class DatasetWithCard(Dataset):
    """A version of a data set with its card and the profile of its columns."""

    created_by: str
    digest: str
    card: dict[str, Any]
    profile: list[dict[str, Any]]
    notes: list[str] = Field(default_factory=list, description="Remarks of who adds it.")


class NewDataset(Sent):
    """Data to add; its files were uploaded to /blobs before."""

    name: Name = Field(examples=["iris"])
    description: Text = ""
    card: dict[str, Any]


class Prediction(Told):
    """One record that a model was asked about."""

    id: int
    at: Moment
    model: str
    method: str
    reference_id: str
    inputs: dict[str, Any]
    outputs: Any
    actual: Any
    latency_ms: float | None
    caller: str
    request_id: str
    row: int
    arm: str
    error: str
    model_version_id: int | None
    dataset_id: int | None
    digest: str


class NewPrediction(Sent):
    """A record that a model was asked about, to keep."""

    at: Moment | None = None
    model: Annotated[str, Field(min_length=1, max_length=600)] = Field(examples=["churn@3"])
    method: Annotated[str, Field(max_length=256)] = Field(examples=["predict"])
    reference_id: Annotated[str, Field(max_length=2048)]
    inputs: dict[str, Any]
    outputs: Any = None
    latency_ms: float | None = None
    request_id: Annotated[str, Field(max_length=200)] = ""
    row: Annotated[int, Field(ge=0, le=2**31)] = 0
    arm: Annotated[str, Field(max_length=200)] = ""
    error: Annotated[str, Field(max_length=1000)] = ""
    model_version_id: int | None = None
    dataset_id: int | None = None
    digest: Annotated[str, Field(max_length=64)] = ""


class NewPredictions(Sent):
    """Records to keep: all of them, or none."""

    items: Annotated[list[NewPrediction], Field(min_length=1, max_length=10_000)]


class Feedback(Sent):
    """What turned out to be true."""

    reference_id: Annotated[str, Field(min_length=1, max_length=2048)] = Field(
        examples=["order-17"]
    )
    actual: Any = Field(examples=[1])


class Count(Told):
    """How many."""

    count: int


class Blob(Told):
    """Stored bytes."""

    sha256: str
    size: int


class Server(Told):
    """What runs here, and who asks."""

    version: str = Field(examples=["0.1.0"])
    yard: str = Field(description="The yard's id.")
    database: Literal["sqlite", "postgresql", "mysql"]
    actor: str
    role: str
    scopes: list[str]
    authentication: bool = Field(description="Whether a token is needed.")


class User(Told):
    """A user."""

    name: str
    role: str
    tokens: int
    created_at: Moment


class NewUser(Sent):
    """A user to add."""

    name: Name = Field(examples=["ana"])
    role: Literal["viewer", "editor", "promoter", "deployer", "admin"] = "editor"


class Token(Told):
    """A token, without its secret."""

    id: int
    user: str
    name: str
    start: str
    role: str
    scopes: list[str]
    created_at: Moment | None
    expires_at: Moment | None
    last_used_at: Moment | None
    revoked_at: Moment | None


class TokenWithSecret(Token):
    """A new token; its secret is shown this once."""

    secret: str


class NewToken(Sent):
    """A token to make."""

    user: Name = Field(examples=["ana"])
    name: Annotated[str, Field(max_length=200)] = ""
    role: Literal["viewer", "editor", "promoter", "deployer", "admin"] | None = None
    scopes: Annotated[list[Annotated[str, Field(min_length=1, max_length=256)]], Field(max_length=100)] = Field(default_factory=list)  # fmt: skip
    expires_at: Moment | None = None
