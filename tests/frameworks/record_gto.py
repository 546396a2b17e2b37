"""Write random registries and what GTO says of them, for tests that run without GTO.

``MODELYARD_FRAMEWORK=gto PYTHONPATH=src:tests:. <python of that environment> tests/frameworks/record_gto.py``
"""

from __future__ import annotations

import json
import random
import tempfile
from pathlib import Path

from cases.registries.git_answers import assert_same, names_of, we_say
from frameworks.environments import ROOT
from frameworks.gto_histories import Repository, git, gto_says
from modelyard.registry._git.reading import FORMAT

FILE = ROOT / "tests" / "fixtures" / "gto" / "histories.json"
COUNT, SEED = 24, 1


def main() -> None:
    """Record anew."""
    found = []
    for number in range(COUNT):
        with tempfile.TemporaryDirectory() as folder:
            repository = Repository(Path(folder), random.Random(f"{SEED} {number}"))
            repository.begin()
            for _ in range(repository.chance.randint(10, 30)):
                repository.step()
            there = repository.registry.tags()
            names = names_of(there)
            answers = gto_says(repository.folder, names)
            assert_same(we_say(there, names), answers, f"{number}")
            tags = git(repository.folder, "for-each-ref", f"--format={FORMAT}", "refs/tags")
            found.append({"tags": tags, "gto": answers})
    FILE.parent.mkdir(exist_ok=True)
    lines = [json.dumps(one, ensure_ascii=False, sort_keys=True) for one in found]
    FILE.write_text("[\n" + ",\n".join(lines) + "\n]\n", "utf-8")


if __name__ == "__main__":
    main()
