"""Serving a registered model with the yard's own prediction log."""

from __future__ import annotations

from pathlib import Path

from modelyard.yard.verbs import open_model
from modelyard.yard.yard import Yard
from serving_cases.models import classifier, frame, records
from serving_cases.server import serving


def test_every_answer_is_in_the_yard_linked_to_its_version_and_data(tmp_path: Path) -> None:
    with Yard(tmp_path / "yard.db") as yard:
        table = frame().assign(kind=(frame()["length"] > 4).astype(int))
        yard.datasets.add(table, name="flowers")
        version = yard.models.add(
            classifier(), name="iris", dataset="flowers@1", target="kind", sample_data=frame()
        )
        with serving(open_model(version), log=yard.predictions.log) as http:
            rows = [{**record, "reference_id": f"c{i}"} for i, record in enumerate(records(2))]
            answer = http.post("/predict", json=rows)
            assert answer.headers["x-modelyard-model"] == "iris@1"
            assert http.post("/predict_proba", json=records(30)).status_code == 200
        logged = yard.predictions.list(records=True)
        assert len(logged) == 32  # the server has stopped: all is written
        first = [row for row in logged if row["reference_id"] == "c0"]
        assert [row["inputs"] for row in first] == [records(1)[0]]
        assert [row["outputs"] for row in first] == [answer.json()[0]]
        assert {row["model"] for row in logged} == {"iris@1"}
        assert len({row["model_version_id"] for row in logged} - {None}) == 1
        assert len({row["dataset_id"] for row in logged} - {None}) == 1
        assert yard.predictions.feedback("c0", 1) == 1
