"""Uploads in parts to a hub over a line that breaks, and to a hub that is killed: the file is there whole, once, or not
at all (P4)."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select

from fault_proxy import Proxy
from hub_cases.server import Running, hub
from modelyard import Yard
from modelyard.base import hub_client
from modelyard.base.errors import DigestMismatch
from modelyard.base.hub_client import HubClient
from modelyard.stores import sending, tables
from modelyard.testing.stores import content, sha256

PART = 300_000
HEAD = 400
"""Bytes of a request's head, or a little more: a cut below it hits the head, any other the body."""


def begun(running: Running) -> str:
    answer = httpx2.post(f"{running.url}/api/v1/runs", json={"experiment_id": 0}, timeout=30)
    return str(answer.json()["run_id"])


class Sender:
    """A client that asks what is there and sends the rest, however often the line breaks."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.parts = {
            n: data[(n - 1) * PART : n * PART] for n in range(1, -(-len(data) // PART) + 1)
        }
        self.broken = 0

    def begin(self, url: str, run: str) -> str:
        new = {
            "owner": f"run:{run}",
            "path": "model/weights.bin",
            "size": len(self.data),
            "sha256": sha256(self.data),
        }
        answer = httpx2.post(f"{url}/api/v1/uploads", json=new, timeout=30)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def missing(self, url: str, upload: str) -> list[int]:
        there = httpx2.get(f"{url}/api/v1/uploads/{upload}", timeout=30).json()["parts"]
        for part in there:  # what the hub says it has it has whole
            piece = self.parts[part["number"]]
            assert (part["size"], part["sha256"]) == (len(piece), sha256(piece))
        return sorted(set(self.parts) - {part["number"] for part in there})

    def send(self, url: str, upload: str, numbers: list[int]) -> None:
        for number in numbers:
            place = f"{url}/api/v1/uploads/{upload}/parts/{number}"
            try:
                answer = httpx2.put(place, content=self.parts[number], timeout=30)
            except httpx2.HTTPError:
                self.broken += 1
                return
            assert answer.status_code == 200, answer.text


def listed(url: str, run: str) -> list[Any]:
    answer = httpx2.get(f"{url}/api/v1/artifacts/run:{run}", timeout=30)
    return list(answer.json()["items"])


def offsets() -> Iterator[int]:
    """Where a line breaks: in the head, at its end, within the body, and just before its end."""
    yield from (1, 100, HEAD, HEAD + 1, PART // 2, PART - 1, PART)
    chance = random.Random(7)
    for _ in range(3):
        yield chance.randrange(PART)


def test_a_line_that_breaks_anywhere_costs_the_part_and_no_more(tmp_path: Path) -> None:
    sender = Sender(content(4 * PART + 17))
    path = tmp_path / "yard.db"
    with hub(cwd=tmp_path) as running, Proxy(running.port) as proxy:
        run, broken = begun(running), f"http://127.0.0.1:{proxy.port}"
        upload = sender.begin(running.url, run)
        for offset in offsets():
            proxy.cut_after(offset)
            sender.send(broken, upload, sender.missing(running.url, upload)[:1])
            assert listed(running.url, run) == []
        assert sender.broken == len(list(offsets()))
        proxy.cut_after(None)
        proxy.drop_answers(2)  # the part is there, its sender does not know
        sender.send(broken, upload, [1])
        assert sender.missing(running.url, upload) == [2, 3, 4, 5]
        sender.send(broken, upload, [1])
        assert sender.broken == len(list(offsets())) + 2
        early = httpx2.post(f"{broken}/api/v1/uploads/{upload}/complete", timeout=30)
        assert (early.status_code, early.json()["error"]["code"]) == (400, "invalid_input")
        sender.send(broken, upload, sender.missing(running.url, upload))
        proxy.drop_answers(1)
        with pytest.raises(httpx2.HTTPError):
            httpx2.post(f"{broken}/api/v1/uploads/{upload}/complete", timeout=30)
        again = httpx2.post(f"{broken}/api/v1/uploads/{upload}/complete", timeout=30).json()
        assert (again["path"], again["sha256"]) == ("model/weights.bin", sha256(sender.data))
        got = httpx2.get(f"{broken}/api/v1/artifacts/run:{run}/model/weights.bin", timeout=30)
        assert got.content == sender.data
    one_file_and_nothing_else(path, run, sender)


def test_a_hub_that_is_killed_takes_the_upload_up_where_it_was(tmp_path: Path) -> None:
    sender = Sender(content(5 * PART))
    path = tmp_path / "yard.db"
    upload = run = ""
    for turn in range(3):
        with hub(cwd=tmp_path) as running:
            if not upload:
                run = begun(running)
                upload = sender.begin(running.url, run)
            missing = sender.missing(running.url, upload)
            assert missing == list(range(turn + 1, 6)), "what was acknowledged is there"
            sender.send(running.url, upload, missing[:1])
            half_a_part(running, upload, missing[1])
    with hub(cwd=tmp_path) as running:
        assert listed(running.url, run) == []
        sender.send(running.url, upload, sender.missing(running.url, upload))
        done = httpx2.post(f"{running.url}/api/v1/uploads/{upload}/complete", timeout=30)
        assert done.json()["sha256"] == sha256(sender.data)
    one_file_and_nothing_else(path, run, sender)


def half_a_part(running: Running, upload: str, number: int) -> None:
    """A request whose body stops in its middle, on a connection that stays open until the hub dies."""
    import socket

    head = f"PUT /api/v1/uploads/{upload}/parts/{number} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    with socket.create_connection(("127.0.0.1", running.port)) as sock:
        sock.sendall(f"{head}Content-Length: {PART}\r\n\r\n".encode() + bytes(PART // 2))
        running.process.kill()
        running.process.wait(30)


def one_file_and_nothing_else(path: Path, run: str, sender: Sender) -> None:
    """The whole file, with its bytes kept once, and no part left."""
    with Yard(path) as yard:
        assert yard.check() == []
        files = [entry.path for entry in yard.artifacts.walk(f"run:{run}")]
        assert files == ["model/weights.bin"]
        with yard.artifacts.open(f"run:{run}", "model/weights.bin") as stream:
            assert stream.read() == sender.data
        kept: list[Any] = [blob for store in yard.stores.all() for blob in store.list()]
        whole = [blob for blob in kept if blob.size == len(sender.data)]
        assert [blob.sha256 for blob in whole] == [sha256(sender.data)]
        assert sum(blob.size for blob in kept) < len(sender.data) + PART


def test_our_own_client_sends_a_broken_part_again_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "PARTS_FROM", 2 * PART)
    monkeypatch.setattr(sending, "PART", PART)
    monkeypatch.setattr(hub_client, "FIRST_PAUSE", 0.01)
    sender, send = Sender(content(4 * PART + 17)), sending._send
    with hub(cwd=tmp_path) as running, Proxy(running.port) as proxy:
        run = begun(running)

        def breaking(client: HubClient, upload: str, number: int, piece: bytes) -> None:
            if number == 3:  # more than one request is tried
                proxy.drop_answers(hub_client.ATTEMPTS + 1)
            send(client, upload, number, piece)

        monkeypatch.setattr(sending, "_send", breaking)
        with Yard(f"http://127.0.0.1:{proxy.port}") as yard:
            yard.artifacts.put(f"run:{run}", "model/weights.bin", io.BytesIO(sender.data))
        parts = [line["path"][-1] for line in running.log if line["method"] == "PUT"]
    assert sorted(parts) == ["1", "2", *"3" * (hub_client.ATTEMPTS + 2), "4", "5"]
    one_file_and_nothing_else(tmp_path / "yard.db", run, sender)


def test_a_large_file_that_cannot_be_sent_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "PARTS_FROM", 2 * PART)
    monkeypatch.setattr(sending, "PART", PART)
    with hub(cwd=tmp_path) as running:
        run = begun(running)
        data = io.BytesIO(content(3 * PART))
        with Yard(running.url) as yard, pytest.raises(DigestMismatch):
            yard.artifacts.put(f"run:{run}", "weights.bin", data, expect="0" * 64)
        assert listed(running.url, run) == []
    with Yard(tmp_path / "yard.db") as yard, yard.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(tables.uploads)) == 0
