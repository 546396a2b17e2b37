"""Push and pull between a working tree, its cache and a remote; saving with a pointer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import dvc_project
import git_servers
import modelyard as my
from modelyard.base.errors import (
    Conflict,
    Corrupted,
    FileMissing,
    InvalidPath,
    InvalidSetting,
    NotFound,
)
from modelyard.stores.apart import pull, push


def git(root: Path, *words: str) -> str:
    return git_servers.run(root, *words)


def test_what_is_missing_is_brought_and_all_is_in_the_cache(root: Path, store: Path) -> None:
    name = dvc_project.track(root, store, "models/x", b"x")
    dvc_project.track_folder(root, store, "data", {"a": b"1", "b/c": b"2"})
    tried = pull(dry_run=True)
    assert sorted(tried.paths) == ["data/a", "data/b/c", "models/x"]
    assert not (root / "data").exists()
    moved = pull()
    assert (moved.objects, moved.bytes) == (3, 3)
    assert (root / "data/b/c").read_bytes() == b"2"
    cached = root / ".dvc/cache/files/md5" / name[:2] / name[2:]
    assert cached.stat().st_mode & 0o777 == 0o444
    assert (root / "models/x").stat().st_mode & 0o200
    assert pull().unchanged == 3


def test_what_the_reader_had_fetched_before_gets_into_the_projects_cache(
    root: Path, store: Path
) -> None:
    from modelyard.stores.folders.dvc import with_dvc
    from modelyard.stores.folders.local import LocalFolder

    dvc_project.track_folder(root, store, "data", {"a": b"1"})
    with_dvc(LocalFolder(root)).fetch(["data"])
    shutil.rmtree(store)
    assert pull().objects == 0
    assert len([p for p in (root / ".dvc/cache").rglob("*") if p.is_file()]) == 2


def test_paths_choose_what_is_brought(root: Path, store: Path) -> None:
    dvc_project.track(root, store, "models/x", b"x")
    dvc_project.track_folder(root, store, "data", {"a": b"1", "b/c": b"2", "b/d": b"3"})
    assert pull(["models/x.dvc"]).paths == ("models/x",)
    assert pull(["data/b"]).paths == ("data/b/c", "data/b/d")
    assert pull([root / "data"]).paths == ("data/a",)
    with pytest.raises(FileMissing, match="nothing at none"):
        pull(["none"])
    with pytest.raises(NotFound, match="in no DVC project"):
        pull([root.parent])


def test_work_that_is_nowhere_else_is_not_overwritten(root: Path, store: Path) -> None:
    dvc_project.track(root, store, "x", b"theirs")
    dvc_project.track_folder(root, store, "data", {"a": b"1"})
    pull()
    (root / "x").write_bytes(b"mine")
    (root / "data/mine").write_bytes(b"mine too")
    with pytest.raises(Conflict, match="and 1 more was changed here"):
        pull()
    assert (root / "x").read_bytes() == b"mine"
    assert pull(force=True).paths == ("x", "data/mine")
    assert (root / "x").read_bytes() == b"theirs"
    assert not (root / "data/mine").exists()


def test_what_the_cache_has_may_be_replaced(root: Path, store: Path) -> None:
    dvc_project.track(root, store, "x", b"first")
    pull()
    dvc_project.track(root, store, "x", b"second")
    assert pull().paths == ("x",)
    assert (root / "x").read_bytes() == b"second"


def test_a_link_that_came_with_a_repository_leads_nowhere(
    root: Path, store: Path, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    (root / "sub").symlink_to(tmp_path / "outside")
    name = dvc_project.put(store, b"x")
    (root / "x.dvc").write_text(dvc_project.pointer("sub/x", name, 1))
    with pytest.raises(InvalidPath, match="is a link"):
        pull()
    assert not list((tmp_path / "outside").iterdir())


def test_a_hook_is_no_data(root: Path, store: Path) -> None:
    name = dvc_project.put(store, b"#!/bin/sh")
    (root / "x.dvc").write_text(dvc_project.pointer(".git/hooks/post-checkout", name, 1))
    with pytest.raises(InvalidPath, match="not data"):
        pull()


def test_damage_is_found_before_anything_is_written(root: Path, store: Path) -> None:
    dvc_project.track(root, store, "a", b"good")
    dvc_project.put(store, b"bad", name=dvc_project.md5(b"right"))
    (root / "b.dvc").write_text(dvc_project.pointer("b", dvc_project.md5(b"right"), 5))
    with pytest.raises(Corrupted, match="b is damaged"):
        pull()
    assert not (root / "a").exists()


@pytest.mark.parametrize("kind", ["hardlink", "symlink", "copy"])
def test_the_working_tree_gets_links_when_the_project_says_so(
    root: Path, store: Path, kind: str
) -> None:
    with (root / ".dvc/config").open("a") as config:
        config.write(f"[cache]\n    type = {kind}\n")
    name = dvc_project.track(root, store, "x", b"x")
    pull()
    cached = root / ".dvc/cache/files/md5" / name[:2] / name[2:]
    assert (root / "x").is_symlink() == (kind == "symlink")
    assert (root / "x").samefile(cached) == (kind != "copy")
    assert pull().unchanged == 1


def test_an_executable_stays_one(root: Path, store: Path) -> None:
    name = dvc_project.put(store, b"x")
    (root / "x.dvc").write_text(f"outs:\n- md5: {name}\n  isexec: true\n  hash: md5\n  path: x\n")
    pull()
    assert os.access(root / "x", os.X_OK)


def test_files_are_sent_before_the_manifest_that_names_them(root: Path, store: Path) -> None:
    dvc_project.track_folder(root, root / ".dvc/cache", "data", {"a": b"1", "b": b"2"})
    sent: list[str] = []
    moved = push(progress=lambda path, size: sent.append(path))
    assert sent == ["data/a", "data/b", "data"]
    assert moved.objects == 3
    assert push(dry_run=True).paths == ()


def test_what_is_neither_here_nor_there_stops_a_push_before_it_begins(
    root: Path, store: Path
) -> None:
    dvc_project.track(root, root / ".dvc/cache", "a", b"a")
    (root / "b.dvc").write_text(dvc_project.pointer("b", dvc_project.md5(b"b"), 1))
    with pytest.raises(NotFound, match="b is neither in the cache nor in the remote"):
        push()
    assert not store.exists()
    (root / "b").write_bytes(b"b")  # the working tree will do
    assert push().objects == 2


def test_a_damaged_cache_is_not_pushed(root: Path, store: Path) -> None:
    name = dvc_project.track(root, root / ".dvc/cache", "a", b"a")
    (root / ".dvc/cache/files/md5" / name[:2] / name[2:]).write_bytes(b"!")
    with pytest.raises(Corrupted, match="in the DVC cache is damaged"):
        push()
    assert not list(store.rglob("*")) if store.exists() else True


def test_half_an_object_in_the_remote_is_sent_again(root: Path, store: Path) -> None:
    name = dvc_project.track(root, root / ".dvc/cache", "a", b"whole")
    dvc_project.put(store, b"who", name=name)
    assert push().objects == 1
    assert (store / "files/md5" / name[:2] / name[2:]).read_bytes() == b"whole"


def test_what_was_imported_or_stays_here_is_not_pushed(root: Path) -> None:
    name = dvc_project.put(root / ".dvc/cache", b"x")
    (root / "x.dvc").write_text(
        f"deps:\n- path: y\n  repo:\n    url: https://example.org/r\nouts:\n- md5: {name}\n  hash: md5\n  path: x\n"
    )
    (root / "z.dvc").write_text(f"outs:\n- md5: {name}\n  hash: md5\n  push: false\n  path: z\n")
    assert push().objects == 0


def test_saving_leaves_a_pointer_and_the_card_for_git(root: Path) -> None:
    my.save({"answer": 42}, "models/answer", dvc=True)
    text = (root / "models/answer").read_bytes()
    name = dvc_project.md5(text)
    assert (root / "models/answer.dvc").read_text() == dvc_project.pointer(
        "answer", name, len(text)
    )
    assert (root / "models/.gitignore").read_text() == "/answer\n"
    assert (root / ".dvc/cache/files/md5" / name[:2] / name[2:]).read_bytes() == text
    git(root, "add", "-A")
    assert git(root, "ls-files").splitlines() == [
        ".dvc/.gitignore",
        ".dvc/config",
        "models/.gitignore",
        "models/answer.dvc",
        "models/answer.yard.yaml",
    ]


def test_a_fresh_clone_loads_what_is_only_a_pointer(
    root: Path, store: Path, tmp_path: Path
) -> None:
    my.save({"answer": 42}, "models/answer", dvc=True)
    push()
    git(root, "add", "-A")
    git(root, "-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-qm", "x")
    clone = tmp_path / "clone"
    git(root, "clone", "-q", str(root), str(clone))
    assert my.load(clone / "models/answer") == {"answer": 42}
    assert not (clone / "models/answer").exists()
    os.chdir(clone)
    assert my.load("models/answer") == {"answer": 42}
    assert my.load(f"git+file://{root}#models/answer") == {"answer": 42}
    assert pull(["models/answer"]).paths == ("models/answer",)
    assert git(clone, "status", "--short") == ""


def test_a_pointer_that_is_there_says_how_to_save_again(root: Path) -> None:
    my.save({"a": 1}, "m/x", dvc=True)
    before = (root / "m/x.dvc").read_text()
    my.save({"a": 2}, "m/x")
    assert (root / "m/x.dvc").read_text() != before
    assert (root / "m/.gitignore").read_text() == "/x\n"
    my.save({"a": 3}, "m/x", dvc=False)
    assert not (root / "m/x.dvc").exists()
    assert not (root / "m/.gitignore").exists()
    assert my.load("m/x") == {"a": 3}


def test_a_setting_says_that_all_is_kept_so(root: Path) -> None:
    (root / "modelyard.toml").write_text('storage = "dvc"\n')
    my.save({"a": 1}, "m/x")
    assert (root / "m/x.dvc").is_file()
    my.save({"a": 1}, "m/y", dvc=False)
    assert not (root / "m/y.dvc").exists()
    (root / "modelyard.toml").write_text('storage = "dvd"\n')
    with pytest.raises(InvalidSetting, match="did you mean 'dvc'"):
        my.save({"a": 1}, "m/z")


def test_what_git_has_already_is_refused_and_stays(root: Path) -> None:
    my.save({"a": 1}, "m/x")
    git(root, "add", "-A")
    with pytest.raises(Conflict, match="in Git already"):
        my.save({"a": 2}, "m/x", dvc=True)
    assert my.load("m/x") == {"a": 1}


def test_outside_of_a_project_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="in no DVC project"):
        my.save({"a": 1}, tmp_path / "x", dvc=True)
    assert not (tmp_path / "x").exists()


KILLED = """
import os, sys
import modelyard as my
from modelyard.objects import placing
calls = 0
def dying(*args):
    global calls
    calls += 1
    if calls == int(sys.argv[1]):
        os._exit(9)
    return swap(*args)
swap, placing.swap = placing.swap, dying
my.save({"a": 2}, "m/x")
"""


@pytest.mark.parametrize("moment", [1, 2, 3])
def test_a_process_killed_between_artifact_card_and_pointer_leaves_one_that_is_whole(
    root: Path, moment: int
) -> None:
    my.save({"a": 1}, "m/x", dvc=True)
    done = subprocess.run([sys.executable, "-c", KILLED, str(moment)], cwd=root, check=False)
    assert done.returncode == 9
    assert my.load("m/x") == {"a": 2}
    name = dvc_project.md5((root / "m/x").read_bytes())
    assert name in (root / "m/x.dvc").read_text()


def test_a_model_whose_files_are_links_into_the_cache_is_loaded(root: Path, store: Path) -> None:
    with (root / ".dvc/config").open("a") as config:
        config.write("[cache]\n    type = symlink\n")
    my.save({"a": 1}, "m/x", dvc=True)
    (root / "m/x").unlink()
    pull()
    assert (root / "m/x").is_symlink()
    assert my.load("m/x") == {"a": 1}


def test_the_command_line_says_what_it_did(root: Path, store: Path) -> None:
    from click.testing import CliRunner

    from modelyard.cli import main  # noqa: F401
    from modelyard.cli.commands.pull import command as pull_command
    from modelyard.cli.commands.push import command as push_command

    dvc_project.track(root, root / ".dvc/cache", "x", b"x")
    run = CliRunner().invoke
    assert run(push_command, ["--dry-run"]).output.startswith(
        "would send 1 file (1 content, 1 byte)"
    )
    assert f"sent 1 file (1 content, 1 byte) to {store}" in run(push_command, []).output
    assert "nothing to do" in run(push_command, []).output
    shutil.rmtree(root / ".dvc/cache")
    found = run(pull_command, ["--json", "x"])
    assert '"objects": 1' in found.output or '"objects":1' in found.output
