"""sentence-transformers: a tiny encoder of sentences, and a scorer of pairs."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import torch
import transformers
from sentence_transformers import CrossEncoder, SentenceTransformer
from sentence_transformers.sentence_transformer.modules import (
    Dense,
    Normalize,
    Pooling,
    Transformer,
)

from cases.flavors.torch import seeded
from cases.flavors.transformers import BERT, TEXTS, tokenizer
from modelyard.objects.flavors import sentence_transformers as flavor
from modelyard.objects.flavors._hub_folder import offline
from modelyard.testing.flavors import Example, FlavorCase

PAIRS = [["a good film", "good"], ["bad", "not good"], ["the film", "a film"]]
ENCODES = ("encode", "encode_query", "encode_document")


def folder_of(model: Any) -> str:
    """A folder of transformers, which is what the library starts from."""
    folder = tempfile.mkdtemp()
    with offline():
        model.save_pretrained(folder)
        tokenizer().save_pretrained(folder)
    return folder


@cache
def sentences() -> Any:
    words = folder_of(seeded(lambda: transformers.BertModel(BERT()))())
    with offline(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        first = Transformer(words, max_seq_length=16)
        parts = [first, Pooling(8, "mean"), Dense(8, 4), Normalize()]
        return SentenceTransformer(modules=parts, device="cpu", prompts={"query": "the "}).eval()


@cache
def pairs() -> Any:
    head = seeded(lambda: transformers.BertForSequenceClassification(BERT(num_labels=1)))
    with offline():
        return CrossEncoder(folder_of(head()), device="cpu", local_files_only=True).eval()


def case() -> FlavorCase:
    folder = {"format": "sentence_transformers", "formats": ["sentence_transformers"]}
    return FlavorCase(
        flavor=flavor,
        models={
            "sentences": Example(sentences, TEXTS, ENCODES, ["sentence-transformer"], **folder),
            "pairs": Example(pairs, PAIRS, labels=["cross-encoder"], **folder),
        },
        strangers={"module": torch.nn.Linear(2, 2), "folder": Path()},
    )
