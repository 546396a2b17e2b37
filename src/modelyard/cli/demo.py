"""The demo: what a person would do on a first day, done on scikit-learn's breast cancer data and shown step by step."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from modelyard.base.errors import MissingExtra, ModelyardError, Unreachable
from modelyard.cli.output import table
from modelyard.objects.formats import write_path
from modelyard.yard.project import init
from modelyard.yard.verbs import apply, evaluate, save
from modelyard.yard.yard import Yard

SERVER_FILE = "server.json"
GOES_ON = 600
"""Seconds that the server stays up afterwards."""


def run_demo(folder: Path) -> None:
    """The whole story; prints as it goes."""
    started = time.monotonic()
    stop_demo(folder, quiet=True)
    folder.mkdir(parents=True, exist_ok=True)
    init(folder)
    click.secho(
        f"A project in {folder}: one file, yard.db, will hold data, models and predictions.",
        bold=True,
    )
    train, test = data_files(folder)
    with Yard(project=folder) as yard:
        dataset = yard.datasets.add(train, "tumors", "Breast cancer: measurements of cell nuclei")
        done(
            f"data set {dataset.ref}: {dataset.size_rows} rows, {dataset.size_cols} columns, profiled and deduplicated"
        )
        scores = train_and_register(folder, yard, train, test)
        promote_best(yard, scores)
    apply_to_file(folder, test)
    facts = start_server(folder)
    answer = post(facts)
    done(f"the server answered {json.dumps(answer)}")
    show_log(folder)
    click.echo()
    click.echo(
        f"Done in {time.monotonic() - started:.0f} s. The server goes on for ten minutes. What to try next:"
    )
    click.echo(f"  cd {shlex.quote(str(folder))}")
    for line in NEXT:
        click.echo(f"  {line}")
    click.echo(facts["curl"])
    click.echo(facts["docs"])


MEASURED = ("mean radius", "mean texture", "mean smoothness", "mean concavity", "mean symmetry")
"""Of thirty columns: few enough to read, and to paste."""

NEXT = (
    "modelyard show models/forest                 the card: schema, metrics, requirements",
    "modelyard which tumor --stage prod           what is in production, since when, by whom",
    "modelyard predictions list --limit 3         what was asked and answered",
    "modelyard build tumor#prod wheel             an installable package of the model",
    "modelyard demo --stop                        stop the server",
)


def data_files(folder: Path) -> tuple[Any, Any]:
    """Real measurements, split; the test half also as a file."""
    try:
        from sklearn.datasets import load_breast_cancer
        from sklearn.model_selection import train_test_split
    except ModuleNotFoundError as error:
        raise MissingExtra("the demo", "sklearn", missing=error.name) from error
    bunch: Any = load_breast_cancer(as_frame=True)
    everything = bunch.frame
    frame = everything[list(MEASURED)].assign(
        diagnosis=everything["target"].map({0: "malignant", 1: "benign"})
    )
    halves: Any = train_test_split(
        frame, test_size=0.25, random_state=0, stratify=frame["diagnosis"]
    )
    train, test = halves
    write_path(test[list(MEASURED)], folder / "new.csv")
    return train.reset_index(drop=True), test.reset_index(drop=True)


def train_and_register(folder: Path, yard: Yard, train: Any, test: Any) -> dict[int, float]:
    """Two candidates for one name: saved, registered, measured. Returns version -> accuracy."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    candidates = {
        "logistic": make_pipeline(StandardScaler(), LogisticRegression()),
        "forest": RandomForestClassifier(n_estimators=50, random_state=0),
    }
    X, y = train[list(MEASURED)], train["diagnosis"]
    scores: dict[int, float] = {}
    rows: list[dict[str, Any]] = []
    for name, model in candidates.items():
        path = folder / "models" / name
        card = save(model.fit(X, y), path, sample_data=X, description=f"{name} on the tumors data")
        version = yard.models.add(
            path, "tumor", dataset="tumors", target="diagnosis", comment=f"first {name}"
        )
        metrics = evaluate(version, test, target="diagnosis")
        evaluate(path, test, target="diagnosis")
        scores[version.version] = metrics["accuracy"]
        rows.append({"version": version.ref, "model": name, "format": f"{card.format.name}, tier {card.format.tier}" if card.format else "",
                     "accuracy": metrics["accuracy"], "roc_auc": metrics["roc_auc"]})  # fmt: skip
    done("two models trained, saved with readable cards, registered and measured on held-out rows")
    click.echo(indented(table(rows)))
    return scores


def promote_best(yard: Yard, scores: dict[int, float]) -> None:
    """The better one goes to prod, and the history says why."""
    best = max(scores, key=lambda version: scores[version])
    comment = f"best accuracy, {scores[best]:.3f}"
    yard.models.promote("tumor", "prod", best, comment)
    yard.models.set_alias("tumor", "champion", best)
    done(f"tumor@{best} promoted to prod: {comment}")


def apply_to_file(folder: Path, test: Any) -> None:
    """A file in, a file out."""
    apply(folder / "models" / "forest", folder / "new.csv", output=folder / "predictions.csv")
    done(f"{len(test)} rows of new.csv applied: predictions.csv")


def start_server(folder: Path) -> dict[str, Any]:
    """``modelyard serve tumor#prod --log`` in the background, on a free port."""
    log = folder / "serve.log"
    command = [sys.executable, "-m", "modelyard", "serve", "tumor#prod", "--log", "--port", "0",
               "--stop-after", str(GOES_ON)]  # fmt: skip
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)  # fmt: skip
    facts = {"pid": process.pid, **wait_until_up(log, process)}
    (folder / SERVER_FILE).write_text(json.dumps(facts))
    done(f"serving tumor#prod on {facts['url']}")
    return facts


def wait_until_up(log: Path, process: subprocess.Popen[bytes]) -> dict[str, str]:
    """Read the server's own announcement: its address, its docs, a curl."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        lines = log.read_text("utf-8").splitlines()
        found = {
            line.split(maxsplit=1)[0]: line.split(maxsplit=1)[1]
            for line in lines
            if line.startswith("  ")
        }
        if "try" in found and "docs" in found:
            return {
                "url": found["docs"].removesuffix("/docs"),
                "docs": found["docs"],
                "curl": found["try"],
            }
        if process.poll() is not None:
            break
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    raise Unreachable(
        f"the server did not come up; {log} says why: {log.read_text('utf-8')[-300:]}"
    )


def post(facts: dict[str, Any]) -> Any:
    """Run the announced curl's request in Python (curl itself may not be installed)."""
    words = shlex.split(facts["curl"])
    url = next(w for w in words if w.startswith("http"))
    body = words[words.index("-d") + 1].encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def show_log(folder: Path) -> None:
    """The prediction just made, as the yard kept it (the log is written a moment after the answer)."""
    for rows in logged(folder):
        if rows:
            done("the prediction is in the yard, linked to its model version and data set")
            shown = [
                {"reference_id": r["reference_id"], "model": r["model"], "outputs": r["outputs"]}
                for r in rows
            ]
            click.echo(indented(table(shown)))
            return
    raise ModelyardError("the prediction was not logged", hint=f"see {folder / 'serve.log'}")


def logged(folder: Path, tries: int = 100) -> Iterator[Any]:
    """The logged predictions, asked for again and again for up to ten seconds."""
    with Yard(project=folder) as yard:
        for _ in range(tries):
            yield yard.predictions.list(records=True, limit=1)
            time.sleep(0.1)


def stop_demo(folder: Path, quiet: bool = False) -> None:
    """Stop the server of an earlier demo, if it is still there."""
    file = folder / SERVER_FILE
    stopped = False
    if file.exists():
        with contextlib.suppress(OSError, ValueError, KeyError):
            facts = json.loads(file.read_text("utf-8"))
            # The number may belong to somebody else by now: only who answers as our server is stopped.
            urllib.request.urlopen(f"{facts['url']}/interface.json", timeout=10).close()
            os.kill(int(facts["pid"]), signal.SIGTERM)
            stopped = True
        file.unlink()
    if not quiet:
        click.echo("stopped" if stopped else "no server was running")


def done(text: str) -> None:
    """One step of the story."""
    click.echo(click.style("  ✓ ", fg="green") + text)


def indented(text: str) -> str:
    """A table below its step."""
    return "\n".join(f"      {line}" for line in text.splitlines())
