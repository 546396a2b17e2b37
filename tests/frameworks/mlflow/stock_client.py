"""What people do with MLflow's own client, against the server of ``MLFLOW_TRACKING_URI``: ``python stock_client.py FOLDER``.

It knows nothing of modelyard. Each function is a scene; what it returns is printed as JSON, and what it raises as a text.
"""

from __future__ import annotations

import json
import math
import os
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import LoggedModelStatus, Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

X = np.array([[float(n), float(n % 3)] for n in range(24)])
Y = np.array([0] * 12 + [1] * 12)
SCENES: dict[str, Callable[[Path], Any]] = {}


def scene(function: Callable[[Path], Any]) -> Callable[[Path], Any]:
    SCENES[function.__name__] = function
    return function


def refusal(action: Callable[[], Any]) -> list[str]:
    """The code and message that an action is refused with."""
    try:
        action()
    except MlflowException as error:
        return [error.error_code, error.message]
    return ["", "nothing was refused"]


def log_model(**options: Any) -> Any:
    model = LogisticRegression().fit(X, Y)
    options = {
        "name": "model",
        "input_example": X[:2],
        "pip_requirements": ["scikit-learn"],
        **options,
    }
    return mlflow.sklearn.log_model(model, **options)


@scene
def fluent(folder: Path) -> Any:
    """The example of MLflow's own pages, and what else people log."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    mlflow.set_experiment("fluent")
    note = folder / "note.txt"
    note.write_text("a note")
    with mlflow.start_run(run_name="first", description="what it is", tags={"team": "risk"}) as run:
        mlflow.log_param("depth", 3)
        mlflow.log_params({"rate": 0.5, "long": "x" * 9000})
        for step in range(5):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
        mlflow.log_metrics(
            {"nan": math.nan, "up": math.inf, "down": -math.inf, "zero": -0.0}, step=2
        )
        mlflow.log_metric("later", 1.0, synchronous=False).wait()
        mlflow.set_tag("gone", 1)
        mlflow.set_tags({"a": "1", "b": "2"})
        mlflow.delete_tag("gone")
        mlflow.log_artifact(str(note), "notes")
        mlflow.log_artifacts(str(folder), "all")
        mlflow.log_text("é\n", "notes/text.txt")
        mlflow.log_dict({"a": [1]}, "dict.json")
        mlflow.log_figure(Figure(), "figure.png")
        mlflow.log_image(np.zeros((2, 2, 3), np.uint8), key="picture", step=3)
        mlflow.log_table({"q": ["a", "b"]}, "table.json")
        data = mlflow.data.from_pandas(pd.DataFrame({"a": [1.0, 2.0]}), name="data")
        mlflow.log_input(data, context="training")
        mlflow.log_metric("on_data", 0.5, dataset=data)
        with mlflow.start_run(nested=True, run_name="child") as child:
            mlflow.log_metric("inner", 1)
    client = MlflowClient()
    found = client.get_run(run.info.run_id)
    try:
        mlflow.start_run(run_name="broken")
        raise KeyError("x")
    except KeyError:
        mlflow.end_run("FAILED")
    return {
        "run_id": run.info.run_id,
        "status": found.info.status,
        "name": found.info.run_name,
        "metrics": {k: repr(v) for k, v in found.data.metrics.items()},
        "params": {k: len(v) if k == "long" else v for k, v in found.data.params.items()},
        "tags": {k: v for k, v in found.data.tags.items() if "." not in k},
        "note": found.data.tags["mlflow.note.content"],
        "history": [
            (m.step, m.value) for m in client.get_metric_history(found.info.run_id, "loss")
        ],
        "inputs": [
            (i.dataset.name, [t.value for t in i.tags]) for i in found.inputs.dataset_inputs
        ],
        "root": [(f.path, f.is_dir, f.file_size) for f in client.list_artifacts(found.info.run_id)],
        "notes": [f.path for f in client.list_artifacts(found.info.run_id, "notes")],
        "text": mlflow.artifacts.load_text(f"{found.info.artifact_uri}/notes/text.txt"),
        "table": mlflow.load_table("table.json", run_ids=[found.info.run_id]).to_dict("list"),
        "parent": mlflow.get_parent_run(child.info.run_id).info.run_id == found.info.run_id,
        "broken": [
            r.info.status
            for r in mlflow.search_runs(
                ["1"] and [found.info.experiment_id],
                "attributes.run_name = 'broken'",
                output_format="list",
            )
        ],
        "downloaded": sorted(
            p.name
            for p in Path(
                mlflow.artifacts.download_artifacts(
                    run_id=found.info.run_id, artifact_path="notes", dst_path=str(folder / "down")
                )
            ).iterdir()
        ),
    }


@scene
def registry(folder: Path) -> Any:
    """Log, register, alias, stage, tag, rename, load by every spelling, delete."""
    mlflow.set_experiment("registry")
    client = MlflowClient()
    with mlflow.start_run() as run:
        info = log_model(registered_model_name="churn")
    second = mlflow.register_model(
        f"runs:/{run.info.run_id}/model", "churn", tags={"how": "by run"}
    )
    client.set_registered_model_alias("churn", "champion", "2")
    client.transition_model_version_stage("churn", "1", "Staging")
    client.transition_model_version_stage("churn", "1", "Production")
    client.transition_model_version_stage(
        "churn", "2", "production", archive_existing_versions=True
    )
    client.set_registered_model_tag("churn", "team", "risk")
    client.set_registered_model_tag("churn", "no", "1")
    client.delete_registered_model_tag("churn", "no")
    client.set_model_version_tag("churn", "2", "ok", "yes")
    client.update_registered_model("churn", "tells who leaves")
    client.update_model_version("churn", "2", "the second")
    expected = LogisticRegression().fit(X, Y).predict(X).tolist()
    uris = [
        "models:/churn/2", "models:/churn@champion", "models:/churn/latest", "models:/churn/Production",
        f"runs:/{run.info.run_id}/model", info.model_uri, f"models:/{info.model_id}",
    ]  # fmt: skip
    loaded = {
        uri.replace(run.info.run_id, "RUN").replace(
            info.model_id, "MODEL"
        ): mlflow.pyfunc.load_model(uri).predict(X).tolist() == expected
        for uri in uris
    }
    native = type(mlflow.sklearn.load_model("models:/churn@champion")).__name__
    copied = client.copy_model_version("models:/churn@champion", "churn-copy")
    client.create_registered_model("empty", {"a": "b"}, "nothing in it")
    client.rename_registered_model("empty", "renamed")
    model, version = client.get_registered_model("churn"), client.get_model_version("churn", "2")
    answer = {
        "native": native,
        "loaded": loaded,
        "created": [second.version, second.status, second.run_id == run.info.run_id, second.tags],
        "model": [
            model.description,
            model.tags,
            model.aliases,
            sorted((v.version, v.current_stage) for v in model.latest_versions),
        ],
        "version": [
            version.description,
            version.tags,
            list(version.aliases),
            version.current_stage,
            version.model_id == info.model_id,
        ],
        "by alias": client.get_model_version_by_alias("churn", "champion").version,
        "latest": [
            (v.version, v.current_stage)
            for v in client.get_latest_versions("churn", ["Production", "Archived"])
        ],
        "copied": [
            copied.name,
            copied.version,
            copied.source,
            mlflow.pyfunc.load_model("models:/churn-copy/1").predict(X).tolist() == expected,
        ],
        "renamed": [
            client.get_registered_model("renamed").tags,
            refusal(lambda: client.get_registered_model("empty")),
        ],
        "models": [m.name for m in client.search_registered_models(order_by=["name DESC"])],
        "like": [
            m.name
            for m in client.search_registered_models("name LIKE 'churn%' AND tags.team = 'risk'")
        ],
        "versions": [
            (v.name, v.version)
            for v in client.search_model_versions("name = 'churn'", order_by=["version_number ASC"])
        ],
        "of run": [
            v.version
            for v in client.search_model_versions(
                f"run_id = '{run.info.run_id}' and name='churn'", order_by=["version_number"]
            )
        ],
        "paged": paged(client),
        "download": client.get_model_version_download_uri("churn", "2").partition(":")[0],
        "gone alias": refusal(lambda: client.get_model_version_by_alias("churn", "nobody")),
        "taken": refusal(lambda: client.create_registered_model("churn")),
        "bad name": refusal(lambda: client.create_registered_model("a/b"))[0],
        "bad source": refusal(lambda: client.create_model_version("churn", "s3://elsewhere/model")),
        "bad stage": refusal(
            lambda: client.transition_model_version_stage("churn", "1", "Nowhere")
        ),
        "latest alias": refusal(lambda: client.set_registered_model_alias("churn", "latest", "1"))[
            0
        ],
    }
    client.delete_registered_model_alias("churn", "champion")
    client.delete_model_version_tag("churn", "2", "ok")
    client.delete_model_version("churn", "1")
    answer["deleted"] = refusal(lambda: client.get_model_version("churn", "1"))
    answer["after"] = [
        list(client.get_model_version("churn", "2").aliases),
        client.get_model_version("churn", "2").tags,
    ]
    client.delete_registered_model("renamed")
    answer["deleted model"] = refusal(lambda: client.get_registered_model("renamed"))
    client.set_registered_model_alias("churn", "champion", "2")
    return answer


def paged(client: MlflowClient) -> list[str]:
    """Names, one page of one after the other."""
    names: list[str] = []
    token = None
    while True:
        page = client.search_registered_models(max_results=1, page_token=token)
        names += [model.name for model in page]
        token = page.token
        if not token:
            return names


@scene
def searches(folder: Path) -> Any:
    """Runs, experiments and logged models by many filters and orders."""
    client = MlflowClient()
    number = client.create_experiment("searches", tags={"kind": "test"})
    ids = {}
    for at in range(6):
        run = client.create_run(
            number, tags={"group": "ab"[at % 2]}, run_name=f"run-{at}", start_time=1000 + at
        )
        metrics = [Metric("acc", at / 10, 5, 0), Metric("odd name", float(at), 5, 0)]
        client.log_batch(run.info.run_id, metrics, [Param("n", str(at))], [RunTag("tag", f"T{at}")])
        client.set_terminated(
            run.info.run_id, "FINISHED" if at < 4 else "FAILED", end_time=2000 + at
        )
        ids[run.info.run_id] = f"run-{at}"
    some = list(ids)[1]

    def names(filter: str = "", order: list[str] | None = None, **options: Any) -> list[str]:
        return [
            r.info.run_name for r in client.search_runs([number], filter, order_by=order, **options)
        ]

    client.delete_run(some)
    answer: dict[str, Any] = {
        "all": names(),
        "deleted": names(run_view_type=ViewType.DELETED_ONLY),
        "every": len(names(run_view_type=ViewType.ALL)),
    }
    client.restore_run(some)
    filters = [
        "metrics.acc > 0.25", "metrics.acc >= 0.2 and metrics.acc <= 0.4", "metrics.`odd name` = 3", 'metrics."odd name" != 3',
        "params.n = '2'", "params.n LIKE '%3'", "params.n ILIKE '4'", 'tags.group = "a"', "tags.group != 'a' AND metrics.acc < 0.4",
        "attributes.status = 'FAILED'", "status != 'FAILED'", "run_name LIKE 'run-%'", "attributes.start_time > 1003", "end_time <= 2001",
        "tags.missing IS NULL", "tags.tag IS NOT NULL", "params.nothing = '1'", f"attributes.run_id IN ('{some}')", f"run_id NOT IN ('{some}')",
    ]  # fmt: skip
    answer["filters"] = {f.replace(some, "SOME"): sorted(names(f)) for f in filters}
    orders = [
        ["metrics.acc DESC"],
        ["params.n ASC"],
        ["attributes.start_time ASC"],
        ["tags.group DESC", "metrics.acc ASC"],
        ["metrics.none", "run_name DESC"],
    ]
    answer["orders"] = {" ".join(order): names("", order) for order in orders}
    pages, token = [], None
    while True:
        page = client.search_runs([number], max_results=4, page_token=token)
        pages.append([r.info.run_name for r in page])
        token = page.token
        if not token:
            break
    answer["pages"] = pages
    answer["pandas"] = mlflow.search_runs(
        experiment_names=["searches"], filter_string="metrics.acc > 0.3"
    )[["metrics.acc", "params.n"]].to_dict("list")
    answer["bad"] = [
        refusal(lambda text=text: names(text))[0]
        for text in ("metrics.acc >", "nothing.x = 1", "metrics.acc = 'a'")
    ]
    answer["experiments"] = [
        e.name for e in client.search_experiments(filter_string="name LIKE 'search%'")
    ]
    answer["tagged"] = [
        e.name
        for e in client.search_experiments(
            filter_string="tags.kind = 'test'", order_by=["name ASC"]
        )
    ]
    return answer


@scene
def beyond(folder: Path) -> Any:
    """Searches that MLflow's own server does not know."""
    client = MlflowClient()
    number = client.create_experiment("beyond")
    for at in range(4):
        run = client.create_run(number, tags={"group": "ab"[at % 2]}, run_name=f"run-{at}")
        client.log_batch(run.info.run_id, [Metric("acc", at / 10, 5, 0)], [Param("n", str(at))])
    filters = [
        "metrics.acc > 0.25 or params.n = '0'", "not tags.group = 'a'", "params.n IN ('1', '2')",
        "(params.n > 1 and tags.group = 'a') or run_name ~ '^run-1$'",
    ]  # fmt: skip
    return [sorted(r.info.run_name for r in client.search_runs([number], f)) for f in filters]


@scene
def experiments(folder: Path) -> Any:
    """An experiment from its making to its restoring."""
    client = MlflowClient()
    number = client.create_experiment("place", tags={"a": "1"})
    client.set_experiment_tag(number, "b", "2")
    client.rename_experiment(number, "renamed place")
    client.create_run(number)
    client.delete_experiment(number)
    deleted = client.get_experiment_by_name("renamed place")
    gone = [
        refusal(lambda: client.create_experiment("renamed place"))[0],
        refusal(lambda: client.create_run(number)),
        len(client.search_experiments(view_type=ViewType.DELETED_ONLY)),
    ]
    client.restore_experiment(number)
    again = client.get_experiment(number)
    return {
        "deleted": deleted.lifecycle_stage,
        "gone": gone,
        "again": [again.name, again.lifecycle_stage, again.tags, len(client.search_runs([number]))],
        "default": client.get_experiment("0").name,
        "nobody": [
            client.get_experiment_by_name("nobody"),
            refusal(lambda: client.get_experiment("99999")),
        ],
    }


@scene
def runs(folder: Path) -> Any:
    """What a client does with a run besides logging, and what is refused."""
    client = MlflowClient()
    number = client.create_experiment("runs")
    run = client.create_run(number)
    run_id = run.info.run_id
    client.log_param(run_id, "p", "1")
    client.log_param(run_id, "p", "1")
    client.update_run(run_id, status="FAILED", name="other name")
    client.log_batch(run_id, [Metric("many", float(i), i, i) for i in range(2500)])
    renamed = client.get_run(run_id)
    client.set_tag(run_id, "mlflow.runName", "by tag")
    by_tag = client.get_run(run_id).info.run_name
    answer = {
        "made up name": bool(run.info.run_name),
        "user": run.info.user_id is not None,
        "renamed": [
            renamed.info.run_name,
            renamed.data.tags["mlflow.runName"],
            renamed.info.status,
            by_tag,
        ],
        "many": [len(client.get_metric_history(run_id, "many")), renamed.data.metrics["many"]],
        "param": refusal(lambda: client.log_param(run_id, "p", "2")),
        "key": refusal(lambda: client.log_metric(run_id, "../x", 1.0))[0],
        "nobody": refusal(lambda: client.get_run("0" * 32)),
        "no tag": refusal(lambda: client.delete_tag(run_id, "none"))[0],
    }
    client.delete_run(run_id)
    answer["deleted"] = [
        client.get_run(run_id).info.lifecycle_stage,
        refusal(lambda: client.log_metric(run_id, "x", 1.0)),
    ]
    client.restore_run(run_id)
    client.set_terminated(run_id)
    answer["ended"] = client.get_run(run_id).info.status
    return answer


@scene
def logged_models(folder: Path) -> Any:
    """Logged models with and without a run."""
    mlflow.set_experiment("logged")
    with mlflow.start_run() as run:
        info = log_model(name="inside", params={"c": 1}, tags={"t": "1"})
        mlflow.log_metric("auc", 0.75, model_id=info.model_id)
    alone = mlflow.initialize_logged_model(name="alone", tags={"x": "y"}, params={"p": "q"})
    pending = refusal(lambda: mlflow.register_model(f"models:/{alone.model_id}", "pending"))[0]
    mlflow.finalize_logged_model(alone.model_id, LoggedModelStatus.FAILED)
    mlflow.set_logged_model_tags(alone.model_id, {"z": "1"})
    mlflow.delete_logged_model_tag(alone.model_id, "x")
    mlflow.log_model_params({"late": "1"}, model_id=alone.model_id)
    client = MlflowClient()
    found = mlflow.get_logged_model(info.model_id)
    number = run.info.experiment_id
    names = lambda **options: [m.name for m in client.search_logged_models([number], **options)]  # noqa: E731
    answer = {
        "found": [
            found.name,
            str(found.status),
            found.params,
            found.tags.get("t"),
            found.source_run_id == run.info.run_id,
        ],
        "metrics": [(m.key, m.value) for m in found.metrics],
        "outputs": [
            o.model_id == info.model_id
            for o in client.get_run(run.info.run_id).outputs.model_outputs
        ],
        "alone": [
            str(client.get_logged_model(alone.model_id).status),
            client.get_logged_model(alone.model_id).tags,
            client.get_logged_model(alone.model_id).params,
        ],
        "pending": pending,
        "files": sorted(f.path for f in client.list_logged_model_artifacts(info.model_id)),
        "search": [
            sorted(names()),
            names(filter_string="name = 'alone'"),
            names(filter_string="metrics.auc > 0.5"),
            names(filter_string="tags.t = '1'"),
            names(filter_string="params.c = '1'"),
        ],
        "order": names(order_by=[{"field_name": "name", "ascending": False}]),
    }
    client.delete_logged_model(alone.model_id)
    answer["deleted"] = refusal(lambda: client.get_logged_model(alone.model_id))[0]
    return answer


@scene
def autolog(folder: Path) -> Any:
    """Autologging of scikit-learn: one fit, a score, and a search over a grid."""
    mlflow.set_experiment("autolog")
    mlflow.sklearn.autolog(silent=True, extra_tags={"auto": "yes"})
    LogisticRegression().fit(X, Y).score(X, Y)
    one = mlflow.last_active_run()
    GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2).fit(X, Y)
    grid = mlflow.last_active_run()
    mlflow.sklearn.autolog(disable=True)
    client = MlflowClient()
    children = client.search_runs(
        [grid.info.experiment_id], f"tags.mlflow.parentRunId = '{grid.info.run_id}'"
    )
    model_id = one.outputs.model_outputs[0].model_id
    return {
        "status": [one.info.status, grid.info.status],
        "params": one.data.params["C"],
        "metrics": sorted(client.get_run(one.info.run_id).data.metrics),
        "files": sorted(f.path for f in client.list_artifacts(one.info.run_id)),
        "children": len(children),
        "best": "best_cv_score" in grid.data.metrics,
        "loaded": mlflow.sklearn.load_model(f"models:/{model_id}").predict(X).tolist()
        == LogisticRegression().fit(X, Y).predict(X).tolist(),
    }


@scene
def prompts(folder: Path) -> Any:
    """Prompts are names whose versions are texts; searches of models leave them out."""
    mlflow.genai.register_prompt(
        "greeting", "Hello {{name}}", commit_message="first", tags={"a": "b"}
    )
    mlflow.genai.register_prompt("greeting", "Good day {{name}}")
    mlflow.genai.set_prompt_alias("greeting", "live", 2)
    return {
        "text": mlflow.genai.load_prompt("prompts:/greeting@live").template,
        "first": mlflow.genai.load_prompt("prompts:/greeting/1").template,
        "models": "greeting" in [m.name for m in MlflowClient().search_registered_models()],
    }


@scene
def webhooks(folder: Path) -> Any:
    """Webhooks from their making to their end; a delivery comes to the address in ``HOOK_URL``."""
    from mlflow.entities.webhook import WebhookAction, WebhookEntity, WebhookEvent, WebhookStatus

    client = MlflowClient()
    created = WebhookEvent(WebhookEntity.MODEL_VERSION, WebhookAction.CREATED)
    alias = WebhookEvent(WebhookEntity.MODEL_VERSION_ALIAS, WebhookAction.CREATED)
    hook = client.create_webhook(
        "hook", os.environ["HOOK_URL"], [created, alias], description="d", secret="s3cret"
    )
    tested = client.test_webhook(hook.webhook_id)
    with mlflow.start_run():
        log_model(registered_model_name="hooked")
    client.set_registered_model_alias("hooked", "best", "1")
    other = client.create_webhook(
        "other", os.environ["HOOK_URL"], [alias], status=WebhookStatus.DISABLED
    )
    changed = client.update_webhook(other.webhook_id, description="new", events=[created])
    listed = [w.name for w in client.list_webhooks()]
    client.delete_webhook(other.webhook_id)
    return {
        "hook": [hook.name, str(hook.status), sorted(map(str, hook.events)), hook.secret],
        "tested": [tested.success, tested.response_status],
        "changed": [changed.description, str(changed.status), [str(e) for e in changed.events]],
        "listed": listed,
        "deleted": refusal(lambda: client.get_webhook(other.webhook_id))[0],
        "bad": refusal(lambda: client.create_webhook("bad", "ftp://example.org", [created]))[0],
    }


@scene
def ours(folder: Path) -> Any:
    """A model that was put into the yard by modelyard, if there is one, as MLflow loads it."""
    loaded = mlflow.pyfunc.load_model("models:/kept@champion")
    return {
        "answers": np.asarray(loaded.predict(X)).tolist(),
        "native": type(mlflow.sklearn.load_model("models:/kept/1")).__name__,
    }


def main(folder: Path, names: list[str]) -> None:
    warnings.simplefilter("ignore")
    for name, act in SCENES.items():
        if names and name not in names:
            continue
        inner = folder / name
        inner.mkdir(parents=True, exist_ok=True)
        try:
            print(f"SCENE {name} {json.dumps(act(inner))}", flush=True)
        except Exception:
            mlflow.end_run("FAILED")
            print(f"FAILED {name} {json.dumps(traceback.format_exc()[-3000:])}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
