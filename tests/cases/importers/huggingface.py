"""Folders as transformers and sentence-transformers write them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import transformers

from cases.flavors.sentence_transformers import sentences
from cases.flavors.torch import IDS
from cases.flavors.transformers import BERT, TEXTS, model_of, pipeline, tokenizer
from modelyard.compat.importers import huggingface as importer
from modelyard.objects.flavors import transformers as flavor
from modelyard.objects.flavors._hub_folder import offline
from modelyard.testing.importers import Foreign, ImporterCase


def saved(task: str, cls: Any, config: Any = BERT, **parameters: Any) -> Callable[[Path], Any]:
    """A model with its words, and what a pipeline of the task says."""

    def write(path: Path) -> Callable[[Any], Any]:
        pipe = pipeline(task, cls, config, **parameters)()
        with offline():
            pipe.model.save_pretrained(path)
            tokenizer().save_pretrained(path)
        (path / "pytorch_model.bin").write_bytes(b"a copy that nobody opens")
        return lambda rows: flavor.plain(pipe(rows))

    return write


def bare(path: Path) -> Callable[[Any], Any]:
    model = model_of(transformers.BertModel)()
    with offline():
        model.save_pretrained(path)
    return flavor.methods(model)["predict"]


def vectors(path: Path) -> Callable[[Any], Any]:
    with offline():
        sentences().save_pretrained(str(path))
    return sentences().encode


def case() -> ImporterCase:
    texts = {"format": "transformers", "tier": 1, "flavor": "transformers", "rows": TEXTS}
    t = transformers
    return ImporterCase(
        importer=importer,
        files={
            "classifier": Foreign(
                "classifier",
                saved("text-classification", t.BertForSequenceClassification),
                **texts,
            ),
            "features": Foreign("features", saved("feature-extraction", t.BertModel), **texts),
            "bare": Foreign("bare", bare, **texts | {"rows": IDS}),
            "sentences": Foreign(
                "sentences",
                vectors,
                "sentence_transformers",
                1,
                "sentence_transformers",
                TEXTS,
                "encode",
            ),
        },
        strangers={"config.json": b'{"model_type": "bert"}', "modules.json": b"[]"},
        never_imported=["torch", "transformers", "sentence_transformers", "huggingface_hub"],
    )
