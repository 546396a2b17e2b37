"""Foreign names never leave their root, and a file is written whole or not at all."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.base.errors import FileMissing, InvalidPath, StorageFull
from modelyard.base.paths import (
    discard,
    full_disk_named,
    list_below,
    open_below,
    replacing,
    safe_segments,
)

BAD = [
    # what the framework decoded once, or did not decode
    "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/x",
    "a/../../x",
    "..%252f..%252fx",
    "%252e%252e%252fx",
    "%25%32%65%25%32%65%25%32%66x",
    "%" + "25" * 12 + "2e%2e/x",
    "%c0%ae%c0%ae/x",
    "\ufffd\ufffd\ud800/x",
    # Windows
    "..%5c..%5cx",
    "..\\..\\x",
    "C:\\windows\\win.ini",
    "C:x",
    "\\\\host\\share",
    "CON",
    "con.txt",
    "LPT1",
    "nul.tar.gz",
    "aux.",
    "x:stream",
    # nothing, here, above
    ".",
    "./.",
    ".//",
    "..",
    "",
    "a/./b",
    "a/..",
    "//etc/passwd",
    "/etc/passwd",
    "x/",
    "a//b",
    # control and invisible characters
    "x\0.txt",
    "x\n",
    "x\ny",
    "x\r",
    "\x7f",
    "x\u202ey",
    "x\u200by",
    "\ufeffx",
    # URL parsers
    "x#/../y",
    "a;../x/..",
    "a?/../..",
    "file:///etc/passwd",
    # in disguise
    "\uff0e\uff0e/x",
    "\u2024\u2024/x",
    "x ",
    "x.",
    "...",
    # sizes
    "a" * 256,
    "é" * 128,
    "a" * 5000,
    "/".join("a" * 2000),
]


@pytest.fixture
def root(tmp_path):
    """A folder with one file, and a canary beside it."""
    (tmp_path / "canary").write_text("secret")
    root = tmp_path / "root"
    (root / "models").mkdir(parents=True)
    (root / "models" / "churn").write_bytes(b"bytes")
    return root


@pytest.mark.parametrize("path", BAD, ids=lambda p: ascii(p)[:40])
def test_a_path_that_is_not_plain_is_refused_and_nothing_is_opened(root, path):
    with pytest.raises(InvalidPath) as raised:
        safe_segments(path)
    assert raised.value.message.startswith("path ")
    with pytest.raises(InvalidPath):
        open_below(root, path)


@pytest.mark.parametrize(
    "path", ["x", "models/churn", ".gitignore", "a b/c-d_e.txt", "é/冠军", "..x"]
)
def test_plain_paths(path):
    assert safe_segments(path) == tuple(path.split("/"))


@given(st.text(max_size=40))
def test_what_is_taken_stays_below_its_root_on_every_system(text):
    try:
        segments = safe_segments(text)
    except InvalidPath:
        return
    assert "/".join(segments) == text
    base = os.path.normpath("/root/folder")
    assert os.path.normpath(f"{base}/{text}").startswith(base + "/")
    assert not set(text) & set('\\:*?"<>|\0\n')


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "path '' is refused: it is empty"),
        ("../x", "path '../x' is refused: '..' is not a name"),
        ("a//b", "path 'a//b' is refused: it has an empty segment"),
        ("a\nb", "path 'a\\nb' is refused: it has a control or invisible character"),
        ("C:x", "path 'C:x' is refused: 'C:x' has a character that is special on some system"),
        ("con", "path 'con' is refused: 'con' is a device name on Windows"),
        ("a.", "path 'a.' is refused: 'a.' ends in a dot or blank, or hides one"),
        ("a" * 300, f"path {'a' * 300!r} is refused: a segment is longer than 255 bytes"),
        ("a" * 2000, f"path {'a' * 40!r}… is refused: longer than 1024 characters"),
    ],
)
def test_exact_texts(path, message):
    with pytest.raises(InvalidPath) as raised:
        safe_segments(path)
    assert str(raised.value) == message


def test_a_file_below_is_opened(root):
    with open_below(root, "models/churn") as stream:
        assert stream.read() == b"bytes"


@pytest.mark.parametrize("path", ["models/none", "none/churn"])
def test_a_file_that_is_not_there_is_missing(root, path):
    with pytest.raises(FileMissing, match=f"no file '{path}' in "):
        open_below(root, path)


@pytest.mark.parametrize("path", ["models", "models/churn/x"])
def test_what_is_no_file_is_refused(root, path):
    with pytest.raises(InvalidPath):
        open_below(root, path)


@pytest.mark.parametrize(
    ("link", "target", "path"),
    [
        ("file", "../canary", "file"),
        ("file", "models/churn", "file"),
        ("folder", "..", "folder/canary"),
        ("folder", "models", "folder/churn"),
        ("models/deep", "..", "models/deep/models/churn"),
        ("dangling", "nowhere", "dangling"),
    ],
)
def test_no_link_is_followed_wherever_it_stands(root, link, target, path):
    (root / link).symlink_to(target)
    with pytest.raises(InvalidPath, match="link"):
        open_below(root, path)
    with pytest.raises(InvalidPath, match="it is a link"):
        list_below(root)


def test_a_pipe_is_refused_without_waiting_for_a_writer(root):
    os.mkfifo(root / "pipe")
    with pytest.raises(InvalidPath, match="not a regular file"):
        open_below(root, "pipe")


def test_the_root_itself_may_be_a_link(root, tmp_path):
    (tmp_path / "alias").symlink_to(root)
    with open_below(tmp_path / "alias", "models/churn") as stream:
        assert stream.read() == b"bytes"


def test_a_refusal_leaves_no_descriptor_open(root):
    (root / "link").symlink_to("models")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for path in ["link/churn", "none/x", "models", "models/none"] * 20:
        with pytest.raises((InvalidPath, FileMissing)):
            open_below(root, path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_all_files_below_are_listed_in_order(root):
    (root / "a").touch()
    (root / "models" / "B").touch()
    (root / "empty").mkdir()
    assert list_below(root) == ["a", "models/B", "models/churn"]


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_a_file_is_replaced_at_once(tmp_path):
    target = tmp_path / "deep" / "card"
    with replacing(target) as temporary:
        temporary.write_text("one")
        assert not target.exists()
    with replacing(target) as temporary:
        temporary.write_text("two")
        assert target.read_text() == "one"
    assert target.read_text() == "two"
    assert names(target.parent) == ["card"]


@pytest.mark.parametrize("old", ["file", "folder"])
@pytest.mark.parametrize("new", ["file", "folder"])
def test_files_and_folders_replace_each_other(tmp_path, old, new):
    def make(path, kind, text):
        if kind == "folder":
            (path / "inner").mkdir(parents=True)
            (path / "inner" / "x").write_text(text)
        else:
            path.write_text(text)

    target = tmp_path / "churn"
    make(target, old, "old")
    with replacing(target) as temporary:
        make(temporary, new, "new")
    assert (target / "inner" / "x" if new == "folder" else target).read_text() == "new"
    assert names(tmp_path) == ["churn"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("folder", [False, True])
def test_a_block_that_fails_leaves_the_old_content_alone(tmp_path, error, folder):
    target = tmp_path / "churn"
    if folder:
        target.mkdir()
        (target / "x").write_text("old")
    else:
        target.write_text("old")

    def interrupted():
        with replacing(target) as temporary:
            temporary.write_text("half")
            raise error("stop")

    with pytest.raises(error):
        interrupted()
    assert (target / "x" if folder else target).read_text() == "old"
    assert names(tmp_path) == ["churn"]


KILLED = """
import os, signal, sys
from pathlib import Path
from modelyard.base import paths

point, target = sys.argv[1], Path(sys.argv[2])

def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if point == "sync":
    paths.sync = kill
elif point == "swap":
    paths.swap = kill
elif point == "synced":
    paths.sync_folder = kill
elif point == "discard":
    paths.discard = kill
with paths.replacing(target) as temporary:
    if target.is_dir():
        temporary.mkdir()
        (temporary / "x").write_text("new")
    else:
        temporary.write_text("new")
    if point == "block":
        kill()
"""


@pytest.mark.parametrize("kind", ["file", "folder"])
@pytest.mark.parametrize("point", ["block", "sync", "swap", "synced", "discard"])
def test_a_killed_process_leaves_old_or_new_never_half(tmp_path, point, kind):
    target = tmp_path / "churn"
    inside = target / "x" if kind == "folder" else target
    inside.parent.mkdir(exist_ok=True)
    inside.write_text("old")
    done = subprocess.run([sys.executable, "-c", KILLED, point, str(target)], check=False)
    assert done.returncode == -signal.SIGKILL
    expected = "old" if point in ("block", "sync", "swap") else "new"
    assert inside.read_text() == expected


def test_a_full_disk_is_named_with_its_place():
    with pytest.raises(StorageFull) as raised, full_disk_named(Path("models/churn")):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert str(raised.value) == (
        "no space left while writing models/churn\n"
        "Hint: free some space and try again; what was there before is unchanged"
    )
    with pytest.raises(OSError, match="Permission") as other, full_disk_named(Path("x")):
        raise PermissionError(errno.EACCES, "Permission denied")
    assert not isinstance(other.value, StorageFull)


def test_a_really_full_disk_keeps_the_old_file():
    full = Path("/dev/full")
    if not full.exists():
        pytest.fail("this system has no /dev/full")
    with pytest.raises(StorageFull), full_disk_named(full):
        full.write_bytes(b"x")


def test_discarding_what_is_not_there_is_fine(tmp_path):
    discard(tmp_path / "none")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "kept").touch()
    (tmp_path / "link").symlink_to("outside")
    discard(tmp_path / "link")
    assert names(tmp_path) == ["outside"]
    assert names(tmp_path / "outside") == ["kept"]
