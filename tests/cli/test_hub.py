"""The commands around a hub: users, tokens, login, api."""

from __future__ import annotations

import http.server
import json
import threading
from pathlib import Path

import pytest

from cli.program import process, run
from hub_cases.server import hub


def test_users_and_tokens_are_made_shown_and_ended(empty: Path) -> None:
    nobody = run("user", "list", cwd=empty)
    assert (nobody.code, nobody.out) == (0, "")
    assert run("user", "add", "ana", "--role", "admin", "--json", cwd=empty).data == {"name": "ana", "role": "admin"}  # fmt: skip
    assert run("user", "add", "ana", "--role", "editor", "--json", cwd=empty).data["role"] == "editor"  # fmt: skip
    made = run("token", "create", "ana", "--name", "laptop", "--scope", "churn*", "--days", "3", cwd=empty)  # fmt: skip
    secret = made.out.strip()
    assert secret.startswith("my_")
    assert "not shown again" in made.err
    (listed,) = run("token", "list", "--json", cwd=empty).data
    assert (listed["user"], listed["scopes"], listed["role"]) == ("ana", ["churn*"], "editor")
    assert secret not in json.dumps(listed)
    assert listed["expires_at"]
    assert run("token", "revoke", "1", "--json", cwd=empty).data["revoked_at"]
    assert run("user", "remove", "ana", cwd=empty).code == 2  # it asks, and nobody is here
    assert run("user", "remove", "ana", "--yes", cwd=empty).code == 0
    assert run("token", "list", "--json", cwd=empty).data == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["user", "add", "ana", "--role", "boss"], 2),
        (["user", "remove", "bob", "--yes"], 3),
        (["token", "create", "bob"], 3),
        (["token", "revoke", "9"], 3),
        (["login", "ftp://x"], 2),
        (["login", "http://hub.example/path"], 2),
        (["api", "GET", "http://evil.example/x"], 2),
        (["api", "GET", "//evil.example/x"], 2),
        (["hub", "--port", "0", "--workers", "0"], 2),
        (["hub", "--port", "0", "--allowed-hosts", "*.example"], 2),
    ],
)
def test_what_cannot_be_meant(empty: Path, words: list[str], code: int) -> None:
    done = run(*words, cwd=empty)
    assert (done.code, done.out) == (code, ""), done.err
    assert done.err.startswith("error: ")


def test_a_login_keeps_a_token_that_api_uses(empty: Path, tmp_path: Path) -> None:
    own = {"MODELYARD_CONFIG_DIR": str(tmp_path / "config")}
    run("user", "add", "ana", "--role", "admin", cwd=empty)
    secret = run("token", "create", "ana", cwd=empty).out.strip()
    with hub(cwd=empty) as running:
        wrong = process(
            "login", running.url, "--token-stdin", cwd=empty, stdin=b"my_wrong\n", **own
        )
        assert wrong.code == 4
        assert not (tmp_path / "config" / "config.toml").exists()
        refused = process("api", "GET", "/api/v1/models", "--hub", running.url, cwd=empty, **own)
        assert refused.code == 4
        assert "modelyard login" in refused.err
        done = process("login", running.url, "--token-stdin", "--json", cwd=empty, stdin=f"{secret}\n".encode(), **own)  # fmt: skip
        assert (done.code, done.data["user"], done.data["role"]) == (0, "ana", "admin")
        file = tmp_path / "config" / "config.toml"
        assert file.stat().st_mode & 0o777 == 0o600
        assert secret not in done.out + done.err
        made = process(
            "api", "POST", "/api/v1/models", "--data", '{"name": "churn"}', cwd=empty, **own
        )
        assert made.data["name"] == "churn"
        absent = process("api", "GET", "/api/v1/models/chrun", cwd=empty, **own)
        assert absent.code == 3
        assert absent.err.splitlines() == ["error: no model named 'chrun' in yard.db", "Hint: did you mean 'churn'?"]  # fmt: skip
        (empty / "body.json").write_text('{"description": "Who leaves"}')
        changed = process(
            "api", "patch", "/api/v1/models/churn", "--data", "@body.json", cwd=empty, **own
        )
        assert changed.data["description"] == "Who leaves"


def test_a_token_is_not_sent_in_the_clear_to_another_machine(empty: Path) -> None:
    done = run("login", "http://hub.example:5000", "--token-stdin", cwd=empty, stdin=b"my_secret\n")
    assert done.code == 4
    assert "https://" in done.err


def test_no_hub_is_said(empty: Path) -> None:
    done = run("api", "GET", "/api/v1/models", "--hub", "http://127.0.0.1:9", cwd=empty)
    assert done.code == 7
    assert "modelyard hub starts one" in done.err


def test_a_token_of_the_environment_goes_to_no_hub_that_a_folder_names(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str | None] = []

    class Listening(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers.get("Authorization"))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None: ...

    with http.server.HTTPServer(("127.0.0.1", 0), Listening) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}"
            (empty / "modelyard.toml").write_text(f'uri = "{url}"\n')
            monkeypatch.setenv("MODELYARD_TOKEN", "my_secret")
            assert run("api", "GET", "/models", cwd=empty).code == 0
            assert run("api", "GET", "/models", "--hub", url, cwd=empty).code == 0
        finally:
            server.shutdown()
            thread.join(10)
    assert seen == [None, "Bearer my_secret"]
