"""``serve MODEL streamlit``: the command as a process, and its page in a real browser."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import httpx2
import pytest

import modelyard as my
from modelyard.base.errors import AlreadyExists, FileMissing
from modelyard.serving.servers import streamlit
from serving_cases.models import classifier, frame, function_model

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def words(text: str, mood: Literal["happy", "sad"] = "happy") -> Iterator[str]:
    for word in text.split():
        yield f"{word} {mood} "


@pytest.fixture(scope="module")
def page_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("streamlit")
    my.save(classifier(), folder / "iris", sample_data=frame(), description="By *petals*.")
    my.save(words, folder / "talk", sample_data="a b")
    command = [sys.executable, "-m", "modelyard", "serve", "iris", "talk", "streamlit"]
    process = subprocess.Popen(
        [*command, "--port", "0", "--title", "Flowers"],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    try:
        line = next(line for line in process.stderr if line.startswith("Serving "))
        drain = threading.Thread(target=process.stderr.read)
        drain.start()
        yield line.split(" on ")[1].strip()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        drain.join(60)
    finally:
        process.kill()
        process.communicate()


def test_a_table_is_filled_in_sent_and_answered_beside_its_rows(
    chromium: Any, page_url: str
) -> None:
    from playwright.sync_api import expect

    context = chromium.new_context(viewport={"width": 1200, "height": 1000})
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(page_url)
    expect(page.get_by_role("heading", name="Flowers")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("By *petals*.")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Send").click()
    with page.expect_download(timeout=60_000) as download:
        page.get_by_role("button", name="Save as csv").click()
    saved = Path(download.value.path()).read_text().splitlines()
    first = frame().iloc[0]
    assert saved[0] == "predict,length,width"
    answer = classifier().predict(frame().head(1))[0]
    assert saved[1] == f"{answer},{first['length']},{first['width']}"
    page.get_by_label("Model").first.click()
    page.get_by_role("option", name="talk").click()
    page.get_by_label("text").fill("one two")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text(re.compile("one happy two happy"))).to_be_visible(timeout=60_000)
    assert wrong == []
    context.close()


def test_the_script_can_be_written_and_used(tmp_path: Path) -> None:
    model = function_model("numbers", 1.0, predict=lambda x: x)
    own = tmp_path / "app.py"
    streamlit.serve(model, write=str(own))
    assert "st.set_page_config" in own.read_text()
    with pytest.raises(AlreadyExists, match="is there already"):
        streamlit.serve(model, write=str(own))
    with pytest.raises(FileMissing, match="there is no script"):
        streamlit.serve(model, script=str(tmp_path / "none.py"))
    stop, seen = threading.Event(), []

    def ready(running: Any) -> None:
        seen.append(httpx2.get(running.url + "/_stcore/health").text)
        seen.append(
            json.loads(httpx2.get(running.docs_url.removesuffix("/docs") + "/version").text)
        )
        stop.set()

    streamlit.serve(model, port=0, script=str(own), on_ready=ready, stop=stop)
    assert seen[0] == "ok"
    assert list(seen[1]["models"]) == ["numbers"]
