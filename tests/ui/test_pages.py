"""What a person sees and does in a browser: runs, a run, models, a model."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import httpx2
import pytest

from hub_cases.server import Running, client, hub
from modelyard.hub import accounts
from modelyard.yard.yard import Yard
from ui_cases.runs import add_run, experiment

pytestmark = pytest.mark.browser

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(2)</script>",
    '"><svg/onload=alert(3)>',
    "javascript:alert(4)",
    "[x](javascript:alert(5))",
    "{{7*7}}${7*7}",
]
TURNED = "report\u202efdp.exe"
SHOWN = "report⟨U+202E⟩fdp.exe"


def cells(page: Any, column: int) -> list[str]:
    return page.locator(f".runs tbody tr > :nth-child({column})").all_inner_texts()


def test_metrics_and_params_are_columns_that_sort(browse: Any, rest: httpx2.Client) -> None:
    place = experiment(rest, "columns")
    for depth, accuracy in (("3", 0.91), ("5", 0.75), ("7", "NaN")):
        add_run(rest, place, f"depth {depth}", metrics={"val acc": accuracy}, params={"depth": depth, "same": "1"})  # fmt: skip
    page = browse(f"/experiments/{place}")
    page.wait_for_selector(".runs")
    head = page.locator(".runs thead th").all_inner_texts()
    assert head == ["Run", "Status", "Started", "Duration", "val acc", "depth", "same"]
    assert cells(page, 1) == ["depth 7", "depth 5", "depth 3"]
    assert cells(page, 5) == ["NaN", "0.75", "0.91"]

    page.get_by_role("button", name="val acc").click()
    page.wait_for_selector("th[aria-sort=descending]")
    page.wait_for_selector(".runs tbody tr:first-child >> text=depth 3")
    assert "order=metrics.%60val+acc%60+desc" in page.url
    page.get_by_role("button", name="val acc").click()
    page.wait_for_selector(".runs tbody tr:first-child >> text=depth 5")
    page.reload()
    page.wait_for_selector("th[aria-sort=ascending]")
    assert cells(page, 1) == ["depth 5", "depth 3", "depth 7"]
    page.get_by_role("button", name="val acc").click()
    page.wait_for_selector(".runs tbody tr:first-child >> text=depth 7")
    assert page.locator("th[aria-sort]").count() == 0
    assert "order" not in page.url


def test_a_filter_narrows_and_its_error_points_at_the_place(browse: Any, rest: httpx2.Client) -> None:  # fmt: skip
    place = experiment(rest, "filters")
    for accuracy in (0.5, 0.9):
        add_run(rest, place, f"acc {accuracy}", metrics={"acc": accuracy})
    page = browse(f"/experiments/{place}", expect="400 (Bad Request)")
    page.wait_for_selector(".runs")
    page.keyboard.press("/")
    page.keyboard.type("metrics.acc > 0.7")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=/^1 run$/")
    assert cells(page, 1) == ["acc 0.9"]

    page.get_by_role("searchbox").fill("metrics.acc >> 0.7")
    page.keyboard.press("Enter")
    told = page.locator(".problem pre").inner_text().splitlines()
    assert "cannot be read" in told[0]
    assert told[1].strip() == "metrics.acc >> 0.7"
    assert told[2].index("^") == told[1].index("> 0.7")

    page.go_back()
    page.get_by_role("searchbox").fill("metrics.acc > 2")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=No run is what this filter asks for")


def test_more_runs_are_added_page_by_page(browse: Any, rest: httpx2.Client) -> None:
    place = experiment(rest, "pages")
    for number in range(103):
        rest.post("/api/v1/runs", json={"experiment_id": place, "name": f"run {number}"})
    page = browse(f"/experiments/{place}")
    page.wait_for_selector("text=100 runs, and more")
    page.get_by_role("button", name="Show more").click()
    page.wait_for_selector("text=/^103 runs$/")
    assert cells(page, 1) == [f"run {number}" for number in reversed(range(103))]
    assert page.get_by_role("button", name="Show more").count() == 0


def test_a_run_that_goes_on_is_followed(browse: Any, rest: httpx2.Client) -> None:
    place = experiment(rest, "live")
    run = add_run(rest, place, "going", metrics={"loss": 0.5}, status="RUNNING")
    page = browse(f"/experiments/{place}")
    page.wait_for_selector("text=0.5")
    rest.post(f"/api/v1/runs/{run}/batch", json={"metrics": [{"key": "loss", "value": 0.125, "step": 2}]})  # fmt: skip
    page.wait_for_selector(".runs >> text=0.125")
    rest.patch(f"/api/v1/runs/{run}", json={"status": "FINISHED"})
    page.wait_for_selector(".runs .status.finished")


def test_a_run_with_its_curves_and_files(browse: Any, rest: httpx2.Client) -> None:
    place = experiment(rest, "one run")
    curve = [math.exp(-step / 10) for step in range(40)]
    curve[20] = math.inf
    run = add_run(
        rest,
        place,
        "curved",
        curves={"loss": curve, "nothing": [math.nan, math.nan]},
        metrics={"size": 1234567},
        params={"depth": "3"},
        tags={"note": "two\nlines"},
        files={"model/model.bin": b"\0weights", "a log.txt": b"said"},
    )
    page = browse("/")
    page.get_by_role("link", name="curved").click()
    page.wait_for_selector("h1 >> text=curved")
    assert page.url.endswith(f"/runs/{run}")
    page.wait_for_selector("dd >> text=one run")
    chart = page.locator(".chart", has_text="loss")
    # What is infinite parts the curve in two, and has a tick.
    assert chart.locator("path.line").get_attribute("d").count("M") == 2
    assert chart.locator(".gap").count() == 1
    chart.locator("svg").hover()
    assert chart.locator(".reading").inner_text().startswith("step ")
    assert "no number was logged" in page.locator(".chart", has_text="nothing").inner_text()
    assert page.locator(".chart").count() == 2
    assert page.locator("section", has_text="Params").locator("td").first.inner_text() == "3"
    assert "two\nlines" in page.locator("section", has_text="Tags").last.inner_text()

    with page.expect_download() as started:
        page.get_by_role("link", name="a log.txt").click()
    assert Path(started.value.path()).read_bytes() == b"said"
    page.get_by_role("button", name="model/").click()
    with page.expect_download() as started:
        page.get_by_role("link", name="model.bin").click()
    assert started.value.suggested_filename == "model.bin"
    assert Path(started.value.path()).read_bytes() == b"\0weights"
    page.get_by_role("button", name="up").click()
    page.wait_for_selector("text=a log.txt")


def test_models_change_while_they_are_looked_at(browse: Any, rest: httpx2.Client) -> None:
    page = browse("/")
    page.get_by_role("link", name="Models").click()
    page.wait_for_selector("h1 >> text=Models")
    rest.post("/api/v1/models", json={"name": "live-churn", "description": "Who\n\nwill leave"}).raise_for_status()  # fmt: skip
    page.get_by_role("link", name="live-churn").click()
    page.wait_for_selector("text=will leave")
    page.wait_for_selector(".history >> text=model.created")
    rest.patch("/api/v1/models/live-churn", json={"description": "Who stays"}).raise_for_status()
    page.wait_for_selector("text=Who stays")
    page.wait_for_selector("text=model.described")


def test_names_are_text_whatever_they_are(browse: Any, rest: httpx2.Client) -> None:
    everything = dict.fromkeys(HOSTILE, "") | {name: name for name in HOSTILE} | {"turned": TURNED}
    place = experiment(rest, " ".join(HOSTILE))
    run = add_run(
        rest,
        place,
        TURNED,
        metrics={"<img src=x onerror=alert(6)>": 1.0},
        params=everything,
        tags=everything,
        files={"&lt;img src=x onerror=alert(7)&gt;.html": b"<script>alert(8)</script>"},
    )
    name = "<img src=x onerror=alert(1)>"
    model = {"name": name, "description": "\n".join([*HOSTILE, TURNED]), "tags": everything}
    rest.post("/api/v1/models", json=model).raise_for_status()

    page = browse(f"/experiments/{place}")
    page.wait_for_selector(".runs")
    assert cells(page, 1) == [SHOWN]
    page.get_by_role("button", name="onerror=alert(6)").click()
    page.wait_for_selector("th[aria-sort]")
    page.get_by_role("link", name=SHOWN).click()
    page.wait_for_selector("h1")
    assert page.title() == f"{SHOWN} · Modelyard"
    page.wait_for_selector("text=&lt;img src=x onerror=alert(7)&gt;.html")
    assert page.locator("section", has_text="Params").locator("tr").count() == len(everything)
    with page.expect_download() as started:
        page.get_by_role("link", name="alert(7)").click()
    assert Path(started.value.path()).read_bytes() == b"<script>alert(8)</script>"
    page.goto(page.url.replace(f"/runs/{run}", "/models"))
    page.get_by_role("link", name=name).click()
    page.wait_for_selector("text=model.created")
    assert page.locator("h1").inner_text() == name
    assert SHOWN in page.locator(".text").inner_text()
    assert page.locator("img, main svg, main script, a[href^=javascript]").count() == 0


def test_links_that_mlflow_clients_print_lead_to_their_pages(browse: Any, rest: httpx2.Client) -> None:  # fmt: skip
    place = experiment(rest, "linked")
    run = add_run(rest, place, "printed")
    page = browse(f"/#/experiments/{place}/runs/{run}")
    page.wait_for_selector("h1 >> text=printed")
    assert page.url.endswith(f"/runs/{run}")
    page = browse(f"/#/experiments/{place}")
    page.wait_for_selector("h1 >> text=linked")


@pytest.mark.parametrize("path", ["/runs/" + "0" * 32, "/models/none"])
def test_what_is_not_there_is_said(browse: Any, path: str) -> None:
    page = browse(path, expect="Failed to load resource")
    page.wait_for_selector(".problem pre")
    assert page.locator(".problem pre").inner_text()


def test_who_has_no_token_is_asked_for_one(browse: Any, built: Path, tmp_path: Path) -> None:
    with Yard(tmp_path / "yard.db") as yard:
        accounts.add_user(yard.database, "ana", "editor")
        secret = accounts.create_token(yard.database, "ana")["secret"]
    with hub("--uri", "yard.db", cwd=tmp_path) as running, client(running, secret) as rest:
        run = add_run(rest, experiment(rest, "secret"), "hers", files={"log.txt": b"said"})
        page = browse("/", url=running.url, expect="401 (Unauthorized)")
        page.get_by_label("Token").fill("my_wrong")
        page.keyboard.press("Enter")
        page.wait_for_selector(".problem")
        assert "hers" not in page.content()
        page.get_by_label("Token").fill(secret)
        page.keyboard.press("Enter")
        page.wait_for_selector("text=ana (editor)")
        page.reload()
        page.get_by_role("link", name="hers").click()
        with page.expect_download() as started:
            page.get_by_role("link", name="log.txt").click()
        assert Path(started.value.path()).read_bytes() == b"said"
        assert secret not in page.url
        assert run in page.url
        page.get_by_role("button", name="Sign out").click()
        page.get_by_label("Token").wait_for()
        assert page.evaluate("sessionStorage.length + localStorage.length") == 0


def test_dark_and_light_follow_the_reader(browse: Any, hub: Running) -> None:
    def luminance(scheme: str) -> float:
        page = browse("/", color_scheme=scheme)
        page.wait_for_selector("h1")
        shown = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, shown.removeprefix("rgb(").removesuffix(")").split(",")))

    assert luminance("dark") < 150 < 600 < luminance("light")


def test_a_narrow_page_scrolls_only_its_table(browse: Any, rest: httpx2.Client) -> None:
    place = experiment(rest, "narrow")
    add_run(rest, place, "n" * 300, params={f"param {n}": "v" * 500 for n in range(9)})
    page = browse(f"/experiments/{place}")
    page.wait_for_selector(".runs")
    page.set_viewport_size({"width": 380, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") == 380
    page.locator(".runs tbody a").click()
    page.wait_for_selector("text=Params")
    assert page.evaluate("document.documentElement.scrollWidth") == 380
