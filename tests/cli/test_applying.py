"""Commands that call a model: apply, apply-remote, evaluate, serve; and what they do with bad input."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import modelyard as my
from cli.program import Done, process, run
from modelyard.objects import formats


@pytest.fixture(scope="module")
def expected(project: Path) -> dict[str, Any]:
    """What the model itself says of the five rows, by method."""
    model = my.load(project / "models/churn")
    rows = pd.read_csv(project / "new.csv")
    return {m: getattr(model, m)(rows).tolist() for m in ("predict", "predict_proba")}


@pytest.mark.parametrize("file", ["new.csv", "turned.csv", "new.parquet", "new.json", "new.jsonl", "data/customers", "customers@1"])  # fmt: skip
def test_data_in_every_form(file: str, project: Path, expected: dict[str, Any]) -> None:
    if file == "customers@1":  # has the answers too: they are refused, not passed over
        done = run("apply", "models/churn", file, cwd=project)
        assert done.code == 1
        assert "unknown 'churned'" in done.err
        return
    done = run("apply", "models/churn", file, cwd=project)
    assert (done.code, done.err) == (0, "")
    assert done.out.count("\n") == 1
    assert done.data[:5] == expected["predict"]


def test_a_method(project: Path, expected: dict[str, Any]) -> None:
    done = run("apply", "churn@1", "new.csv", "-m", "predict_proba", cwd=project)
    assert done.data == expected["predict_proba"]


@pytest.mark.parametrize("file", ["new.csv", "new.json", "new.jsonl", "new.parquet", "new.npy"])
def test_standard_input(file: str, project: Path, expected: dict[str, Any]) -> None:
    done = run("apply", "models/churn", "-", cwd=project, stdin=(project / file).read_bytes())
    assert done.data == expected["predict"], done.err


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "json", "jsonl", "npy"])
def test_results_in_every_form(suffix: str, project: Path, tmp_path: Path, expected: dict[str, Any]) -> None:  # fmt: skip
    out = tmp_path / f"answers.{suffix}"
    done = run("apply", "models/churn", "new.csv", "-m", "predict_proba", "-o", out, cwd=project)
    assert (done.code, done.out, done.err) == (0, "", f"wrote {out}\n")
    found: Any = formats.read_path(out)
    if hasattr(found, "columns"):
        assert list(found.columns) == ["0", "1"]
        found = found.to_numpy()
    assert np.asarray(found).tolist() == expected["predict_proba"]


def test_results_are_named_by_the_method(project: Path, tmp_path: Path) -> None:
    run("apply", "models/churn", "new.csv", "-o", tmp_path / "answers.csv", cwd=project)
    assert list(pd.read_csv(tmp_path / "answers.csv").columns) == ["predict"]


def test_several_files_in_pieces(project: Path, expected: dict[str, Any]) -> None:
    done = run("apply", "models/churn", "new.csv", "new.parquet", "-b", "2", cwd=project)
    assert done.data == expected["predict"] * 2


def test_another_argument(project: Path) -> None:
    done = run("apply", "models/churn", "new.csv", "-a", "chekc=1", cwd=project)
    assert done.code == 1
    assert "has no argument 'chekc'" in done.err
    assert run("apply", "models/churn", "new.csv", "-a", "check", cwd=project).code == 2


def test_a_number(project: Path, tmp_path: Path) -> None:
    (tmp_path / "number.json").write_text("21.0")
    assert run("apply", "models/double", tmp_path / "number.json", cwd=project).data == 42.0


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["models/churn", "nope.csv"], 3, "no data file at nope.csv"),
        (["models/churn", "nope"], 3, "nothing is called 'nope'"),
        (["models/nope", "new.csv"], 3, "nothing is called 'models/nope'"),
        (["models/churn", "../../etc/passwd"], 3, "no object at ../../etc/passwd"),
        (["models/churn", "new.csv", "-m", "predcit"], 3, "model 'churn' has no method 'predcit'"),
        (["models/churn", "new.csv", "-o", "out.docx"], 2, "no data format has the suffix '.docx'"),
        (["data/customers", "new.csv"], 2, "is data, not a model"),
        (["models/churn", "all.csv"], 1, "the columns differ: unknown 'churned'"),
        (["models/churn", "new.csv", "--engine", "ray"], 2, "'ray' is not 'local'"),
        (["models/double", "new.csv", "--trust", "sha256:00"], 2, "is not a digest"),
    ],
)
def test_what_cannot_be_applied(words: list[str], code: int, message: str, changing: Path) -> None:
    done = run("apply", *words, cwd=changing)
    assert (done.code, done.out) == (code, "")
    assert message in done.err.splitlines()[0]
    assert "Traceback" not in done.err
    assert "MODELYARD_DEBUG" not in done.err, "an error nobody foresaw"
    assert not (changing / "out.docx").exists()


BAD_FILES = {
    "empty.csv": (b"", "is empty"),
    "header.csv": (b"age,income\n", "no data"),
    "latin.csv": ("age,income\n30,50\n31,größer\n".encode("latin-1"), "UTF-8"),
    "utf16.csv": ("age,income\n30,50\n".encode("utf-16"), "UTF-8"),
    "missing.csv": (b"age\n30\n", "missing 'income'"),
    "extra.csv": (b"age,income,name\n30,50.5,a\n", "unknown 'name'"),
    "twice.csv": (b"age,income,age\n30,50.5,30\n", "same name"),
    "words.csv": (b"age,income\nthirty,50.5\n", "age"),
    "fractions.csv": (b"age,income\n30.5,50.5\n", "age"),
    "ragged.csv": (b"age,income\n30\n", "line 2"),
    "quote.csv": (b'age,income\n"30,50\n', "line 2"),
    "nul.csv": (b"age,income\n3\x000,50\n", ""),
    "broken.json": (b'[{"age": 30, "income": ', ""),
    "nan.json": (b'[{"age": 30, "income": NaN}]', ""),
    "deep.json": (b"[" * 100_000 + b"]" * 100_000, ""),
    "large.json": (b'[{"age": 99999999999999999999, "income": 50.5}]', ""),
    "not.parquet": (b"age,income\n30,50\n", ""),
    "pickle.npy": (b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", ""),
}  # fmt: skip
"""Name -> content, and what its error says."""


@pytest.mark.parametrize("name", BAD_FILES)
def test_files_that_are_no_good(name: str, project: Path, tmp_path: Path) -> None:
    content, message = BAD_FILES[name]
    (tmp_path / name).write_bytes(content)
    out = tmp_path / "answers.csv"
    done = run("apply", "models/churn", tmp_path / name, "-o", out, cwd=project)
    assert done.code in (1, 2), done
    assert message in done.err
    assert done.err.startswith("error: ")
    assert "MODELYARD_DEBUG" not in done.err, "an error nobody foresaw"
    assert not out.exists()


def damaged(project: Path, how: str) -> str:
    """Damage the project's model; returns which model is meant."""
    model, card = project / "models/churn", project / "models/churn.yard.yaml"
    text = card.read_text("utf-8")
    match how:
        case "one bit of the model flipped":
            data = bytearray(model.read_bytes())
            data[len(data) // 2] ^= 1
            model.write_bytes(data)
        case "the model cut off":
            model.write_bytes(model.read_bytes()[:-10])
        case "the model gone":
            model.unlink()
        case "a digest changed":
            card.write_text(re.sub(r"sha256: .{4}", "sha256: 0000", text))
        case "an unknown key":
            card.write_text(text + "loader: pickle\n")
        case "a key twice":
            card.write_text(text + "kind: model\n")
        case "a path that leaves":
            card.write_text(text.replace("path: churn", "path: ../../churn"))
        case "an unknown format":
            card.write_text(text.replace("name: skops", "name: marshal"))
        case "a format that runs code":
            card.write_text(text.replace("name: skops", "name: pickle"))
        case "a tag":
            card.write_text(text.replace("flavor: sklearn", "flavor: !!python/name:os.system"))
        case "a newer format":
            card.write_text(text.replace("yard: 1", "yard: 99", 1))
        case "another model behind the card":
            shutil.copy(project / "models/other", model)
    return "models/churn"


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("one bit of the model flipped", 6),
        ("the model cut off", 6),
        ("the model gone", 6),
        ("a digest changed", 6),
        ("an unknown key", 1),
        ("a key twice", 1),
        ("a path that leaves", 1),
        ("an unknown format", 2),
        ("a format that runs code", 4),
        ("a tag", 1),
        ("a newer format", 5),
        ("another model behind the card", 6),
    ],
)
def test_a_model_that_was_tampered_with(how: str, code: int, changing: Path) -> None:
    ref = damaged(changing, how)
    done = run("apply", ref, "new.csv", cwd=changing)
    assert done.out == ""
    assert done.err.startswith("error: ")
    assert "MODELYARD_DEBUG" not in done.err, "an error nobody foresaw"
    assert done.code == code, done.err


@pytest.fixture
def stranger(changing: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project in the hands of a user who has not saved its models."""
    monkeypatch.setenv("MODELYARD_CONFIG_DIR", str(changing / "another user"))
    (changing / "number.json").write_text("21.0")
    return changing


def test_code_of_a_stranger_is_not_run(stranger: Path) -> None:
    done = run("apply", "models/double", "number.json", cwd=stranger)
    assert (done.code, done.out) == (4, "")
    assert "loading models/double runs code that you have not trusted (sha256:" in done.err
    assert "modelyard trust models/double" in done.err


def test_trust_shows_first_and_asks(stranger: Path) -> None:
    looked = run("trust", "models/double", "--dry-run", cwd=stranger)
    assert looked.code == 0
    digest = my.load_card(stranger / "models/double").digest
    assert looked.out.startswith(f"models/double  {digest}  tier 2\n  cloudpickle.cloudpickle.")
    asked = run("trust", "models/double", cwd=stranger)
    assert asked.code == 2
    assert asked.err.endswith("Hint: add --yes\n")
    assert run("apply", "models/double", "number.json", cwd=stranger).code == 4

    given = run("trust", "models/double", "--yes", cwd=stranger)
    assert (given.code, given.err) == (0, f"trusted {digest}\n")
    assert run("apply", "models/double", "number.json", cwd=stranger).data == 42.0
    assert run("trust", "models/double", cwd=stranger).err == "trusted already\n"
    facts = run("trust", "models/double", "--json", cwd=stranger)
    assert facts.data["trusted"] is True


def test_a_digest_is_trust_for_once(stranger: Path) -> None:
    digest = my.load_card(stranger / "models/double").digest
    words = ["apply", "models/double", "number.json", "--trust"]
    assert run(*words, digest, cwd=stranger).data == 42.0
    assert run(*words, f"sha256:{'0' * 64}", cwd=stranger).code == 4
    assert run("apply", "models/double", "number.json", cwd=stranger).code == 4


def test_what_runs_no_code_needs_no_trust(stranger: Path) -> None:
    done = run("trust", "models/churn", cwd=stranger)
    assert done.code == 0
    assert done.err == "nothing in it runs code when loaded: it needs no trust\n"
    assert not (stranger / "another user").exists()


def test_a_measurement_lands_on_the_card(changing: Path) -> None:
    done = run("evaluate", "models/churn", "all.csv", "--target", "churned", cwd=changing)
    assert done.code == 0
    assert [line.split()[0] for line in done.out.splitlines()] == ["metric", "accuracy", "balanced_accuracy", "f1", "precision", "recall", "roc_auc", "log_loss"]  # fmt: skip
    values = run("evaluate", "models/churn", "all.csv", "--target", "churned", "--metric", "accuracy", "--json", cwd=changing).data  # fmt: skip
    assert set(values) == {"accuracy"}
    assert my.load_card(changing / "models/churn").metrics["accuracy"] == values["accuracy"]


def test_a_measurement_lands_on_the_version(changing: Path) -> None:
    done = run("evaluate", "churn@2", "customers", "--target", "churned", "--baseline", "churn#prod", cwd=changing)  # fmt: skip
    assert done.code == 0
    head, *rows = [line.split() for line in done.out.splitlines()]
    assert head == ["metric", "value", "baseline", "difference", "is"]
    assert {row[-1] for row in rows} <= {"better", "worse", "equal"}
    shown = run("show", "churn@2", "--json", cwd=changing).data["metrics"]
    assert shown["accuracy"] == pytest.approx(float(rows[0][1]), abs=1e-5)
    assert "metrics" not in run("show", "churn@1", "--json", cwd=changing).data


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["models/churn", "new.csv", "--target", "churned"], 1, "has no column 'churned'"),
        (["models/churn", "all.csv", "--target", "churnd"], 1, "has no column 'churnd'"),
        (["models/churn", "all.csv", "--target", "churned", "--metric", "acuracy"], 2, "'acuracy' is not a metric"),
        (["models/churn", "all.csv"], 2, "missing option '--target'"),
        (["models/churn", "all.csv", "--target", "churned", "--baseline", "nope"], 3, "nothing is called 'nope'"),
    ],
)  # fmt: skip
def test_what_cannot_be_measured(words: list[str], code: int, message: str, changing: Path) -> None:
    done = run("evaluate", *words, cwd=changing)
    assert (done.code, done.out) == (code, "")
    assert message in done.err


class Server:
    """``modelyard serve`` as a process."""

    def __init__(self, cwd: Path, *words: str) -> None:
        command = [sys.executable, "-m", "modelyard", "serve", *words, "--port", "0"]
        self.process = subprocess.Popen(command, cwd=cwd, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        self.said = ""
        for line in self.process.stderr:
            self.said += line
            if line.startswith("  try"):
                break
        self.url = re.findall(r"docs +(http://\S+)/docs", self.said)[0]

    def stop(self, how: int = signal.SIGTERM) -> int:
        assert self.process.stderr is not None
        os.kill(self.process.pid, how)
        self.said += self.process.stderr.read()
        self.process.stderr.close()
        return self.process.wait(60)


@pytest.fixture(scope="module")
def url(project: Path) -> Iterator[str]:
    server = Server(project, "models/churn", "models/double")
    yield server.url
    assert server.stop(signal.SIGINT if os.name != "nt" else signal.SIGTERM) == 0


@pytest.mark.parametrize("file", ["new.csv", "turned.csv", "new.parquet", "new.jsonl"])
def test_a_served_model(file: str, url: str, project: Path, expected: dict[str, Any]) -> None:
    done = run("apply-remote", url, file, "--model", "churn", cwd=project)
    assert (done.code, done.err) == (0, "")
    assert done.data == expected["predict"]


def test_a_served_model_writes_answers(url: str, project: Path, tmp_path: Path, expected: dict[str, Any]) -> None:  # fmt: skip
    out = tmp_path / "answers.csv"
    words = ["--model", "churn", "-m", "predict_proba", "-b", "2", "-o", out]
    done = run("apply-remote", url, "new.csv", "new.csv", *words, cwd=project)
    assert (done.code, done.out, done.err) == (0, "", f"wrote {out}\n")
    assert pd.read_csv(out).to_numpy() == pytest.approx(np.array(expected["predict_proba"] * 2))


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["new.csv"], 3, "which model?"),
        (["new.csv", "--model", "chrun"], 3, "no model named 'chrun' is served"),
        (["new.csv", "--model", "churn", "-m", "predcit"], 3, "has no method 'predcit'"),
        (["nope.csv", "--model", "churn"], 3, "no data file at nope.csv"),
        (["all.csv", "--model", "churn"], 1, "unknown 'churned'"),
    ],
)
def test_what_a_served_model_does_not_take(words: list[str], code: int, message: str, url: str, project: Path) -> None:  # fmt: skip
    done = run("apply-remote", url, *words, cwd=project)
    assert (done.code, done.out) == (code, "")
    assert message in done.err


def test_nobody_answers(project: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        done = run("apply-remote", f"http://127.0.0.1:{free.getsockname()[1]}", "new.csv", cwd=project)  # fmt: skip
    assert (done.code, done.out) == (7, "")
    assert done.err.startswith("error: no answer from http://127.0.0.1:")
    assert run("apply-remote", "not a url", "new.csv", cwd=project).code == 2


def test_served_and_logged(changing: Path) -> None:
    server = Server(changing, "churn#prod", "--log")
    assert server.said.startswith("Serving churn@1 on http://127.0.0.1:")
    words = ["predictions", "list", "--model", "churn@1", "--json"]
    before = len(run(*words, cwd=changing).data)
    answers = run("apply-remote", server.url, "new.csv", cwd=changing).data
    assert server.stop() == 0
    rows = run(*words, cwd=changing).data
    assert len(rows) == before + 5
    assert sorted(r["outputs"] for r in rows[:5]) == sorted(answers)


def refused(done: Done) -> list[str]:
    assert done.out == ""
    return done.err.splitlines()


@pytest.mark.parametrize(
    ("words", "code", "message", "hint"),
    [
        (["--prot", "80"], 2, "the server fastapi has no option 'prot'", "did you mean 'port'?"),
        (["-c", "prot=80"], 2, "the server fastapi has no option 'prot'", "did you mean 'port'?"),
        (["-c", "prot"], 2, "'prot' is not KEY=VALUE", "as in -c name=churn"),
        (["--limits.dept", "8"], 2, "limits has no setting 'dept'", "did you mean 'depth'?"),
        (["--limits.depth", "deep"], 2, "limits.depth is 'deep'", "as in 64"),
        (["--port", "65536"], 2, "port 65536 is not between 0 and 65535", None),
        (["--limits.depth"], 2, "--limits.depth needs a value", None),
        (["data/customers"], 2, "data/customers is data, not a model", None),
        (["models/nope"], 3, "nothing is called 'models/nope'", None),
    ],
)
def test_what_cannot_be_served(words: list[str], code: int, message: str, hint: str | None, project: Path) -> None:  # fmt: skip
    done = run("serve", "models/churn", *words, cwd=project)
    assert done.code == code
    lines = refused(done)
    assert message in lines[0]
    if hint:
        assert lines[1] == f"Hint: {hint}"


def test_settings_of_a_project_are_heard(changing: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        run("config", "set", "serve.port", str(port), cwd=changing)
        done = process("serve", "models/churn", cwd=changing)
        assert done.code == 5
        message, hint = refused(done)
        assert message == f"error: port {port} on 127.0.0.1 is in use"
        assert re.fullmatch(r"Hint: port \d+ is free", hint)
        server = Server(changing, "models/churn")  # --port 0 has the last word
        assert server.stop() == 0
    run("config", "set", "serve.limits.depht", "8", cwd=changing)
    assert "limits has no setting 'depht'" in run("serve", "models/churn", cwd=changing).err


def test_the_word_of_a_server_selects_it(project: Path) -> None:
    server = Server(project, "models/churn", "fastapi", "-c", "limits.body_bytes=50")
    done = run("apply-remote", server.url, "new.csv", cwd=project)
    assert server.stop() == 0
    assert done.code == 1
    assert "50" in done.err
    assert json.loads(run("apply-remote", server.url, "new.csv", "--json", cwd=project).err)["error"]["code"] == "unreachable"  # fmt: skip


def test_a_model_that_raises(changing: Path) -> None:
    def fussy(x: float) -> float:
        raise ZeroDivisionError(f"not {x}")

    my.save(fussy, changing / "models/fussy")
    (changing / "number.json").write_text("21.0")
    done = run("apply", "models/fussy", "number.json", "--json", cwd=changing)
    assert (done.code, done.out) == (1, "")
    error = json.loads(done.err)["error"]
    assert error == {"code": "failed", "message": "ZeroDivisionError: not 21.0", "hint": "MODELYARD_DEBUG=1 shows where"}  # fmt: skip
