"""Objects are saved straight to buckets and servers: readers see the old pair or the new one, whatever happens."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import modelyard as my
from cases.folders import fsspec as folders
from fault_proxy import Proxy
from modelyard.base.errors import (
    AlreadyExists,
    Corrupted,
    FileMissing,
    InvalidInput,
    InvalidReference,
    NotAllowed,
    NotSupported,
    Untrusted,
)
from modelyard.objects import targets
from modelyard.stores.folders.fsspec import FsspecFolder


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def bucket(s3_server: str) -> Iterator[str]:
    with folders.bucket(s3_server) as address:
        yield address


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with folders.ssh_server(tmp_path_factory.mktemp("sftp")) as address:
        yield address


@pytest.fixture(params=["memory", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A folder of one's own."""
    return _folder_of_ones_own(request, tmp_path)


@pytest.fixture(params=["memory", "bucket", "server"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A folder of one's own in each kind of place."""
    return _folder_of_ones_own(request, tmp_path)


def _folder_of_ones_own(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "memory":
        return f"memory://targets/{tmp_path.name}"
    return f"{request.getfixturevalue(request.param)}/{tmp_path.name}"


def names(place: str) -> set[str]:
    return {entry.path for entry in folders.folder(place).files_below()}


def model() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression().fit(np.eye(4), [0, 1, 0, 1])


def test_a_model_is_saved_applied_listed_and_cloned(anywhere: str, tmp_path: Path) -> None:
    card = my.save(model(), f"{anywhere}/models/churn", sample_data=np.eye(4))
    assert card.path == f"{anywhere}/models/churn.yard.yaml"
    assert my.load_card(f"{anywhere}/models/churn").digest == card.digest
    assert list(my.load(f"{anywhere}/models/churn").predict(np.eye(4))) == [0, 1, 0, 1]
    assert list(my.apply(f"{anywhere}/models/churn.yard.yaml", np.eye(4))) == [0, 1, 0, 1]
    copied = my.clone(f"{anywhere}/models/churn", tmp_path / "copy")
    assert copied.digest == card.digest
    assert [entry.path for entry in copied.artifact] == ["copy"]
    back = my.clone(tmp_path / "copy", f"{anywhere}/again")
    assert back.digest == card.digest
    assert list(my.load(f"{anywhere}/again").predict(np.eye(4))) == [0, 1, 0, 1]


def test_data_is_saved_and_read(place: str) -> None:
    my.save(np.eye(4), f"{place}/eye.npy")
    my.save(model(), f"{place}/churn", sample_data=np.eye(4))
    assert list(my.apply(f"{place}/churn", f"{place}/eye.npy")) == [0, 1, 0, 1]
    assert any(name.startswith("eye.") and name.endswith(".npy") for name in names(place))


def test_an_artifact_of_several_files(anywhere: str, tmp_path: Path) -> None:
    tried = model()
    my.save(tried, f"{anywhere}/churn", sample_data=np.eye(4), preprocess=_halved)
    assert len([n for n in names(anywhere) if n.startswith("churn.") and "/" in n]) > 1
    loaded = my.load(f"{anywhere}/churn")
    assert list(loaded.predict(np.eye(4))) == [0, 1, 0, 1]
    extra = next(n for n in names(anywhere) if "/" in n).partition("/")[0]
    folders.folder(anywhere).replace(f"{extra}/more.py", b"import os")
    with pytest.raises(Corrupted, match=r"more\.py"):
        my.load(f"{anywhere}/churn")


def _halved(X: Any) -> Any:
    return X


def test_saving_again_replaces_the_pair_and_leaves_the_last_one_to_its_readers(
    anywhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "GRACE_MS", -10_000_000)
    reader = None
    for number in range(3):
        my.save([number] * 3, f"{anywhere}/numbers")
        assert my.load(f"{anywhere}/numbers") == [number] * 3
        if number == 1:
            from modelyard.yard.resolving import resolve

            reader = resolve(f"{anywhere}/numbers")
    assert reader is not None
    assert reader.files.read("artifact") == b"[1,1,1]\n"
    assert len(names(anywhere)) == 3  # the card, the pair that counts, and the one before


def test_what_nobody_names_is_left_alone_for_a_while(place: str) -> None:
    there = folders.folder(place)
    there.replace("numbers.0123456789ab", b"somebody is uploading this")
    for number in range(3):
        my.save([number], f"{place}/numbers")
    assert "numbers.0123456789ab" in names(place)


def test_other_objects_of_a_like_name_stay(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "GRACE_MS", -10_000_000)
    my.save(model(), f"{place}/numbers.0123456789ab")
    folders.folder(place).replace("numbers.txt", b"not ours")
    for number in range(3):
        my.save([number], f"{place}/numbers")
    assert hasattr(my.load(f"{place}/numbers.0123456789ab"), "predict")
    assert "numbers.txt" in names(place)


def test_comments_in_the_card_stay(place: str) -> None:
    my.save([1], f"{place}/numbers")
    there = folders.folder(place)
    with there.open("numbers.yard.yaml") as stream:
        text = stream.read().decode()
    there.replace("numbers.yard.yaml", f"# ask ana\n{text}".encode())
    my.save([2], f"{place}/numbers")
    with folders.folder(place).open("numbers.yard.yaml") as stream:
        assert b"# ask ana" in stream.read()


def test_what_is_not_ours_stays(anywhere: str) -> None:
    there = folders.folder(anywhere)
    there.replace("file", b"somebody's")
    there.replace("folder/file", b"somebody's")
    for name in ("file", "folder"):
        with pytest.raises(AlreadyExists, match=name):
            my.save([1], f"{anywhere}/{name}")
    assert names(anywhere) == {"file", "folder/file"}


def test_what_fails_to_be_written_leaves_nothing(place: str) -> None:
    with pytest.raises(InvalidInput):
        my.save(model(), f"{place}/churn", sample_data="nonsense")
    with pytest.raises(FileMissing):
        folders.folder(place).list()


def test_an_upload_that_fails_leaves_the_old_pair(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    my.save([1], f"{place}/numbers")
    replaced = FsspecFolder.replace

    def broken(self: FsspecFolder, path: str, data: bytes) -> None:
        raise NotAllowed(f"{path} may not be written")

    monkeypatch.setattr(FsspecFolder, "replace", broken)
    with pytest.raises(NotAllowed):
        my.save([2], f"{place}/numbers")
    monkeypatch.setattr(FsspecFolder, "replace", replaced)
    assert my.load(f"{place}/numbers") == [1]


def test_one_flipped_bit_is_found_and_named(place: str) -> None:
    card = my.save([1, 2, 3], f"{place}/numbers")
    there = folders.folder(place)
    there.replace(card.artifact[0].path, b"[1, 2, 7]")
    with pytest.raises(Corrupted, match=card.artifact[0].path):
        my.load(f"{place}/numbers")
    there.remove(card.artifact[0].path)
    with pytest.raises(Corrupted, match="missing"):
        my.load(f"{place}/numbers")


def test_a_card_cannot_reach_out_of_its_folder(place: str) -> None:
    my.save([1], f"{place}/inner/numbers")
    there = folders.folder(place)
    there.replace("secret", b"[4]")
    with there.open("inner/numbers.yard.yaml") as stream:
        text = stream.read().decode()
    path = next(line.split()[-1] for line in text.splitlines() if "path:" in line)
    there.replace("inner/numbers.yard.yaml", text.replace(path, "../secret").encode())
    with pytest.raises(InvalidInput, match=r"\.\./secret"):
        my.load(f"{place}/inner/numbers")


def test_code_is_not_run_because_it_lies_in_a_bucket(place: str, tmp_path: Path) -> None:
    code = f"""
import modelyard as my
def double(x: float) -> float: return 2 * x
my.save(double, {str(tmp_path / "double")!r}, sample_data=1.0)
"""
    environment = {**_environment(), "MODELYARD_CONFIG_DIR": str(tmp_path / "somebody")}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    my.clone(tmp_path / "double", f"{place}/double")
    with pytest.raises(Untrusted):
        my.load(f"{place}/double")
    digest = my.load_card(f"{place}/double").digest
    assert my.load(f"{place}/double", trust=digest)(2.0) == 4.0


def _environment() -> dict[str, str]:
    import os

    return dict(os.environ)


def test_links_are_followed_within_the_folder(place: str, tmp_path: Path) -> None:
    my.save([1], f"{place}/numbers")
    my.link(f"{place}/numbers", tmp_path / "link")
    assert my.load(tmp_path / "link") == [1]
    there = folders.folder(place)
    there.replace("latest.yard.yaml", b"yard: 1\nkind: link\noptions: {ref: ./numbers}\n")
    assert my.load(f"{place}/latest") == [1]
    there.replace("bad.yard.yaml", b"yard: 1\nkind: link\noptions: {ref: ../../numbers}\n")
    with pytest.raises(InvalidReference):
        my.load(f"{place}/bad")


def test_a_bucket_is_listed_from_its_cards(place: str) -> None:
    from modelyard.yard.listed import list_saved

    my.save([1], f"{place}/models/numbers", labels=["small"])
    my.save(model(), f"{place}/models/deep/churn", sample_data=np.eye(4), metrics={"f1": 0.9})
    there = folders.folder(place)
    there.replace("models/broken.yard.yaml", b"yard: [")
    there.replace("models/.git/x.yard.yaml", b"hidden")
    there.replace("models/read.me", b"no card")
    rows = list_saved(f"{place}/models")
    assert [row["path"] for row in rows] == ["broken", "deep/churn", "numbers"]
    assert "error" in rows[0]
    assert [r["path"] for r in list_saved(f"{place}/", where="metrics.f1 > 0.5")] == [
        "models/deep/churn"
    ]
    assert [r["path"] for r in list_saved("models", project=place, kind="data")] == ["numbers"]
    with pytest.raises(FileMissing):
        list_saved(f"{place}/absent")


# Only in a bucket, or nowhere


def test_large_files_go_up_in_parts(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from modelyard.stores.folders import fsspec

    monkeypatch.setattr(fsspec, "PART", 5 << 20)
    array = np.random.default_rng(1).standard_normal(2_000_000)
    card = my.save(array, f"{bucket}/large.npy")
    assert np.array_equal(my.load(f"{bucket}/large.npy"), array)
    there = folders.folder(bucket)
    head = there.filesystem.info(there.place(card.artifact[0].path))
    assert head["ETag"].strip('"').endswith("-4")  # S3 says of how many parts it was made


class Watched(Proxy):
    """Says when it cut a connection."""

    def __init__(self, target: int) -> None:
        self.reached = threading.Event()
        super().__init__(target)

    def _cut(self, data: bytes, sent: int) -> tuple[bytes, bool]:
        data, cut = super()._cut(data, sent)
        if cut:
            self.reached.set()
        return data, cut


def test_a_killed_upload_leaves_the_old_pair(
    bucket: str, s3_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At several byte offsets of what goes over the wire."""
    my.save([0], f"{bucket}/killed/numbers")
    port = int(s3_server.rpartition(":")[2])
    for cut in (3_000, 700_000):
        with Watched(port) as proxy:
            proxy.cut_after(cut)
            environment = {
                **_environment(),
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{proxy.port}",
                "AWS_MAX_ATTEMPTS": "1",
            }
            code = f"""
import numpy, modelyard as my
my.save(numpy.arange(1_000_000.0), {bucket!r} + "/killed/numbers")
"""
            with subprocess.Popen(
                [sys.executable, "-c", code], env=environment, stderr=subprocess.DEVNULL
            ) as process:  # fmt: skip
                assert proxy.reached.wait(120)
                process.send_signal(signal.SIGKILL)
        assert my.load(f"{bucket}/killed/numbers") == [0]


def test_a_bucket_that_is_not_there_or_not_ours_is_named(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FileMissing, match="s3://someone-else-entirely"):
        my.load("s3://someone-else-entirely/churn")
    with pytest.raises(FileMissing, match="s3://someone-else-entirely"):
        my.save([1], "s3://someone-else-entirely/churn")


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("https://example.org/churn", NotSupported),
        ("git+https://example.org/org/repo#churn", NotSupported),
        ("s3://bucket", InvalidInput),
        ("s3://bucket/models/", InvalidInput),
        ("s3://bucket/../churn", InvalidReference),
        ("s3://user:pass@bucket/churn", InvalidReference),
        ("s3://user@bucket/churn", InvalidReference),
        ("s3://bucket/churn?versionId=3", InvalidReference),
        ("s3://bucket/..%2fchurn", InvalidReference),
        ("gopher://bucket/churn", InvalidReference),
    ],
)
def test_addresses_that_take_nothing(address: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        my.save([1], address)


def test_a_host_that_is_not_known_is_not_asked(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    home = tmp_path / "home"
    shutil.copytree(Path.home() / ".ssh", home / ".ssh")
    known = home / ".ssh" / "known_hosts"
    monkeypatch.setenv("HOME", str(home))
    my.save([1], f"{server}/known")
    host, kind, _ = known.read_text().split()
    other = (home / ".ssh" / "id_ed25519.pub").read_text().split()[1]
    known.write_text(f"{host} {kind} {other}\n")
    with pytest.raises(NotAllowed, match="another key than before"):
        my.load(f"{server}/known")
    known.unlink()
    with pytest.raises(NotAllowed, match="not known here"):
        my.load(f"{server}/known")


def test_a_library_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from fsspec.registry import _registry as opened

    from modelyard.base.errors import MissingExtra

    for scheme, module, extra in (
        ("s3", "s3fs", "s3"),
        ("gs", "gcsfs", "gs"),
        ("az", "adlfs", "azure"),
    ):
        monkeypatch.setitem(sys.modules, module, None)
        # As in a process that has not opened any such place yet.
        monkeypatch.delitem(opened, scheme, raising=False)
        with pytest.raises(MissingExtra, match=rf"{scheme}://.*'{extra}'"):
            my.load(f"{scheme}://bucket/churn")
