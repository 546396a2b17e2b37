"""A place to make objects for a repository behind a URL and to push them from: its mirror is only ever fetched into."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Collection, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

from modelyard.stores.git import calling
from modelyard.stores.git.address import Address, address_of
from modelyard.stores.git.command import git
from modelyard.stores.git.repository import Repository


@dataclass(frozen=True, slots=True)
class Bench:
    """A bare repository that sees all objects of a mirror and keeps its own."""

    folder: Path
    address: Address
    environment: Mapping[str, str]
    """For calls to the server: settings and the token that belongs there."""


@contextlib.contextmanager
def bench_for(repository: Repository, commits: Collection[str] = ()) -> Generator[Bench]:
    """One for a remote repository; it is gone afterwards. ``commits`` are there already and will be pointed to."""
    mirror, address = repository.git_dir, address_of(repository.url)
    with tempfile.TemporaryDirectory(prefix="modelyard-push-") as folder:
        bench = Path(folder)
        git(bench, "init", "--quiet", "--bare", "--template=", ".")
        (bench / "objects" / "info").mkdir(exist_ok=True)
        (bench / "objects" / "info" / "alternates").write_text(f"{mirror / 'objects'}\n", "utf-8")
        if (mirror / "shallow").exists():
            shutil.copy(mirror / "shallow", bench / "shallow")
        # What is missing was left out on purpose, and is over there.
        settings = [("remote.origin.url", address.url), ("remote.origin.promisor", "true")]
        environment = calling.environment(address, settings)
        if not set(commits) <= set(repository.refs().values()):
            _bring_history(bench, environment)
        yield Bench(bench, address, environment)


def _bring_history(bench: Path, environment: Mapping[str, str]) -> None:
    """Commits alone. Git would else send a commit that stands at no branch or tag with all that is in it, because it does
    not see that the other side has it."""
    deeper = ["--unshallow"] if (bench / "shallow").exists() else []
    words = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--filter=tree:0")
    git(bench, *words, *deeper, "origin", "+refs/heads/*:refs/theirs/*", environment=environment)
