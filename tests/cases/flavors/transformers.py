"""transformers: tiny models made from configurations, with a tokenizer of a dozen words."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, GPT2Config

from cases.flavors.torch import seeded
from modelyard.objects.flavors import transformers as flavor
from modelyard.testing.flavors import Example, FlavorCase

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    *["a", "good", "bad", "film", "the", "not", "very"],
]
TEXTS = ["a good film", "not very good", "the bad", "very very bad film"]
MASKED = ["a [MASK] film", "the film [MASK]", "[MASK]"]
IDS = torch.tensor([[2, 5, 6, 3], [2, 8, 9, 3], [2, 11, 11, 3]])
BERT = partial(
    BertConfig,
    vocab_size=len(WORDS),
    hidden_size=8,
    num_hidden_layers=1,
    num_attention_heads=2,
    intermediate_size=12,
    max_position_embeddings=32,
)
GPT = partial(
    GPT2Config,
    vocab_size=len(WORDS),
    n_embd=8,
    n_layer=1,
    n_head=2,
    n_positions=32,
    bos_token_id=2,
    eos_token_id=3,
    pad_token_id=0,
)


def tokenizer() -> Any:
    """Splits at blanks; what is not in `WORDS` is unknown."""
    made = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=32,
    )


def pipeline(task: str, cls: Any, config: Any = BERT, **parameters: Any) -> Any:
    """What makes a pipeline, with the same weights each time."""
    model = seeded(lambda: cls(config()))

    @cache
    def made() -> Any:
        return transformers.pipeline(
            task, model=model(), tokenizer=tokenizer(), device="cpu", **parameters
        )

    return made


class Doubled(transformers.BertForSequenceClassification):
    """A subclass of a model is code."""

    def forward(self, input_ids: Any) -> Any:
        return 2 * super().forward(input_ids).logits


def model_of(cls: Any, config: Any = BERT, **settings: Any) -> Any:
    return seeded(lambda: cls(config(**settings)))


def short() -> Any:
    return seeded(lambda: transformers.BertModel(BERT()).bfloat16())


def models_of() -> dict[str, Example]:
    t = transformers
    folder = {"format": "transformers", "formats": ["transformers"]}
    module = {"format": "transformers", "formats": ["transformers", "torch_state"], "rows": IDS}
    return {
        "text classification": Example(
            pipeline("text-classification", t.BertForSequenceClassification, top_k=None),
            TEXTS,
            labels=["text-classification", "bert-for-sequence-classification"],
            **folder,
        ),
        "features": Example(pipeline("feature-extraction", t.BertModel), TEXTS, **folder),
        "masked words": Example(pipeline("fill-mask", t.BertForMaskedLM, top_k=2), MASKED, **folder),
        "words": Example(
            pipeline("token-classification", t.BertForTokenClassification, aggregation_strategy="simple"),
            TEXTS,
            **folder,
        ),
        "generation": Example(
            pipeline("text-generation", t.GPT2LMHeadModel, GPT, max_new_tokens=3, do_sample=False),
            TEXTS,
            **folder,
        ),
        "model": Example(model_of(t.BertModel), labels=["bert-model"], **module),
        "model with a head": Example(model_of(t.BertForSequenceClassification, num_labels=3), **module),
        "model that generates": Example(
            model_of(t.GPT2LMHeadModel, GPT), methods=("predict", "generate"), **module
        ),
        "short floats": Example(short(), **module),
        "own class": Example(
            model_of(Doubled), IDS, format="torch_state", formats=["torch_state"]
        ),
    }  # fmt: skip


def case() -> FlavorCase:
    return FlavorCase(
        flavor=flavor,
        models=models_of(),
        strangers={"tokenizer": tokenizer(), "config": BERT(), "module": torch.nn.Linear(2, 2)},
    )
