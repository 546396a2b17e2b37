"""Settings: which one wins, what is refused, and that writing one changes nothing else."""

import stat
import tomllib

import pytest

from modelyard.base.config import (
    Setting,
    default_uri,
    parse_value,
    set_setting,
    settings,
    user_settings,
)
from modelyard.base.errors import InvalidSetting


def pyproject(root, text):
    (root / "pyproject.toml").write_text(f"[project]\nname = 'x'\n\n[tool.modelyard]\n{text}")
    return root


def test_nothing_is_set_in_an_empty_project(tmp_path):
    found = settings(tmp_path, {})
    assert found.explain() == []
    assert found.get("registry") is None
    assert found.get("registry", "yard") == "yard"
    assert found.get("serve", {}) == {}


def test_the_environment_wins_then_pyproject_then_our_own_file(tmp_path):
    pyproject(tmp_path, "uri = 'from-pyproject'\nregistry = 'git'\n")
    (tmp_path / "modelyard.toml").write_text("uri = 'own'\nregistry = 'yard'\nartifacts = 'own'\n")
    found = settings(tmp_path, {"MODELYARD_URI": "from-env"})
    shared, own = str(tmp_path / "pyproject.toml"), str(tmp_path / "modelyard.toml")
    assert found.explain() == [
        Setting("artifacts", "own", own),
        Setting("registry", "git", shared, (own,)),
        Setting("uri", "from-env", "$MODELYARD_URI", (shared, own)),
    ]
    assert found.get("uri") == "from-env"


def test_tables_are_merged_by_option(tmp_path):
    pyproject(tmp_path, "[tool.modelyard.serve]\nport = 8080\nhost = 'x'\n")
    environ = {"MODELYARD_SERVE_PORT": "9090", "MODELYARD_SERVE_MAX_BODY": "1_000"}
    found = settings(tmp_path, environ)
    assert found.get("serve") == {"port": 9090, "host": "x", "max_body": 1000}
    assert found.get("serve.port") == 9090
    assert found.get("serve.workers", 1) == 1


@pytest.mark.parametrize(
    "text",
    [
        "registry = 'git'\n'registry.stages' = {prod = 'Production'}\n",
        "registry.kind = 'git'\nregistry.stages.prod = 'Production'\n",
        "[tool.modelyard.registry]\nkind = 'git'\n[tool.modelyard.registry.stages]\nprod = 'Production'\n",
    ],
)
def test_registry_is_a_word_or_a_table_with_its_kind(tmp_path, text):
    found = settings(pyproject(tmp_path, text), {})
    assert found.get("registry") == "git"
    assert found.get("registry.stages") == {"prod": "Production"}


def test_a_table_in_the_environment(tmp_path):
    found = settings(tmp_path, {"MODELYARD_REGISTRY_STAGES": "{prod = 'Production'}"})
    assert found.get("registry.stages") == {"prod": "Production"}
    assert found.get("registry") is None


def test_names_with_dots_stay_whole(tmp_path):
    pyproject(tmp_path, "[tool.modelyard.targets.'my.host']\nuser = 'ana'\n")
    assert settings(tmp_path, {}).get("targets") == {"my.host": {"user": "ana"}}


def test_other_variables_with_our_prefix_are_not_settings(tmp_path):
    environ = {"MODELYARD_TRUST": "sha256:1", "MODELYARD_CONFIG_DIR": "x", "MODELYARD_URI": ""}
    assert settings(tmp_path, environ).explain() == []


def test_an_unknown_key_names_the_file_and_the_nearest_key(tmp_path):
    pyproject(tmp_path, "artefacts = 'x'\n")
    with pytest.raises(InvalidSetting) as raised:
        settings(tmp_path, {})
    file = tmp_path / "pyproject.toml"
    assert str(raised.value) == (
        f"{file}: unknown setting 'artefacts'\nHint: did you mean 'artifacts' or 'targets'?"
    )


def test_an_unknown_key_below_registry_is_refused(tmp_path):
    pyproject(tmp_path, "[tool.modelyard.registry]\nstage = 1\n")
    with pytest.raises(InvalidSetting, match=r"unknown setting 'registry\.stage'"):
        settings(tmp_path, {})


@pytest.mark.parametrize("key", ["trust", "signers", "tokens"])
def test_a_project_cannot_say_whom_to_trust(tmp_path, key, monkeypatch):
    monkeypatch.setenv("MODELYARD_CONFIG_DIR", str(tmp_path / "mine"))
    (tmp_path / "modelyard.toml").write_text(f"[{key}]\nx = 'y'\n")
    with pytest.raises(InvalidSetting) as raised:
        settings(tmp_path, {})
    assert f"setting '{key}' is not read from a project" in str(raised.value)
    assert str(tmp_path / "mine" / "config.toml") in str(raised.value)
    with pytest.raises(InvalidSetting):
        set_setting(f"{key}.x", "y", root=tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("registry = 'gti'", "registry is 'gti'\nHint: did you mean 'git'?"),
        ("registry = 3", "registry is 3\nHint: one of: yard, git"),
        ("uri = 3", "uri is 3\nHint: a text, in quotes"),
        ("serve = 3", "serve is 3\nHint: a table: [serve]"),
    ],
)
def test_a_value_of_the_wrong_shape_is_refused(tmp_path, text, message):
    pyproject(tmp_path, text + "\n")
    with pytest.raises(InvalidSetting) as raised:
        settings(tmp_path, {})
    assert str(raised.value) == f"{tmp_path / 'pyproject.toml'}: {message}"


def test_a_value_of_the_wrong_shape_in_the_environment_names_the_variable(tmp_path):
    with pytest.raises(InvalidSetting, match=r"^\$MODELYARD_REGISTRY: registry is 'x'"):
        settings(tmp_path, {"MODELYARD_REGISTRY": "x"})


def test_asking_for_an_unknown_key_is_an_error_not_a_default(tmp_path):
    with pytest.raises(InvalidSetting, match="unknown setting 'ur'\nHint: did you mean 'uri'"):
        settings(tmp_path, {}).get("ur", "x")


def test_the_users_own_file_and_environment(tmp_path):
    environ = {"MODELYARD_CONFIG_DIR": str(tmp_path), "MODELYARD_TRUST": "sha256:1"}
    (tmp_path / "config.toml").write_text("trust = ['a']\n[tokens]\n'hub.example.org' = 't'\n")
    found = user_settings(environ)
    assert found.get("trust") == "sha256:1"
    assert found.get("tokens") == {"hub.example.org": "t"}
    assert found.values["trust"].over == (str(tmp_path / "config.toml"),)


def test_a_projects_setting_in_the_users_file_is_refused(tmp_path):
    (tmp_path / "config.toml").write_text("uri = 'x'\n")
    with pytest.raises(InvalidSetting) as raised:
        user_settings({"MODELYARD_CONFIG_DIR": str(tmp_path)})
    assert str(raised.value) == (
        f"{tmp_path / 'config.toml'}: setting 'uri' is a project's, not a user's\n"
        "Hint: set it in pyproject.toml or modelyard.toml, or as an environment variable"
    )


def test_the_default_database_is_in_the_root(tmp_path):
    assert default_uri(settings(tmp_path, {})) == f"sqlite:///{tmp_path}/yard.db"


@pytest.mark.parametrize(
    "uri", ["postgresql://h/x", "sqlite:////abs/x.db", "sqlite://", "http://h:5000"]
)
def test_a_complete_uri_is_taken_as_it_is(tmp_path, uri):
    pyproject(tmp_path, f"uri = '{uri}'\n")
    assert default_uri(settings(tmp_path, {})) == uri


def test_a_relative_database_is_meant_from_where_it_is_said(tmp_path):
    pyproject(tmp_path, "uri = 'sqlite:///data/x.db'\n")
    assert default_uri(settings(tmp_path, {})) == f"sqlite:///{tmp_path}/data/x.db"
    environ = {"MODELYARD_URI": "sqlite:///data/y.db"}
    assert default_uri(settings(tmp_path, environ)) == "sqlite:///data/y.db"


def test_setting_one_makes_our_own_file(tmp_path):
    assert set_setting("serve.port", 8080, root=tmp_path) == tmp_path / "modelyard.toml"
    set_setting("uri", "sqlite:///x.db", root=tmp_path)
    set_setting("serve.host", "0.0.0.0", root=tmp_path)
    found = settings(tmp_path, {})
    assert found.get("serve") == {"port": 8080, "host": "0.0.0.0"}
    assert found.get("uri") == "sqlite:///x.db"


def test_setting_one_in_pyproject_keeps_all_else(tmp_path):
    before = (
        "# a project\n[project]\nname = 'x'  # its name\n\n[tool.modelyard]  # ours\n"
        "uri = 'old'  # the 'team' one\n\n[tool.ruff]\nline-length = 100\n"
    )
    (tmp_path / "pyproject.toml").write_text(before)
    set_setting("uri", "new", root=tmp_path)
    set_setting("serve.port", 8080, root=tmp_path)
    assert (tmp_path / "pyproject.toml").read_text() == before.replace(
        "uri = 'old'", 'uri = "new"'
    ).replace("one\n", "one\nserve.port = 8080\n")


def test_the_word_registry_makes_room_for_its_tables(tmp_path):
    pyproject(tmp_path, "registry = 'git'  # tags\n")
    set_setting("registry.stages.prod", "Production", root=tmp_path)
    set_setting("registry", "yard", root=tmp_path)
    found = settings(tmp_path, {})
    assert found.get("registry") == "yard"
    assert found.get("registry.stages") == {"prod": "Production"}
    assert "# tags" in (tmp_path / "pyproject.toml").read_text()


def test_a_wrong_value_is_not_written(tmp_path):
    with pytest.raises(InvalidSetting, match="registry is 'x'"):
        set_setting("registry", "x", root=tmp_path)
    with pytest.raises(InvalidSetting, match="unknown setting 'urj'"):
        set_setting("urj", "x", root=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_users_file_is_readable_by_nobody_else(tmp_path):
    environ = {"MODELYARD_CONFIG_DIR": str(tmp_path / "mine")}
    file = set_setting("tokens.hub.example.org", "secret", "user", environ=environ)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert tomllib.loads(file.read_text()) == {"tokens": {"hub.example.org": "secret"}}
    assert user_settings(environ).get("tokens") == {"hub.example.org": "secret"}


def test_a_linked_file_stays_a_link(tmp_path):
    (tmp_path / "elsewhere.toml").write_text("uri = 'a'\n")
    (tmp_path / "modelyard.toml").symlink_to("elsewhere.toml")
    set_setting("uri", "b", root=tmp_path)
    assert (tmp_path / "modelyard.toml").is_symlink()
    assert (tmp_path / "elsewhere.toml").read_text() == 'uri = "b"\n'


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("8080", 8080),
        ("true", True),
        ("'a b'", "a b"),
        ("[1, 2]", [1, 2]),
        ("models", "models"),
        ("a\nb = 2", "a\nb = 2"),
        ("1 # x", 1),
        ("", ""),
        ("C:\\x", "C:\\x"),
    ],
)
def test_words_of_the_command_line(text, value):
    assert parse_value(text) == value
