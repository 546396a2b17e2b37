"""Tables into Spark and answers out of it, as pandas has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from modelyard.base.errors import InvalidInput, ModelFailed
from modelyard.objects.flavors._pyspark.session import active, quiet

WIDEST = 1000
"""A vector of up to so many numbers becomes columns of its own."""


def to_spark(model: Any, X: Any) -> Any:
    """A Spark table: pandas tables by column, rows of numbers as the vector of features that the model takes."""
    with quiet():
        from pyspark.sql import DataFrame

        if isinstance(X, DataFrame):
            return X
        session = active()
        if hasattr(X, "columns"):
            frame = X.to_pandas() if not hasattr(X, "iloc") else X
            return session.createDataFrame(frame.reset_index(drop=True))
        if isinstance(X, list) and X and isinstance(X[0], dict):
            return session.createDataFrame(X)
        return _vectors(session, model, X)


def _vectors(session: Any, model: Any, X: Any) -> Any:
    import numpy as np
    from pyspark.ml.linalg import DenseVector

    rows = np.asarray(X, dtype=float)
    name = next((p for stage in stages(model)[:1] for p in inputs_of(stage)), "features")
    if rows.ndim != 2:
        raise InvalidInput("a Spark ML model takes a table, or rows of numbers")
    return session.createDataFrame([(DenseVector(row),) for row in rows], [name])


def transformed(model: Any, X: Any) -> Any:
    """All columns but vectors that only lead from one stage to the next; others become columns ``name_0``, ``name_1`` …"""
    table = to_spark(model, X)
    found = run(model, table)
    used = {name for stage in stages(model) for name in inputs_of(stage)}
    given = set(table.columns)
    vectors = {f.name for f in found.schema.fields if type(f.dataType).__name__ == "VectorUDT"}
    dropped = [name for name in vectors if name in used and name not in given]
    return to_pandas(found.drop(*dropped), sorted(vectors - set(dropped)), X)


def predicted(model: Any, X: Any, column: str) -> Any:
    """The column of predictions, as an array."""
    return to_pandas(run(model, to_spark(model, X)).select(column), (), X)[column].to_numpy()


def run(model: Any, table: Any) -> Any:
    """What the model makes of a table; it is not computed yet."""
    with quiet():
        try:
            return model.transform(table)
        except Exception as error:
            raise ModelFailed(f"the model does not take this table: {_words(error)}") from error


def to_pandas(table: Any, vectors: Sequence[str], X: Any) -> Any:
    """A table's rows, with the index of what was given."""
    from pyspark.ml.functions import vector_to_array

    with quiet():
        try:
            for name in vectors:
                table = table.withColumn(name, vector_to_array(name))
            frame = table.toPandas()
        except Exception as error:
            raise ModelFailed(f"the model failed: {_words(error)}") from error
    for name in vectors:
        frame = _spread(frame, name)
    if hasattr(X, "iloc") and len(X) == len(frame):
        frame.index = X.index
    return frame


def _spread(frame: Any, name: str) -> Any:
    import numpy as np
    import pandas as pd

    place = frame.columns.get_loc(name)
    wide = len(frame[name].iloc[0]) if len(frame) else 0
    if wide > WIDEST:
        raise InvalidInput(
            f"the column {name!r} is a vector of {wide} numbers, too many for a table",
            hint="ask for predict, or take it from the loaded model itself",
        )
    matrix = np.array(frame[name].tolist(), dtype=float).reshape(len(frame), wide)
    columns = pd.DataFrame(matrix, columns=[f"{name}_{i}" for i in range(wide)], index=frame.index)
    left, right = frame.iloc[:, :place], frame.iloc[:, place + 1 :]
    return pd.concat([left, columns, right], axis=1)


def stages(model: Any) -> list[Any]:
    """The stages of a pipeline, of any depth; a model alone is one."""
    return list(_stages(model))


def _stages(model: Any) -> Iterator[Any]:
    inner = getattr(model, "bestModel", None)
    if inner is not None:
        yield from _stages(inner)
    elif isinstance(getattr(model, "stages", None), list):
        for stage in model.stages:
            yield from _stages(stage)
    else:
        yield model


def inputs_of(stage: Any) -> list[str]:
    """The columns that a stage reads."""
    found: list[str] = []
    for name in ("inputCol", "inputCols", "featuresCol"):
        if stage.hasParam(name) and stage.isDefined(name):
            value = stage.getOrDefault(name)
            found += [value] if isinstance(value, str) else list(value or ())
    return found


def prediction_column(model: Any) -> str | None:
    """The column that the last stage writes its prediction to, if it makes one."""
    last = stages(model)[-1:]
    if last and last[0].hasParam("predictionCol") and last[0].isDefined("predictionCol"):
        return str(last[0].getOrDefault("predictionCol")) or None
    return None


def _words(error: Exception) -> str:
    text = " ".join(str(error).split("\n\tat ")[0].split())
    return f"{type(error).__name__}: {text[:400]}"
