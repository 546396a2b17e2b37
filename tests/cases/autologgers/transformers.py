"""A tiny model of transformers that its Trainer trains, evaluated at each epoch."""

from __future__ import annotations

import tempfile
import warnings
from typing import Any

import torch
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)

from modelyard.testing.autologgers import AutologgerCase, Training, Wrong
from modelyard.yard.active_run import ActiveRun

WORDS = torch.randint(0, 30, (24, 6), generator=torch.Generator().manual_seed(0))
ROWS = [{"input_ids": row, "labels": int(row.sum() > 90)} for row in WORDS]
SHAPE = {
    "vocab_size": 30,
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 8,
    "max_position_embeddings": 8,
}


ARGUMENTS = {
    "learning_rate": 0.01,
    "num_train_epochs": 2,
    "per_device_train_batch_size": 6,
    "gradient_accumulation_steps": 1,
    "weight_decay": 0.0,
    "lr_scheduler_type": "linear",
    "warmup_steps": 0,
    "optim": "adamw_torch_fused",
    "logging_steps": 3,
    "eval_strategy": "epoch",
    "save_strategy": "no",
    "seed": 42,
}
CONFIG = {
    **SHAPE,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "type_vocab_size": 2,
    "initializer_range": 0.02,
    "layer_norm_eps": 1e-12,
    "pad_token_id": 0,
    "add_cross_attention": False,
    "is_decoder": False,
    "tie_word_embeddings": True,
    "type": "bert",
    "use_cache": False,
}


class Timeless(Trainer):
    """Does not log how long it took: that is another each time."""

    def log(self, logs: dict[str, float], *rest: Any, **named: Any) -> None:
        kept = {k: v for k, v in logs.items() if not k.endswith(("_runtime", "_per_second"))}
        super().log(kept, *rest, **named)


class Heard(TrainerCallback):
    """Keeps what the trainer logs."""

    def __init__(self) -> None:
        self.told: list[tuple[dict[str, Any], int]] = []

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.told.append((dict(kwargs["logs"]), state.global_step))


def trainer(folder: str, **asked: Any) -> Any:
    set_seed(0)
    model = BertForSequenceClassification(BertConfig(**SHAPE))
    given = TrainingArguments(
        folder,
        num_train_epochs=2,
        per_device_train_batch_size=6,
        learning_rate=0.01,
        logging_steps=3,
        eval_strategy="epoch",
        save_strategy="no",
        use_cpu=True,
        disable_tqdm=True,
        report_to="none",
    )
    return Timeless(model, given, train_dataset=ROWS[:18], eval_dataset=ROWS[18:], **asked)


def weights(model: Any) -> Any:
    return {name: value.detach().numpy().copy() for name, value in model.state_dict().items()}


def train(one: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one.train()
    return weights(one.model)


def trained() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        return train(trainer(folder))


def by_hand(run: ActiveRun) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        heard = Heard()
        one = trainer(folder, callbacks=[heard])
        found = train(one)
    counts = [weight.numel() for weight in one.model.parameters()]
    sizes = {"parameters": sum(counts), "trainable_parameters": sum(counts), "training_rows": 18}
    run.log_params({"model_class": "BertForSequenceClassification", "max_steps": 6, **sizes})
    run.log_params({f"model_{name}": value for name, value in CONFIG.items()})
    run.log_params(ARGUMENTS)
    for logs, step in heard.told:
        run.log_metrics(logs, step=step)
    return found


def failing() -> Any:
    class Bad(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            raise Wrong

    with tempfile.TemporaryDirectory() as folder:
        train(trainer(folder, callbacks=[Bad()]))


def case() -> AutologgerCase:
    return AutologgerCase(
        name="transformers",
        trainings={"epochs": Training(trained, by_hand, outputs=weights)},
        failing=failing,
    )
