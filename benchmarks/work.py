"""What every contender works on: two models and their data, made anew in each environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def pipeline() -> tuple[Any, Any]:
    """A scaler and a logistic regression on breast cancer (30 numeric columns), with its data."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    data, target = load_breast_cancer(return_X_y=True, as_frame=True)
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(data, target), data


def forest() -> tuple[Any, Any]:
    """A forest of 100 trees on the same data."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.ensemble import RandomForestClassifier

    data, target = load_breast_cancer(return_X_y=True, as_frame=True)
    return RandomForestClassifier(100, random_state=0).fit(data, target), data


MODELS = {"pipeline": pipeline, "forest": forest}


def write_table(path: Path, rows: int) -> None:
    """A csv or parquet file of that many rows of the pipeline's columns: the data over and over, written in pieces."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    _, data = pipeline()
    piece = 100_000
    source = data.iloc[np.arange(piece) % len(data)].reset_index(drop=True)
    schema = pa.Schema.from_pandas(source, preserve_index=False).remove_metadata()
    writer = pa.csv.CSVWriter if path.suffix == ".csv" else pa.parquet.ParquetWriter
    with writer(str(path), schema) as out:
        for start in range(0, rows, piece):
            part: pd.DataFrame = source.head(rows - start)
            out.write_table(pa.Table.from_pandas(part, schema=schema, preserve_index=False))
