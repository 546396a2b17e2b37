"""Somebody else's package adds a flavor by one file, found through an entry point, and runs the suite on one case file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

FLAVOR = """
    '''Models of the library 'abacus'.'''
    import json

    from modelyard.objects.native import NativeFormat

    NAME = "abacus"
    EXTRA = ""
    FORMATS = ("abacus_json",)

    def claims(obj):
        import abacus
        return isinstance(obj, abacus.Adder)

    def methods(obj):
        return {"predict": obj.add}

    def labels(obj):
        return ["adder"]

    def system(obj):
        return ()

    def _dump(obj, folder):
        (folder / "adder.json").write_text(json.dumps(obj.amount))

    def _load(files):
        import abacus
        [name] = files.names()
        return abacus.Adder(json.loads(files.read(name)))

    NATIVE = [NativeFormat("abacus_json", 0, ".json", _dump, _load)]
"""

LIBRARY = """
    class Adder:
        def __init__(self, amount):
            self.amount = amount

        def add(self, values: list[float]) -> list[float]:
            return [value + self.amount for value in values]
"""

CASE = """
    import abacus
    import pytest

    from abacus_flavor import flavor
    from modelyard.testing.flavors import Example, FlavorCase, FlavorContract

    class TestAbacus(FlavorContract):
        @pytest.fixture
        def case(self):
            example = Example(lambda: abacus.Adder(2.0), [1.0, 2.5], ("predict",), ["adder"], "abacus_json")
            return FlavorCase(flavor, {"adder": example}, strangers={"number": 3})
"""

USE = """
    import abacus
    import modelyard as my

    card = my.save(abacus.Adder(2.0), "models/adder", sample_data=[1.0])
    assert (card.flavor, card.format.name, card.format.tier) == ("abacus", "abacus_json", 0)
    assert "abacus==2.0" in card.requirements.packages
    assert isinstance(my.load("models/adder"), abacus.Adder)
    assert my.apply("models/adder", [1.0, 3.0]) == [3.0, 5.0]
"""

FILES = {
    "abacus.py": LIBRARY,
    "abacus-2.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: abacus\nVersion: 2.0\n",
    "abacus-2.0.dist-info/RECORD": "abacus.py,,\n",
    "abacus_flavor/__init__.py": "",
    "abacus_flavor/flavor.py": FLAVOR,
    "abacus_flavor-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: abacus-flavor\nVersion: 1.0\n",
    "abacus_flavor-1.0.dist-info/entry_points.txt": "[modelyard.flavors]\nabacus = abacus_flavor.flavor\n",
    "test_abacus.py": CASE,
    "use.py": USE,
}


def test_a_flavor_from_another_package_keeps_the_contract_and_is_used(tmp_path: Path) -> None:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)]),
        "MODELYARD_CONFIG_DIR": str(tmp_path / "user"),
    }
    for words in (
        ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "test_abacus.py"],
        ["use.py"],
    ):
        done = subprocess.run(
            [sys.executable, *words],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
        assert done.returncode == 0, done.stdout + done.stderr
