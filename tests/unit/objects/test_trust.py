"""The user's store of trusted digests, and the decision whether to load."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.base.errors import InvalidInput, Untrusted
from modelyard.base.notes import collected
from modelyard.objects import trust

ONE, OTHER = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MODELYARD_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.delenv("MODELYARD_TRUST", raising=False)
    return tmp_path / "config" / "trusted_digests"


def test_nothing_is_trusted_at_first(store: Path) -> None:
    with collected() as lines:
        assert trust.entries() == []
        assert not trust.is_trusted(ONE)
        assert not trust.forget(ONE)
    assert lines == []
    assert not store.exists()


def test_what_is_remembered_is_trusted_until_it_is_forgotten(store: Path) -> None:
    assert trust.remember(ONE, "saved", "models/churn")
    assert trust.remember(OTHER, "trusted", "s3://bucket/a b")
    assert trust.is_trusted(ONE)
    [first, second] = trust.entries()
    assert (first.digest, first.how, first.ref) == (ONE, "saved", "models/churn")
    assert second.ref == "s3://bucket/a b"
    assert trust.forget(ONE)
    assert not trust.is_trusted(ONE)
    assert trust.is_trusted(OTHER)


def test_a_line_says_digest_time_how_and_what(store: Path) -> None:
    trust.remember(ONE, "saved", "models/churn")
    digest, at, how, ref = store.read_text().removesuffix("\n").split(" ", 3)
    assert (digest, how, ref) == (ONE, "saved", "models/churn")
    assert at.endswith("Z")


def test_a_digest_is_written_once(store: Path) -> None:
    for _ in range(3):
        trust.remember(ONE, "saved")
    assert store.read_text().count(ONE) == 1


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX")
def test_only_the_user_can_read_and_write_it(store: Path) -> None:
    trust.remember(ONE, "saved")
    assert store.stat().st_mode & 0o777 == 0o600
    trust.remember(OTHER, "saved")
    trust.forget(ONE)
    assert store.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX")
def test_a_store_that_others_may_write_counts_for_nothing(store: Path) -> None:
    trust.remember(ONE, "saved")
    store.chmod(0o666)
    with collected() as lines:
        assert not trust.is_trusted(ONE)
    assert "other users may write it" in lines[0]


@given(how=st.text(max_size=20), ref=st.text(max_size=60))
def test_whatever_is_said_of_a_digest_adds_no_line(
    how: str, ref: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODELYARD_CONFIG_DIR", str(tmp_path_factory.mktemp("config")))
        trust.remember(ONE, how, f"{ref}\n{OTHER} now saved x")
        trust.remember(OTHER[:-1] + "3", "saved", ref)
        assert [entry.digest for entry in trust.entries()] == [ONE, OTHER[:-1] + "3"]


def test_damaged_lines_are_noted_and_the_others_count(store: Path) -> None:
    trust.remember(ONE, "saved")
    with store.open("ab") as stream:
        stream.write(
            b"nonsense\n\xff\xfe\nsha256:12 x y\n" + OTHER.encode()[:40]
        )  # cut off by a crash
    with collected() as lines:
        assert trust.is_trusted(ONE)
    assert "4 lines are no trusted digests" in lines[0]
    with collected():
        trust.remember(OTHER, "saved")
        assert trust.is_trusted(OTHER)


def test_a_store_that_cannot_be_written_is_one_line_and_no_crash(store: Path) -> None:
    store.mkdir(parents=True)  # a folder stands where the file should
    with collected() as lines:
        assert trust.remember(ONE, "saved") is False
    assert any("could not be remembered" in line for line in lines)
    with collected() as lines:
        assert not trust.is_trusted(ONE)
    assert len(lines) == 1
    assert "cannot be read" in lines[0]


def test_many_processes_write_at_once_and_nothing_is_lost(store: Path) -> None:
    script = (
        "import sys; from modelyard.objects import trust\n"
        "for i in range(20): trust.remember(f'sha256:{int(sys.argv[1]) * 100 + i:064x}', 'saved', 'x' * 200)\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", script, str(n)]) for n in range(1, 5)]
    assert [writer.wait() for writer in writers] == [0] * 4
    expected = {f"sha256:{n * 100 + i:064x}" for n in range(1, 5) for i in range(20)}
    with collected() as lines:
        assert {entry.digest for entry in trust.entries()} == expected
    assert lines == []
    assert len(store.read_text().splitlines()) == 80


@pytest.mark.parametrize("tier", [0, 1])
def test_what_runs_no_code_passes(tier: int) -> None:
    trust.decide(ONE, tier)


def test_code_that_nobody_trusted_is_refused_with_all_one_needs_to_know() -> None:
    reasons = [f"features.f{i}" for i in range(10)]
    with pytest.raises(Untrusted) as caught:
        trust.decide(ONE, 2, reasons=reasons, ref="models/churn")
    text = str(caught.value)
    assert text == (
        f"loading models/churn runs code that you have not trusted ({ONE}); it is there because of: "
        "features.f0, features.f1, features.f2, features.f3, features.f4, features.f5, features.f6, features.f7 "
        "and 2 more\n"
        f"Hint: if you trust where it comes from: modelyard trust models/churn, or load it with trust='{ONE}'"
    )
    assert caught.value.details == {"digest": ONE, "reasons": reasons}


def test_code_is_loaded_when_this_user_trusted_its_digest() -> None:
    trust.remember(ONE, "saved")
    trust.decide(ONE, 2)
    with pytest.raises(Untrusted):
        trust.decide(OTHER, 2)


def test_whoever_starts_the_process_may_name_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELYARD_TRUST", f"{ONE}, {OTHER}")
    trust.decide(ONE, 2)
    trust.decide(OTHER, 2)
    with pytest.raises(Untrusted):
        trust.decide(f"sha256:{'3' * 64}", 2)


def test_the_users_own_configuration_may_name_digests(store: Path) -> None:
    store.parent.mkdir()
    (store.parent / "config.toml").write_text(f'trust = ["{ONE}"]\n')
    trust.decide(ONE, 2)


def test_nothing_that_comes_with_a_folder_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trusted_digests").write_text(f"{ONE} now saved x\n")
    with pytest.raises(Untrusted):
        trust.decide(ONE, 2)


def test_the_callers_digest_is_enough_and_is_held_to() -> None:
    trust.decide(ONE, 2, trust=ONE)
    assert not trust.is_trusted(ONE)
    for tier in (0, 1, 2):
        with pytest.raises(Untrusted, match="you trust sha256:222"):
            trust.decide(ONE, tier, trust=OTHER)


@pytest.mark.parametrize("given", [True, 1, b"x", ["sha256"]])
def test_trust_is_no_switch(given: Any) -> None:
    with pytest.raises(InvalidInput, match="does not say what is trusted") as caught:
        trust.decide(ONE, 2, trust=given)
    assert "sha256:…" in str(caught.value.hint)


@pytest.mark.parametrize(
    "given", ["", "yes", "sha256:", ONE[:30], ONE.upper(), ONE + "0", ONE + "\n"]
)
def test_a_digest_is_given_whole(given: str) -> None:
    with pytest.raises(InvalidInput, match="not a digest"):
        trust.decide(ONE, 2, trust=given)


def test_only_digests_are_remembered() -> None:
    with pytest.raises(InvalidInput):
        trust.remember("churn", "saved")


def test_deciding_loads_nothing_heavy() -> None:
    script = "import sys, modelyard.objects.trust; assert not {'numpy', 'platformdirs'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
