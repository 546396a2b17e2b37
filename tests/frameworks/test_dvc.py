"""DVC itself, and we without it, on the same repositories: each reads, pulls and pushes what the other wrote."""

from __future__ import annotations

import os
import random
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import dvc_project
import git_servers
import modelyard as my
from frameworks.dvc_command import Command
from modelyard.base.errors import ModelyardError
from modelyard.stores.apart import pull, push
from modelyard.stores.dvc.cache import ObjectFolder
from modelyard.stores.dvc.config import Config, file_config, reader_config, remote_settings
from modelyard.stores.dvc.keeping import add_file, add_manifest
from modelyard.stores.folders.dvc import with_dvc
from modelyard.stores.folders.git import git_folder
from modelyard.stores.folders.interface import Folder
from modelyard.stores.folders.local import LocalFolder

SEED = int(os.environ.get("MODELYARD_DVC_SEED") or random.SystemRandom().randrange(1 << 32))
DIGITS = b"682577\n"
"""Its md5 is digits alone."""
FLOAT = b"574565\n"
"""Its md5 is digits with one ``e``."""


@pytest.fixture(autouse=True)
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    own = tmp_path / "reader"
    monkeypatch.setenv("MODELYARD_CACHE_DIR", str(own / "cache"))
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(own / "dvc"))
    monkeypatch.setenv("DVC_SYSTEM_CONFIG_DIR", str(own / "none"))
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(own / "site"))
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    for name, value in {"NAME": "Ana", "EMAIL": "ana@example.org"}.items():
        monkeypatch.setenv(f"GIT_AUTHOR_{name}", value)
        monkeypatch.setenv(f"GIT_COMMITTER_{name}", value)
    return own


_command: list[Command] = []


@pytest.fixture(scope="module", autouse=True)
def command() -> Iterator[None]:
    _command.append(Command())
    yield
    _command.pop().close()


def dvc(folder: Path, *words: str, fails: bool = False) -> str:
    """What DVC's own command prints, run in a folder."""
    code, text = _command[0](folder, *words)
    assert (code != 0) == fails, f"dvc {' '.join(words)}: {text}"
    return text


def git(folder: Path, *words: str) -> str:
    return git_servers.run(folder, *words)


def commit(folder: Path) -> str:
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "x")
    return git(folder, "rev-parse", "HEAD")


def read(folder: Folder, path: str) -> bytes:
    with folder.open(path) as stream:
        return stream.read()


def clone(origin: Path, target: Path) -> Path:
    git(origin, "clone", "-q", str(origin), str(target))
    return target


def tree(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def fill(folder: Path, files: dict[str, bytes]) -> Path:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


FILES = {
    "a.txt": b"a\r\nb\r\n",
    "deep/er/é ü.bin": bytes(range(256)),
    "empty": b"",
    "digits": DIGITS,
    "float": FLOAT,
    "#x: y": b"marks",
}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that DVC itself began, with a remote beside it."""
    root = tmp_path_factory.mktemp("begun") / "project"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    dvc(root, "init", "-q")
    dvc(root, "remote", "add", "-d", "store", "../store")
    commit(root)
    return root


@pytest.fixture
def root(begun: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(begun, tmp_path / "project", symlinks=True))


def test_dvc_takes_what_we_saved_and_pushed(root: Path, store: Path, tmp_path: Path) -> None:
    my.save({"answer": 42}, root / "models/answer", dvc=True)
    my.save([1, 2, 3], root / "data with blanks/it's é", dvc=True)
    assert "up to date" in dvc(root, "status")
    assert len(push([root]).paths) == 2
    assert "in sync" in dvc(root, "status", "--cloud")
    assert "Everything is up to date" in dvc(root, "push")
    commit(root)
    copy = clone(root, tmp_path / "clone")
    dvc(copy, "pull")
    assert tree(copy / "models") == tree(root / "models")
    assert my.load(copy / "models/answer") == {"answer": 42}
    assert "up to date" in dvc(copy, "status")
    my.save({"answer": 43}, copy / "models/answer")
    assert "up to date" in dvc(copy, "status")
    dvc(copy, "push")
    commit(copy)
    git(root, "pull", "-q", str(copy), "main")
    assert my.load(f"git+file://{root}#models/answer") == {"answer": 43}
    pull([root])
    assert my.load(root / "models/answer") == {"answer": 43}
    assert "up to date" in dvc(root, "status")


def test_pointers_of_ours_are_dvcs_to_the_byte(root: Path) -> None:
    """What we wrote, added again by DVC, is the same pointer, manifest and line of ``.gitignore``."""
    for name, value in {"plain": {"a": 1}, "with blank": [1], "é": "x", "yes": 1, "15": 2}.items():
        my.save(value, root / "m" / name, dvc=True)
    before = tree(root / "m")
    dvc(root, "add", *[f"m/{name}" for name in ("plain", "with blank", "é", "yes", "15")])
    assert tree(root / "m") == before


@pytest.mark.parametrize("data", [DIGITS, FLOAT], ids=["digits", "float"])
def test_an_md5_that_looks_like_a_number_goes_both_ways(
    root: Path, store: Path, data: bytes, tmp_path: Path
) -> None:
    from modelyard.stores.dvc.names import ObjectId
    from modelyard.stores.dvc.pointers import Pointer, pointer_text

    (root / "x").write_bytes(data)
    dvc(root, "add", "x")
    ours = pointer_text(Pointer(ObjectId(dvc_project.md5(data)), len(data), "x"))
    assert (root / "x.dvc").read_text() == ours
    dvc(root, "push")
    commit(root)
    copy = clone(root, tmp_path / "clone")
    assert read(with_dvc(LocalFolder(copy)), "x") == data


def test_we_take_what_dvc_added_and_pushed(root: Path, store: Path, tmp_path: Path) -> None:
    fill(root / "data", FILES)
    fill(root, {"models/x.bin": b"model"})
    (root / "models/x.bin").chmod(0o755)
    dvc(root, "add", "data", "models/x.bin")
    dvc(root, "push")
    commit(root)
    folder = with_dvc(LocalFolder(clone(root, tmp_path / "read")))
    assert read(folder, "models/x.bin") == b"model"
    assert {e.name for e in folder.list("data")} == {p.split("/")[0] for p in FILES}
    assert read(folder, "data/deep/er/é ü.bin") == FILES["deep/er/é ü.bin"]
    copy = clone(root, tmp_path / "clone")
    assert len(pull([copy]).paths) == len(FILES) + 1
    assert tree(copy / "data") == FILES
    assert "up to date" in dvc(copy, "status")
    assert "Everything is up to date" in dvc(copy, "pull")
    assert os.access(copy / "models/x.bin", os.X_OK) == os.access(root / "models/x.bin", os.X_OK)


def test_dvc_pulls_what_it_added_and_we_pushed(root: Path, store: Path, tmp_path: Path) -> None:
    fill(root / "data", FILES)
    dvc(root, "add", "data")
    assert push([root]).objects == len(FILES) + 1
    assert "in sync" in dvc(root, "status", "--cloud")
    commit(root)
    copy = clone(root, tmp_path / "clone")
    dvc(copy, "pull")
    assert tree(copy / "data") == FILES


PIPELINE = """
stages:
  train:
    foreach: [a, b]
    do:
      wdir: work/${item}
      cmd: echo ${item} > out.txt
      outs: [out.txt]
  shape:
    matrix:
      size: [1, 2]
    cmd: echo ${item.size} > shape-${item.size}.txt
    outs:
    - shape-${item.size}.txt
  folder:
    cmd: mkdir -p models/tree/deep && echo x > models/tree/deep/x
    outs: [models/tree]
"""


def test_outputs_of_a_real_pipeline_here_and_at_an_older_revision(
    root: Path, store: Path, tmp_path: Path
) -> None:
    (root / "dvc.yaml").write_text(PIPELINE)
    for name in "ab":
        (root / "work" / name).mkdir(parents=True)
        (root / "work" / name / ".keep").touch()
    (root / "models").mkdir()
    fill(
        root,
        {
            "sub/dvc.yaml": b"stages:\n  s:\n    cmd: echo 1 > ../models/y\n    outs: [../models/y]\n"
        },
    )
    dvc(root, "repro", "--all-pipelines")
    dvc(root, "push")
    first = commit(root)
    for old, new in (
        (b"${item} >", b"${item}2 >"),
        (b"echo x", b"echo x2"),
        (b"echo 1", b"echo 2"),
    ):
        for file in ("dvc.yaml", "sub/dvc.yaml"):
            (root / file).write_bytes((root / file).read_bytes().replace(old, new))
    dvc(root, "repro", "--all-pipelines")
    dvc(root, "push")
    second = commit(root)
    expected = {
        first: {"work/a/out.txt": b"a\n", "work/b/out.txt": b"b\n", "models/tree/deep/x": b"x\n", "models/y": b"1\n"},
        second: {"work/a/out.txt": b"a2\n", "work/b/out.txt": b"b2\n", "models/tree/deep/x": b"x2\n", "models/y": b"2\n"},
    }  # fmt: skip
    shutil.rmtree(root / ".dvc/cache")
    bare = tmp_path / "served/models.git"
    git(root, "clone", "-q", "--bare", str(root), str(bare))
    git(bare, "config", "uploadpack.allowFilter", "true")
    # A remote beside the repository cannot be meant from elsewhere: the reader's own settings say where it is.
    own = Path(os.environ["DVC_GLOBAL_CONFIG_DIR"])
    with git_servers.http_server(bare.parent) as server:
        for rev, files in expected.items():
            for path, data in {**files, "shape-2.txt": b"2\n"}.items():
                assert read(with_dvc(git_folder(root, rev)), path) == data
        config = git(root, "show", "HEAD:.dvc/config").replace("../../store", str(store))
        (root / ".dvc/config").write_text(config + "\n")
        third = commit(root)
        git(root, "push", "-q", str(bare), "HEAD:main")
        remote = with_dvc(git_folder(f"{server.url}/models.git", third))
        assert read(remote, "models/tree/deep/x") == b"x2\n"
        assert [e.name for e in remote.list("work/a")] == [".gitignore", ".keep", "out.txt"]
    assert not own.exists()
    copy = clone(root, tmp_path / "clone")
    assert len(pull([copy]).paths) == 6
    assert "up to date" in dvc(copy, "status")


def test_what_dvc_2_left_is_read_and_pushed_by_both(
    root: Path, store: Path, tmp_path: Path
) -> None:
    text = b"a,b\r\n1,2\r\n"
    unix = dvc_project.md5(text.replace(b"\r\n", b"\n"))
    cache = root / ".dvc/cache"
    dvc_project.put(cache, text, legacy=True, name=unix)
    (root / "x.csv.dvc").write_text(dvc_project.pointer("x.csv", unix, len(text), legacy=True))
    dvc_project.track_folder(root, cache, "data", {"a": b"1", "b/c": b"2"}, legacy=True)
    commit(root)
    assert push([root]).objects == 4
    assert "in sync" in dvc(root, "status", "--cloud")
    theirs, ours = clone(root, tmp_path / "theirs"), clone(root, tmp_path / "ours")
    dvc(theirs, "pull")
    pull([ours])
    for copy in (theirs, ours):
        assert (copy / "x.csv").read_bytes() == text
        assert tree(copy / "data") == {"a": b"1", "b/c": b"2"}
        assert "up to date" in dvc(copy, "status")
    shutil.rmtree(store)
    dvc(theirs, "push")
    assert read(with_dvc(LocalFolder(clone(root, tmp_path / "again"))), "x.csv") == text


def test_random_folders_have_the_same_manifests(root: Path, tmp_path: Path) -> None:
    """Names that sort differently as bytes, as text and as paths, contents that are equal."""
    print(f"MODELYARD_DVC_SEED={SEED}")
    chance = random.Random(SEED)
    words = ["a", "a.b", "a-b", "A", "é", "ß", "z", "a b", "10", "9", "日本", "a_b", "😀"]
    names: list[str] = []
    for number in range(12):
        files: dict[str, bytes] = {}
        for _ in range(chance.randint(1, 25)):
            path = "/".join(chance.choice(words) for _ in range(chance.randint(1, 3)))
            if not any(p.startswith(f"{path}/") or path.startswith(f"{p}/") for p in files):
                files[path] = chance.choice([b"", b"x", chance.randbytes(50)])
        fill(root / f"tree{number}", files)
        names.append(f"tree{number}")
    dvc(root, "add", *names)
    cache = ObjectFolder(tmp_path / "cache")
    for name in names:
        files = {p: add_file(cache, root / name / p).md5 for p in tree(root / name)}
        oid = add_manifest(cache, files)
        assert f"md5: {oid.text}\n" in (root / f"{name}.dvc").read_text().replace("'", ""), SEED
        theirs = root / ".dvc/cache" / oid.place
        assert theirs.read_bytes() == cache.path(oid).read_bytes()


def test_random_settings_mean_the_same(tmp_path: Path) -> None:
    """Values and places of remotes, as DVC's own reader of its files has them."""
    from dvc.config import Config as Theirs
    from dvc.config import ConfigError

    print(f"MODELYARD_DVC_SEED={SEED}")
    chance = random.Random(SEED)
    urls = ["s3://b/p", "../../store", "/abs/x", "ssh://u@h:22/p", "~/x", "remote://one/below", "store dir", "'q'"]  # fmt: skip
    compared = 0
    for number in range(300):
        folder = tmp_path / str(number) / ".dvc"
        folder.mkdir(parents=True)
        for file in ("config", "config.local"):
            lines = [chance.choice(["[core]", "# x", ""])]
            lines += ["    remote = one"] if lines[0] == "[core]" else []
            for name in chance.sample(["one", "Two", "th ree"], chance.randint(0, 3)):
                title = f'remote "{name}"'
                lines.append(chance.choice([f"['{title}']", f"[ '{title}' ]"]))
                value = chance.choice(urls)
                lines.append(
                    f"{chance.choice(['', '    '])}url = {value}{chance.choice(['', '  # why'])}"
                )
                if chance.random() < 0.5:
                    lines.append("profile = " + chance.choice(["a", '"quo # ted"', "Mixed Case"]))
            (folder / file).write_text("\n".join(lines) + "\n")
        try:
            theirs: Any = Theirs(str(folder), validate=False)
        except ConfigError:
            continue
        ours = Config()
        for file, level in (("config", "repo"), ("config.local", "local")):
            ours = file_config(folder / file, level).over(ours)  # type: ignore[arg-type]
        assert set(ours.remotes) == set(theirs["remote"]), SEED
        for name, options in theirs["remote"].items():
            assert {k: o.value for k, o in ours.remotes[name].items()} == dict(options), (
                f"{SEED} {number}"
            )
            compared += 1
    assert compared > 200
    assert reader_config() == Config()


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    import logging

    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket, and the project's remote in it: the endpoint in the repository, the keys in the clone."""
    import s3fs

    name = f"dvc-{secrets.token_hex(6)}"
    keys: Any = {"key": "test", "secret": "test", "endpoint_url": s3, "skip_instance_cache": True}
    s3fs.S3FileSystem(**keys).mkdir(name)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    dvc(root, "remote", "add", "-d", "cloud", f"s3://{name}/some/where")
    dvc(root, "remote", "modify", "cloud", "endpointurl", s3)
    give_keys(root)
    commit(root)
    return name


def give_keys(root: Path) -> None:
    dvc(root, "remote", "modify", "--local", "cloud", "access_key_id", "test")
    dvc(root, "remote", "modify", "--local", "cloud", "secret_access_key", "test")


def test_a_bucket_goes_both_ways(root: Path, bucket: str, tmp_path: Path) -> None:
    fill(root / "data", FILES)
    dvc(root, "add", "data")
    dvc(root, "push")
    my.save({"answer": 42}, root / "answer", dvc=True)
    moved = push([root])
    assert (moved.objects, moved.unchanged) == (1, len(FILES) + 1)
    assert "in sync" in dvc(root, "status", "--cloud")
    commit(root)
    theirs, ours = clone(root, tmp_path / "theirs"), clone(root, tmp_path / "ours")
    for copy in (theirs, ours):
        give_keys(copy)
    dvc(theirs, "pull")
    pull([ours])
    assert tree(ours / "data") == tree(theirs / "data") == FILES
    assert (theirs / "answer").read_bytes() == (ours / "answer").read_bytes()


def test_a_versioned_remote_is_read_through_dvc(
    root: Path, bucket: str, s3: str, tmp_path: Path
) -> None:
    import s3fs

    keys: Any = {"key": "test", "secret": "test", "endpoint_url": s3, "skip_instance_cache": True}
    s3fs.S3FileSystem(**keys).call_s3(
        "put_bucket_versioning", Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    dvc(root, "remote", "modify", "cloud", "version_aware", "true")
    fill(root, {"x.bin": b"versioned", "data/a": b"1", "data/b/c": b"2"})
    dvc(root, "add", "x.bin", "data")
    dvc(root, "push")
    commit(root)
    copy = clone(root, tmp_path / "clone")
    give_keys(copy)
    assert read(with_dvc(LocalFolder(copy)), "x.bin") == b"versioned"


def test_damage_is_named_where_dvc_only_fails(root: Path, store: Path, tmp_path: Path) -> None:
    (root / "x").write_bytes(b"right")
    dvc(root, "add", "x")
    dvc(root, "push")
    commit(root)
    name = dvc_project.md5(b"right")
    place = store / "files/md5" / name[:2] / name[2:]
    place.chmod(0o644)
    place.write_bytes(b"wrong")
    copy = clone(root, tmp_path / "clone")
    with pytest.raises(ModelyardError, match="x is damaged in the remote 'store'"):
        pull([copy])
    dvc(copy, "pull", fails=True)


def test_a_repository_without_a_remote_is_read_from_its_own_cache(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    dvc(root, "init", "-q")
    (root / "x").write_bytes(b"here")
    dvc(root, "add", "x")
    commit(root)
    assert read(with_dvc(git_folder(root)), "x") == b"here"


def test_a_project_made_by_hand_is_one_to_dvc(tmp_path: Path) -> None:
    root = tmp_path / "project"
    (root / ".dvc").mkdir(parents=True)
    (root / ".dvc/config").write_text(
        "[core]\n    remote = store\n['remote \"store\"']\n    url = ../../store\n"
    )
    git(root, "init", "-q", "-b", "main")
    my.save({"answer": 42}, root / "answer", dvc=True)
    push([root])
    commit(root)
    assert git(root, "ls-files", ".dvc").splitlines() == [".dvc/.gitignore", ".dvc/config"]
    assert "up to date" in dvc(root, "status")
    assert "in sync" in dvc(root, "status", "--cloud")
    copy = clone(root, tmp_path / "clone")
    dvc(copy, "pull")
    assert my.load(copy / "answer") == {"answer": 42}


def test_a_monorepo_with_a_project_below(tmp_path: Path) -> None:
    root = tmp_path / "mono"
    (root / "sub").mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    dvc(root / "sub", "init", "-q", "--subdir")
    dvc(root / "sub", "remote", "add", "-d", "store", str(tmp_path / "store"))
    (root / "sub/x").write_bytes(b"below")
    dvc(root / "sub", "add", "x")
    dvc(root / "sub", "push")
    rev = commit(root)
    assert read(with_dvc(git_folder(root, rev)), "sub/x") == b"below"
    copy = clone(root, tmp_path / "clone")
    assert pull([copy / "sub"]).paths == ("x",)
    assert "up to date" in dvc(copy / "sub", "status")
    assert remote_settings(file_config(root / "sub/.dvc/config", "repo"), None, "x").name == "store"
