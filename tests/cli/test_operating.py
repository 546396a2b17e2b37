"""A served model as a platform team runs it: keys, TLS and the access log by words and settings, and no secret anywhere."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.program import process, run
from serving_cases.certificates import Authority, authority

KEY = "k3y-of-the-shop-0123456789"


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("operating") / "ours")


class Operated:
    """``modelyard serve`` with TLS, keys from the environment, and its log on stderr."""

    def __init__(self, cwd: Path, ours: Authority) -> None:
        cert, key = ours.issue("server")
        words = ["--tls-cert", cert, "--tls-key", key, "--access-log", "json", "--port", "0"]
        words += ["-c", "auth.keys.shop=env:SHOP_KEY", "-c", "auth.open=docs"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "modelyard", "serve", "models/churn", *words],
            cwd=cwd,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        self.said = ""
        for line in self.process.stderr:
            self.said += line
            if line.startswith("  try"):
                break
        self.url = self.said.split("docs")[1].split("/docs")[0].split()[0]

    def stop(self) -> str:
        assert self.process.stderr is not None
        self.process.send_signal(signal.SIGTERM)
        self.said += self.process.stderr.read()
        self.process.stderr.close()
        assert self.process.wait(60) == 0
        return self.said


@pytest.fixture(scope="module")
def server(project: Path, ours: Authority) -> Iterator[Operated]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHOP_KEY", KEY)
        made = Operated(project, ours)
        try:
            yield made
        finally:
            made.process.kill()
            made.process.wait(60)


def test_with_a_key_and_trust_it_answers_and_writes_it_down(
    server: Operated, ours: Authority, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_KEY", KEY)
    assert server.url.startswith("https://127.0.0.1:")
    trust = ["--ca", ours.file]
    done = run("apply-remote", server.url, "new.csv", *trust, "--key", "env:SHOP_KEY", cwd=project)
    assert (done.code, done.err) == (0, "")
    assert len(done.data) > 0
    without = run("apply-remote", server.url, "new.csv", *trust, cwd=project)
    assert without.code == 4
    assert "wants to know who asks" in without.err
    distrusted = run("apply-remote", server.url, "new.csv", "--key", "env:SHOP_KEY", cwd=project)
    assert distrusted.code == 7
    literal = run("apply-remote", server.url, "new.csv", *trust, "--key", KEY, cwd=project)
    assert literal.code == 2
    assert "--key is no reference to a secret" in literal.err
    assert KEY not in literal.err
    said = server.stop()
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    asked = [line for line in lines if line["path"] == "/predict"]
    assert [line["caller"] for line in asked if line["status"] == 200] == ["shop"]
    assert {line["status"] for line in lines} >= {200, 401}
    assert KEY not in said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["-c", f"auth.keys.shop={KEY}"], "auth.keys.shop is no reference to a secret"),
        (["-c", f"auth.keys={KEY}"], "no reference to a secret"),
        (["-c", f"auth={KEY}"], "auth is a table"),
        (["-c", f"auth.jwt.secret={KEY}"], "auth.jwt.secret is no reference to a secret"),
        (["-c", "auth.keys.shop=env:NO_SUCH_KEY"], "there is no variable NO_SUCH_KEY"),
        (["--tls-cert", "cert.pem"], "TLS needs tls_cert and tls_key"),
        (["--tls-cert", "no.pem", "--tls-key", "no.key"], "tls_cert: no.pem cannot be read"),
        (["--access-log", "no/such/log"], "access_log: no/such/log cannot be written"),
        (["-c", "metrics.names=tritn"], "'tritn'"),
        (["-c", "allowed_origins=*"], "'*' is not an origin"),
        (["-c", "trusted_proxies=proxy"], "'proxy' is no address"),
    ],
)
def test_wrong_words_end_it_before_it_begins(words: list[str], says: str, project: Path) -> None:
    done = run("serve", "models/churn", "--port", "0", *words, cwd=project)
    assert done.code in (2, 3)
    assert says in done.err
    assert KEY not in done.err + done.out


def test_settings_show_references_and_no_key_that_was_written_down(changing: Path) -> None:
    run("config", "set", "serve.auth.keys.ci", "env:CI_KEY", cwd=changing)
    run("config", "set", "serve.auth.keys.shop", KEY, cwd=changing)
    run("config", "set", "serve.auth.jwt.secret", KEY, cwd=changing)
    run("config", "set", "serve.auth.jwt.issuer", "https://login.example", cwd=changing)
    for words in (["config", "list"], ["config", "list", "--json"]):
        done = run(*words, cwd=changing)
        assert done.code == 0
        assert KEY not in done.out
        assert "env:CI_KEY" in done.out
        assert "https://login.example" in done.out
    done = process("serve", "models/churn", "--port", "0", cwd=changing)
    assert done.code == 2
    assert "auth.keys.shop is no reference to a secret" in done.err
    assert KEY not in done.err
