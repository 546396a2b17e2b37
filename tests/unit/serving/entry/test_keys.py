"""API keys: where they stand, what they open, and that nobody sees them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.base.errors import InvalidSetting, NotAllowed, Unauthenticated
from modelyard.serving.asking import Caller
from modelyard.serving.entry import files_watched
from modelyard.serving.entry.auth import Authenticator, AuthSettings
from modelyard.serving.entry.keys import Keys

KEY, OTHER = "k" * 15 + "-1", "o" * 15 + "-2"


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keys:
    monkeypatch.setenv("CI_KEY", KEY)
    (tmp_path / "shop").write_text(f"{OTHER}\n")
    return Keys(
        {"ci": "env:CI_KEY", "shop": {"key": f"file:{tmp_path / 'shop'}", "models": ["churn*"]}}
    )


def test_each_key_is_somebodys(keys: Keys) -> None:
    assert keys.find(KEY.encode()) == Caller("ci")
    assert keys.find(OTHER.encode()) == Caller("shop", ("churn*",))
    assert keys.find(KEY.encode() + b"x") is None
    assert keys.find(b"") is None


def test_a_key_may_be_for_some_models_only(keys: Keys) -> None:
    shop = keys.find(OTHER.encode())
    assert shop is not None
    shop.require("churn-eu")
    with pytest.raises(NotAllowed, match="shop may not use model 'iris'"):
        shop.require("iris")


def test_in_memory_stands_no_key(keys: Keys) -> None:
    def texts(value: Any, depth: int = 6) -> str:
        inner = getattr(value, "__dict__", None)
        parts: list[Any] = list(inner.values()) if inner else []
        if isinstance(value, list | tuple):
            parts = list(value)
        return repr(value) + "".join(texts(part, depth - 1) for part in parts if depth)

    shown = texts(keys)
    assert "_entries" in repr(keys.__dict__)
    assert KEY not in shown
    assert OTHER not in shown


def test_a_folder_holds_a_key_in_each_file_as_kubernetes_mounts_it(tmp_path: Path) -> None:
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / "one").write_text(KEY)
    (tmp_path / "one").symlink_to(tmp_path / "..data" / "one")
    (tmp_path / "two").write_text(OTHER)
    keys = Keys(f"file:{tmp_path}")
    assert keys.find(KEY.encode()) == Caller("one")
    assert keys.find(OTHER.encode()) == Caller("two")


def test_a_list_of_references_names_keys_after_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI_KEY", KEY)
    (tmp_path / "shop.key").write_text(OTHER)
    keys = Keys(f"env:CI_KEY, file:{tmp_path / 'shop.key'}")
    assert keys.find(KEY.encode()) == Caller("CI_KEY")
    assert keys.find(OTHER.encode()) == Caller("shop")


def test_a_key_is_exchanged_and_withdrawn_while_the_server_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(files_watched, "LOOK_SECONDS", -1.0)
    file = tmp_path / "key"
    file.write_text(KEY)
    keys = Keys({"ci": f"file:{file}"})
    file.write_text(OTHER + "longer")
    assert keys.find(KEY.encode()) is None
    assert keys.find(f"{OTHER}longer".encode()) == Caller("ci")
    file.write_text("short")
    assert keys.find(f"{OTHER}longer".encode()) == Caller("ci")
    assert "those known before hold on" in caplog.text
    assert "short" not in caplog.text.replace("shortest", "")


def test_a_folder_that_gets_or_loses_a_key_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files_watched, "LOOK_SECONDS", -1.0)
    (tmp_path / "one").write_text(KEY)
    keys = Keys(f"file:{tmp_path}")
    (tmp_path / "two").write_text(OTHER)
    os.utime(tmp_path, (1, 1))
    assert keys.find(OTHER.encode()) == Caller("two")
    (tmp_path / "one").unlink()
    assert keys.find(KEY.encode()) is None


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ({"ci": "s3cret-that-was-written-down"}, "auth.keys.ci is no reference to a secret"),
        ({"ci": "env:NO_SUCH_KEY_HERE"}, "no variable NO_SUCH_KEY_HERE"),
        ({"ci": "file:/no/such/file"}, "/no/such/file cannot be read"),
        ({"ci": "env:SHORT_KEY"}, "at least 16 characters"),
        ({"ci": "env:EMPTY_KEY"}, "is empty"),
        ({"a": "env:CI_KEY", "b": "env:CI_KEY"}, "two names have the same key"),
        ({"a b": "env:CI_KEY"}, "is no name of a key"),
        ({"ci": {"key": "env:CI_KEY", "model": "x"}}, "is a table of 'key' and 'models'"),
        ({"ci": {"key": "env:CI_KEY", "models": [1]}}, "is a list of patterns"),
        ([], "neither references nor a table"),
        (7, "neither references nor a table"),
        ("", "no reference"),
        ({"ci": None}, "no reference"),
    ],
    ids=lambda value: None if isinstance(value, str) else type(value).__name__,
)
def test_what_cannot_be_a_key_is_refused_and_not_shown(
    setting: Any, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("CI_KEY", KEY), ("SHORT_KEY", "t0o-short"), ("EMPTY_KEY", " ")):
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSetting) as refused:
        Keys(setting)
    told = f"{refused.value.message} {refused.value.hint}"
    assert says in told
    assert not {"s3cret-that-was-written-down", "t0o-short", KEY} & set(told.split())
    assert KEY not in told


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Authenticator:
    file = tmp_path_factory.mktemp("keys") / "ci"
    file.write_text(KEY)
    return Authenticator(AuthSettings.read({"keys": {"ci": f"file:{file}"}}))


@pytest.mark.parametrize(
    "headers",
    [
        {b"authorization": f"Bearer {KEY}".encode()},
        {b"authorization": f"bearer   {KEY} ".encode()},
        {b"x-api-key": KEY.encode()},
        {b"x-api-key": KEY.encode(), b"authorization": b"Basic eDp5"},
    ],
)
def test_both_headers_are_taken(check: Authenticator, headers: dict[bytes, bytes]) -> None:
    assert check.authenticate(headers) == Caller("ci")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {b"authorization": b""},
        {b"authorization": KEY.encode()},
        {b"authorization": b"Bearer"},
        {b"authorization": f"Basic {KEY}".encode()},
        {b"authorization": f"Bearer {KEY} {KEY}".encode()},
        {b"x-api-key": b""},
        {b"x-api-key": f"{KEY}, {KEY}".encode()},
        {b"x-api-key": b"wrong", b"authorization": f"Bearer {KEY}".encode()},
        {b"cookie": KEY.encode()},
    ],
)
def test_all_else_is_refused(check: Authenticator, headers: dict[bytes, bytes]) -> None:
    with pytest.raises(Unauthenticated) as refused:
        check.authenticate(headers)
    assert KEY not in str(refused.value)


@given(
    st.dictionaries(
        st.sampled_from([b"authorization", b"x-api-key"]),
        st.one_of(
            st.binary(max_size=60),
            st.binary(max_size=60).map(lambda rest: b"Bearer " + rest),
            st.binary(max_size=60).map(lambda rest: b"bearer\t" + rest),
        ),
    )
)
def test_no_header_does_more_than_be_refused(
    check: Authenticator, headers: dict[bytes, bytes]
) -> None:
    if KEY.encode() not in b"".join(headers.values()):
        with pytest.raises(Unauthenticated):
            check.authenticate(headers)
