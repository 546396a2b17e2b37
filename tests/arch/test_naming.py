"""Names say what a thing is, and the product speaks of itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from arch.source import Module, modules, none_of

EMPTY_WORDS = {
    "utils",
    "util",
    "helpers",
    "helper",
    "core",
    "common",
    "manager",
    "managers",
    "misc",
}

COMPETITORS = {
    *("mlflow", "mlem", "mlemfile", "gto", "dvc", "mlopslite", "bentoml", "litserve", "mlserver"),
    *(
        "kserve",
        "seldon",
        "triton",
        "torchserve",
        "vetiver",
        "wandb",
        "neptune",
        "clearml",
        "comet",
    ),
}

ALLOWED = {
    "base/errors.py mlflow",  # the one table of errors holds every edge's codes (decisions, 7)
    "yard/verbs.py dvc",  # the word of `save` is part of the public interface
    "serving/scoring.py mlflow",  # reads them there: its path is one for all who know such codes
}
"""``<module> <name>``: a competitor's word in a module that is not named after it, with the reason."""


def competitors_in(identifier: str) -> set[str]:
    """Those that stand there as whole words, together or apart: ``MLflowRouter``, ``mlops_lite``, ``DVCPointer``."""
    words = [
        hump.lower()
        for part in identifier.split("_")
        for hump in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", part)
    ]
    starts = range(len(words))
    runs = {"".join(words[start : start + length]) for start in starts for length in (1, 2, 3)}
    return COMPETITORS & runs


def identifiers(tree: ast.Module) -> Iterator[str]:
    """Names that code defines or uses; texts, comments and docstrings may explain an exchange with others."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name):
                yield name
            case ast.keyword(arg=str(name)):
                yield name
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                yield from (part for alias in names for part in alias.name.split("."))
                yield from (alias.asname for alias in names if alias.asname)
                if isinstance(node, ast.ImportFrom):
                    yield from (node.module or "").split(".")


def strangers(module: Module) -> set[str]:
    """Competitors that a module's code names without being named after them."""
    own = competitors_in(module.where.removesuffix(".py").replace("/", "_"))
    named = {found for name in identifiers(module.tree) for found in competitors_in(name)}
    return named - own


def test_the_rule_knows_a_name_when_it_sees_one() -> None:
    assert competitors_in("MLflowRouter") == {"mlflow"}
    assert competitors_in("read_dvc_pointer") == {"dvc"}
    assert competitors_in("GtoRegistry") == {"gto"}
    assert competitors_in("MlopsLite") == competitors_in("mlops_lite") == {"mlopslite"}
    assert competitors_in("category") == competitors_in("split_server") == set()


def test_no_file_or_folder_has_an_empty_name() -> None:
    empty = [
        module.where
        for module in modules()
        if EMPTY_WORDS & set(re.split(r"[/._]", module.where.removesuffix(".py")))
    ]
    none_of("what does it hold? name it after that", empty)


def test_a_competitor_is_named_only_in_files_named_after_it() -> None:
    found = {f"{module.where} {name}" for module in modules() for name in strangers(module)}
    none_of("named outside its own files", found - ALLOWED)
    none_of("exceptions that nothing needs any more", ALLOWED - found)
