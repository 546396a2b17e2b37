"""The names that the config of a pipeline may give: spaCy's own components and layers that need nothing beyond the folder.

Not listed on purpose: ``entity_linker`` and ``trainable_lemmatizer`` (compiled code reads their files and trusts them),
functions that read other files (``spacy.KBFromFile.v1``, callbacks that copy from other models), layers of other libraries
(their weights may be pickles), and tokenizers of other packages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_FACTORIES = """
    attribute_ruler beam_ner beam_parser doc_cleaner entity_ruler future_entity_ruler lemmatizer merge_entities
    merge_noun_chunks merge_subtokens morphologizer ner parser sentencizer senter span_finder span_ruler spancat
    spancat_singlelabel tagger textcat textcat_multilabel tok2vec token_splitter"""
FACTORIES = frozenset(_FACTORIES.split())

_FUNCTIONS = {
    "architectures": """
        spacy.CharacterEmbed.v2 spacy.HashEmbedCNN.v2 spacy.MaxoutWindowEncoder.v2 spacy.MishWindowEncoder.v2
        spacy.MultiHashEmbed.v1 spacy.MultiHashEmbed.v2 spacy.SpanCategorizer.v1 spacy.SpanFinder.v1 spacy.Tagger.v1
        spacy.Tagger.v2 spacy.TextCatBOW.v1 spacy.TextCatBOW.v2 spacy.TextCatBOW.v3 spacy.TextCatCNN.v1
        spacy.TextCatCNN.v2 spacy.TextCatEnsemble.v1 spacy.TextCatEnsemble.v2 spacy.TextCatLowData.v1
        spacy.TextCatParametricAttention.v1 spacy.TextCatReduce.v1 spacy.Tok2Vec.v1 spacy.Tok2Vec.v2
        spacy.Tok2VecListener.v1 spacy.TransitionBasedParser.v1 spacy.TransitionBasedParser.v2
        spacy.HashEmbedCNN.v1""",
    "layers": """
        Softmax.v1 Softmax.v2 Logistic.v1 Linear.v1 Relu.v1 Maxout.v1 reduce_first.v1 reduce_last.v1 reduce_max.v1
        reduce_mean.v1 reduce_sum.v1 spacy.LinearLogistic.v1 spacy.mean_max_reducer.v1 spacy.StaticVectors.v1
        spacy.StaticVectors.v2""",
    "misc": """
        spacy.first_longest_spans_filter.v1 spacy.levenshtein_compare.v1 spacy.ngram_range_suggester.v1
        spacy.ngram_suggester.v1 spacy.preset_spans_suggester.v1 spacy.prioritize_existing_ents_filter.v1
        spacy.prioritize_new_ents_filter.v1""",
    "scorers": """
        spacy.attribute_ruler_scorer.v1 spacy.entity_ruler_scorer.v1 spacy.lemmatizer_scorer.v1
        spacy.morphologizer_scorer.v1 spacy.ner_scorer.v1 spacy.overlapping_labeled_spans_scorer.v1
        spacy.parser_scorer.v1 spacy.senter_scorer.v1 spacy.span_finder_scorer.v1 spacy.spancat_scorer.v1
        spacy.tagger_scorer.v1 spacy.textcat_multilabel_scorer.v1 spacy.textcat_multilabel_scorer.v2
        spacy.textcat_scorer.v1 spacy.textcat_scorer.v2""",
    "tokenizers": "spacy.Tokenizer.v1",
    "vectors": "spacy.Vectors.v1",
}
FUNCTIONS = {registry: frozenset(names.split()) for registry, names in _FUNCTIONS.items()}

_LANGUAGE = re.compile(r"[a-z]{2,3}")


def named(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Registry and name of all that loading a pipeline looks up: of ``nlp`` and ``components``, not of training."""
    for name, component in _mapping(config.get("components")).items():
        part = _mapping(component)
        yield ("factories", str(part["factory"])) if "factory" in part else ("sources", str(name))
        if "source" in part:
            yield "sources", str(part["source"])
    for section in ("nlp", "components"):
        yield from _functions(config.get(section))


def strangers(config: Mapping[str, Any]) -> list[str]:
    """What of it is not on the list, as ``@misc mine.v1``; nothing is looked up."""
    found: dict[str, None] = {}
    for registry, name in named(config):
        if registry == "factories":
            fine = name in FACTORIES
        else:
            fine = name in FUNCTIONS.get(registry, ())
        if not fine:
            found[f"@{registry} {name}"] = None
    language = _mapping(config.get("nlp")).get("lang")
    if not (isinstance(language, str) and _LANGUAGE.fullmatch(language)):
        found[f"the language {language!r}"] = None
    return list(found)


def strangers_in_text(text: str) -> list[str]:
    """The same of a config that was not parsed, line by line: a first opinion, for a card."""
    found: dict[str, None] = {}
    section = ""
    for line in text.splitlines():
        if line.startswith("["):
            section = line.strip("[] ")
        key, _, value = line.partition("=")
        key, name = key.strip(), value.strip().strip('"')
        if section.partition(".")[0] not in ("nlp", "components"):
            continue
        if key == "factory" and name not in FACTORIES:
            found[f"@factories {name}"] = None
        elif key == "source":
            found[f"@sources {name}"] = None
        elif key.startswith("@") and name not in FUNCTIONS.get(key[1:], ()):
            found[f"{key} {name}"] = None
    return list(found)


def _functions(part: Any) -> Iterator[tuple[str, str]]:
    if isinstance(part, Mapping):
        for key, value in part.items():
            if isinstance(key, str) and key.startswith("@"):
                yield key[1:], str(value)
            yield from _functions(value)
    elif isinstance(part, list | tuple):
        for value in part:
            yield from _functions(value)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
