"""The folder of a Spark ML model, read as data before Spark sees it: each stage's class stands in a line of JSON.

Spark makes the class that the line names, in Java or in Python, and joins the names of stages to paths. So classes must be
on our list, and names of stages plain words. Not listed on purpose: ``SQLTransformer``, whose statement can call any static
method of Java and read any file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelyard.base.errors import Corrupted
from modelyard.objects.interface import Files

_CLASSES = {
    "classification": """
        DecisionTreeClassificationModel DecisionTreeClassifier FMClassificationModel FMClassifier
        GBTClassificationModel GBTClassifier LinearSVC LinearSVCModel LogisticRegression LogisticRegressionModel
        MultilayerPerceptronClassificationModel MultilayerPerceptronClassifier NaiveBayes NaiveBayesModel OneVsRest
        OneVsRestModel RandomForestClassificationModel RandomForestClassifier""",
    "regression": """
        AFTSurvivalRegression AFTSurvivalRegressionModel DecisionTreeRegressionModel DecisionTreeRegressor
        FMRegressionModel FMRegressor GBTRegressionModel GBTRegressor GeneralizedLinearRegression
        GeneralizedLinearRegressionModel IsotonicRegression IsotonicRegressionModel LinearRegression
        LinearRegressionModel RandomForestRegressionModel RandomForestRegressor""",
    "clustering": """
        BisectingKMeans BisectingKMeansModel DistributedLDAModel GaussianMixture GaussianMixtureModel KMeans
        KMeansModel LDA LocalLDAModel""",
    "feature": """
        Binarizer BucketedRandomProjectionLSH BucketedRandomProjectionLSHModel Bucketizer ChiSqSelector
        ChiSqSelectorModel ColumnPruner CountVectorizer CountVectorizerModel DCT ElementwiseProduct FeatureHasher
        HashingTF IDF IDFModel Imputer ImputerModel IndexToString Interaction MaxAbsScaler MaxAbsScalerModel
        MinHashLSH MinHashLSHModel MinMaxScaler MinMaxScalerModel NGram Normalizer OneHotEncoder OneHotEncoderModel
        PCA PCAModel PolynomialExpansion QuantileDiscretizer RFormula RFormulaModel RegexTokenizer RobustScaler
        RobustScalerModel StandardScaler StandardScalerModel StopWordsRemover StringIndexer StringIndexerModel
        TargetEncoder TargetEncoderModel Tokenizer UnivariateFeatureSelector UnivariateFeatureSelectorModel
        VarianceThresholdSelector VarianceThresholdSelectorModel VectorAssembler VectorAttributeRewriter
        VectorIndexer VectorIndexerModel VectorSizeHint VectorSlicer Word2Vec Word2VecModel""",
    "recommendation": "ALS ALSModel",
    "fpm": "FPGrowth FPGrowthModel",
    "tuning": "CrossValidator CrossValidatorModel TrainValidationSplit TrainValidationSplitModel",
    "evaluation": """
        BinaryClassificationEvaluator ClusteringEvaluator MulticlassClassificationEvaluator
        MultilabelClassificationEvaluator RankingEvaluator RegressionEvaluator""",
}
CLASSES = frozenset(
    [
        "org.apache.spark.ml.Pipeline",
        "org.apache.spark.ml.PipelineModel",
        "pyspark.ml.pipeline.Pipeline",
        "pyspark.ml.pipeline.PipelineModel",
    ]
) | {
    f"{root}.ml.{module}.{name}"
    for root in ("org.apache.spark", "pyspark")
    for module, names in _CLASSES.items()
    for name in names.split()
}

_UID = re.compile(r"[A-Za-z0-9_]{1,120}")
_LINES = re.compile(r"part-\d{5}(-[0-9a-f-]{36}-c000)?(\.txt)?")
_NUMBERS = re.compile(r"part-\d{5}-[0-9a-f-]{36}[-.]c000(\.[a-z]{2,8})?\.parquet")
_MARK = re.compile(r"_SUCCESS|\.[A-Za-z0-9_.-]{1,120}\.crc")
_PLACE = re.compile(r"[A-Za-z0-9_]{1,120}")


def classes_in(files: Files) -> list[str]:
    """The classes that the folder names, in order; `Corrupted` for what is no such folder."""
    return list(dict.fromkeys(str(line.get("class")) for line in _lines(files)))


def strangers(files: Files) -> list[str]:
    """Those that are not on the list."""
    return [name for name in classes_in(files) if name not in CLASSES]


def check(files: Files) -> None:
    """`Corrupted` for files that Spark does not write, and for stages whose names would lead out of the folder."""
    for name in files.names():
        *places, file = name.split("/")
        pattern = _LINES if places and places[-1] == "metadata" else _NUMBERS
        plain = all(map(_PLACE.fullmatch, places)) and places
        if not plain or not (pattern.fullmatch(file) or _MARK.fullmatch(file)):
            raise Corrupted(f"the file {name[:120]!r} is none that a Spark ML model has")
    for line in _lines(files):
        for uid in [line.get("uid"), *_stage_names(line)]:
            if not (isinstance(uid, str) and _UID.fullmatch(uid)):
                raise Corrupted(f"{str(uid)[:80]!r} is no name of a stage")


def _stage_names(line: Mapping[str, Any]) -> Sequence[Any]:
    found: list[Any] = []
    for key in ("paramMap", "defaultParamMap"):
        values = line.get(key)
        uids = values.get("stageUids", []) if isinstance(values, dict) else []
        found += uids if isinstance(uids, list) else [uids]
    return found


def _lines(files: Files) -> Iterator[Mapping[str, Any]]:
    """The line of each stage. Spark reads the first of all files in ``metadata``, so every line is looked at."""
    names = [n for n in files.names() if _is_metadata(n)]
    if not any(name.startswith("metadata/") for name in names):
        raise Corrupted("the folder of a Spark ML model has a folder 'metadata'")
    for name in names:
        for text in files.read(name).decode("utf-8", "replace").splitlines():
            if not text.strip():
                continue
            try:
                line = json.loads(text, object_pairs_hook=_once)
            except (ValueError, RecursionError) as error:
                raise Corrupted(f"{name} is not JSON: {error}") from error
            if not isinstance(line, dict):
                raise Corrupted(f"{name} does not describe a stage")
            yield line


def _is_metadata(name: str) -> bool:
    *places, file = name.split("/")
    return bool(places) and places[-1] == "metadata" and not _MARK.fullmatch(file)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names are all different: Java and Python choose differently among equal ones."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name occurs twice")
    return found
