"""What every contender works on: models and their data, made anew in each environment."""

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


def boosting() -> tuple[Any, Any]:
    """A booster of histograms on the same data."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.ensemble import HistGradientBoostingClassifier

    data, target = load_breast_cancer(return_X_y=True, as_frame=True)
    return HistGradientBoostingClassifier(random_state=0).fit(data, target), data


def text() -> tuple[Any, Any]:
    """Weighted words of a column of texts, and a logistic regression on them."""
    from sklearn.compose import make_column_transformer
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    data, target = texts()
    words = make_column_transformer((TfidfVectorizer(), "text"))
    return make_pipeline(words, LogisticRegression()).fit(data, target), data


def texts() -> tuple[Any, Any]:
    """Five thousand made-up reviews of twenty words; some words are more frequent in the good ones."""
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(3)
    syllables = ["ba", "de", "fi", "go", "lu", "ma", "ne", "ri", "so", "tu"]
    known = np.array(["".join(random.choice(syllables, 3)) for _ in range(2_000)])
    good = random.integers(0, 2, 5_000)
    words = random.integers(0, 1_500, (5_000, 20)) + 500 * good[:, None]
    return pd.DataFrame({"text": [" ".join(known[row]) for row in words]}), good


def network() -> tuple[Any, Any]:
    """A small network of torch on the same 30 numbers, and the numbers as an array."""
    import numpy as np
    import torch
    from sklearn.datasets import load_breast_cancer

    torch.manual_seed(0)
    torch.set_num_threads(1)
    data = load_breast_cancer().data.astype(np.float32)
    layers = (torch.nn.Linear(30, 64), torch.nn.ReLU(), torch.nn.Linear(64, 2))
    return torch.nn.Sequential(*layers).eval(), data


MODELS = {
    "pipeline": pipeline,
    "forest": forest,
    "boosting": boosting,
    "text": text,
    "network": network,
}


def head(data: Any, rows: int) -> Any:
    """The first rows as JSON: records of a table, lists of an array."""
    if hasattr(data, "to_dict"):
        return data.head(rows).to_dict(orient="records")
    return data[:rows].tolist()


def predictor(model: Any) -> Any:
    """What a service written by hand calls with parsed JSON: a list of predictions comes back."""
    if hasattr(model, "predict"):
        import pandas as pd

        return lambda rows: model.predict(pd.DataFrame(rows)).tolist()
    import torch

    torch.set_num_threads(1)

    def predict(rows: Any) -> Any:
        with torch.inference_mode():
            return model(torch.tensor(rows)).tolist()

    return predict


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
