"""Pipelines of spaCy, trained for a few steps, by rules alone, and with components of one's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Span
from spacy.training import Example as Lesson

from modelyard.objects.flavors import spacy as flavor
from modelyard.testing.flavors import Example, FlavorCase

TEXTS = [
    "I like London in May. It is fine.",
    "I hate rain in Paris",
    "Acme opens a NEW shop",
    "",
    "Nothing to see here",
]
LESSONS = [
    ("I like London", {"entities": [(7, 13, "GPE")], "cats": {"good": 1.0, "bad": 0.0}}),
    ("I hate rain in Paris", {"entities": [(15, 20, "GPE")], "cats": {"good": 0.0, "bad": 1.0}}),
]
WORDS = [
    (
        "I like green shops",
        {
            "words": ["I", "like", "green", "shops"],
            "tags": ["P", "V", "J", "N"],
            "pos": ["PRON", "VERB", "ADJ", "NOUN"],
            "heads": [1, 1, 3, 1],
            "deps": ["nsubj", "ROOT", "amod", "dobj"],
            "sent_starts": [True, False, False, False],
        },
    )
]


@Language.component("shout_of_cases", assigns=["doc.ents"])
def shout(doc: Any) -> Any:
    """A component of somebody's own: all capitals are an entity."""
    doc.ents = [Span(doc, t.i, t.i + 1, "LOUD") for t in doc if t.is_upper and len(t) > 1]
    return doc


@Language.factory("count_of_cases", default_config={"most": 3})
class Count:
    """A factory with settings."""

    def __init__(self, nlp: Any, name: str, most: int) -> None:
        self.most = most

    def __call__(self, doc: Any) -> Any:
        doc.cats["long"] = float(len(doc) > self.most)
        return doc


@spacy.registry.misc("halves_of_cases.v1")
def halves() -> Any:
    def suggest(docs: Any, *, ops: Any = None) -> Any:
        from spacy.pipeline.spancat import build_ngram_suggester

        return build_ngram_suggester([1, 2])(docs, ops=ops)

    return suggest


def trained(pipes: dict[str, dict[str, Any]], lessons: list[Any], steps: int = 5) -> Any:
    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("en")
    for name, config in pipes.items():
        nlp.add_pipe(name, config=config)
    examples = [Lesson.from_dict(nlp.make_doc(text), facts) for text, facts in lessons]
    nlp.initialize(lambda: examples)
    for _ in range(steps):
        nlp.update(examples)
    return nlp


def entities_and_kinds() -> Any:
    nlp = trained({"sentencizer": {}, "ner": {}, "textcat": {}}, LESSONS)
    rules: Any = nlp.add_pipe("entity_ruler", config={"overwrite_ents": True})
    rules.add_patterns(
        [{"label": "ORG", "pattern": "Acme"}, {"label": "MONTH", "pattern": [{"LOWER": "may"}]}]
    )
    return nlp


def grammar() -> Any:
    small = {"@architectures": "spacy.HashEmbedCNN.v2", "pretrained_vectors": None, "width": 32, "depth": 1, "embed_size": 200, "window_size": 1, "maxout_pieces": 2, "subword_features": True}  # fmt: skip
    listens = {"@architectures": "spacy.Tok2VecListener.v1", "width": 32}
    tagger = {"@architectures": "spacy.Tagger.v2", "tok2vec": listens}
    return trained({"tok2vec": {"model": small}, "tagger": {"model": tagger}, "morphologizer": {}, "parser": {"min_action_freq": 1}}, WORDS, 2)  # fmt: skip


def spans() -> Any:
    lessons = [("I like London", {"spans": {"sc": [(7, 13, "GPE")]}})]
    return trained({"spancat": {"threshold": 0.0}}, lessons, 2)


def rules() -> Any:
    nlp = spacy.blank("de")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("span_ruler").add_patterns([{"label": "CITY", "pattern": "Paris"}])
    return nlp


def own() -> Any:
    nlp = spacy.blank("en")
    nlp.add_pipe("shout_of_cases")
    nlp.add_pipe("count_of_cases", config={"most": 4})
    return nlp


def own_function() -> Any:
    lessons = [("I like London", {"spans": {"sc": [(7, 13, "GPE")]}})]
    return trained({"spancat": {"suggester": {"@misc": "halves_of_cases.v1"}}}, lessons, 1)


def linked() -> Any:
    """Of a kind whose files are not read without trust."""
    lessons = [("I like it", {"words": ["I", "like", "it"], "lemmas": ["i", "like", "it"]})]
    return trained({"trainable_lemmatizer": {"min_tree_freq": 1}}, lessons, 1)


def example(make: Callable[[], Any], labels: list[str], format: str = "spacy") -> Example:
    return Example(lru_cache(make), TEXTS, ("predict",), labels, format)


def case() -> FlavorCase:
    return FlavorCase(
        flavor=flavor,  # type: ignore[arg-type]
        models={
            "entities and kinds": example(
                entities_and_kinds, ["en", "sentencizer", "ner", "textcat", "entity_ruler"]
            ),
            "grammar": example(grammar, ["en", "tok2vec", "tagger", "morphologizer", "parser"]),
            "spans": example(spans, ["en", "spancat"]),
            "rules": example(rules, ["de", "sentencizer", "span_ruler"]),
            "components of one's own": example(
                own, ["en", "shout_of_cases", "count_of_cases"], "spacy_code"
            ),
            "a function of one's own": example(own_function, ["en", "spancat"], "spacy_code"),
            "edit trees": example(linked, ["en", "trainable_lemmatizer"], "spacy_code"),
        },
        strangers={
            "document": spacy.blank("en")("a text"),
            "vocabulary": spacy.blank("en").vocab,
            "class": Language,
        },
    )
