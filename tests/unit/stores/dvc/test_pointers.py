"""Pointers, lock files and manifests: read as DVC writes them, and refused where they could do harm."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.base.errors import InvalidInput, InvalidPath
from modelyard.stores.dvc.manifests import manifest_bytes, manifest_id, read_manifest
from modelyard.stores.dvc.names import ObjectId, inner_path, joined, matches, object_id
from modelyard.stores.dvc.pointers import Pointer, pointer_again, pointer_text, read_outputs
from modelyard.stores.plain_yaml import read_yaml

MD5 = "65a4f0aa8f2f2f0f2ad0a0f0a2f6aea3"
DIGITS = "12345678901234567890123456789012"


def outputs(text: str, path: str = "models/churn.dvc", pipeline: str | None = None) -> list[Any]:
    return read_outputs(text.encode(), path, "repo", pipeline.encode() if pipeline else None)


def test_a_pointer_as_dvc_writes_it() -> None:
    (found,) = outputs(f"outs:\n- md5: {MD5}\n  size: 11\n  hash: md5\n  path: churn\n")
    assert (found.path, found.oid, found.size) == ("models/churn", ObjectId(MD5), 11)
    assert found.pointer == "models/churn.dvc"
    assert found.oid.place == f"files/md5/{MD5[:2]}/{MD5[2:]}"


def test_a_pointer_to_a_folder_of_dvc_2() -> None:
    (found,) = outputs(
        f"outs:\n- md5: {MD5}.dir\n  size: 11\n  nfiles: 3\n  path: data\n", "data.dvc"
    )
    assert found.oid == ObjectId(MD5, folder=True, legacy=True)
    assert found.oid.place == f"{MD5[:2]}/{MD5[2:]}.dir"


@pytest.mark.parametrize("md5", [DIGITS, "1234567890123456789e123456789012"])
@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_an_md5_that_looks_like_a_number_is_read_as_it_stands(md5: str, quote: str) -> None:
    (found,) = outputs(f"outs:\n- md5: {quote}{md5}{quote}\n  hash: md5\n  path: churn\n")
    assert found.oid == ObjectId(md5)


def test_all_that_else_may_stand_in_a_pointer() -> None:
    (found,) = outputs(
        f"""md5: abc
frozen: true
deps:
- path: data
  repo: {{url: https://example.org/r, rev_lock: 1f2e}}
wdir: ..
outs:
- md5: {MD5}
  hash: md5
  path: models/churn
  isexec: true
  push: false
  remote: other
  desc: "a: b"   # a remark
  meta: {{sha256: 5f0c, more: [1, 2]}}
"""
    )
    assert (found.path, found.remote, found.executable, found.pushed) == ("models/churn", "other", True, False)  # fmt: skip
    assert found.imported == "https://example.org/r"


def test_outputs_of_stages_and_of_stages_in_a_loop() -> None:
    lock = f"""schema: '2.0'
stages:
  train@a:
    cmd: python train.py --out out-a.txt
    deps:
    - path: train.py
      hash: md5
      md5: {DIGITS}
      size: 3
    params:
      params.yaml:
        lr: 0.1
        depth:
        - 1
        - 2
    outs:
    - path: out-a.txt
      hash: md5
      md5: {MD5}
      size: 2
  plain:
    cmd: echo
    outs:
    - path: ../shared/x
      hash: md5
      md5: {MD5}.dir
      size: 2
      nfiles: 1
"""
    pipeline = (
        "stages:\n  train:\n    foreach: [a, b]\n    do:\n      wdir: work/${item}\n      cmd: x\n"
    )
    found = outputs(lock, "pipe/dvc.lock", pipeline)
    assert [o.path for o in found] == ["pipe/work/a/out-a.txt", "shared/x"]
    assert [o.oid.folder for o in found] == [False, True]
    assert [o.path for o in outputs(lock, "pipe/dvc.lock")] == ["pipe/out-a.txt", "shared/x"]


def test_an_output_outside_of_the_repository_is_nobodys_here() -> None:
    assert outputs("outs:\n- path: s3://bucket/x\n  etag: abc\n") == []
    assert outputs(f"outs:\n- path: /abs/x\n  md5: {MD5}\n") == []


@pytest.mark.parametrize(
    "path", ["../../x", "../.git/hooks/pre-commit", ".dvc/config", "a/.GIT/x", "a\\b", "."]
)
def test_an_output_that_leaves_the_project_is_refused(path: str) -> None:
    with pytest.raises(InvalidInput, match=r"churn\.dvc"):
        outputs(f"outs:\n- md5: {MD5}\n  path: '{path}'\n", "churn.dvc")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("outs: !!python/object/apply:os.system ['true']\n", "tag"),
        ("outs:\n- &a {md5: x}\n- *a\n", "anchors"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "anchors"),
        (f"outs:\n- md5: {MD5}\n  md5: {MD5}\n  path: x\n", "duplicate|twice"),
        (f"outs:\n- md5: {MD5}\n  size: -1\n  path: x\n", "number of bytes"),
        (f"outs:\n- md5: {MD5}\n  size: 1e9\n  path: x\n", "number of bytes"),
        ("outs:\n- md5: ../../etc/passwd\n  path: x\n", "no md5"),
        ("outs:\n- md5: abc\n  path: x\n", "no md5"),
        (f"outs:\n- md5: {MD5}\n  hash: blake3\n  path: x\n", "blake3"),
        (f"outs:\n- md5: {MD5}\n", "without a path"),
        ("outs: 3\n", "list"),
        ("- x\n", "mapping"),
        ("outs: [\n", "line"),
        ("outs:\n\t- x\n", "line|tab"),
        ("[" * 3000, "deep|line"),
    ],
)
def test_a_bad_pointer_is_refused_with_its_name(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as raised:
        outputs(text)
    assert "repo: models/churn.dvc" in str(raised.value)


def test_a_pointer_that_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidInput, match="not UTF-8"):
        read_outputs(b"outs:\n- path: \xff\n", "x.dvc", "repo")


def test_a_pipeline_of_people_may_have_anchors_but_unfolds_into_no_bomb() -> None:
    assert read_yaml(b"a: &x {wdir: sub}\nb: *x\n", "dvc.yaml", aliases=True) == {
        "a": {"wdir": "sub"},
        "b": {"wdir": "sub"},
    }
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    before = time.process_time()
    with pytest.raises(InvalidInput, match="unfolds"):
        read_yaml("\n".join(lines).encode(), "dvc.yaml", aliases=True)
    assert time.process_time() - before < 30


TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=12)
PLAIN = st.recursive(
    TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(TEXTS, PLAIN, max_size=4))
def test_the_short_reader_and_the_whole_one_agree(value: dict[str, Any]) -> None:
    """What ruamel writes is read back as it was, whichever reader takes it."""
    import io

    from ruamel.yaml import YAML

    written = io.StringIO()
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.dump(value, written)
    found = read_yaml(written.getvalue().encode(), "x")
    assert found == value if value else found in ({}, None)


@given(st.text(alphabet="ab:- '\"\n#{}[]&*!|>?%@,0", max_size=40))
def test_the_short_reader_never_says_other_than_the_whole_one(text: str) -> None:
    from modelyard.stores.plain_yaml import _Block, _Unusual, _whole_yaml

    try:
        short = _Block(text).read()
    except _Unusual:
        return
    assert short == _whole_yaml(text, "x", False)


@given(
    st.text("0123456789abcdef", min_size=32, max_size=32),
    st.booleans(),
    st.text(
        st.characters(exclude_categories=("Cs",), exclude_characters="/\\\0\n"),
        min_size=1,
        max_size=20,
    ),
)
def test_our_pointers_are_read_back(md5: str, folder: bool, name: str) -> None:
    try:
        inner_path(name, "x")
    except InvalidPath:
        return
    text = pointer_text(Pointer(ObjectId(md5, folder), 7, name, 2 if folder else None))
    (found,) = outputs(text, "x.dvc")
    assert (found.path, found.oid, found.size) == (name, ObjectId(md5, folder), 7)


def test_our_pointers_are_dvcs_to_the_byte() -> None:
    assert pointer_text(Pointer(ObjectId(MD5), 11, "m.pkl")) == (
        f"outs:\n- md5: {MD5}\n  size: 11\n  hash: md5\n  path: m.pkl\n"
    )
    assert f"- md5: '{DIGITS}'\n" in pointer_text(Pointer(ObjectId(DIGITS), 1, "x"))
    assert "  nfiles: 3\n  hash: md5\n" in pointer_text(Pointer(ObjectId(MD5, True), 2, "d", 3))


def test_what_people_wrote_into_a_pointer_stays() -> None:
    before = f"# mine\nouts:\n- md5: {DIGITS}\n  size: 1\n  hash: md5\n  path: churn\n  desc: a model\nmeta:\n  by: ana\n"
    text = pointer_again(before, Pointer(ObjectId(MD5), 5, "churn"))
    assert "# mine" in text
    assert "desc: a model" in text
    assert "by: ana" in text
    (found,) = outputs(text)
    assert (found.oid, found.size) == (ObjectId(MD5), 5)


def test_a_manifest_is_dvcs_to_the_byte() -> None:
    data = manifest_bytes({"b.txt": MD5, "a/é.txt": DIGITS})
    assert data == (
        b'[{"md5": "%s", "relpath": "a/\\u00e9.txt"}, {"md5": "%s", "relpath": "b.txt"}]'
        % (DIGITS.encode(), MD5.encode())
    )
    assert read_manifest(data, "x") == {"a/é.txt": ObjectId(DIGITS), "b.txt": ObjectId(MD5)}
    assert manifest_id(data).text.endswith(".dir")


@pytest.mark.parametrize(
    "rows",
    [
        [{"relpath": "../x", "md5": MD5}],
        [{"relpath": "/x", "md5": MD5}],
        [{"relpath": "a/../../x", "md5": MD5}],
        [{"relpath": ".git/config", "md5": MD5}],
        [{"relpath": "", "md5": MD5}],
        [{"relpath": "x", "md5": "y"}],
        [{"relpath": "x", "md5": f"{MD5}.dir"}],
        [{"relpath": "x"}],
        [{"relpath": 3, "md5": MD5}],
        [{"relpath": "x", "md5": MD5}] * 2,
        [{"relpath": "x", "md5": MD5}, {"relpath": "x/y", "md5": MD5}],
        ["x"],
        {"x": 1},
    ],
)
def test_a_bad_manifest_is_refused(rows: Any) -> None:
    with pytest.raises(InvalidInput, match="manifest of data"):
        read_manifest(json.dumps(rows).encode(), "the manifest of data")


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 100_000])
def test_bytes_that_are_no_manifest_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput, match="no manifest"):
        read_manifest(data, "x")


@given(
    st.lists(st.sampled_from(["a", "b", "..", ".", ""]), max_size=6),
    st.sampled_from(["", "p", "p/q"]),
)
def test_a_joined_path_stays_below_the_root(parts: list[str], folder: str) -> None:
    try:
        found = joined(folder, "/".join(parts), "x")
    except InvalidPath:
        return
    assert not found.startswith("/")
    assert ".." not in found.split("/")


def test_text_of_dvc_2_is_known_with_either_line_ends(tmp_path: Any) -> None:
    file = tmp_path / "x.csv"
    file.write_bytes(b"a,b\r\n1,2\r\n")
    import dvc_project

    unix = dvc_project.md5(b"a,b\n1,2\n")
    assert matches(ObjectId(unix, legacy=True), file)
    assert not matches(ObjectId(unix), file)
    file.write_bytes(b"\0\r\n")
    assert not matches(ObjectId(dvc_project.md5(b"\0\n"), legacy=True), file)


def test_an_id_is_lower_case_hex() -> None:
    assert object_id(MD5.upper(), "x") == ObjectId(MD5)
    for bad in ("", "x" * 32, MD5 + "\n", MD5 + ".dirx", "/" + MD5[1:]):
        with pytest.raises(InvalidInput):
            object_id(bad, "x")
