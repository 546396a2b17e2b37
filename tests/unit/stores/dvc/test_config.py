"""DVC's settings: who said what, and what a repository that came from elsewhere can not decide."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.base.errors import InvalidInput, NotFound
from modelyard.stores.dvc.config import Config, parse_config, reader_config, remote_settings
from modelyard.stores.dvc.policy import honoured


def config(text: str, level: str = "repo", folder: str | None = "/r/.dvc") -> Config:
    return parse_config(text.encode(), "config", level, folder)  # type: ignore[arg-type]


def remote(*levels: tuple[str, str], name: str = "s") -> Config:
    """A configuration of options of one remote, by level."""
    found = Config()
    for level, options in levels:
        found = config(f"['remote \"{name}\"']\n{options}\n", level).over(found)
    return found


def test_a_configuration_as_dvc_writes_it() -> None:
    found = config(
        """# of the team
[core]
    remote = Store
    autostage = true
['remote "Store"']
    url = ../../store
    endpointurl = "http://a#b"   # here
[ 'remote "other"' ]
    url = s3://bucket/path
[cache]
    type = "reflink,hardlink,copy"
"""
    )
    assert found.default_remote == "store"
    settings = remote_settings(found, None, "x")
    assert (settings.url, settings.scheme) == ("/store", "")
    assert settings.value("endpointurl") == "http://a#b"
    assert remote_settings(found, "OTHER", "x").scheme == "s3"
    cache = found.get("cache", "type")
    assert cache is not None
    assert cache.value == "reflink,hardlink,copy"


def test_later_levels_win_option_by_option() -> None:
    found = remote(
        ("global", "url = /a\nuser = u"), ("repo", "url = /b"), ("local", "password = p")
    )
    settings = remote_settings(found, None, "x")
    assert settings.url == "/b"
    assert {name: o.level for name, o in settings.options.items()} == {
        "url": "repo",
        "user": "global",
        "password": "local",
    }


def test_remotes_that_build_on_others() -> None:
    found = config(
        "['remote \"server\"']\nurl = ssh://host/srv\nuser = root\n"
        "['remote \"images\"']\nurl = remote://server/pictures\nuser = alice\n"
        "['remote \"a\"']\nurl = remote://b/x\n['remote \"b\"']\nurl = remote://a/x\n"
    )
    settings = remote_settings(found, "images", "x")
    assert (settings.url, settings.value("user")) == ("ssh://host/srv/pictures", "alice")
    with pytest.raises(InvalidInput, match="circle"):
        remote_settings(found, "a", "x")


def test_a_remote_that_is_not_there_is_named_with_near_ones() -> None:
    found = config("['remote \"store\"']\nurl = /a\n['remote \"backup\"']\nurl = /b\n")
    with pytest.raises(NotFound, match="did you mean 'store'"):
        remote_settings(found, "stor", "repo")
    with pytest.raises(NotFound, match="no default remote"):
        remote_settings(found, None, "repo")


@pytest.mark.parametrize("text", ["url = /a\n", "[core]\nremote\n", "[core\nx = 1\n"])
def test_what_is_no_configuration_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"config, line \d"):
        config(text)


def test_a_configuration_that_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidInput, match="not UTF-8"):
        parse_config(b"\xff", "config", "repo", None)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        config(text)
    except InvalidInput:
        return


def test_the_users_own_file_is_found_where_dvc_has_it(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("[core]\nremote = mine\n['remote \"mine\"']\nurl = store\n")
    environ = {
        "DVC_GLOBAL_CONFIG_DIR": str(tmp_path),
        "DVC_SYSTEM_CONFIG_DIR": str(tmp_path / "none"),
    }
    found = reader_config(environ)
    assert remote_settings(found, None, "x").url == str(tmp_path / "store")
    (tmp_path / "xdg/dvc").mkdir(parents=True)
    (tmp_path / "xdg/dvc/config").write_text("[core]\nremote = other\n")
    assert reader_config({"XDG_CONFIG_HOME": str(tmp_path / "xdg"), "DVC_SYSTEM_CONFIG_DIR": "/none"}).default_remote == "other"  # fmt: skip


def told(found: Config, environ: dict[str, str] | None = None):
    return honoured(remote_settings(found, None, "x"), environ or {})


def test_a_repository_names_no_files_commands_or_questions() -> None:
    options = (
        "url = s3://b\ncredentialpath = /etc/aws/credentials\nkeyfile = ~/.ssh/id\nask_password = true\n"
        "ssl_verify = false\nbearer_token_command = id\nregion = eu\nprofile = work"
    )
    found = told(remote(("repo", options)))
    assert set(found.options) == {"url", "region", "profile"}
    assert "keyfile" in found.ignored
    assert found.ambient
    assert set(told(remote(("local", options))).options) >= {
        "keyfile",
        "ssl_verify",
        "credentialpath",
    }


def test_own_credentials_do_not_go_to_an_endpoint_that_a_repository_names() -> None:
    named = ("repo", "url = s3://b\nendpointurl = http://evil")
    assert not told(remote(named)).ambient
    assert told(remote(named), {"AWS_ENDPOINT_URL": "http://evil"}).ambient
    assert not told(remote(named), {"AWS_ENDPOINT_URL": "http://other"}).ambient
    assert told(remote(named, ("local", "endpointurl = http://mine"))).ambient
    assert told(remote(("global", "url = s3://b\nendpointurl = http://mine"))).ambient


def test_a_secret_for_all_repositories_is_not_for_anybody_who_takes_the_name() -> None:
    secret = "password = p\naccess_key_id = k"
    everywhere = remote(("global", f"url = https://mine\n{secret}"), ("repo", "url = https://evil"))
    assert not {"password", "access_key_id"} & set(told(everywhere).options)
    assert told(remote(("global", f"url = https://mine\n{secret}"))).options["password"] == "p"
    here = remote(("repo", "url = https://team"), ("local", secret))
    assert told(here).options["password"] == "p"


def test_a_repositorys_own_keys_are_used_at_its_own_endpoint() -> None:
    found = told(
        remote(("repo", "url = s3://b\nendpointurl = http://theirs\naccess_key_id = public"))
    )
    assert found.options["access_key_id"] == "public"
    assert not found.ambient


def test_the_host_of_the_reader_with_a_path_of_the_repository_gets_the_readers_secret() -> None:
    found = config("['remote \"server\"']\nurl = https://mine\npassword = p\n", "global")
    found = config("['remote \"images\"']\nurl = remote://server/pictures\n").over(found)
    settings = remote_settings(found, "images", "x")
    assert honoured(settings, {}).options["password"] == "p"
