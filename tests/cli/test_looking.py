"""Commands that look: show, list, schema, diff, checkenv, doctor, config, init."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

import modelyard as my
from cli.program import process, run
from modelyard.base.config import SETTINGS, USER_SETTINGS
from modelyard.objects import formats
from modelyard.objects.card_file import read_card, write_card
from modelyard.yard.doctor import EXTRAS


def test_the_registry_at_a_glance(project: Path) -> None:
    assert run("show", "--json", cwd=project).data == {
        "churn": {"latest": 2, "stages": {"prod": 1}, "aliases": {"champion": 2}},
        "sleepers": {"latest": 1, "stages": {}, "aliases": {}},
    }
    assert run("show", cwd=project).out.splitlines() == [
        "name      latest  #prod",
        "churn     2       1",
        "sleepers  1       -",
    ]


def test_an_object_as_a_report(project: Path) -> None:
    done = run("show", "models/churn", cwd=project)
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[:2] == ["models/churn: logistic-regression sklearn model", "Who will leave"]
    assert "  format       skops, tier 1" in lines
    assert "  predict(X: dataframe of 2 columns) -> array int64 [*]" in lines
    assert lines.count("      age: int64") == 1, "columns are listed once"
    assert "      the columns of predict" in lines
    assert any(line.startswith("  digest       sha256:") for line in lines)


def test_a_function_says_that_it_runs_code(project: Path) -> None:
    assert "cloudpickle, tier 2: runs code when loaded" in run("show", "models/double", cwd=project).out  # fmt: skip


def test_data_shows_its_columns(project: Path) -> None:
    out = run("show", "data/customers", cwd=project).out
    assert "  shape        200 x 2\n" in out
    assert re.search(r"^  age +int64 +0 ", out, re.MULTILINE)


def test_a_registered_version(project: Path) -> None:
    assert run("show", "churn#prod", cwd=project).out.startswith("churn@1: logistic-regression")
    assert run("show", "churn@champion", cwd=project).out.startswith("churn@2: careful")
    assert run("show", "models:/churn/1", cwd=project).out.startswith("churn@1:")


def test_an_object_as_json(project: Path) -> None:
    facts = run("show", "models/churn", "--json", cwd=project).data
    assert facts["format"] == {"name": "skops", "tier": 1}
    assert list(facts["methods"]) == ["predict", "predict_proba", "predict_log_proba", "decision_function"]  # fmt: skip
    assert facts["digest"] == my.load_card(project / "models/churn").digest


def test_an_object_as_yaml_is_its_card(project: Path) -> None:
    out = run("show", "models/churn", "--format", "yaml", cwd=project).out
    card = (project / "models/churn.yard.yaml").read_text("utf-8")
    assert YAML(typ="safe").load(out) == YAML(typ="safe").load(card)


def described(project: Path, text: str) -> None:
    """Describe the model otherwise."""
    card = project / "models/churn.yard.yaml"
    write_card(read_card(card).but(description=text), card)


def test_an_object_as_markdown(changing: Path) -> None:
    described(changing, "a | b <script> [x](javascript:y) *z*")
    out = run("show", "models/churn", "--format", "md", cwd=changing).out
    assert out.startswith("# models/churn\n\nLogistic-regression sklearn model.\n")
    assert "\na \\| b &lt;script> \\[x\\](javascript:y) \\*z\\*\n" in out
    titles = [line for line in out.splitlines() if line.startswith("## ")]
    assert titles == ["## Use it", "## Methods", "## Requirements", "## Safety", "## Origin"]
    assert "| age | int64 |  |  |" in out
    assert "tier 1: allow-listed constructors" in out
    out = run("show", "data/customers", "--format", "md", cwd=changing).out
    assert "| column | type | missing |" in out


def blocks(text: str, language: str) -> str:
    return "\n".join(re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL))


def test_a_model_card_can_be_followed(project: Path) -> None:
    out = run("show", "models/churn", "--format", "md", cwd=project).out
    with contextlib.chdir(project):
        scope: dict[str, Any] = {}
        exec(blocks(out, "python"), scope)
        assert list(scope["model"].predict(scope["X"])) in ([0], [1])
    apply, serve, curl = (shlex.split(line) for line in blocks(out, "sh").splitlines())
    assert run(*apply[1:], cwd=project).code == 0
    assert serve == ["modelyard", "serve", "models/churn"]
    [row] = json.loads(curl[-1])
    assert set(row) == {"age", "income"}


def test_a_card_cannot_command_the_terminal(changing: Path) -> None:
    evil = "nice \x1b[2J\x1b]0;title\x07 model \u202egnp.exe"
    described(changing, evil)
    for words in (["show", "models/churn"], ["list"]):
        out = run(*words, cwd=changing).out
        assert not {"\x1b", "\x07", "\u202e"} & set(out), words
        assert "nice \ufffd" in out
    assert run("show", "models/churn", "--json", cwd=changing).data["description"] == evil


@pytest.mark.parametrize(
    ("ref", "message", "hint"),
    [
        ("models/chrun", "nothing is called 'models/chrun': no object at models/chrun.yard.yaml; no model 'models/chrun' in yard.db", "did you mean 'models/churn'?"),
        ("chrun", "nothing is called 'chrun': no object at chrun.yard.yaml; no model 'chrun' in yard.db", "did you mean 'churn'?"),
        ("customers", "nothing is called 'customers': no object at customers.yard.yaml; no model 'customers' in yard.db", "it is a data set: modelyard data show customers"),
        ("xyzzy", "nothing is called 'xyzzy': no object at xyzzy.yard.yaml; no model 'xyzzy' in yard.db", "modelyard list shows the objects here, modelyard show the registered models"),
        ("churn@7", "no version 7 of 'churn'", "versions: 1, 2; aliases: champion"),
        ("churn#dev", "nothing is in stage 'dev' of 'churn'", "in use: prod (version 1)"),
        ("./models/nope", "no object at models/nope (there is no nope.yard.yaml)", None),
        ("../outside", "no object at ../outside (there is no outside.yard.yaml)", None),
    ],
)  # fmt: skip
def test_what_is_not_there(ref: str, message: str, hint: str | None, project: Path) -> None:
    done = run("show", ref, cwd=project)
    assert (done.code, done.out) == (3, "")
    assert done.err.splitlines() == [f"error: {message}", *([f"Hint: {hint}"] if hint else [])]


@pytest.mark.parametrize("ref", ["churn@", "churn#", "models:/", "a\nb", "churn@v1.x", "runs:/../../etc"])  # fmt: skip
def test_what_is_no_reference(ref: str, project: Path) -> None:
    done = run("show", ref, cwd=project)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")


def test_another_project(project: Path, empty: Path) -> None:
    assert run("show", "--project", project, "--json", cwd=empty).data["churn"]["latest"] == 2
    assert run("show", "models/churn", "--project", project, cwd=empty).code == 0
    assert run("show", "churn@2", "--project", project, cwd=empty).code == 0
    missing = run("show", "--project", "nowhere", cwd=empty)
    assert (missing.code, missing.err) == (3, "error: no project folder at nowhere\n")


LOOKING = [
    ["show"], ["list"], ["models", "list"], ["data", "list"], ["predictions", "list"], ["history"], ["doctor"],
    ["config", "list"],
]  # fmt: skip
NEEDS_A_YARD = [
    ["which", "churn", "--stage", "prod"], ["history", "churn"], ["alias", "churn"], ["demote", "churn", "--stage", "prod"],
    ["promote", "churn", "--stage", "prod"], ["models", "versions", "churn"], ["models", "get", "churn", "-o", "x"],
    ["models", "rename", "churn", "x"], ["models", "delete", "churn", "--yes"], ["data", "show", "x"],
    ["data", "get", "x", "-o", "x.csv"], ["predictions", "export", "-o", "x.csv"], ["predictions", "feedback", "x", "1"],
    ["predictions", "erase", "--model", "churn", "--yes"], ["db", "check"], ["db", "upgrade"], ["db", "backup", "x.db"], ["db", "gc"],
]  # fmt: skip


@pytest.mark.parametrize("words", LOOKING, ids=" ".join)
def test_looking_at_nothing(words: list[str], empty: Path) -> None:
    done = run(*words, cwd=empty)
    assert done.code == 0
    if words[0] not in ("doctor", "config"):
        assert done.out == ""
        assert done.err.count("\n") == 1
        assert run(*words, "--json", cwd=empty).data in ([], {})
    assert not (empty / "yard.db").exists()


@pytest.mark.parametrize("words", NEEDS_A_YARD, ids=" ".join)
def test_where_there_is_no_yard(words: list[str], empty: Path) -> None:
    done = run(*words, cwd=empty)
    assert done.code == 3
    assert done.err.startswith(f"error: there is no yard in {empty} yet\nHint: modelyard register")
    assert [p.name for p in empty.iterdir()] == ["modelyard.toml"]


def test_with_a_git_registry_files_and_data_work_on(changing: Path) -> None:
    run("init", "--registry", "git", cwd=changing)
    assert run("show", "models/churn", cwd=changing).code == 0
    assert run("apply", "models/churn", "new.csv", cwd=changing).code == 0
    assert run("data", "list", cwd=changing).code == 0


def test_objects_of_a_folder(project: Path) -> None:
    rows = run("list", "--json", cwd=project).data
    assert [r["path"] for r in rows] == ["data/customers", "models/churn", "models/double", "models/other"]  # fmt: skip
    assert run("list", "models", "--flavor", "sklearn", "--json", cwd=project).data[0]["path"] == "churn"  # fmt: skip
    assert [r["path"] for r in run("list", "--label", "careful", "--json", cwd=project).data] == ["models/other"]  # fmt: skip
    assert [r["path"] for r in run("list", "--kind", "data", "--json", cwd=project).data] == ["data/customers"]  # fmt: skip
    assert run("list", "--label", "nope", cwd=project).err == "no saved objects in .\n"
    assert run("list", "nowhere", cwd=project).code == 3


def test_a_broken_card_is_listed_with_its_error(changing: Path) -> None:
    (changing / "models/broken.yard.yaml").write_text("yard: 1\nkind: model\nflavour: sklearn\n")
    (changing / "models/evil.yard.yaml").write_text("!!python/object/apply:os.system [id]\n")
    done = run("list", "models", "--json", cwd=changing)
    assert done.code == 0
    errors = {r["path"]: r["error"] for r in done.data if "error" in r}
    assert set(errors) == {"broken", "evil"}
    assert "flavour" in errors["broken"]


def test_a_table_is_never_cut_when_piped(changing: Path) -> None:
    long = "word " * 200
    described(changing, long)
    assert " ".join(long.split()) in process("list", cwd=changing, COLUMNS="40").out


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals there")
def test_a_table_fits_a_terminal(project: Path) -> None:
    lines = on_a_terminal(project, "models", "list", columns=80).splitlines()
    assert len(lines) == 4
    assert max(map(len, lines)) <= 80
    assert "…" in lines[1]
    assert lines[1].split()[1:3] == ["churn", "1"], "narrow columns stay whole"


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals there")
def test_a_question_takes_no_for_an_answer(changing: Path) -> None:
    told = on_a_terminal(changing, "models", "delete", "sleepers", answer=b"n\n", code=1)
    assert "Delete sleepers with all its versions (1) for good? [y/N]" in told
    assert "nothing was changed" in told
    assert "sleepers" in run("show", "--json", cwd=changing).data
    told = on_a_terminal(changing, "models", "delete", "sleepers", answer=b"y\n")
    assert "deleted sleepers" in told
    assert "sleepers" not in run("show", "--json", cwd=changing).data


def on_a_terminal(cwd: Path, *words: str, columns: int = 100, answer: bytes = b"", code: int = 0) -> str:  # fmt: skip
    """What a person sees who types a command into a terminal of that width."""
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "modelyard", *words],
        cwd=cwd,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "COLUMNS": str(columns), "TERM": "dumb"},
    )
    os.close(theirs)
    os.write(ours, answer)
    seen = b""
    try:
        while piece := os.read(ours, 4096):
            seen += piece
    except OSError:  # the terminal is closed
        pass
    finally:
        os.close(ours)
    assert process.wait(60) == code, seen
    return seen.decode().replace("\r\n", "\n")


def test_a_schema(project: Path) -> None:
    of_model = run("schema", "models/churn", "--json", cwd=project).data
    columns = of_model["methods"]["predict"]["args"]["properties"]["X"]["items"]["properties"]
    assert list(columns) == ["age", "income"]
    of_data = run("schema", "data/customers", "--json", cwd=project).data
    assert list(of_data["items"]["properties"]) == ["age", "income"]
    assert json.loads(run("schema", "models/churn", cwd=project).out) == of_model


@pytest.mark.parametrize("suffix", ["arrow", "feather", "xlsx"])
def test_the_schema_of_other_files(suffix: str, project: Path, tmp_path: Path) -> None:
    formats.write_path(formats.read_path(project / "new.csv"), tmp_path / f"new.{suffix}")
    found = run("schema", tmp_path / f"new.{suffix}", "--json", cwd=project).data
    assert found == run("schema", "new.csv", "--json", cwd=project).data


@pytest.mark.parametrize("file", ["new.csv", "new.parquet"])
def test_the_schema_of_a_file(file: str, project: Path) -> None:
    found = run("schema", file, "--json", cwd=project).data
    assert list(found["items"]["properties"]) == ["age", "income"]


def test_a_comparison(project: Path) -> None:
    same = run("diff", "models/churn", "churn@1", cwd=project)
    assert same.out == "models/churn and churn@1 are the same\n"
    done = run("diff", "models/churn", "models/other", cwd=project)
    assert done.code == 0
    assert done.out.startswith("models/churn -> models/other: compatible, schema same\n")
    assert "  labels: logistic-regression -> careful" in done.out
    facts = run("diff", "models/churn", "models/double", "--json", cwd=project).data
    assert facts["schema"] == "breaking"
    assert "  BREAKING " in run("diff", "models/churn", "models/double", cwd=project).out


@pytest.mark.parametrize(
    ("b", "result", "code"),
    [("churn@1", "same", 0), ("models/other", "compatible", 0), ("models/double", "breaking", 6), ("data/customers", "breaking", 6)],
)  # fmt: skip
def test_a_comparison_as_a_check(b: str, result: str, code: int, project: Path) -> None:
    done = run("diff", "models/churn", b, "--check", "--json", cwd=project)
    assert done.code == code
    facts = done.data
    assert list(facts) == ["result", "same", "schema", "differences", "changes"]
    assert facts["result"] == result
    assert all(list(d) == ["where", "change", "breaking", "reason"] for d in facts["differences"])
    assert run("diff", "models/churn", b, cwd=project).code == 0


@pytest.mark.parametrize(
    ("where", "paths"),
    [
        ("kind = 'data'", ["data/customers"]),
        ("flavor = 'sklearn' and labels = 'careful'", ["models/other"]),
        ("path like 'models/%' and not flavor = 'sklearn'", ["models/double"]),
        ("tier >= 2", ["models/double"]),
        ("methods in ('predict_proba') and path ~ 'CHURN'", ["models/churn"]),
        ("packages.\"scikit-learn\" is not null and labels != 'careful'", ["models/churn"]),
        ("metrics.accuracy > 0.5", []),
    ],
)
def test_a_listing_that_is_filtered(where: str, paths: list[str], project: Path) -> None:
    found = run("list", "--where", where, "--json", cwd=project)
    assert [row["path"] for row in found.data] == paths


def test_a_listing_by_metrics_and_metadata(tmp_path: Path) -> None:
    for name, accuracy in (("a", 0.8), ("b", 0.95)):
        my.save({"x": 1}, tmp_path / name, metrics={"val acc": accuracy}, metadata={"team": {"name": "blue"}, "n": 3})  # fmt: skip
    where = "metrics.\"val acc\" > 0.9 and metadata.team.name = 'blue' and metadata.n = 3"
    assert [r["path"] for r in run("list", "--where", where, "--json", cwd=tmp_path).data] == ["b"]


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("flavour = 'x'", "cards have no field 'flavour'"),
        ("params.x = 1", "cards have no field 'params.x'"),
        ("metrics.accuracy > '0.9'", "metrics.accuracy is a number, and compared with a text"),
        ("flavor == sklearn", "the filter cannot be read at 'sklearn': texts go in single quotes"),
        ("(" * 9000, "the filter cannot be read at"),
    ],
)
def test_a_filter_that_is_none(where: str, message: str, project: Path) -> None:
    done = run("list", "--where", where, cwd=project)
    assert done.code == 2
    assert message in done.err


def test_the_environment_fits(project: Path) -> None:
    done = run("checkenv", "models/churn", cwd=project)
    assert (done.code, done.out) == (0, "models/churn: the environment fits\n")
    assert run("checkenv", "models/churn", "--json", cwd=project).data == []


def test_the_environment_differs(changing: Path) -> None:
    card = changing / "models/churn.yard.yaml"
    card.write_text(re.sub(r"numpy==[^,\]]+", "numpy==1.0.0", card.read_text("utf-8")))
    done = run("checkenv", "models/churn", cwd=changing)
    assert done.code == 6
    assert "numpy" in done.out
    assert done.err.startswith("mend it with: pip install ")
    rows = run("checkenv", "models/churn", "--json", cwd=changing).data
    assert rows[0]["package"] == "numpy"
    assert rows[0]["wanted"] == "1.0.0"


def test_a_doctor_finds_nothing_wrong(project: Path) -> None:
    done = run("doctor", "--json", cwd=project)
    assert done.code == 0
    found = {row["what"]: row for row in done.data}
    assert found["yard"]["found"] == "yard.db is sound, trusted"
    assert found["project"]["found"] == str(project)
    assert found["extra sklearn"]["found"] == "installed"


def test_a_doctor_knows_every_extra() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8")
    assert {*EXTRAS, "all"} == set(tomllib.loads(text)["project"]["optional-dependencies"])


@pytest.mark.parametrize(
    ("file", "content", "what", "hint"),
    [
        ("modelyard.toml", "regstry = 'yard'", "settings", "did you mean 'registry'"),
        ("modelyard.toml", "registry = 'git'", "registry", "git init"),
        ("yard.db", "this is not a database", "yard", ""),
        (".git/config", "", "git", "modelyard init"),
    ],
)
def test_a_doctor_finds_what_is_wrong(file: str, content: str, what: str, hint: str, empty: Path) -> None:  # fmt: skip
    (empty / file).parent.mkdir(exist_ok=True)
    (empty / file).write_text(content)
    done = run("doctor", "--json", cwd=empty)
    assert done.code == 6
    (bad,) = [row for row in done.data if row["ok"] is False]
    assert bad["what"] == what
    assert bad["hint"].startswith(hint)
    shown = run("doctor", cwd=empty)
    assert shown.code == 6
    assert f"BAD  {what} " in shown.out


@pytest.mark.skipif(os.name == "nt", reason="files have no modes there")
def test_a_doctor_looks_at_the_trust_store(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELYARD_CONFIG_DIR", str(empty / "user"))
    store = empty / "user" / "trusted_digests"
    store.parent.mkdir()
    store.write_text("")
    store.chmod(stat.S_IRUSR | stat.S_IWUSR | stat.S_IWOTH)
    done = run("doctor", "--json", cwd=empty)
    assert done.code == 6
    assert [row["hint"] for row in done.data if row["ok"] is False] == [f"chmod 600 {store}"]


def test_settings_and_which_one_won(changing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {row["setting"]: row for row in run("config", "list", "--json", cwd=changing).data}
    assert set(rows) == {*SETTINGS, *USER_SETTINGS}
    assert rows["registry"] == {"setting": "registry", "value": "yard", "from": str(changing / "modelyard.toml"), "over": []}  # fmt: skip
    assert rows["uri"] == {"setting": "uri", "value": "sqlite:///yard.db", "from": "default", "over": []}  # fmt: skip

    done = run("config", "set", "serve.port", "9000", cwd=changing)
    assert (done.code, done.out) == (0, "")
    assert done.err == f"serve.port = 9000 in {changing / 'modelyard.toml'}\n"
    monkeypatch.setenv("MODELYARD_SERVE_PORT", "9001")
    rows = {row["setting"]: row for row in run("config", "list", "--json", cwd=changing).data}
    assert rows["serve.port"] == {"setting": "serve.port", "value": 9001, "from": "$MODELYARD_SERVE_PORT", "over": [str(changing / "modelyard.toml")]}  # fmt: skip
    assert "# Settings of this project" in (changing / "modelyard.toml").read_text("utf-8")


def test_a_setting_of_the_user(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELYARD_CONFIG_DIR", str(empty / "user"))
    done = run("config", "set", "trust", '["sha256:aa"]', "--user", "--json", cwd=empty)
    assert done.data == {"setting": "trust", "value": ["sha256:aa"], "file": str(empty / "user" / "config.toml")}  # fmt: skip
    refused = run("config", "set", "trust", "sha256:aa", cwd=empty)
    assert refused.code == 2
    assert "is not read from a project" in refused.err


def test_a_setting_there_is_not(empty: Path) -> None:
    done = run("config", "set", "regsitry", "git", cwd=empty)
    assert done.code == 2
    assert done.err.startswith("error: unknown setting 'regsitry'\nHint: did you mean 'registry'")
    assert run("config", "set", "registry", "svn", cwd=empty).code == 2


def test_init(tmp_path: Path) -> None:
    done = run("init", "here", cwd=tmp_path)
    assert done.code == 0
    assert done.out.splitlines() == [f"project at {tmp_path / 'here'}", "  wrote modelyard.toml", "  wrote .gitignore"]  # fmt: skip
    assert done.err.startswith("next: ")
    assert "yard.db\n" in (tmp_path / "here/.gitignore").read_text("utf-8")


def test_init_again_changes_nothing(tmp_path: Path) -> None:
    run("init", cwd=tmp_path)
    (tmp_path / "modelyard.toml").write_text("# mine\nuri = 'sqlite:///other.db'\n")
    (tmp_path / ".gitignore").write_text("yard.db\nyard.db-wal\nyard.db-shm\nyard.files/\n*.csv")
    before = {p.name: p.read_text("utf-8") for p in tmp_path.iterdir()}
    assert run("init", "--json", cwd=tmp_path).data == {"root": str(tmp_path), "wrote": []}
    assert {p.name: p.read_text("utf-8") for p in tmp_path.iterdir()} == before


def test_init_in_a_python_project(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.modelyard]\n")
    assert run("init", "--json", cwd=tmp_path).data["wrote"] == [".gitignore"]
    assert run("init", "--registry", "git", "--json", cwd=tmp_path).data["wrote"] == ["pyproject.toml"]  # fmt: skip
    assert 'registry = "git"' in (tmp_path / "pyproject.toml").read_text("utf-8")


def test_init_where_a_file_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert run("init", "file", cwd=tmp_path).code == 5
