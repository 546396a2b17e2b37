"""Models of Spark ML: a pipeline over columns, a model of vectors alone, one with a stage that runs SQL."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from modelyard.objects.flavors import pyspark as flavor
from modelyard.objects.flavors._pyspark.session import active, quiet
from modelyard.testing.flavors import Example, FlavorCase

ROWS = pd.DataFrame(
    {
        "age": [1.0, 2.0, 3.0, 4.0] * 3,
        "rooms": [4, 3, 2, 1] * 3,
        "town": pd.Series(["Oslo", "Lima", "Oslo", "Kyoto"] * 3, dtype=object),
        "label": [0.0, 1.0, 1.0, 0.0] * 3,
    }
)
NUMBERS = np.random.default_rng(0).random((12, 3))


def fitted(make: Callable[[], Any], rows: pd.DataFrame = ROWS) -> Callable[[], Any]:
    @lru_cache
    def fit() -> Any:
        with quiet():
            table = active().createDataFrame(rows)
            return make().fit(table)

    return fit


def pipeline() -> Any:
    from pyspark.ml import Pipeline
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.feature import OneHotEncoder, StringIndexer, VectorAssembler

    return Pipeline(
        stages=[
            StringIndexer(inputCol="town", outputCol="place", handleInvalid="keep"),
            OneHotEncoder(inputCol="place", outputCol="places"),
            VectorAssembler(inputCols=["age", "rooms", "places"], outputCol="features"),
            LogisticRegression(regParam=0.1, maxIter=5),
        ]
    )


def scaler() -> Any:
    from pyspark.ml.feature import StandardScaler

    return StandardScaler(inputCol="numbers", outputCol="scaled")


@lru_cache
def scaled() -> Any:
    with quiet():
        from pyspark.ml.linalg import DenseVector

        table = active().createDataFrame([(DenseVector(r),) for r in NUMBERS], ["numbers"])
        return scaler().fit(table)


def with_sql() -> Any:
    from pyspark.ml import Pipeline
    from pyspark.ml.feature import SQLTransformer

    return Pipeline(stages=[SQLTransformer(statement="SELECT age, age * 2 AS twice FROM __THIS__")])


def case() -> FlavorCase:
    with quiet():
        active()
        from pyspark.ml.classification import LogisticRegression
    return FlavorCase(
        flavor=flavor,  # type: ignore[arg-type]
        models={
            "pipeline": Example(
                fitted(pipeline),
                ROWS.drop(columns="label"),
                ("predict", "transform"),
                ["pipeline", "logistic-regression"],
                "spark",
            ),
            "a stage with SQL": Example(
                fitted(with_sql),
                ROWS[["age"]],
                ("transform",),
                ["pipeline", "sql"],
                "spark_code",
            ),
        },
        strangers={"table": ROWS, "class": LogisticRegression},
        unready={"estimator": LogisticRegression()},
    )
