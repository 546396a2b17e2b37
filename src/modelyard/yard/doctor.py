"""Look for what could go wrong here: versions, extras, settings, the project, the yard, the trust store."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from modelyard import __version__
from modelyard.base.config import settings, user_settings
from modelyard.base.errors import ModelyardError
from modelyard.base.project import DATABASE, find_root
from modelyard.objects import trust
from modelyard.yard.registries import git_registry, registry_of
from modelyard.yard.resolving import yard_exists
from modelyard.yard.yard import Yard

EXTRAS = {
    "sklearn": ("sklearn", "skops"),
    "pandas": ("pandas",),
    "polars": ("polars",),
    "arrow": ("pyarrow",),
    "excel": ("openpyxl",),
    "image": ("PIL",),
    "watch": ("rich",),
    "xgboost": ("xgboost",),
    "lightgbm": ("lightgbm",),
    "catboost": ("catboost",),
    "optuna": ("optuna",),
    "statsmodels": ("statsmodels",),
    "onnx": ("onnx", "onnxruntime", "skl2onnx", "onnxmltools"),
    "prophet": ("prophet",),
    "spacy": ("spacy",),
    "pmml": ("pypmml",),
    "streamlit": ("streamlit", "pandas"),
    "torch": ("torch", "safetensors"),
    "tensorflow": ("tensorflow",),
    "transformers": ("transformers", "torch", "safetensors"),
    "sentence-transformers": ("sentence_transformers",),
    "spark": ("pyspark",),
    "system-metrics": ("psutil", "pynvml"),
    "mlem": ("dill",),
    "postgres": ("psycopg",),
    "mysql": ("pymysql",),
    "s3": ("s3fs",),
    "gs": ("gcsfs",),
    "dvc": ("dvc",),
    "azure": ("adlfs",),
    "granian": ("granian",),
    "grpc": ("grpc",),
    "sftp": ("fsspec", "paramiko"),
    "hdfs": ("fsspec", "pyarrow"),
    "jwt": ("jwt", "cryptography"),
    "otel": ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http"),
}
"""Extra -> the modules it brings."""


@dataclass(frozen=True)
class Finding:
    """One thing looked at. ``ok`` is None for what is neither good nor bad."""

    ok: bool | None
    what: str
    found: str
    hint: str = ""


def examine() -> list[Finding]:
    """All findings, in the order people read them."""
    return [*_machine(), *_extras(), *_user(), *_project()]


def _machine() -> Iterator[Finding]:
    yield Finding(
        None, "modelyard", f"{__version__} on Python {platform.python_version()}, {sys.platform}"
    )
    free = shutil.disk_usage(".").free
    yield Finding(
        free > 1 << 30, "disk", f"{free >> 30} GB free here", "" if free > 1 << 30 else "make room"
    )
    yield Finding(None, "git", shutil.which("git") or "not installed: cards carry no commit")


def _is_here(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even what it is in
        return False


def _extras() -> Iterator[Finding]:
    for extra, modules in EXTRAS.items():
        missing = [m for m in modules if not _is_here(m)]
        hint = f"pip install 'modelyard[{extra}]'" if missing else ""
        yield Finding(
            None, f"extra {extra}", f"lacks {', '.join(missing)}" if missing else "installed", hint
        )


def _user() -> Iterator[Finding]:
    try:
        user_settings()
        file = trust.store_file()
        if file.exists() and trust.others_may_write(file):
            yield Finding(False, "trust", f"{file} may be written by others", f"chmod 600 {file}")
        else:
            yield Finding(None, "trust", f"{len(trust.entries())} digests in {file}")
    except ModelyardError as error:
        yield Finding(False, "user settings", error.message, error.hint or "")


def _project() -> Iterator[Finding]:
    root = find_root()
    yield Finding(None, "project", str(root))
    try:
        config = settings(root)
        registry = registry_of(root)
        yield Finding(True, "settings", f"{len(config.explain())} set, all understood")
    except ModelyardError as error:
        yield Finding(False, "settings", error.message, error.hint or "")
        return
    if _git_may_take(root):
        yield Finding(False, "git", f"{DATABASE} is not in .gitignore", "modelyard init")
    if registry == "git":
        yield from _tags(root)
    if not yard_exists(root):
        yield Finding(None, "yard", "none yet: it is made on first use")
        return
    try:
        with Yard() as yard:
            problems = yard.integrity()
            trusted = (
                "trusted"
                if yard.trusted
                else "not trusted: its tier 2 models are not loaded unasked"
            )
            found = "; ".join(problems) or f"{yard.label} is sound, {trusted}"
            yield Finding(not problems, "yard", found, "modelyard db check" if problems else "")
    except ModelyardError as error:
        yield Finding(False, "yard", error.message, error.hint or "")


def _tags(root: Path) -> Iterator[Finding]:
    """The registry that a repository's tags make."""
    yield Finding(None, "registry", f"the Git tags of {root}")
    try:
        for problem in git_registry(root).problems():
            yield Finding(problem.ok, problem.what, problem.found, problem.hint)
    except ModelyardError as error:
        yield Finding(False, "registry", error.message, error.hint or "")


def _git_may_take(root: Path) -> bool:
    """Whether a ``git add .`` would take the yard along, as far as the project's own file says."""
    if not (root / ".git").exists():
        return False
    file = root / ".gitignore"
    lines = file.read_text("utf-8", "replace").splitlines() if file.exists() else []
    patterns = {line.strip().lstrip("/") for line in lines}
    return not patterns & {DATABASE, f"{DATABASE}*", "*.db"}
