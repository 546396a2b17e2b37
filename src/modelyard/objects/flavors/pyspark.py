"""Spark ML: fitted models and pipelines, as the folder that Spark writes (Parquet and lines of JSON).

``predict`` gives the column of predictions as an array; ``transform`` a pandas table with the columns that the model adds:
vectors as columns ``probability_0``, ``probability_1`` …, without those that only lead from one stage to the next. Both take
a pandas table, a Spark one, or rows of numbers. A small local session is made when none is active.

A folder that names Spark's own classes alone is tier 1; one with others (stages of one's own, ``SQLTransformer``) is tier 2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelyard.base.errors import (
    Corrupted,
    EnvironmentMismatch,
    InvalidInput,
    ModelyardError,
    UnsupportedType,
    Untrusted,
)
from modelyard.base.paths import discard
from modelyard.objects.files import ArtifactFiles, FolderOpener
from modelyard.objects.flavors._pyspark import folder as folders
from modelyard.objects.flavors._pyspark import session, tables
from modelyard.objects.flavors.sklearn import label
from modelyard.objects.interface import Files
from modelyard.objects.native import NativeFormat

NAME = "pyspark"
EXTRA = "spark"
FORMATS = ("spark", "spark_code")


def claims(obj: Any) -> bool:
    """Transformers, models among them; an estimator that was not fitted is claimed too, to say so."""
    with session.quiet():
        from pyspark.ml.base import Estimator, Transformer

    return isinstance(obj, Transformer | Estimator)


def methods(obj: Any) -> Mapping[str, Callable[..., Any]]:
    """``predict`` where the last stage makes predictions, and ``transform``. `InvalidInput` for what was not fitted."""
    if not hasattr(obj, "transform"):
        raise InvalidInput(
            f"this {type(obj).__name__} is not fitted", hint="save what its fit() gives back"
        )

    def transform(X: Any) -> Any:
        return tables.transformed(obj, X)

    column = tables.prediction_column(obj)
    if column is None:
        return {"transform": transform}

    def predict(X: Any) -> Any:
        return tables.predicted(obj, X, column)

    return {"predict": predict, "transform": transform}


def labels(obj: Any) -> Sequence[str]:
    """The last stage, after ``pipeline`` where it is one: ``pipeline``, ``logistic-regression``."""
    last = tables.stages(obj)[-1:]
    names = [label(part).removesuffix("-model") for part in (obj, *last)]
    return list(dict.fromkeys(names))


def system(obj: Any) -> Sequence[str]:
    """Java, which Spark runs in."""
    return ("default-jre-headless",)


def dump(obj: Any, folder: Path) -> None:
    """Write the folder; `UnsupportedType` names the stages that are not Spark's own."""
    _write(obj, folder)
    files = _files(folder)
    if found := folders.strangers(files):
        _clear(folder)
        raise UnsupportedType(
            f"a Spark ML folder without code cannot hold {', '.join(found[:5])}", types=found
        )
    folders.check(files)


def dump_with_code(obj: Any, folder: Path) -> None:
    """Write the folder, whatever its stages are; their classes are found where it is read, or come as local modules."""
    _write(obj, folder)


def _write(obj: Any, folder: Path) -> None:
    if not hasattr(obj, "write"):
        raise UnsupportedType(
            f"a {type(obj).__name__} cannot be written by Spark",
            hint="give its class DefaultParamsReadable and DefaultParamsWritable",
        )
    try:
        with session.quiet():
            obj.write().overwrite().save(folder.absolute().as_uri())
    except Exception as error:
        _clear(folder)
        raise UnsupportedType(f"Spark cannot save this {type(obj).__name__}: {error}") from error


def _clear(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for file in folder.iterdir():
        discard(file)


def _files(folder: Path) -> Files:
    from modelyard.objects.writing import entries_below

    entries = entries_below(folder, folder.name)
    return ArtifactFiles(entries, FolderOpener(folder.parent), "the new folder")


def load(files: Files) -> Any:
    """The model. `Untrusted` for classes beyond the list, `Corrupted` for a folder that Spark does not write."""
    if found := folders.strangers(files):
        raise Untrusted(
            f"it names classes that are not on the list of Spark's own: {', '.join(found[:10])}",
            hint="such a model is read as tier 2 (spark_code) once you trust its digest",
            types=found,
        )
    folders.check(files)
    return _read(files)


def _read(files: Files) -> Any:
    with session.quiet():
        spark = session.active()
        from pyspark.ml.util import DefaultParamsReader

        paths = [files.local(name) for name in files.names()]
        first = next(iter(files.names()))
        place = paths[0].parents[first.count("/")]
        try:
            return DefaultParamsReader.loadParamsInstance(place.absolute().as_uri(), spark)
        except (ImportError, AttributeError) as error:
            raise EnvironmentMismatch(f"it needs code that is not here: {error}") from error
        except ModelyardError:
            raise
        except Exception as error:
            words = " ".join(str(error).split())[:400]
            raise Corrupted(
                f"the folder makes no model: {words}",
                hint="it may need another version of Spark: see the card's requirements",
            ) from error


NATIVE = (
    NativeFormat("spark", 1, "", dump, load, folders.classes_in),
    NativeFormat(
        "spark_code",
        2,
        "",
        dump_with_code,
        _read,
        folders.classes_in,
        REASON="stages that are not Spark's own, or that run SQL",
    ),
)
