"""What MLEM called a meta object: a saved thing with its description, callable when it is a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from modelyard import environments
from modelyard.base.errors import (
    EnvironmentMismatch,
    InvalidInput,
    NotSupported,
)
from modelyard.compat._mlem.layout import file_of, read_meta
from modelyard.objects.card import Card, Requirements
from modelyard.objects.card_file import card_path, read_card, write_card
from modelyard.objects.copying import copy_source
from modelyard.objects.load import load_data, load_model
from modelyard.objects.model import Model
from modelyard.objects.source import Source
from modelyard.types.arguments import bind_arguments
from modelyard.yard.cloning import clone, link
from modelyard.yard.resolving import resolve


class MlemObject:
    """A saved object. ``source`` is ours, ``card`` all that is known about it."""

    object_type: ClassVar[str] = ""

    def __init__(self, source: Source, path: str) -> None:
        self.source, self.path = source, path

    @property
    def card(self) -> Card:
        """Our card."""
        return self.source.card

    @property
    def name(self) -> str:
        """The last segment of its path."""
        return self.source.name

    @property
    def is_saved(self) -> bool:
        """Always: these objects come from a place."""
        return True

    @property
    def params(self) -> dict[str, Any]:
        """Description, labels and whatever else users noted down."""
        card = self.card
        told = {"description": card.description, "labels": list(card.labels)}
        return {**{k: v for k, v in told.items() if v}, **card.metadata}

    @property
    def requirements(self) -> Requirements:
        """What it needs to run."""
        return self.card.requirements

    def meta_hash(self) -> str:
        """The digest of what decides its behaviour."""
        return self.card.digest

    def checkenv(self) -> None:
        """`EnvironmentMismatch` when this environment is another than the one it was saved in."""
        differences = environments.check(self.card.requirements)
        if differences:
            raise EnvironmentMismatch(
                f"{self.name} was saved in another environment:\n  "
                + "\n  ".join(environments.describe(differences)),
                hint=environments.fix_line(differences),
            )

    def dump(self, path: str, fs: Any = None, project: str | None = None) -> Self:
        """Write it to another path, as an object of ours."""
        no_filesystem(fs)
        target = joined(project, path)
        copy_source(self.source, target)
        return type(self)(resolve(Path(target)), target)

    clone = dump

    def make_link(
        self,
        path: str | None = None,
        fs: Any = None,
        project: str | None = None,
        absolute: bool = False,
    ) -> MlemLink:
        """A link to it at a path."""
        no_filesystem(fs)
        if path is None:
            raise InvalidInput("a link needs a path to be written to")
        return MlemLink.made(self.path, joined(project, path), absolute)

    def update(self) -> None:
        """Write the card again, where it came from."""
        if not self.card.path:
            raise NotSupported(
                f"{self.path} is a file of MLEM's, which is not written", hint="clone it first"
            )
        write_card(self.card, Path(self.card.path))

    def load_value(self) -> None:
        """Load what it holds."""

    def unload_value(self) -> None:
        """Let go of what was loaded."""

    def get_value(self) -> Any:
        """What it holds."""
        return self

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.path!r}, {self.card!r})"


class MlemModel(MlemObject):
    """A model: ``meta.predict(data)`` runs the whole chain, its processors too."""

    object_type = "model"
    _model: Model | None = None

    @property
    def model(self) -> Model:
        """The model with its card, loaded on first use."""
        if self._model is None:
            self._model = load_model(self.source)
        return self._model

    @property
    def methods(self) -> list[str]:
        """The methods it can be asked."""
        return list(self.card.methods)

    def load_value(self) -> None:
        """Load the model."""
        _ = self.model

    def unload_value(self) -> None:
        """Let go of the model."""
        self._model = None

    def get_value(self) -> Any:
        """The object, with its processors."""
        return self.model.object

    def call(self, method: str | None, *args: Any, **named: Any) -> Any:
        """A method, its arguments as the original takes them."""
        name = self.model.method(method)
        given = bind_arguments(self.model.signature(name), args, named)
        return self.model.call(name, **given)

    def __call__(self, *args: Any, **named: Any) -> Any:
        return self.call(None, *args, **named)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or "source" not in self.__dict__ or name not in self.methods:
            known = self.methods if "source" in self.__dict__ else []
            raise AttributeError(f"no method {name!r}; there is: {', '.join(known)}")
        return lambda *args, **named: self.call(name, *args, **named)


class MlemData(MlemObject):
    """Data."""

    object_type = "data"

    @property
    def data(self) -> Any:
        """The value."""
        return load_data(self.source)

    def get_value(self) -> Any:
        """The value."""
        return self.data

    def read_batch(self, batch_size: int) -> Iterator[Batch]:
        """The value in pieces."""
        from modelyard.objects import formats
        from modelyard.objects.interface import BatchReader

        form = self.card.format
        reader = formats.named(form.name) if form else None
        if form is None or not isinstance(reader, BatchReader):
            raise NotSupported(f"{self.path} cannot be read in pieces", hint="leave batch_size out")
        [name] = self.source.files.names()
        with self.source.files.open(name) as stream:
            for value in reader.read_batches(stream, self.card.schema, batch_size):
                yield Batch(value)


class Batch:
    """A piece of data."""

    def __init__(self, data: Any) -> None:
        self.data = data


class MlemLink(MlemObject):
    """A link; its ``source`` is what it leads to."""

    object_type = "link"

    @classmethod
    def made(cls, ref: str, target: str, absolute: bool = False) -> MlemLink:
        """Write a link."""
        link(ref, target, absolute=absolute)
        return cls(resolve(Path(target)), target)

    def load_link(self, follow_links: bool = True) -> MlemObject:
        """What it leads to."""
        return as_object(self.source, self.path)


class MlemEnv(MlemObject):
    """A declared environment."""

    object_type = "env"

    @property
    def options(self) -> Mapping[str, Any]:
        """Its fields; secrets are references."""
        return self.card.options


class MlemBuilder(MlemEnv):
    """A declared builder."""

    object_type = "builder"


class MlemDeployment(MlemEnv):
    """A declared deployment."""

    object_type = "deployment"


_CLASSES: Mapping[str, type[MlemObject]] = {
    "model": MlemModel,
    "data": MlemData,
    "link": MlemLink,
    "target": MlemEnv,
    "build": MlemBuilder,
    "deployment": MlemDeployment,
    "server": MlemEnv,
}


def as_object(source: Source, path: str) -> MlemObject:
    """The class that fits a source."""
    return _CLASSES[source.card.kind](source, path)


def cloned(ref: str, target: str) -> MlemObject:
    """A copy at another path."""
    clone(ref, target)
    return as_object(resolve(Path(target)), target)


def is_link(path: str) -> bool:
    """Whether a link stands at a path: one of ours, or one of MLEM's."""
    ours, theirs = card_path(Path(path)), file_of(Path(path))
    if ours.is_file():
        return read_card(ours).kind == "link"
    return theirs.is_file() and read_meta(theirs).kind == "link"


def joined(project: str | None, path: Any) -> str:
    """A path inside a project's folder."""
    return str(Path(project, path)) if project is not None else str(path)


def no_filesystem(fs: Any) -> None:
    """Only this machine's files."""
    if fs is not None:
        raise NotSupported("fs= is not there yet", hint="save to a folder of this machine")


def require(found: MlemObject, wanted: type[MlemObject] | None) -> MlemObject:
    """The object, when it is of the wanted class."""
    if wanted is not None and not isinstance(found, wanted):
        raise InvalidInput(f"{found.path} is {found.object_type}, not {wanted.object_type}")
    return found
