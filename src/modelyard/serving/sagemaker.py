"""The entry of a container on SageMaker: ``python -m modelyard.serving.sagemaker serve``.

The platform starts images with the one word ``serve``; as ``ENTRYPOINT ["python", "-m", "modelyard.serving.sagemaker"]`` this is what
answers it. The model is the one in the folder ``/opt/ml/model`` (``MODELYARD_MODEL`` names another folder, or a reference), the port that of ``SAGEMAKER_BIND_TO_PORT``, 8080 by
default; with ``SAGEMAKER_MULTI_MODEL=true`` it starts without a model and loads those it is told to.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modelyard.base.errors import InvalidInput, InvalidSetting, ModelyardError, describe
from modelyard.serving.model_folders import model_in
from modelyard.serving.protocols.sagemaker import is_multi_model
from modelyard.serving.serve import serve

MODEL = "/opt/ml/model"
PORT = 8080


def main(words: Sequence[str]) -> int:
    """Serve until SIGTERM; the exit code."""
    try:
        if list(words) != ["serve"]:
            raise InvalidInput(f"expected the word serve, got {' '.join(words) or 'nothing'}")
        serve(**options(os.environ))
    except ModelyardError as error:
        sys.stderr.write(f"{error}\n")
        return describe(error).exit_code
    return 0


def options(environment: Mapping[str, str]) -> dict[str, Any]:
    """What the platform's variables say to `serve`."""
    port = environment.get("SAGEMAKER_BIND_TO_PORT", str(PORT))
    if not port.isdigit() or not 0 < int(port) < 1 << 16:
        raise InvalidSetting(f"SAGEMAKER_BIND_TO_PORT is {port!r}", hint="a port, as in 8080")
    named = environment.get("MODELYARD_MODEL", MODEL)
    model: Any = model_in(Path(named)) if Path(named).is_dir() else named
    model = [] if is_multi_model() else model
    return {"model": model, "host": "0.0.0.0", "port": int(port)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
