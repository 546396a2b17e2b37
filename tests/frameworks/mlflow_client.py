"""MLflow's own client at work, in a process that knows nothing of modelyard.

``python mlflow_client.py write FOLDER [NAME …]`` saves models, each with what MLflow answers for rows it was not trained on;
``python mlflow_client.py ask QUESTIONS.json`` loads folders and prints what they answer.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "true"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

import mlflow
import mlflow.pyfunc
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import DataType
from mlflow.types.schema import Array, ColSpec, Object, ParamSchema, ParamSpec, Property, Schema

warnings.simplefilter("ignore")

_random = np.random.default_rng(7)


def table(rows: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "age": _random.integers(18, 90, rows),
            "income": np.round(_random.normal(40, 12, rows), 2),
            "debt": np.round(_random.normal(5, 2, rows), 2),
        }
    )


TRAIN, FRESH = table(80), table(12)
TARGET = (TRAIN.income - 3 * TRAIN.debt > 25).astype(int)
AMOUNT = TRAIN.income * 2 - TRAIN.debt
LIKE: dict[str, Any] = {"pip_requirements": [], "input_example": TRAIN.head(3)}


def _classifier() -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(1, max_depth=3, random_state=0).fit(TRAIN, TARGET)


def _sklearn(form: str) -> Callable[[str], None]:
    def write(path: str) -> None:
        trusted = ["sklearn.tree._tree.Tree"] if form == "skops" else None
        mlflow.sklearn.save_model(
            _classifier(), path, serialization_format=form, skops_trusted_types=trusted,
            signature=infer_signature(TRAIN, TARGET.to_numpy()), metadata={"team": "risk"}, **LIKE)  # fmt: skip

    return write


def _pipeline(path: str) -> None:
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), Ridge()).fit(TRAIN, AMOUNT)
    mlflow.sklearn.save_model(model, path, serialization_format="pickle", **LIKE)


def _xgboost_estimator(path: str) -> None:
    import xgboost

    model = xgboost.XGBClassifier(n_estimators=3, max_depth=3).fit(TRAIN, TARGET)
    mlflow.xgboost.save_model(model, path, **LIKE)


def _xgboost_booster(path: str) -> None:
    import xgboost

    model = xgboost.train({"max_depth": 3}, xgboost.DMatrix(TRAIN, AMOUNT), 3)
    mlflow.xgboost.save_model(model, path, model_format="json", **LIKE)


def _lightgbm_booster(path: str) -> None:
    import lightgbm

    model = lightgbm.train({"verbose": -1, "num_leaves": 4}, lightgbm.Dataset(TRAIN, AMOUNT), 3)
    mlflow.lightgbm.save_model(model, path, **LIKE)


def _lightgbm_estimator(form: str) -> Callable[[str], None]:
    def write(path: str) -> None:
        import lightgbm

        model = lightgbm.LGBMClassifier(n_estimators=3, num_leaves=4, verbose=-1)
        model.fit(TRAIN, TARGET)
        mlflow.lightgbm.save_model(model, path, serialization_format=form, **LIKE)

    return write


def _catboost(kind: str, form: str = "cbm") -> Callable[[str], None]:
    def write(path: str) -> None:
        import catboost

        options = {"iterations": 3, "depth": 3, "verbose": False, "allow_writing_files": False}
        model = getattr(catboost, kind)(**options)
        model.fit(TRAIN, TARGET if kind == "CatBoostClassifier" else AMOUNT)
        mlflow.catboost.save_model(model, path, format=form, **LIKE)

    return write


def _statsmodels(path: str) -> None:
    import statsmodels.api

    model = statsmodels.api.OLS(AMOUNT, TRAIN).fit()
    mlflow.statsmodels.save_model(model, path, remove_data=True, **LIKE)


def _onnx(path: str) -> None:
    from skl2onnx import to_onnx
    from sklearn.linear_model import LinearRegression

    rows = TRAIN.to_numpy(np.float32)
    model = to_onnx(LinearRegression().fit(rows, AMOUNT), rows[:1])
    signature = infer_signature(rows, {"variable": rows[:, :1]})
    mlflow.onnx.save_model(model, path, signature=signature, pip_requirements=[], input_example=rows[:3])  # fmt: skip


class Weighted(mlflow.pyfunc.PythonModel):
    """With an artifact, settings and params."""

    def load_context(self, context: Any) -> None:
        self.weight = float(Path(context.artifacts["weight"]).read_text())

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        shift = (params or {})["shift"] * context.model_config["unit"]
        return model_input["income"] * self.weight + shift


def _class(path: str) -> None:
    weight = Path(path).with_name("weight.txt")
    weight.write_text("1.5")
    mlflow.pyfunc.save_model(
        path, python_model=Weighted(), artifacts={"weight": str(weight)}, model_config={"unit": 10},
        signature=infer_signature(TRAIN, AMOUNT, params={"shift": 0.5}), **LIKE)  # fmt: skip


def _function(path: str) -> None:
    def lengths(texts: list[str]) -> list[int]:
        return [len(text) for text in texts]

    mlflow.pyfunc.save_model(path, python_model=lengths, pip_requirements=[], input_example=["a"])


def _unhinted(path: str) -> None:
    def first(model_input):  # type: ignore[no-untyped-def]
        return model_input.iloc[:, 0].str.upper().tolist()

    signature = infer_signature(["a"], ["A"])
    mlflow.pyfunc.save_model(path, python_model=first, pip_requirements=[], signature=signature)


def _nested(path: str) -> None:
    class Sums(mlflow.pyfunc.PythonModel):
        def predict(self, context: Any, model_input: Any) -> Any:
            tagged = model_input["about"].map(lambda about: len(about["tags"]))
            return (model_input["parts"].map(sum) + tagged).tolist()

    about = Object([Property("tags", Array(DataType.string)), Property("note", DataType.string, required=False)])  # fmt: skip
    inputs = Schema([ColSpec(Array(DataType.double), "parts"), ColSpec(about, "about")])
    signature = ModelSignature(inputs, Schema([ColSpec("double")]))
    mlflow.pyfunc.save_model(path, python_model=Sums(), signature=signature, pip_requirements=[])


def _pydantic(path: str) -> None:
    import pydantic

    class Order(pydantic.BaseModel):
        price: float
        count: int = 1

    def predict(self, model_input, params=None):  # type: ignore[no-untyped-def]
        return [order.price * order.count for order in model_input]

    # Hints of this module are texts, which MLflow does not look up.
    predict.__annotations__ = {"model_input": list[Order], "return": list[float]}
    Total = type("Total", (mlflow.pyfunc.PythonModel,), {"predict": predict})
    mlflow.pyfunc.save_model(path, python_model=Total(), pip_requirements=[], input_example=[{"price": 2.0, "count": 3}])  # fmt: skip


def _code(path: str) -> None:
    """A model given as a file of code, with a module of its own."""
    folder = Path(path).with_name("code-of-it")
    folder.mkdir(exist_ok=True)
    (folder / "tariff_of_test.py").write_text("RATE = 0.25\n")
    (folder / "tariff_model.py").write_text(
        "import mlflow\nfrom tariff_of_test import RATE\n\n\n"
        "class Tariff(mlflow.pyfunc.PythonModel):\n"
        "    def predict(self, context, model_input, params=None):\n"
        "        return model_input['income'] * RATE\n\n\nmlflow.models.set_model(Tariff())\n"
    )
    sys.path.append(str(folder))
    mlflow.pyfunc.save_model(
        path, python_model=str(folder / "tariff_model.py"), code_paths=[str(folder / "tariff_of_test.py")],
        signature=infer_signature(TRAIN, AMOUNT), **LIKE)  # fmt: skip


def _loader(path: str) -> None:
    """A loader module of one's own, that reads a file of data."""
    folder = Path(path).with_name("loader-of-it")
    folder.mkdir(exist_ok=True)
    (folder / "table_of_test.json").write_text('{"18": 1.0, "50": 2.0}')
    (folder / "lookup_of_test.py").write_text(
        "import json\nfrom pathlib import Path\n\n\nclass Lookup:\n    def __init__(self, steps):\n        self.steps = steps\n\n"
        "    def predict(self, data, params=None):\n"
        "        found = [max(v for k, v in self.steps.items() if a >= int(k)) for a in data['age']]\n"
        "        return [v * params['times'] for v in found]\n\n\n"
        "def _load_pyfunc(path):\n    return Lookup(json.loads(Path(path).read_text()))\n"
    )
    mlflow.pyfunc.save_model(
        path, loader_module="lookup_of_test", code_paths=[str(folder / "lookup_of_test.py")],
        data_path=str(folder / "table_of_test.json"),
        signature=ModelSignature(infer_signature(TRAIN).inputs, Schema([ColSpec("double")]), ParamSchema([ParamSpec("times", "long", 2)])), **LIKE)  # fmt: skip


def _torch(form: str) -> Callable[[str], None]:
    def write(path: str) -> None:
        import torch

        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
        rows = TRAIN.to_numpy(np.float32)
        with torch.no_grad():
            signature = infer_signature(rows, model(torch.from_numpy(rows)).numpy())
        mlflow.pytorch.save_model(
            model, path, serialization_format=form, signature=signature, pip_requirements=[],
            input_example=rows[:3])  # fmt: skip

    return write


def _keras(exported: bool) -> Callable[[str], None]:
    def write(path: str) -> None:
        import keras

        keras.utils.set_random_seed(0)
        layers = [keras.Input([3]), keras.layers.Dense(4, "relu"), keras.layers.Dense(1)]
        model = keras.Sequential(layers)
        rows = TRAIN.to_numpy(np.float32)
        signature = infer_signature(rows, model.predict(rows, verbose=0))
        mlflow.keras.save_model(
            model, path, save_exported_model=exported, signature=signature, pip_requirements=[])  # fmt: skip

    return write


def _tensorflow(path: str) -> None:
    import tensorflow as tf

    class Double(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32)])
        def __call__(self, x: Any) -> Any:
            return {"doubled": x * 2}

    rows = TRAIN.to_numpy(np.float32)
    signature = infer_signature(rows, {"doubled": rows * 2})
    mlflow.tensorflow.save_model(Double(), path, signature=signature, pip_requirements=[])


def _prophet(path: str) -> None:
    from prophet import Prophet

    days = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=60), "y": np.arange(60.0)})
    model = Prophet(uncertainty_samples=0).fit(days)
    mlflow.prophet.save_model(model, path, pip_requirements=[], signature=infer_signature(days[["ds"]]))  # fmt: skip


def _spacy(path: str) -> None:
    import spacy

    nlp = spacy.blank("en")
    categories = nlp.add_pipe("textcat")
    categories.add_label("good")
    categories.add_label("bad")
    nlp.initialize()
    mlflow.spacy.save_model(nlp, path, pip_requirements=[])


def _sentences(path: str) -> None:
    import sentence_transformers
    import torch
    from sentence_transformers import models
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    torch.manual_seed(0)
    folder = Path(path).with_name("bert-of-it")
    words = {
        w: i for i, w in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad"])
    }
    tokenizer = Tokenizer(WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]"
    ).save_pretrained(folder)
    config = BertConfig(
        vocab_size=7, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8
    )
    BertModel(config).save_pretrained(folder)
    words_in = models.Transformer(str(folder))
    model = sentence_transformers.SentenceTransformer(modules=[words_in, models.Pooling(8)])
    mlflow.sentence_transformers.save_model(
        model, path, pip_requirements=[], input_example=["good"]
    )


MAKERS: dict[str, tuple[str, Callable[[str], None]]] = {
    "sklearn_skops": ("sklearn", _sklearn("skops")),
    "sklearn_pickle": ("sklearn", _sklearn("pickle")),
    "sklearn_cloudpickle": ("sklearn", _sklearn("cloudpickle")),
    "pipeline": ("sklearn", _pipeline),
    "xgboost_estimator": ("xgboost", _xgboost_estimator),
    "xgboost_booster": ("xgboost", _xgboost_booster),
    "lightgbm_booster": ("lightgbm", _lightgbm_booster),
    "lightgbm_skops": ("lightgbm", _lightgbm_estimator("skops")),
    "lightgbm_pickle": ("lightgbm", _lightgbm_estimator("pickle")),
    "catboost_classifier": ("catboost", _catboost("CatBoostClassifier")),
    "catboost_regressor": ("catboost", _catboost("CatBoostRegressor")),
    "catboost_json": ("catboost", _catboost("CatBoostRegressor", "json")),
    "statsmodels": ("statsmodels", _statsmodels),
    "onnx": ("onnx", _onnx),
    "class": ("mlflow", _class),
    "function": ("mlflow", _function),
    "unhinted": ("mlflow", _unhinted),
    "nested": ("mlflow", _nested),
    "pydantic": ("mlflow", _pydantic),
    "code": ("mlflow", _code),
    "loader": ("mlflow", _loader),
    "torch_pickle": ("torch", _torch("pickle")),
    "torch_exported": ("torch", _torch("pt2")),
    "keras": ("keras", _keras(False)),
    "keras_exported": ("keras", _keras(True)),
    "tensorflow": ("tensorflow", _tensorflow),
    "prophet": ("prophet", _prophet),
    "spacy": ("spacy", _spacy),
    "sentences": ("sentence_transformers", _sentences),
}
"""Name -> the library it needs, and what saves the model at a path."""

QUESTIONS: dict[str, Any] = {
    "function": ["a", "three"],
    "unhinted": ["a", "three"],
    "sentences": ["good", "bad bad"],
    "nested": [
        {"parts": [1.0, 2.0], "about": {"tags": ["x"], "note": "n"}},
        {"parts": [0.5], "about": {"tags": [], "note": "m"}},
    ],
    "pydantic": [{"price": 1.5, "count": 2}, {"price": 2.0, "count": 4}],
    "prophet": [{"ds": f"2024-03-{day:02}T00:00:00"} for day in range(1, 6)],
    "spacy": [{"text": "a fine day"}, {"text": "a bad one"}],
}
"""What is asked in JSON, where it is not `FRESH`."""
TENSORS = ("onnx", "torch_pickle", "torch_exported", "keras", "keras_exported", "tensorflow")


def write(folder: Path, names: list[str]) -> None:
    """Save the models (those whose library is here, when none is named) and ``expected.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    expected = {}
    for name, (library, make) in MAKERS.items():
        if name not in names if names else importlib.util.find_spec(library) is None:
            continue
        make(str(folder / name))
        question = QUESTIONS.get(name, FRESH.to_dict("records"))
        answer = mlflow.pyfunc.load_model(str(folder / name)).predict(asked(name, question))
        expected[name] = {"question": question, "answer": plain(answer)}
    (folder / "expected.json").write_text(json.dumps(expected, indent=1))


def asked(name: str, question: Any) -> Any:
    """A question in the form that MLflow's users have it."""
    if name in TENSORS:
        return pd.DataFrame(question).to_numpy(np.float32)
    if isinstance(question[0], dict) and name != "pydantic":
        frame = pd.DataFrame(question)
        return frame.assign(ds=pd.to_datetime(frame.ds)) if "ds" in frame else frame
    return question


def plain(answer: Any) -> Any:
    """An answer as JSON."""
    if isinstance(answer, dict):
        return {name: plain(value) for name, value in answer.items()}
    if isinstance(answer, pd.DataFrame):
        return json.loads(answer.to_json(orient="records", date_format="iso"))
    answer = answer.numpy() if hasattr(answer, "numpy") else answer
    return answer.tolist() if hasattr(answer, "tolist") else answer


def ask(questions: Path) -> None:
    """Answers to ``[{"path", "flavor", "records" | "value" | "array", "params"}]``, printed as JSON."""
    answers = []
    for one in json.loads(questions.read_text()):
        library = getattr(mlflow, one.get("flavor", "pyfunc"))
        model = library.load_model(one["path"])
        value = one["value"]
        if one["as"] == "frame":
            value = pd.DataFrame(value)
            value = value.assign(**{c: pd.to_datetime(value[c]) for c in one.get("times", ())})
        elif one["as"] == "array":
            value = np.array(value, dtype=one["dtype"])
        if one.get("flavor") == "xgboost" and type(model).__name__ == "Booster":
            import xgboost

            value = xgboost.DMatrix(value)
        params = {"params": one["params"]} if "params" in one else {}
        answers.append(plain(getattr(model, one.get("method", "predict"))(value, **params)))
    print("ANSWERS " + json.dumps(answers))


if __name__ == "__main__":
    assert importlib.util.find_spec("modelyard") is None, "the client must not see modelyard"
    if sys.argv[1] == "write":
        write(Path(sys.argv[2]), sys.argv[3:])
    else:
        ask(Path(sys.argv[2]))
