"""Options of buckets come from the user; what comes with a folder cannot lead credentials away."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelyard.base.config import set_setting, settings
from modelyard.base.errors import InvalidSetting, NotAllowed
from modelyard.stores.faults import faults
from modelyard.stores.folders.storage_options import options_for


@pytest.fixture(autouse=True)
def own_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MODELYARD_CONFIG_DIR", str(tmp_path / "user"))
    project = tmp_path / "project"
    project.mkdir()
    (project / "modelyard.toml").touch()
    monkeypatch.chdir(project)
    return project


def test_nothing_said_is_nothing_added() -> None:
    assert options_for("s3") == options_for("memory") == {}


def test_the_user_says_where_and_as_whom(own_project: Path) -> None:
    set_setting("storage.s3.endpoint_url", "http://127.0.0.1:9000", "user")
    set_setting("storage.s3.profile", "work", "user")
    assert options_for("s3") == {"endpoint_url": "http://127.0.0.1:9000", "profile": "work"}
    assert options_for("gs") == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MODELYARD_STORAGE_S3", '{endpoint_url = "http://h:1", anon = true}'),
        ("MODELYARD_STORAGE", '{s3 = {endpoint_url = "http://h:1", anon = true}}'),
    ],
)
def test_so_does_the_environment(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    assert options_for("s3") == {"endpoint_url": "http://h:1", "anon": True}


def test_or_option_by_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELYARD_STORAGE_S3_ENDPOINT_URL", "http://h:1")
    monkeypatch.setenv("MODELYARD_STORAGE_S3_ANON", "true")
    assert options_for("s3") == {"endpoint_url": "http://h:1", "anon": True}


@pytest.mark.parametrize("file", ["modelyard.toml", "pyproject.toml"])
@pytest.mark.parametrize(
    ("scheme", "option", "value"),
    [
        ("s3", "endpoint_url", "https://evil.example"),
        ("s3", "profile", "root"),
        ("s3", "requester_pays", "true"),
        ("gs", "endpoint_url", "https://evil.example"),
        ("az", "account_host", "evil.example"),
        ("az", "account_name", "evil"),
        ("sftp", "key_file", "/home/ana/.ssh/other"),
    ],
)
def test_an_address_that_comes_with_a_folder_is_refused(
    own_project: Path, file: str, scheme: str, option: str, value: str
) -> None:
    head = "[tool.modelyard.storage" if file == "pyproject.toml" else "[storage"
    line = value if value == "true" else f'"{value}"'
    (own_project / file).write_text(f"{head}.{scheme}]\n{option} = {line}\n")
    with pytest.raises(
        InvalidSetting, match=rf"storage\.{scheme}\.{option} is not read from a project"
    ):
        options_for(scheme)


def test_a_project_may_say_what_costs_nobody_anything(own_project: Path) -> None:
    (own_project / "modelyard.toml").write_text(
        '[storage.s3]\nanon = true\nregion = "eu-central-1"\n'
    )
    assert options_for("s3") == {"anon": True, "client_kwargs": {"region_name": "eu-central-1"}}
    set_setting("storage.s3.anon", False, "user")  # the user has the last word
    assert options_for("s3")["anon"] is False


@pytest.mark.parametrize(
    "text",
    [
        '[storage.s3]\nregion = "x.evil.example/"\n',
        '[storage.s3]\nanon = "yes"\n',
        "[storage.s3]\nregion = 3\n",
        '[storage.s3]\nregoin = "eu"\n',
    ],
)
def test_what_cannot_be_meant_is_refused(own_project: Path, text: str) -> None:
    (own_project / "modelyard.toml").write_text(text)
    with pytest.raises(InvalidSetting, match=r"storage\.s3"):
        options_for("s3")


def test_a_word_and_options_live_together(
    own_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own_project / "modelyard.toml").write_text('storage = "dvc"\n')
    assert settings().get("storage") == "dvc"
    assert options_for("s3") == {}
    set_setting("storage.s3.anon", True, "user")
    assert options_for("s3") == {"anon": True}
    assert settings().get("storage") == "dvc"
    (own_project / "modelyard.toml").write_text(
        '[storage]\nkind = "dvc"\n[storage.s3]\nanon = true\n'
    )
    assert settings().get("storage.kind") == "dvc"
    assert options_for("s3") == {"anon": True}
    monkeypatch.setenv("MODELYARD_STORAGE", "dvc")
    assert options_for("s3") == {"anon": True}


@pytest.mark.parametrize(("label", "public"), [("s3://bucket/m", "MODELYARD_STORAGE_S3_ANON=true"), ("sftp://host/m", "")])  # fmt: skip
def test_who_has_no_credentials_hears_of_public_buckets(label: str, public: str) -> None:
    with pytest.raises(NotAllowed, match="without credentials: Unable to locate") as refused, faults(label):  # fmt: skip
        raise RuntimeError("Unable to locate credentials: NoCredentials")
    hint = refused.value.hint or ""
    assert public in hint
    assert ("ANON" in hint) == bool(public)
