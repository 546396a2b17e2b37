"""Runs beside each other, as rows and in a notebook."""

from __future__ import annotations

import json
import xml.etree.ElementTree as Xml
from pathlib import Path

import modelyard as my
from modelyard.yard.display import MARKED


def test_a_comparison_is_rows_and_draws_what_differs(tmp_path: Path) -> None:
    with my.Yard(tmp_path / "yard.db") as yard:
        ids = [yard.runs.start(name).run_id for name in ("<one>", "two")]
        for at, run_id in enumerate(ids):
            yard.runs.log(run_id, params={"depth": "3", "rate": f"0.{at}"})
            for step in range(5):
                yard.runs.log(run_id, metrics={"loss": step + at, "nan": float("nan")}, step=step)
        found = yard.runs.compare(ids)
        assert isinstance(found, list)
        assert json.loads(json.dumps(found))[0]["field"] == "experiment"
        rows = {row["field"]: row for row in found}
        assert rows["params.rate"] == {"field": "params.rate", ids[0]: "0.0", ids[1]: "0.1"}
        html = found._repr_html_()
        table = Xml.fromstring(html)
        lines = {"".join(tr[0].itertext()): tr for tr in table if tr.tag == "tr"}
        heads = ["".join(th.itertext()) for th in lines[""]]
        assert heads == ["", "<one>", "two"]
        assert [len(tr.findall(".//polyline")) for tr in lines["metrics.loss"]] == [0, 1, 1]

        def marks(field: str) -> int:
            return Xml.tostring(lines[field]).decode().count(MARKED.split("'")[1])

        assert (marks("params.rate"), marks("params.depth"), marks("metrics.nan")) == (2, 0, 0)
        short = yard.runs.compare(ids, differing=True)
        assert "params.depth" not in {row["field"] for row in short}
