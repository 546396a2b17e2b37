"""What is loaded when nothing has been asked for yet: the standard library and ourselves."""

from __future__ import annotations

import json
import re
import sys

from arch.source import modules, python


def loaded_roots(code: str) -> set[str]:
    """Root packages that ``python -X importtime -c code`` loads, beyond a bare interpreter's."""

    def roots(code: str) -> set[str]:
        lines = python("-X", "importtime", "-c", code).stderr.splitlines()
        names = (line.rsplit("|", 1)[-1].strip() for line in lines if "import time:" in line)
        return {name.partition(".")[0] for name in names if re.fullmatch(r"[\w.]+", name)}

    return roots(code) - roots("pass") - set(sys.stdlib_module_names)


def test_import_modelyard_loads_only_itself_and_the_standard_library() -> None:
    assert loaded_roots("import modelyard") == {"modelyard"}


def test_the_measure_sees_a_third_party_import() -> None:
    """The rule above is worth something only if it can fail."""
    assert "click" in loaded_roots("import modelyard, click")


def test_no_folder_loads_a_third_party_library() -> None:
    """`import modelyard.<folder>` is as cheap as the folder's name suggests; libraries come on use."""
    folders = [module.name for module in modules() if module.path.name == "__init__.py"]
    code = f"""
import json, sys
found, seen = {{}}, set(sys.modules)
for folder in {folders!r}:
    __import__(folder)
    new = {{name.partition(".")[0] for name in set(sys.modules) - seen}}
    found[folder] = sorted(new - set(sys.stdlib_module_names) - {{"modelyard"}})
    seen |= set(sys.modules)
print(json.dumps({{folder: roots for folder, roots in found.items() if roots}}))
"""
    offenders = json.loads(python("-c", code).stdout)
    assert offenders == {}, "loaded by a folder's __init__: " + json.dumps(offenders, indent=2)


def test_serving_what_lies_in_a_folder_loads_no_database_library_and_no_framework() -> None:
    loaded = loaded_roots(
        "import modelyard.cli.commands.serve, modelyard.cli.yards, modelyard.serving.serve,"
        " modelyard.serving.servers.fastapi"
    )
    assert "fastapi" in loaded
    heavy = {"sqlalchemy", "alembic", "numpy", "pandas", "pyarrow", "sklearn", "onnx", "grpc"}
    assert not loaded & heavy


def test_the_verbs_on_paths_load_no_registry() -> None:
    """Neither the one of a repository nor the one of a database."""
    code = "import json, sys, modelyard.yard.verbs; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(python("-c", code).stdout)
    assert "modelyard.yard.resolving" in loaded
    heavy = ("modelyard.registry.git", "modelyard.registry._git", "modelyard.registry.sql")
    assert not [name for name in loaded if name.startswith((*heavy, "modelyard.yard.git_"))]
