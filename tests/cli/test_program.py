"""The program as such: help, words it does not know, exit codes, streams, signals, what the shell completes."""

from __future__ import annotations

import inspect
import json
import os
import re
import select
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cli.program import process, run
from modelyard import __version__
from modelyard.base import errors
from modelyard.cli import program as cli
from modelyard.cli.catalog import ALIASES, GROUPS, SECTIONS


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command there is, with its words."""
    top = cli.program()
    context = click.Context(top, info_name="modelyard")
    for name in top.list_commands(context):
        command = top.get_command(context, name)
        assert command is not None, name
        if isinstance(command, click.Group):
            for inner in command.list_commands(context):
                found = command.get_command(context, inner)
                assert found is not None, (name, inner)
                yield f"{name} {inner}", found
        else:
            yield name, command


COMMANDS = dict(commands())


def examples(command: click.Command) -> list[str]:
    """The lines below "Examples:" of a command's help."""
    text = inspect.cleandoc(command.help or "").partition("Examples:\n")[2]
    return [line.strip() for line in text.splitlines() if line.strip()]


def test_the_catalog_lists_the_files_of_the_commands() -> None:
    folder = Path(cli.__file__).parent / "commands"
    files = {
        str(f.relative_to(folder).with_suffix("")).replace("_", "-").replace("/", " ").rstrip("-")
        for f in folder.rglob("*.py")
        if "click.command(" in f.read_text("utf-8")
    }
    assert files == set(COMMANDS)


def test_the_catalog_says_what_the_commands_say() -> None:
    lines = {name: line for entries in SECTIONS.values() for name, line in entries.items()}
    lines |= {
        f"{g} {name}": line for g, entries in GROUPS.items() for name, line in entries.items()
    }
    firsts = {
        name: inspect.cleandoc(c.help or "").partition("\n")[0] for name, c in COMMANDS.items()
    }
    others = {
        n: (first, lines[n])
        for n, first in firsts.items()
        if not first.startswith(lines[n].rstrip("."))
    }
    assert others == {}


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_complete(name: str) -> None:
    command = COMMANDS[name]
    assert examples(command), "no example"
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert parameter.help, parameter.name


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_are_right(name: str) -> None:
    for line in examples(COMMANDS[name]):
        words = shlex.split(line.partition(" <")[0])
        assert words[0] == "modelyard", line
        assert " ".join(words[1:]).startswith(name), line
        rest = words[1 + len(name.split()) :]
        with COMMANDS[name].make_context(name, rest):
            pass  # it raises what a user would be told


@pytest.mark.parametrize("name", COMMANDS)
def test_what_prints_prints_json(name: str) -> None:
    if name not in ("serve", "demo", "hub"):
        assert "--json" in [o for p in COMMANDS[name].params for o in p.opts]


def test_help_shows_all_commands_in_groups(empty: Path) -> None:
    done = run("--help", cwd=empty)
    assert done.code == 0
    for title, entries in SECTIONS.items():
        assert f"\n{title}:\n" in done.out
        for name, line in entries.items():
            assert re.search(rf"^  {name} +{re.escape(line)}$", done.out, re.MULTILINE), name
    assert "130 interrupted" in " ".join(done.out.split())


def test_the_version(empty: Path) -> None:
    expected = f"modelyard {__version__}\n"
    assert process("--version", cwd=empty).out == expected
    assert run("-V", cwd=empty).out == expected


@pytest.mark.parametrize("words", [["--help"], ["show", "--help"], ["serve", "--help"], ["db"]])
def test_help_loads_little(words: list[str], empty: Path) -> None:
    code = (
        "import sys; from modelyard.cli.program import run; run(sys.argv[1:]); "
        "print(sorted({m.split('.')[0] for m in sys.modules} - set(sys.stdlib_module_names)), file=sys.stderr);"
        "print([m for m in sys.modules if m.startswith(('modelyard.yard.yard', 'modelyard.types'))], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=empty, capture_output=True, text=True, timeout=60)  # fmt: skip
    loaded, ours = done.stderr.splitlines()[-2:]
    assert (
        not set(re.findall(r"'(\w+)'", loaded))
        - {"click", "modelyard", "colorama"}
        - {m for m in re.findall(r"'(\w+)'", loaded) if m.startswith(("_", "sitecustomize"))}
    )
    assert ours == "[]"


def test_the_version_loads_nothing(empty: Path) -> None:
    code = "import sys; sys.argv = ['modelyard', '--version']; from modelyard.cli import main; main(); print('click' in sys.modules, 'dataclasses' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=empty, capture_output=True, text=True, timeout=60)  # fmt: skip
    assert done.stdout == f"modelyard {__version__}\nFalse False\n"


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["aply"], "no command 'aply'", "did you mean 'apply'?"),
        (["promot"], "no command 'promot'", "did you mean 'promote'?"),
        (["xyzzy"], "no command 'xyzzy'", "modelyard --help lists them"),
        (["models", "lst"], "no command 'lst'", "did you mean 'list'?"),
        (["apply"], "missing argument 'REF'", "modelyard apply [OPTIONS] REF DATA...; modelyard apply --help says more"),
        (["which", "churn"], "missing option '--stage'", "modelyard which [OPTIONS] NAME; modelyard which --help says more"),
        (["predictions", "list", "--limit", "0"], "invalid value for '--limit': 0 is not in the range x>=1", None),
        (["apply", "a", "b", "--method"], "option '--method' requires an argument", None),
        (["init", "--registry", "svn"], "invalid value for '--registry': 'svn' is not one of 'yard', 'git'", None),
        (["demo", "please"], "got unexpected extra argument (please)", None),
    ],
)  # fmt: skip
def test_words_it_does_not_know(words: list[str], message: str, hint: str | None, empty: Path) -> None:  # fmt: skip
    done = run(*words, cwd=empty)
    assert (done.code, done.out) == (2, "")
    lines = done.err.splitlines()
    assert lines[0] == f"error: {message}"
    assert lines[1].startswith("Hint: ")
    if hint:
        assert lines[1] == f"Hint: {hint}"
    asked = run(*words, "--json", cwd=empty)
    if words[0] != "apply" and "list" not in words and words[0] != "demo":
        assert json.loads(asked.err)["error"]["code"] == "invalid_input"


def test_a_wrong_option_is_told_with_the_nearest(empty: Path) -> None:
    done = run("apply", "a", "b", "--metod", "predict", cwd=empty)
    assert done.code == 2
    assert "'--metod'" in done.err
    assert "--method" in done.err


def test_nothing_to_do_shows_the_help(empty: Path) -> None:
    for words in ([], ["models"]):
        done = run(*words, cwd=empty)
        assert done.code == 2
        assert done.out == ""
        assert done.err.startswith("Usage: modelyard")


@pytest.mark.parametrize("word", ALIASES)
def test_words_of_other_tools(word: str, empty: Path) -> None:
    done = run(word, "--help", cwd=empty)
    assert done.code == 0
    assert done.out == run(ALIASES[word], "--help", cwd=empty).out.replace(
        f"modelyard {ALIASES[word]} [", f"modelyard {word} [", 1
    )


def test_the_short_name() -> None:
    assert cli.called_as("/home/ana/.venv/bin/my") == "my"
    assert cli.called_as("/home/ana/.venv/bin/modelyard") == "modelyard"
    assert cli.called_as("-c") == "modelyard"


@pytest.mark.parametrize("kind", errors.TABLE, ids=lambda kind: kind.__name__)
def test_every_error_has_its_exit_code_and_its_words(
    kind: type[errors.ModelyardError], capsys: pytest.CaptureFixture[str]
) -> None:
    row = errors.TABLE[kind]
    error = kind("the model", "sklearn") if kind is errors.MissingExtra else kind("it is so", hint="do so")  # fmt: skip
    assert cli.refuse(error, []) == row.exit_code
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == f"error: {error.message}\nHint: {error.hint}\n"
    assert cli.refuse(error, ["--json"]) == row.exit_code
    facts = json.loads(capsys.readouterr().err)["error"]
    assert facts == {"code": row.code, "message": error.message, "hint": error.hint}


def test_an_error_nobody_foresaw(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.refuse(KeyError("x"), []) == 1
    assert capsys.readouterr().err == "error: KeyError: 'x'\nHint: MODELYARD_DEBUG=1 shows where\n"


def test_an_error_of_the_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.refuse(PermissionError(13, "Permission denied", "new.csv"), []) == 1
    assert capsys.readouterr().err == "error: Permission denied: new.csv\n"


def test_debugging_shows_where(project: Path) -> None:
    done = process("show", "nope", cwd=project, MODELYARD_DEBUG="1")
    assert "Traceback" in done.err
    assert "NotFound" in done.err
    assert "Traceback" not in process("show", "nope", cwd=project).err


def test_errors_go_to_stderr_and_data_to_stdout(project: Path) -> None:
    good = process("show", "--json", cwd=project)
    assert (good.code, good.err) == (0, "")
    assert json.loads(good.out)["churn"]["latest"] == 2
    bad = process("show", "nope", "--json", cwd=project)
    assert (bad.code, bad.out) == (3, "")
    assert json.loads(bad.err)["error"]["code"] == "not_found"


def test_a_reader_that_has_enough_is_no_error(project: Path) -> None:
    many = "import sys; from modelyard.cli import output, program; output.table = lambda *a: 'line\\n' * 100_000; sys.exit(program.run(['list']))"  # more than a pipe holds
    listing = subprocess.Popen([sys.executable, "-c", many], cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    assert listing.stdout is not None
    assert listing.stderr is not None
    assert listing.stdout.readline() == b"line\n"
    listing.stdout.close()
    with listing.stderr as errors_:
        assert errors_.read() == b""
    assert listing.wait(60) == 0


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT for one process there")
def test_ctrl_c_is_130(project: Path) -> None:
    command = [sys.executable, "-m", "modelyard", "apply", "models/churn", "-"]
    with subprocess.Popen(command, cwd=project, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as waiting:  # fmt: skip
        assert waiting.stdin is not None
        assert waiting.stdout is not None
        assert waiting.stderr is not None
        waiting.stdin.write(b"age,income\n" + b"30,50.5\n" * 100_000)  # more than a pipe holds:
        waiting.stdin.flush()  # so now it has begun to read
        for _ in range(20):  # Python hears a signal between two reads only after the next one
            waiting.send_signal(signal.SIGINT)
            if select.select([waiting.stderr], [], [], 5)[
                0
            ]:  # it was heard: another would kill what is ending
                break
        waiting.wait(60)
        assert waiting.returncode == 130
        assert waiting.stderr.read().decode().strip() == "interrupted"
        assert waiting.stdout.read() == b""


def completed(words: str, cwd: Path) -> list[str]:
    """What bash would offer after these words."""
    done = process(
        cwd=cwd,
        _MODELYARD_COMPLETE="bash_complete",
        COMP_WORDS=words,
        COMP_CWORD=str(len(words.split(" ")) - 1),
    )
    assert done.err == ""
    return [line.partition(",")[2] for line in done.out.splitlines() if line]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("modelyard ap", ["apply", "apply-remote", "api"]),
        ("modelyard models ver", ["versions"]),
        ("modelyard which churn --st", ["--stage"]),
        ("modelyard show ch", ["churn"]),
        ("modelyard show models/", ["models/churn", "models/double", "models/other"]),
        ("modelyard apply ", ["data/customers", "models/churn", "models/double", "models/other", "churn", "sleepers"]),
        ("modelyard promote ", ["churn", "sleepers"]),
        ("modelyard build models/churn ", []),
    ],
)  # fmt: skip
def test_the_shell_completes(words: str, offered: list[str], project: Path) -> None:
    assert completed(words, project) == offered
    assert not list(project.glob("yard.db-*")), "looking left files behind"


def test_the_shell_completes_nothing_where_nothing_is(empty: Path) -> None:
    assert completed("modelyard show ", empty) == []
    (empty / "yard.db").write_bytes(b"not a database" * 100)
    assert completed("modelyard show ", empty) == []
    (empty / "modelyard.toml").write_text("uri = 3")
    assert completed("modelyard show ", empty) == []
    assert sorted(p.name for p in empty.iterdir()) == ["modelyard.toml", "yard.db"]
