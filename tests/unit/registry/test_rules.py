"""Promotion rules: what each asks, what is refused and how, and that nothing is promoted past them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from modelyard.base.config import settings
from modelyard.base.errors import CheckFailed, Conflict, InvalidSetting, NotAllowed, NotFound
from modelyard.base.events import Caller, set_caller
from modelyard.registry import queries, verbs
from modelyard.registry.interface import ModelState
from modelyard.registry.memory import MemoryRegistry
from modelyard.registry.promoting import Promoter, holders_before
from modelyard.registry.rule_settings import rules_of
from modelyard.registry.rules import Difference, Need, Rules, Unknown, names_of

METRICS: Mapping[str, Mapping[str, float]] = {
    "1": {"accuracy": 0.9, "loss": 0.30},
    "2": {"accuracy": 0.95, "loss": 0.31},
    "3": {"accuracy": 0.8, "loss": 0.2},
    "4": {"accuracy": float("nan")},
}


def rules(tmp_path: Path, text: str) -> Rules:
    (tmp_path / "modelyard.toml").write_text(text)
    return rules_of(settings(tmp_path, {}))


def learn(state: ModelState, need: Need) -> Any:
    if need.kind == "metrics":
        return METRICS[need.version]
    if need.kind == "schema":
        broken = need.version == "3"
        return Difference(
            *(("breaking", ["predict.X.age: removed"]) if broken else ("compatible",))
        )
    return Unknown("nothing audits models here", "later")


def promoter(
    found: Rules, versions: int = 4, actor: str = "ana"
) -> tuple[Promoter, MemoryRegistry]:
    registry = MemoryRegistry()
    for number in range(versions):
        verbs.register(registry, "churn", digest=f"{number:064x}")
    return Promoter(registry, found, learn, lambda: actor), registry


def held(registry: MemoryRegistry) -> dict[str, str]:
    return queries.holders(registry.state("churn"))


def test_without_rules_everything_is_as_it_was(tmp_path: Path) -> None:
    promote, registry = promoter(rules(tmp_path, ""))
    assert promote.promote("churn", "prod").label == "4"
    assert promote.promote("churn", "prod", 1).label == "1"
    assert promote.rollback("churn", "prod").holder == queries.find(
        registry.state("churn"), queries.selector(4)
    )
    assert promote.demote("churn", "prod").holder is None
    assert promote.transition("churn", 2, "Staging").assignments[0].version == "2"


def test_a_path_is_gone_stage_by_stage(tmp_path: Path) -> None:
    found = rules(tmp_path, 'registry.rules.path = ["dev", "staging", "prod"]')
    promote, registry = promoter(found)
    with pytest.raises(CheckFailed, match="it comes from staging, and is in no stage") as refused:
        promote.promote("churn", "prod", 1)
    assert refused.value.hint == "promote it to staging first"
    for stage in ("dev", "staging", "prod"):
        promote.promote("churn", stage, 1)
    promote.promote("churn", "canary", 2)
    assert held(registry) == {"dev": "1", "staging": "1", "prod": "1", "canary": "2"}


def test_a_stage_may_be_entered_from_others_than_the_path_says(tmp_path: Path) -> None:
    text = """
        [registry.rules]
        path = ["dev", "staging", "prod"]
        [[registry.rules.stage.prod]]
        models = ["chu*"]
        from = ["dev", "hotfix"]
        [[registry.rules.stage.prod]]
        models = ["other"]
        from = ["nowhere"]
    """
    promote, registry = promoter(rules(tmp_path, text))
    promote.promote("churn", "hotfix", 2)
    promote.promote("churn", "prod", 2)
    assert held(registry)["prod"] == "2"
    with pytest.raises(CheckFailed, match="comes from dev or hotfix, and is in no stage"):
        promote.promote("churn", "prod", 1)


def test_an_exclusive_stage_holds_one_version(tmp_path: Path) -> None:
    promote, registry = promoter(rules(tmp_path, 'registry.rules.exclusive = ["prod"]'))
    for version in (1, 2, 3):
        promote.promote("churn", "prod", version)
        promote.promote("churn", "dev", version)
    state = registry.state("churn")
    assert [v.label for v in queries.members(state, "prod")] == ["3"]
    assert [v.label for v in queries.members(state, "dev")] == ["1", "2", "3"]
    moves = [e.after["holders"] for e in registry.events("churn") if "holders" in e.after]
    assert all(None not in moved.values() for moved in moves)  # never empty in between


def test_a_rollback_of_an_exclusive_stage_goes_back_and_back(tmp_path: Path) -> None:
    promote, registry = promoter(rules(tmp_path, "registry.rules.exclusive = true"))
    for version in (1, 2, 3):
        promote.promote("churn", "prod", version)
    done = promote.rollback("churn", "prod")
    assert done.holder is not None
    assert done.holder.label == "2"
    assert [a.version for a in done.removed] == ["3"]
    verbs.deregister(registry, "churn", 2)
    verbs.promote(registry, "churn", "prod", 4)
    assert holders_before(registry.events("churn"), "prod") == ["1", "2", "4"]
    rolled = promote.rollback("churn", "prod")
    assert rolled.holder is not None
    assert rolled.holder.label == "1"
    with pytest.raises(Conflict, match="no version was in stage 'prod' of 'churn' before 1"):
        promote.rollback("churn", "prod")


def test_a_metric_is_held_to_a_number_and_to_what_the_stage_holds(tmp_path: Path) -> None:
    text = """
        [registry.rules.stage.prod.metrics]
        accuracy = ">= 0.85"
        loss = ["< 1", "<= holder * 1.05"]
    """
    promote, registry = promoter(rules(tmp_path, text))
    promote.promote("churn", "prod", 1)
    plan = promote.plan("churn", "prod", 2)
    assert plan.allowed
    assert plan.holder == "1"
    assert plan.changes
    assert [f.said for f in plan.findings] == [
        "0.95 >= 0.85", "0.31 < 1", "0.31 <= 0.315 (version 1 has 0.3)",
    ]  # fmt: skip
    with pytest.raises(CheckFailed, match=r"accuracy is 0.8, to be >= 0.85\n"):
        promote.promote("churn", "prod", 3)
    with pytest.raises(CheckFailed) as refused:
        promote.promote("churn", "prod", 4)
    assert "accuracy of version 4 is not a number" in refused.value.message
    assert "version 4 has no metric 'loss'" in refused.value.message
    assert [f["rule"] for f in refused.value.details["failed"]] == [
        "metric accuracy", "metric loss", "metric loss",
    ]  # fmt: skip
    assert held(registry) == {"prod": "1"}


def test_a_schema_fits_what_the_stage_holds(tmp_path: Path) -> None:
    promote, _ = promoter(rules(tmp_path, 'registry.rules.stage."prod*".schema = "compatible"'))
    promote.promote("churn", "prod", 1)
    promote.promote("churn", "prod", 2)
    with pytest.raises(
        CheckFailed, match=r"of version 2, and is breaking; predict\.X\.age: removed"
    ):
        promote.promote("churn", "prod", 3)
    promote.promote("churn", "prod/eu", 3)
    same, _ = promoter(rules(tmp_path, 'registry.rules.stage.prod.schema = "same"'))
    same.promote("churn", "prod", 1)
    with pytest.raises(CheckFailed, match="to be the same as that of version 1, and is compatible"):
        same.promote("churn", "prod", 2)


def test_a_check_that_cannot_be_run_is_a_no(tmp_path: Path) -> None:
    promote, registry = promoter(rules(tmp_path, 'registry.rules.stage.prod.audit = "clean"'))
    with pytest.raises(CheckFailed, match="cannot be checked: nothing audits models here") as no:
        promote.promote("churn", "prod")
    assert no.value.hint == "later"
    assert held(registry) == {}


def test_who_may_is_asked_of_names_and_addresses(tmp_path: Path) -> None:
    found = rules(tmp_path, 'registry.rules.stage.prod.who = ["ana", "*@ops.example.org"]')
    for actor in ("Ana", "ana", "Bo <BO@ops.example.org>", "bo@ops.example.org"):
        promoter(found, actor=actor)[0].promote("churn", "prod")
    for actor in ("bo", "", "Ana Ng <ana@example.org>", "bo@ops.example.org.evil.org"):
        promote, registry = promoter(found, actor=actor)
        verbs.promote(registry, "churn", "prod", 1)
        for forbidden in (
            lambda p=promote: p.promote("churn", "prod"),
            lambda p=promote: p.demote("churn", "prod"),
            lambda p=promote: p.rollback("churn", "prod"),
            lambda p=promote: p.transition("churn", 1, None),
            lambda p=promote: p.transition("churn", 2, "prod"),
        ):
            with pytest.raises(NotAllowed, match=r"may not: ana, \*@ops.example.org may"):
                forbidden()
        assert held(registry) == {"prod": "1"}
    assert names_of("Ana") == ["Ana"]


def test_the_caller_is_who_acts(tmp_path: Path) -> None:
    registry = MemoryRegistry()
    verbs.register(registry, "churn", digest="0" * 64)
    found = rules(tmp_path, 'registry.rules.stage.prod.who = ["ana"]')
    promote = Promoter(registry, found, learn)
    try:
        set_caller(Caller("bo"))
        with pytest.raises(NotAllowed):
            promote.promote("churn", "prod")
        set_caller(Caller("ana"))
        promote.promote("churn", "prod")
    finally:
        set_caller(None)


def test_all_that_says_no_is_told_at_once(tmp_path: Path) -> None:
    text = """
        [registry.rules]
        path = ["staging", "prod"]
        [registry.rules.stage.prod]
        who = "bo"
        metrics = {accuracy = "> 0.99"}
    """
    promote, _ = promoter(rules(tmp_path, text))
    with pytest.raises(NotAllowed) as refused:
        promote.promote("churn", "prod", 1)
    assert [f["rule"] for f in refused.value.details["failed"]] == [
        "from",
        "who",
        "metric accuracy",
    ]
    plan = promote.plan("churn", "prod", 1)
    assert not plan.allowed
    assert len(plan.findings) == 3
    assert plan.to_dict()["findings"][1]["said"] == "ana may not: bo may"


def test_a_version_that_holds_a_stage_is_not_asked_again(tmp_path: Path) -> None:
    promote, registry = promoter(rules(tmp_path, 'registry.rules.path = ["staging", "prod"]'))
    verbs.promote(registry, "churn", "prod", 1)
    assert promote.promote("churn", "prod", 1).label == "1"


def test_a_transition_goes_by_the_rules(tmp_path: Path) -> None:
    text = 'registry.rules = {path = ["Staging", "Production"], exclusive = ["Production"]}'
    promote, registry = promoter(rules(tmp_path, text))
    with pytest.raises(CheckFailed, match="comes from Staging"):
        promote.transition("churn", 1, "Production")
    for version in (1, 2):
        promote.transition("churn", version, "Staging")
        promote.transition("churn", version, "Production")
    assert [v.label for v in queries.members(registry.state("churn"), "Production")] == ["2"]
    promote.transition("churn", 3, "Staging")
    state = promote.transition("churn", 3, "Production", archive_to="Archived")
    assert queries.holders(state) == {"Archived": "2", "Production": "3"}


def test_what_changes_while_facts_are_found_out_is_looked_at_again(tmp_path: Path) -> None:
    """Somebody moves the stage after we read the holder: the new holder is what counts."""
    found = rules(tmp_path, 'registry.rules.stage.prod.metrics.accuracy = ">= holder"')
    registry = MemoryRegistry()
    for number in range(3):
        verbs.register(registry, "churn", digest=f"{number:064x}")
    verbs.promote(registry, "churn", "prod", 3)
    asked: list[str] = []

    def slowly(state: ModelState, need: Need) -> Any:
        asked.append(need.version)
        if asked == ["1"]:
            verbs.promote(registry, "churn", "prod", 2)
        return METRICS[need.version]

    with pytest.raises(CheckFailed, match=r"accuracy is 0.9, to be >= 0.95 \(version 2"):
        Promoter(registry, found, slowly).promote("churn", "prod", 1)
    assert asked == ["1", "2"]


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    promote, _ = promoter(rules(tmp_path, ""))
    for missing in (
        lambda: promote.plan("chrun", "prod"),
        lambda: promote.promote("chrun", "prod"),
    ):
        with pytest.raises(NotFound, match="chrun") as error:
            missing()
        assert "churn" in str(error.value.hint)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('registry.rules.paht = ["dev"]', r"registry\.rules\.paht is not known"),
        ('registry.rules.path = "a b"', r"registry\.rules\.path has 'a b'"),
        ('registry.rules.path = ["dev", "dev"]', "each stage once"),
        ("registry.rules.exclusive = 3", r"registry\.rules\.exclusive is 3"),
        ("registry.rules.stage = 3", r"registry\.rules\.stage is 3"),
        ("registry.rules.stage.prod = 3", r"registry\.rules\.stage\.prod is 3"),
        ("[[registry.rules.stage.prod]]\nwhoo=1", r"stage\.prod\[0\]\.whoo is not known"),
        ("registry.rules.stage.prod.who = []", r"stage\.prod\.who is empty"),
        ("registry.rules.stage.prod.who = [1]", r"stage\.prod\.who is \[1\]"),
        ("registry.rules.stage.prod.schema = true", r"stage\.prod\.schema is True"),
        ("registry.rules.stage.prod.audit = true", r"stage\.prod\.audit is True"),
        ("registry.rules.stage.prod.exclusive = 1", r"stage\.prod\.exclusive is 1"),
        ("registry.rules.stage.prod.metrics = 1", r"stage\.prod\.metrics is 1"),
        ("registry.rules.stage.prod.metrics.a = 1", r"stage\.prod\.metrics\.a is 1"),
        ('registry.rules.stage.prod.metrics.a = "=> 1"', r"metrics\.a is '=> 1'"),
        ('registry.rules.stage.prod.metrics.a = "> holder / 2"', "metrics"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_read_is_named_with_its_file(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(InvalidSetting, match=said) as refused:
        rules(tmp_path, text)
    assert refused.value.message.startswith(str(tmp_path / "modelyard.toml"))
    assert refused.value.hint
