"""The page of a server of models, in a real browser; nothing may be said on its console, and nothing loaded from elsewhere."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import httpx2
import pytest

from modelyard.objects.model import Model
from serving_cases.models import frame, function_model, iris
from serving_cases.server import serving

pytestmark = pytest.mark.browser

EVIL = "<img src=x onerror=alert(1)>"
leave = threading.Event()


def words(text: str, times: int = 1) -> Iterator[str]:
    for word in text.split() * times:
        yield f"{word} "


def waits(text: str) -> Iterator[str]:
    yield "first"
    leave.wait(60)


def picture(sound: bytes, mood: Literal["happy", "sad"] = "happy", loud: bool | None = None) -> str:
    return f"{len(sound)} {mood} {loud}"


def fails(x: float) -> float:
    raise RuntimeError("secret")


def echo(options: dict[str, int], limit: float | None = None) -> Any:
    return [{"name": EVIL, "limit": limit, **options}]


def evil() -> Model:
    model = function_model(EVIL, {"a": 1}, predict=echo)
    card = replace(model.card, description=f"<script>alert(1)</script> {EVIL}\n# *Not* markdown")
    return Model(card, None, model.functions, name=EVIL)


@pytest.fixture(scope="module")
def http() -> Iterator[httpx2.Client]:
    models = [
        iris(),
        function_model("talk", "a b", predict=words, waits=waits),
        function_model("files", b"x", predict=picture),
        evil(),
        function_model("broken", 1.0, predict=fails),
    ]
    with serving(models) as client:
        yield client


class Browsed:
    """A page, and everything that went wrong on it."""

    def __init__(self, context: Any, base: str) -> None:
        self.wrong: list[str] = []
        self.page = page = context.new_page()
        page.on("console", lambda m: self.wrong.append(m.text) if m.type != "log" else None)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("dialog", lambda dialog: (self.wrong.append("a dialog"), dialog.dismiss()))
        page.on("request", lambda r: None if r.url.startswith((base, "data:", "blob:")) else self.wrong.append(r.url))  # fmt: skip
        self._base = base

    def open(self, place: str = "") -> Any:
        self.page.goto(f"{self._base}/{place}")
        self.page.wait_for_selector("#fields :is(input, select, textarea)")
        return self.page


@pytest.fixture
def browsed(chromium: Any, http: httpx2.Client) -> Iterator[Browsed]:
    context = chromium.new_context(viewport={"width": 1200, "height": 900})
    context.set_default_timeout(20_000)
    found = Browsed(context, str(http.base_url).rstrip("/"))
    yield found
    context.close()
    assert found.wrong == []


def says(page: Any, selector: str, pattern: str) -> None:
    """Wait until an element's text matches."""
    from playwright.sync_api import expect

    expect(page.locator(selector)).to_have_text(re.compile(pattern), timeout=20_000)


def answered(page: Any) -> str:
    page.locator("#answer > *").first.wait_for()
    page.locator("#send:not(:disabled)").wait_for()
    return page.inner_text("#answer")


def test_a_form_of_the_schema_is_filled_with_an_example_and_answered(browsed: Browsed) -> None:
    page = browsed.open("#iris/predict")
    assert page.title() == "iris"
    assert page.inner_text("#description") == "Flowers by their petals."
    first = frame().iloc[0]
    assert page.get_by_label("length").input_value() == str(first["length"])
    # Its schema lets numbers be missing, and it does not.
    assert page.locator("label", has_text="length").inner_text() == "length number"
    page.get_by_role("button", name="Example 2").click()
    assert page.get_by_label("length").input_value() == str(frame().iloc[1]["length"])
    page.get_by_label("length").fill("6.5")
    page.keyboard.press("Enter")
    assert answered(page) == "1"
    assert page.inner_text("#status").startswith("200 in ")
    says(page, "#figures", "p50.*m?s")


def test_the_curl_line_is_what_was_shown(browsed: Browsed, http: httpx2.Client) -> None:
    page = browsed.open("#iris/predict_proba")
    line = page.inner_text("#curl")
    body = json.loads(line.split(" -d ")[1].strip("'"))
    assert body == [frame().iloc[0].to_dict()]
    assert http.post("/iris/predict_proba", json=body).status_code == 200
    assert f"'{http.base_url}iris/predict_proba'" in line or "/iris/predict_proba'" in line
    page.get_by_role("button", name="Copy").click()
    says(page, "#copied", "Copied|Selected")


def test_what_may_be_empty_says_so(browsed: Browsed) -> None:
    page = browsed.open("#files/predict")
    assert "may be empty" in page.locator("label", has_text="loud").inner_text()


def test_several_records_go_in_one_request(browsed: Browsed) -> None:
    page = browsed.open("#iris/predict")
    page.get_by_role("button", name="Add a record").click()
    for label, value in (("length", "6.5"), ("width", "2.5")):
        page.locator("fieldset").nth(1).get_by_label(label).fill(value)
    page.get_by_role("button", name="Send").click()
    assert json.loads(answered(page)) == [0 if frame().iloc[0]["length"] < 4 else 1, 1]


def test_what_the_schema_refuses_is_told_at_its_field(browsed: Browsed) -> None:
    page = browsed.open("#iris/predict")
    page.get_by_label("width").fill("wide")
    page.get_by_role("button", name="Send").click()
    assert "X[0].width: expected" in answered(page)
    assert page.get_by_label("width").get_attribute("aria-invalid") == "true"
    browsed.wrong[:] = [w for w in browsed.wrong if "422" not in w]


def test_json_can_be_edited_instead(browsed: Browsed) -> None:
    page = browsed.open("#iris/predict")
    page.get_by_label("edit as JSON").check()
    area = page.get_by_label("JSON by argument name")
    assert json.loads(area.input_value()) == {"X": [frame().iloc[0].to_dict()]}
    area.fill('{"X": [[1, 2], [6.5, 2.5]]}')
    page.get_by_role("button", name="Send").click()
    assert json.loads(answered(page)) == [0, 1]
    area.fill("{")
    page.get_by_role("button", name="Send").click()
    says(page, "#status", "^Not sent.$")
    assert "This is not JSON" in answered(page)


def test_a_stream_is_shown_as_it_comes_and_can_be_stopped(browsed: Browsed) -> None:
    page = browsed.open("#talk/predict")
    page.get_by_label("text").fill("one two")
    page.get_by_label("times").fill("2")
    page.get_by_role("button", name="Send").click()
    says(page, "#status", "^4 items in ")
    assert page.inner_text("#answer pre") == "one two one two "
    page = browsed.open("#talk/waits")
    page.get_by_label("text").fill("x")
    page.get_by_role("button", name="Send").click()
    says(page, "#answer", "^first$")
    page.get_by_role("button", name="Stop").click()
    says(page, "#status", "^Stopped.$")
    leave.set()


def test_files_choices_and_what_may_be_left_out(browsed: Browsed, tmp_path: Path) -> None:
    sound = tmp_path / "dog.wav"
    sound.write_bytes(b"RIFF")
    page = browsed.open("#files/predict")
    page.get_by_label("sound").set_input_files(sound)
    page.get_by_label("mood").select_option(label="sad")
    assert "-F 'sound=@dog.wav'" in page.inner_text("#curl")
    page.get_by_role("button", name="Send").click()
    assert answered(page) == "4 sad None"


def test_what_cards_say_is_text(browsed: Browsed) -> None:
    page = browsed.open(f"#{EVIL}/predict")
    assert page.inner_text("#name") == EVIL
    assert page.inner_text("#description").startswith(f"<script>alert(1)</script> {EVIL}")
    page.get_by_label("options").fill('{"<b>": 1}')
    page.get_by_role("button", name="Send").click()
    assert EVIL in answered(page)
    assert page.locator("img, script:not([src]), b").count() == 0


def test_a_model_that_fails_says_so(browsed: Browsed) -> None:
    page = browsed.open("#broken")
    page.get_by_role("textbox", name="x number").fill("1")
    page.get_by_role("button", name="Send").click()
    assert "raised RuntimeError" in answered(page)
    says(page, "#figures", "failed")
    browsed.wrong[:] = [w for w in browsed.wrong if "500" not in w]


def test_it_is_used_by_keyboard_and_goes_back(browsed: Browsed) -> None:
    page = browsed.open("")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.get_by_role("button", name="talk").focus()
    page.keyboard.press("Enter")
    says(page, "#name", "^talk$")
    page.go_back()
    says(page, "#name", "^iris$")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_it_fits_and_can_be_read(
    chromium: Any, http: httpx2.Client, scheme: Any, width: int
) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = Browsed(context, str(http.base_url).rstrip("/")).open(f"#{EVIL}/predict")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    contrast = page.evaluate(
        """() => [...document.querySelectorAll('p, label, button, a, h1, h2, dt, dd, pre, .hint')]
        .filter(e => e.offsetParent && e.innerText.trim()).map(e => {
          const light = (c) => { const [r, g, b] = c.match(/[\\d.]+/g).map(v => v / 255)
            .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
          let ground = e; while (getComputedStyle(ground).backgroundColor === 'rgba(0, 0, 0, 0)') ground = ground.parentElement;
          const [a, b] = [getComputedStyle(e).color, getComputedStyle(ground).backgroundColor].map(light).sort((x, y) => y - x);
          return [(a + .05) / (b + .05), e.innerText.slice(0, 30)]; }).sort((x, y) => x[0] - y[0])[0]"""
    )
    assert contrast[0] >= 4.5, contrast
    context.close()
