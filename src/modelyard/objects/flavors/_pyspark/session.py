"""The Spark session that models are read and asked with: the one that is there, else a small one on this machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import Any

from modelyard.base.errors import MissingExtra, NotSupported

SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.shuffle.partitions": "1",
    "spark.default.parallelism": "1",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.warehouse.dir": "/nonexistent/modelyard",
    "spark.sql.catalogImplementation": "in-memory",
}
"""One process, nothing that listens beyond the loopback, no log of what goes well."""


def active() -> Any:
    """The active session, or a local one that ends with this process."""
    try:
        with quiet():
            from pyspark.sql import SparkSession
    except ModuleNotFoundError as error:
        raise MissingExtra("Spark ML models", "spark", missing="pyspark") from error
    found = SparkSession.getActiveSession()
    return found if found is not None else _local(SparkSession)


def _local(SparkSession: Any) -> Any:
    home = os.environ.get("JAVA_HOME", "")
    if not (home and Path(home, "bin", "java").exists()) and shutil.which("java") is None:
        raise NotSupported(
            "Spark needs Java, and there is none here",
            hint="install it: apt-get install default-jre-headless",
        )
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    builder = SparkSession.builder.master("local[*]").appName("modelyard")
    for key, value in SETTINGS.items():
        builder = builder.config(key, value)
    with quiet():
        return builder.getOrCreate()


@contextlib.contextmanager
def quiet() -> Generator[None]:
    """Without pyspark's word on each call that it does not know the newest pandas."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support", FutureWarning)
        warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"pyspark\.")
        yield
