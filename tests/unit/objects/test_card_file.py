"""Cards: written stably, read strictly, hand-made comments kept."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard import types
from modelyard.base.digests import FileEntry
from modelyard.base.errors import FileMissing, InvalidCard, NewerSchema
from modelyard.objects.card import Card, Created, FormatInfo, Requirements
from modelyard.objects.card_file import card_text, card_to_dict, parse_card, read_card, write_card
from modelyard.types.schema import Argument, Signature

SHA = "5f0c" * 16
FRAME = types.parse({"type": "dataframe", "columns": {"age": "int64", "city": "string"}})
SIGNATURE = Signature(
    {"X": Argument(FRAME), "check": Argument(types.infer(True), True)},
    types.parse({"type": "array", "dtype": "float64", "shape": [None, 3]}),
)
CARD = Card(
    flavor="sklearn",
    format=FormatInfo("skops", 1),
    description="Random forest",
    labels=("random-forest",),
    artifact=(FileEntry("churn", 166864, SHA),),
    methods={"predict_proba": SIGNATURE},
    metrics={"accuracy": 0.97},
    requirements=Requirements("3.11.7", ("numpy==2.4.6",), ("libgomp1",), ()),
    sample=[{"age": 31, "city": "Oslo"}],
    created=Created("2026-11-20T23:17:00Z", "ana", "1f2e3d4", False, "0.1.0"),
)

GOLDEN = f"""\
yard: 1
kind: model
flavor: sklearn
format: {{name: skops, tier: 1}}
description: Random forest
labels: [random-forest]
artifact:
  - path: churn
    size: 166864
    sha256: {SHA}
methods:
  predict_proba:
    args:
      X: {{type: dataframe, columns: {{age: int64, city: string}}}}
      check: {{type: boolean, default: true}}
    returns: {{type: array, dtype: float64, shape: [null, 3]}}
metrics: {{accuracy: 0.97}}
requirements: {{python: 3.11.7, packages: [numpy==2.4.6], system: [libgomp1]}}
sample: [{{age: 31, city: Oslo}}]
created: {{at: 2026-11-20T23:17:00Z, by: ana, git: 1f2e3d4, dirty: false, modelyard: 0.1.0}}
"""


def test_the_text_of_a_card_is_fixed() -> None:
    assert card_text(CARD) == GOLDEN


def test_a_card_reads_back_equal() -> None:
    assert parse_card(GOLDEN) == CARD


def test_defaults_are_left_out() -> None:
    assert card_text(Card()) == "yard: 1\nkind: model\n"


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(
    description=TEXT,
    labels=st.lists(TEXT, max_size=3),
    metrics=st.dictionaries(TEXT, st.floats(allow_nan=False), max_size=3),
    metadata=st.dictionaries(TEXT, JSON, max_size=3),
    sample=JSON,
    commit=st.from_regex(r"[0-9a-f]{7}", fullmatch=True),
)
def test_any_text_number_or_nesting_survives(
    description: str, labels: list[str], metrics: dict, metadata: dict, sample: object, commit: str
) -> None:
    card = Card(
        description=description,
        labels=tuple(labels),
        metrics=metrics,
        metadata=metadata,
        sample=sample if sample not in ("", [], {}) else None,
        created=Created(git=commit),
    )
    again = parse_card(card_text(card))
    assert again == card
    assert card_text(again) == card_text(card)


def test_comments_and_order_of_a_hand_edit_stay_on_rewrite(tmp_path) -> None:
    path = tmp_path / "churn.yard.yaml"
    edited = GOLDEN.replace("kind: model\n", "kind: model   # ours\n").replace(
        "metrics:", "# measured on the holdout\nmetrics:"
    )
    path.write_text(edited)
    write_card(read_card(path).but(metrics={"accuracy": 0.98, "f1": 0.9}), path)
    text = path.read_text()
    assert "kind: model   # ours\n" in text
    assert "# measured on the holdout\nmetrics: {accuracy: 0.98, f1: 0.9}\n" in text
    assert read_card(path).metrics == {"accuracy": 0.98, "f1": 0.9}


def test_rewriting_without_a_change_changes_no_byte(tmp_path) -> None:
    path = tmp_path / "churn.yard.yaml"
    path.write_text(GOLDEN)
    write_card(read_card(path), path)
    assert path.read_text() == GOLDEN


def test_a_renamed_artifact_keeps_its_digest() -> None:
    other = CARD.but(artifact=(FileEntry("other", 166864, SHA),))
    folder = CARD.but(artifact=(FileEntry("a/model.skops", 1, SHA), FileEntry("a/m/f.py", 2, SHA)))
    moved = CARD.but(artifact=(FileEntry("b/model.skops", 1, SHA), FileEntry("b/m/f.py", 2, SHA)))
    assert other.digest == CARD.digest
    assert folder.digest == moved.digest != CARD.digest


@pytest.mark.parametrize(
    "change",
    [
        {"flavor": "callable"},
        {"format": FormatInfo("cloudpickle", 2)},
        {"methods": {}},
        {"requirements": Requirements(modules=("features.py",))},
        {"artifact": (FileEntry("churn", 166864, "0" * 64),)},
    ],
)
def test_the_digest_covers_what_decides_behaviour(change: dict) -> None:
    assert CARD.but(**change).digest != CARD.digest


@pytest.mark.parametrize("change", [{"description": "x"}, {"metrics": {}}, {"labels": ("a",)}])
def test_the_digest_leaves_out_what_does_not(change: dict) -> None:
    assert CARD.but(**change).digest == CARD.digest


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("yard: 1\nkind: modle\n", "c, line 2: kind: 'modle' is none of model, data, link, target, deployment, build, server"),
        ("yard: 1\nkind: model\nfoo: 1\n", "c, line 3: foo: unknown key"),
        ("yard: 1\nkind: &a model\n", "c, line 2: anchors and aliases (& and *) are not allowed here"),
        ("yard: 1\nmetadata: {a: &x [1], b: *x}\n", "c, line 2: anchors and aliases (& and *) are not allowed here"),
        ("yard: 1\nkind: model\nkind: data\n", "c, line 3: the key 'kind' stands here twice"),
        ("yard: 1\nkind: !!python/object/apply:os.system [id]\n", "c, line 2: the tag 'tag:yaml.org,2002:python/object/apply:os.system' is not allowed; cards hold plain data only"),
        (f"yard: 1\nartifact:\n  - {{path: ../x, size: 1, sha256: {SHA}}}\n", "c, line 3: artifact.0.path: path '../x' is refused: '..' is not a name"),
        (f"yard: 1\nartifact:\n  - {{path: /etc/passwd, size: 1, sha256: {SHA}}}\n", "c, line 3: artifact.0.path: path '/etc/passwd' is refused: it has an empty segment"),
        ("yard: 1\nartifact:\n  - {path: x, size: -1, sha256: ab}\n", "c, line 3: artifact.0.size: must be the number of bytes"),
        ("yard: 1\nartifact:\n  - {path: x, size: 1, sha256: ab}\n", "c, line 3: artifact.0.sha256: must be 64 hex digits"),
        (f"yard: 1\nartifact:\n  - {{path: x, size: 1, sha256: {SHA}}}\n  - {{path: x, size: 1, sha256: {SHA}}}\n", "c, line 2: artifact: names a file twice"),
        ("yard: 1\nformat: {name: skops, tier: 3}\n", "c, line 2: format.tier: must be 0, 1 or 2"),
        ("yard: 1\nformat: {name: skops, tier: true}\n", "c, line 2: format.tier: must be 0, 1 or 2"),
        ("yard: 1\nmethods:\n  predict: {args: {X: {type: datafrme}}}\n", "c, line 3: methods.predict: unknown type 'datafrme'"),
        ("yard: 1\nmetrics: {accuracy: good}\n", "c, line 2: metrics.accuracy: must be a number, not 'good'"),
        ("yard: 1\nlabels: forest\n", "c, line 2: labels: must be a list, not str"),
        ("yard: 1\nrequirements: {modules: [../x.py]}\n", "c, line 2: requirements.modules.0: path '../x.py' is refused: '..' is not a name"),
        ("yard: 1\ncreated: {dirty: yes}\n", "c, line 2: created.dirty: must be true or false"),
        ("yard: 1\ndescription: 5\n", "c, line 2: description: must be text, not 5"),
        ("kind: model\n", "c, line 1: yard: the number of the format is missing; it is 'yard: 1'"),
        ("- a\n", "c, line 1: a card is a mapping that starts with 'yard: 1'"),
        ("", "c: a card is a mapping that starts with 'yard: 1'"),
        ("a: [\n", "c, line 2: expected the node content, but found '<stream end>'"),
        ("[" * 5000, "c is nested deeper than 100 levels"),
        ("yard: 1\n? [a]\n: 1\n", "c, line 2: a key must be a word or a number"),
    ],
)  # fmt: skip
def test_a_wrong_card_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(InvalidCard) as caught:
        parse_card(text, "c")
    assert caught.value.message == message


def test_a_misspelt_key_gets_a_suggestion() -> None:
    with pytest.raises(InvalidCard) as caught:
        parse_card("yard: 1\nlables: [a]\n")
    assert caught.value.hint == "did you mean 'labels'?"


def test_a_newer_format_is_refused_with_the_way_out() -> None:
    with pytest.raises(NewerSchema, match="written in card format 9; this modelyard reads up to 1"):
        parse_card("yard: 9\n")


def test_words_that_yaml_1_1_reads_as_other_things_stay_words() -> None:
    card = parse_card("yard: 1\nlabels: [on, yes, no, 2026-11-20]\n")
    assert card.labels == ("on", "yes", "no", "2026-11-20")


def test_a_billion_laughs_unfolds_nothing() -> None:
    bomb = "yard: 1\nmetadata:\n  a: &a [x, x]\n" + "".join(
        f"  {chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(9)
    )
    with pytest.raises(InvalidCard, match="anchors and aliases"):
        parse_card(bomb)


def test_an_absent_card_and_one_that_is_not_text(tmp_path) -> None:
    with pytest.raises(FileMissing):
        read_card(tmp_path / "x.yard.yaml")
    (tmp_path / "y.yard.yaml").write_bytes(b"\x80\x02")
    with pytest.raises(InvalidCard, match="not UTF-8 text"):
        read_card(tmp_path / "y.yard.yaml")


def test_plain_data_follows_the_fields_of_the_card() -> None:
    assert list(card_to_dict(CARD))[:6] == [
        "yard",
        "kind",
        "flavor",
        "format",
        "description",
        "labels",
    ]


def test_artifact_digest_is_the_canonical_list() -> None:
    text = f'[{{"path":"artifact","sha256":"{SHA}","size":166864}}]'
    assert CARD.artifact_digest == "sha256:" + hashlib.sha256(text.encode()).hexdigest()
