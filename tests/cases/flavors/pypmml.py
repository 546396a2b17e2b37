"""PMML documents, scored by Java."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.linear_model import LinearRegression, LogisticRegression

from modelyard.objects.flavors import pypmml as flavor
from modelyard.objects.formats import pmml
from modelyard.testing.flavors import Example, FlavorCase, FolderFiles

DOCUMENT = """<?xml version="1.0" encoding="UTF-8"?>
<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4">
  <Header copyright="by hand"><Application name="hand"/></Header>
  <DataDictionary numberOfFields="3">
    <DataField name="age" optype="continuous" dataType="double"/>
    <DataField name="town" optype="categorical" dataType="string"><Value value="Oslo"/><Value value="Lima"/></DataField>
    <DataField name="price" optype="continuous" dataType="double"/>
  </DataDictionary>
  <RegressionModel functionName="regression" modelName="prices">
    <MiningSchema>
      <MiningField name="age"/>
      <MiningField name="town"/>
      <MiningField name="price" usageType="target"/>
    </MiningSchema>
    <RegressionTable intercept="0.1">
      <NumericPredictor name="age" coefficient="0.3"/>
      <CategoricalPredictor name="town" value="Oslo" coefficient="2"/>
    </RegressionTable>
  </RegressionModel>
</PMML>
"""
TOWNS = pd.Series(["Oslo", "Lima", "Oslo", "Lima"], dtype=object)
ROWS = pd.DataFrame({"age": [30.5, 0.1, 7.0, 1e-3], "town": TOWNS})


def document_of(text: str) -> Callable[[], Any]:
    @lru_cache
    def make() -> Any:
        folder = Path(tempfile.mkdtemp())
        (folder / "model.pmml").write_text(text, "utf-8")
        return pmml.load(FolderFiles(folder))

    return make


def case() -> FlavorCase:
    return FlavorCase(
        flavor=flavor,  # type: ignore[arg-type]
        models={
            "regression": Example(
                document_of(DOCUMENT),
                ROWS,
                ("predict",),
                ["pmml", "regression-model", "regression"],
                "pmml",
            ),
        },
        strangers={"estimator": LinearRegression(), "class": LogisticRegression},
    )
