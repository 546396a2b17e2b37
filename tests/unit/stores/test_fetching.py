"""Files with a digest come whole and once, whatever the server does."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelyard.base.digests import FileEntry
from modelyard.base.errors import (
    Corrupted,
    FileMissing,
    InvalidInput,
    NotAllowed,
    Unauthenticated,
    Unreachable,
)
from modelyard.base.refs import RemoteRef
from modelyard.stores.cache import blob_cache
from modelyard.stores.folders import fetching
from modelyard.stores.folders.fetching import fetch_entries, open_entry
from modelyard.stores.folders.http import HttpFolder
from modelyard.stores.folders.remote import open_remote
from modelyard.testing.folders import content
from web_server import Web

PART = 100_000
DATA = content(1_050_000, 7)
NAME = "/models/churn"


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(fetching, "PART", PART)
    monkeypatch.setattr(fetching, "PROGRESS", 1000)
    monkeypatch.setattr(fetching, "FIRST_PAUSE", 0.005)
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def web() -> Iterator[Web]:
    with Web({NAME: DATA, "/models/empty": b""}) as server:
        yield server


def entry_of(data: bytes, size: int | None = None) -> FileEntry:
    return FileEntry("churn", len(data) if size is None else size, hashlib.sha256(data).hexdigest())


def folder_of(web: Web) -> HttpFolder:
    return HttpFolder(f"{web.url}/models")


def got(web: Web, entry: FileEntry | None = None) -> bytes:
    with open_entry(folder_of(web), "churn", entry or entry_of(DATA)) as stream:
        return stream.read()


def partial_files(tmp_path: Path) -> list[str]:
    return sorted(file.name for file in (tmp_path / "cache" / "blobs" / "partial").glob("*"))


def test_a_file_comes_in_parts_and_once(web: Web, tmp_path: Path) -> None:
    assert got(web) == DATA
    ranges = [asked for method, _, asked in web.asked if method == "GET"]
    assert len(ranges) == len(set(ranges)) == 11
    assert web.sent[NAME] == len(DATA)
    web.files.clear()
    assert got(web) == DATA
    assert len(web.asked) == 12  # and one for its length
    assert partial_files(tmp_path) == []


def test_an_empty_file_is_one(web: Web) -> None:
    with open_entry(
        folder_of(web), "empty", FileEntry("empty", 0, hashlib.sha256().hexdigest())
    ) as stream:
        assert stream.read() == b""


def test_what_is_cut_off_goes_on_where_it_broke(web: Web) -> None:
    web.cut = 5
    assert got(web) == DATA
    assert web.sent[NAME] == len(DATA)


def test_a_server_that_is_busy_for_a_moment_is_asked_again(web: Web) -> None:
    web.refuse = [503, 429, 500]
    assert got(web) == DATA


def test_one_that_stays_broken_is_given_up(web: Web) -> None:
    web.refuse = [503] * 1000
    with pytest.raises(Unreachable, match="503"):
        got(web)
    assert len(web.asked) < 100


def test_a_server_without_parts_gives_the_whole(web: Web, tmp_path: Path) -> None:
    web.ranges = False
    web.cut = 2
    assert got(web) == DATA
    assert partial_files(tmp_path) == []


def test_a_server_that_says_no_length_gives_the_whole(web: Web) -> None:
    web.ranges = web.lengths = web.head = False
    entry = folder_of(web).entry("churn")
    assert entry is not None
    assert entry.size == -1
    assert got(web) == DATA


def test_a_killed_download_is_gone_on_with(web: Web, tmp_path: Path) -> None:
    code = f"""
from unittest.mock import patch
from modelyard.base.digests import FileEntry
from modelyard.stores.folders import fetching
from modelyard.stores.folders.http import HttpFolder
fetching.PART = {PART}
fetching.AT_ONCE = 1
fetching.open_entry(HttpFolder({web.url + "/models"!r}), "churn", {entry_of(DATA)!r})
"""
    enough, killed = threading.Event(), threading.Event()

    def slow() -> None:
        if web.sent[NAME] > 5 * PART:
            enough.set()
            killed.wait(60)

    web.after = slow
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        assert enough.wait(60)
        process.send_signal(signal.SIGKILL)
    killed.set()
    web.after = None
    before = web.sent[NAME]
    assert any(name.endswith(".parts") for name in partial_files(tmp_path))
    assert got(web) == DATA
    assert web.sent[NAME] - before < len(DATA) - 3 * PART
    assert [name for name in partial_files(tmp_path) if not name.endswith(".lock")] == []


def interrupted(web: Web) -> None:
    """A download of which some parts are here."""
    web.refuse = []
    seen = 0

    def stop() -> None:
        nonlocal seen
        seen += 1
        if seen == 6:
            web.refuse = [410] * 100

    web.after = stop
    with pytest.raises(FileMissing):
        got(web)
    web.after = None
    web.refuse = []


def test_an_interrupted_one_asks_for_the_rest_alone(web: Web, tmp_path: Path) -> None:
    interrupted(web)
    assert len(partial_files(tmp_path)) == 2
    before = web.sent[NAME]
    assert got(web) == DATA
    assert web.sent[NAME] - before < len(DATA) - PART


@pytest.mark.parametrize("damage", ["bytes", "list", "length"])
def test_a_partial_file_that_is_wrong_is_thrown_away(web: Web, tmp_path: Path, damage: str) -> None:
    interrupted(web)
    folder = tmp_path / "cache" / "blobs" / "partial"
    file = folder / entry_of(DATA).sha256
    parts = folder / f"{file.name}.parts"
    if damage == "bytes":
        file.write_bytes(bytes(len(DATA)))
    elif damage == "list":
        parts.write_bytes(parts.read_bytes() + b"\xff99999\nnonsense\n-1\n3")
    else:
        os.truncate(file, 10)
    assert got(web) == DATA
    assert partial_files(tmp_path) == []


def test_wrong_bytes_are_found_and_named(web: Web, tmp_path: Path) -> None:
    web.files[NAME] = DATA[:-1] + bytes([DATA[-1] ^ 1])
    with pytest.raises(Corrupted, match=r"127\.0\.0\.1.*/models/churn is not what its card says"):
        got(web)
    assert blob_cache().stat(entry_of(DATA).sha256) is None
    assert not any(name.endswith(".parts") for name in partial_files(tmp_path))
    web.files[NAME] = DATA
    assert got(web) == DATA


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("change", [-1000, -400_000, 1000])
def test_another_length_than_the_card_says_is_found_and_named(
    web: Web, told: bool, change: int
) -> None:
    web.files[NAME] = DATA[:change] if change < 0 else DATA + bytes(change)
    web.ranges = web.lengths = told
    with pytest.raises(Corrupted, match="/models/churn"):
        got(web)
    assert len(web.asked) < 60


def test_a_length_that_is_a_lie_is_not_believed(web: Web) -> None:
    web.ranges = False
    web.longer = 10
    with pytest.raises((Unreachable, Corrupted), match="churn"):
        got(web)


def test_another_part_than_was_asked_for_is_not_taken(web: Web) -> None:
    web.wrong_part = True
    with pytest.raises(Unreachable, match="another part"):
        got(web)


def test_a_compressed_answer_is_refused(web: Web) -> None:
    web.headers["Content-Encoding"] = "gzip"
    with pytest.raises(Unreachable, match="compressed"):
        got(web)


def test_a_size_beyond_all_bounds_brings_nothing_down(web: Web) -> None:
    with pytest.raises(Corrupted, match="1050000 bytes, and its card says 1099511627776"):
        got(web, entry_of(DATA, 1 << 40))
    assert web.sent[NAME] == 0


def test_a_digest_that_is_a_path_is_refused(web: Web) -> None:
    with pytest.raises(InvalidInput):
        got(web, FileEntry("churn", 1, "../../../../etc/passwd"))


@pytest.mark.parametrize(
    ("status", "error"), [(401, Unauthenticated), (403, NotAllowed), (404, FileMissing)]
)
def test_a_refusal_is_told_as_what_it_is(web: Web, status: int, error: type[Exception]) -> None:
    web.refuse = [status] * 1000
    with pytest.raises(error, match=str(status)):
        got(web)
    assert len(web.asked) < 20  # nobody asks again


def test_damage_in_the_cache_is_found_and_mended(web: Web, tmp_path: Path) -> None:
    assert got(web) == DATA
    digest = entry_of(DATA).sha256
    file = tmp_path / "cache" / "blobs" / "files" / digest[:2] / digest[2:]
    file.chmod(0o644)
    file.write_bytes(DATA[:-1])
    assert got(web) == DATA
    assert web.sent[NAME] == 2 * len(DATA)


def test_two_who_want_the_same_transfer_it_once(web: Web) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(lambda _: got(web), range(4))) == {DATA}
    assert web.sent[NAME] == len(DATA)


def test_many_small_files_come_side_by_side(web: Web) -> None:
    files = {f"part{n}": content(1000, n) for n in range(12)}
    web.files = {f"/models/{name}": data for name, data in files.items()}
    entries = [(name, FileEntry(name, 1000, entry_of(data).sha256)) for name, data in files.items()]
    folder = folder_of(web)
    fetch_entries(folder, [*entries, ("absent", FileEntry("absent", 9, "0" * 64))])
    assert sum(web.sent.values()) == 12_000
    for name, entry in entries:
        assert open_entry(folder, name, entry).read() == files[name]
    assert sum(web.sent.values()) == 12_000


# Who is called


def test_a_signature_goes_along_and_is_shown_to_nobody(web: Web) -> None:
    folder, path = open_remote(RemoteRef("http", f"{web.url}/models/churn?sig=s3cr3t"))
    assert isinstance(folder, HttpFolder)
    assert open_entry(folder, path, entry_of(DATA)).read() == DATA
    assert web.queries == {"sig=s3cr3t"}
    for text in (folder.label, folder.ref(path), repr(folder), str(folder.provenance)):
        assert "s3cr3t" not in text
    web.refuse = [403] * 10
    with pytest.raises(NotAllowed) as raised:
        folder.open("other").read()
    assert "s3cr3t" not in str(raised.value)


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:1/x",
        "http://[::1]/x",
        "http://[64:ff9b::7f00:1]/x",
    ],
)
def test_nobody_is_sent_on_to_a_private_address(web: Web, target: str) -> None:
    web.redirects[NAME] = target
    with pytest.raises(NotAllowed, match="not an address of the internet"):
        got(web)


def test_a_redirect_to_itself_ends(web: Web) -> None:
    web.redirects[NAME] = NAME
    with pytest.raises(Unreachable, match="redirects more than"):
        folder_of(web).open("churn")


def test_an_address_that_nobody_typed_must_be_of_the_internet(web: Web) -> None:
    folder, path = open_remote(RemoteRef("http", f"{web.url}/models/churn"), local=False)
    with pytest.raises(NotAllowed, match="not an address of the internet"):
        folder.entry(path)
    assert web.asked == []


def test_a_token_goes_to_the_address_it_was_kept_for_alone(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Web({NAME: DATA}) as other:
        monkeypatch.setenv("MODELYARD_TOKENS", f'{{"{web.url}" = "t0ken"}}')
        assert got(web) == DATA
        assert set(web.tokens) == {"Bearer t0ken"}
        assert folder_of(other).open("churn").read() == DATA
        assert set(other.tokens) == {""}
