"""The Java process that scores: one for all models, reached over the loopback by a token, ends with this process."""

from __future__ import annotations

import shutil
from pathlib import Path
from threading import Lock
from typing import Any

from modelyard.base.errors import Corrupted, MissingExtra, NotSupported

_LOCK = Lock()

OPTIONS = ("-Djavax.xml.accessExternalDTD=", "-Djavax.xml.accessExternalSchema=")
"""No document reaches for another one, whatever it says."""


def library() -> Any:
    """pypmml, its Java process running."""
    try:
        import pypmml
    except ModuleNotFoundError as error:
        raise MissingExtra("PMML models", "pmml", missing="pypmml") from error
    with _LOCK:
        if pypmml.PMMLContext._active_pmml_context is None:
            require_java()
            pypmml.PMMLContext(gateway_instance=_gateway())
    return pypmml


def require_java() -> None:
    """`NotSupported` with what to install."""
    import os

    home = os.environ.get("JAVA_HOME", "")
    if not (home and Path(home, "bin", "java").exists()) and shutil.which("java") is None:
        raise NotSupported(
            "PMML models need Java, and there is none here",
            hint="install it: apt-get install default-jre-headless",
        )


def _gateway() -> Any:
    """pypmml's own connection has no token: everybody on the machine could run what they like in its process."""
    from py4j.java_gateway import GatewayParameters, JavaGateway, launch_gateway
    from pypmml.jvm import JVMGateway, Py4jGateway

    class Gateway(Py4jGateway):
        def launch_gateway(self, java_opts: Any = None, java_path: Any = None) -> None:
            JVMGateway.launch_gateway(self, java_opts=java_opts, java_path=java_path)
            port, token = launch_gateway(
                classpath=self.classpath,
                javaopts=[*(self.java_opts or ()), *OPTIONS],
                java_path=self.java_path,
                die_on_exit=True,
                enable_auth=True,
            )
            parameters = GatewayParameters(port=port, auth_token=token, auto_convert=True)
            Py4jGateway._gateway = JavaGateway(gateway_parameters=parameters)
            Py4jGateway._jvm = Py4jGateway._gateway.jvm

    gateway = Gateway()
    gateway.launch_gateway()
    return gateway


def model_of(path: Path, text: bytes) -> Any:
    """pypmml's model of a document that was checked; it keeps the text, so that it can be saved again."""
    pypmml = library()
    try:
        model = pypmml.Model.fromFile(str(path))
    except pypmml.PMMLError as error:
        raise Corrupted(f"Java finds no model in it: {' '.join(map(str, error.args))}") from error
    model.setSupplementOutput(True)
    model.document = text
    return model
