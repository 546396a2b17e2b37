"""Where an object is saved to: a path of this machine, or a place in a bucket or on a server.

Far away nothing can be renamed in one step but a single file. So the artifact goes beside the card under a name that
carries the digest of its content (``churn.5f0c83a1b2c4``), and the card, which names it, is written last: that is the
moment from which readers see the new pair. The artifact that was replaced stays until the next save, for those who are
reading it; older ones, and what killed uploads left, go then.
"""

from __future__ import annotations

import contextlib
import posixpath
import re
import tempfile
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING

from modelyard.base.clock import now_ms
from modelyard.base.digests import FileEntry
from modelyard.base.errors import AlreadyExists, InvalidInput, NotAllowed, NotSupported
from modelyard.base.paths import list_below
from modelyard.base.refs import GitRef, RemoteRef, parse
from modelyard.objects.card import Card
from modelyard.objects.card_file import SUFFIX, card_path, parse_card
from modelyard.objects.placing import ARTIFACT, CARD, POINTERS, placing
from modelyard.stores import apart

if TYPE_CHECKING:
    from modelyard.stores.folders.remote import Writable

SMALL = 16 << 20
"""Files up to this size are uploaded side by side; larger ones one after another, each in parts side by side."""
AT_ONCE = 4
GRACE_MS = 3600 * 1000
"""What nobody refers to is left alone for so long: somebody may be uploading it."""
MAX_CARD = 8 << 20

_FAR = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def target_path(path: str | Path) -> Path:
    """The artifact's path: a trailing ``.yard.yaml`` is the card's, not part of the name."""
    text = str(path)
    if not text or text.endswith(("/", "\\")):
        raise InvalidInput(
            f"{text!r} is not a path for an object", hint="name a file, as in 'models/churn'"
        )
    return Path(text.removesuffix(SUFFIX)).expanduser()


def target_at(path: str | Path, storage: str | None = None) -> LocalTarget | RemoteTarget:
    """Where a path, or the address of a bucket or server, leads to. ``storage`` is for paths: how the artifact is kept apart
    from the project (`stores.apart`), by default as the project's setting says."""
    if isinstance(path, Path) or not is_far(path):
        return local_target(target_path(path), storage)
    ref = parse(path)
    if isinstance(ref, GitRef):
        raise NotSupported(
            f"nothing can be saved to {path}: a revision does not change",
            hint="save into a working tree, and commit",
        )
    if not isinstance(ref, RemoteRef):
        return local_target(target_path(getattr(ref, "path", path)), storage)
    if storage:
        raise InvalidInput(
            f"{path} is no path of a project, so {storage} cannot keep what is saved there"
        )
    if ref.url.endswith("/"):
        raise InvalidInput(f"{path!r} is not a place for an object", hint=f"as in {path}churn")
    from modelyard.stores.folders.remote import open_writable

    folder, name = open_writable(ref)
    if not name:
        raise InvalidInput(f"{path!r} is not a place for an object", hint=f"as in {path}/churn")
    return RemoteTarget(folder, name.removesuffix(SUFFIX))


def local_target(path: Path, storage: str | None) -> LocalTarget:
    """A path of this machine, with the way that its artifact is kept."""
    return LocalTarget(path, apart.word_for(path, storage))


def is_far(path: str) -> bool:
    """Whether a text is an address, not a path.

    >>> is_far("s3://bucket/churn"), is_far("models/churn")
    (True, False)
    """
    return _FAR.match(path) is not None


@dataclass(frozen=True)
class LocalTarget:
    """A path of this machine."""

    place: Path
    storage: str = ""
    """How the artifact is kept apart too; ``""`` is not at all."""

    @property
    def path(self) -> PurePath:
        """For its name and suffix."""
        return self.place

    @property
    def beside(self) -> Path:
        """The folder whose Git state is the object's."""
        return self.place.parent

    @property
    def label(self) -> str:
        """For people."""
        return str(self.place)

    @property
    def card(self) -> str:
        """Where its card is."""
        return str(card_path(self.place))

    def named(self, card: Card) -> Card:
        """The card as it stands there."""
        return card

    def earlier(self) -> str | None:
        """The text of the card that is there."""
        card = card_path(self.place)
        return card.read_text("utf-8") if card.exists() else None

    @contextlib.contextmanager
    def placing(self) -> Generator[Path]:
        """See `placing.placing`. A pointer to where the artifact is kept apart takes its place together with the card."""
        with placing(self.place) as work:
            yield work
            if self.storage:
                (work / POINTERS).mkdir()
                pointer = work / POINTERS / apart.pointer_path(self.place, self.storage).name
                text = apart.apart(self.storage).keep(work / ARTIFACT, self.place)
                pointer.write_text(text, "utf-8", newline="\n")
        if not self.storage and (before := apart.kept_apart(self.place)):
            apart.apart(before).release(self.place)


@dataclass(frozen=True)
class RemoteTarget:
    """A place in a folder that takes files."""

    folder: Writable
    name: str

    @property
    def path(self) -> PurePath:
        """For its name and suffix."""
        return PurePosixPath(self.name)

    @property
    def beside(self) -> Path:
        """The folder whose Git state is the object's: the one that it is saved from."""
        return Path()

    @property
    def label(self) -> str:
        """For people."""
        return self.folder.ref(self.name)

    @property
    def card(self) -> str:
        """Where its card is."""
        return self.folder.ref(self.name + SUFFIX)

    def named(self, card: Card) -> Card:
        """The card as it stands there: its files under a name that says which content they have."""
        digest = card.artifact_digest.removeprefix("sha256:")[:12]
        name = f"{self.path.stem}.{digest}{self.path.suffix}"
        return card.but(artifact=tuple(_renamed(entry, name) for entry in card.artifact))

    def earlier(self) -> str | None:
        """The text of the card that is there."""
        if self.folder.entry(self.name + SUFFIX) is None:
            return None
        with self.folder.open(self.name + SUFFIX) as stream:
            return stream.read(MAX_CARD).decode("utf-8")

    @contextlib.contextmanager
    def placing(self) -> Generator[Path]:
        """A folder to put ``artifact`` and ``card`` in, as `placing.placing` has; on success they are uploaded."""
        self.refuse_foreign()
        with tempfile.TemporaryDirectory(prefix="modelyard-") as folder:
            work = Path(folder)
            yield work
            self.refuse_foreign()
            self.publish(work)

    def refuse_foreign(self) -> None:
        """Raise `AlreadyExists` when something that is not ours stands in the way."""
        if self.folder.entry(self.name + SUFFIX) is None and self.folder.entry(self.name):
            raise AlreadyExists(
                f"{self.label} exists and is not an object of ours (it has no card)",
                hint="choose another name, or move it away",
            )

    def publish(self, work: Path) -> None:
        """Upload the files, then the card; what is not referred to any more goes."""
        text = (work / CARD).read_text("utf-8")
        new = {_first(entry) for entry in parse_card(text).artifact}
        replaced = self._artifacts()
        if (work / ARTIFACT).exists():
            self._upload(work / ARTIFACT, new.pop() if len(new) == 1 else self.name)
        self.folder.replace(self.name + SUFFIX, text.encode())
        with contextlib.suppress(NotAllowed):  # who may write may not always list or delete
            self._sweep({_first(entry) for entry in parse_card(text).artifact} | replaced)

    def _artifacts(self) -> set[str]:
        """What the card that is there refers to."""
        text = self.earlier()
        try:
            return {_first(e) for e in parse_card(text).artifact} if text else set()
        except InvalidInput:  # it cannot be read, and is replaced
            return set()

    def _upload(self, artifact: Path, name: str) -> None:
        from concurrent.futures import ThreadPoolExecutor

        from modelyard.stores.folders.transfer_bar import Bar

        files = {name: artifact} if artifact.is_file() else _below(artifact, name)
        sizes = {path: file.stat().st_size for path, file in files.items()}
        large = [path for path, size in sizes.items() if size > SMALL]
        with (
            Bar(self.label, sum(sizes.values())) as bar,
            ThreadPoolExecutor(AT_ONCE) as threads,
        ):
            small = [
                threads.submit(self.folder.put, path, files[path], bar.add)
                for path in sizes
                if path not in large
            ]
            try:
                for path in large:
                    self.folder.put(path, files[path], bar.add)
                for done in small:
                    done.result()
            except BaseException:
                threads.shutdown(cancel_futures=True)
                raise

    def _sweep(self, keep: set[str]) -> None:
        """Remove artifacts that no card names: older than the one just replaced, or of an upload that was killed."""
        stem, suffix = re.escape(self.path.stem), re.escape(self.path.suffix)
        form = re.compile(rf"{stem}\.[0-9a-f]{{12}}{suffix}")
        names = {entry.name for entry in self.folder.list()}
        ours = {n for n in names if form.fullmatch(n) and n + SUFFIX not in names}
        # What was copied there together with its card has the plain name.
        for name in sorted((ours | ({self.name} & names)) - keep):
            self._remove_old(name)

    def _remove_old(self, name: str) -> None:
        changed = self.folder.changed_ms(name)
        if changed is not None and changed < now_ms() - GRACE_MS:
            self.folder.remove(name)


def _first(entry: FileEntry) -> str:
    return entry.path.split("/", 1)[0]


def _renamed(entry: FileEntry, name: str) -> FileEntry:
    _, slash, inner = entry.path.partition("/")
    return replace(entry, path=f"{name}{slash}{inner}")


def _below(folder: Path, name: str) -> dict[str, Path]:
    inner: Sequence[str] = list_below(folder)
    return {posixpath.join(name, path): folder.joinpath(*path.split("/")) for path in inner}
