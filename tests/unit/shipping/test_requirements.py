"""The packages of a model as a file that pip takes."""

from __future__ import annotations

from pathlib import Path

import modelyard as my
from modelyard.shipping.build import plan_build


def test_the_packages_of_a_model(saved: Path, tmp_path: Path) -> None:
    target = tmp_path / "requirements.txt"
    plan = plan_build(saved, "requirements", output=target)
    assert plan.target == target
    assert not target.exists()
    built = my.build(saved, "requirements", output=target)
    packages = list(my.load_card(saved).requirements.packages)
    lines = [line for line in target.read_text().splitlines() if line and line[0] != "#"]
    assert lines == packages
    assert built.facts == plan.facts == {"packages": packages}
    assert any(line.startswith("scikit-learn==") for line in lines)


def test_a_model_that_needs_nothing(tmp_path: Path) -> None:
    def twice(x: float) -> float:
        return 2 * x

    card = my.save(twice, tmp_path / "twice", sample_data=1.0)
    my.build(tmp_path / "twice", "requirements", output=tmp_path / "r.txt")
    assert [line.split("==")[0] for line in (tmp_path / "r.txt").read_text().split() if "==" in line] == [p.split("==")[0] for p in card.requirements.packages]  # fmt: skip
